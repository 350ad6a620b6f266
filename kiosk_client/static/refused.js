// @ts-check
/**
 * What is a resident told when the service says no? Its code becomes words that say what to do.
 */

import { Problem } from "/static/kit/api.js";
import { CommandRefused } from "/static/kit/line.js";
import { t } from "/static/kit/words.js";

/**
 * @param {unknown} error
 * @param {Record<string, string>} [known] words of this screen, by the code of the refusal
 */
export function inWords(error, known = {}) {
  const code = codeOf(error);
  if (known[code]) return known[code];
  if (code === "too_fast" || code === "429") return t("refused.too_fast");
  if (isClosed(error)) return t("refused.closed");
  if (code) return t("refused.other", { reason: /** @type {Error} */ (error).message });
  return t("error.network");
}

/**
 * Whether the service did not find the earlier visit that somebody returns for.
 * @param {unknown} error
 */
export function isAboutEarlier(error) {
  return codeOf(error) === "bad_value" && begins(error, "earlier:");
}

/** @param {unknown} error */
function isClosed(error) {
  return codeOf(error) === "conflict" && begins(error, "city: closed");
}

/** @param {unknown} error */
function codeOf(error) {
  if (error instanceof CommandRefused) return error.code;
  return error instanceof Problem ? String(error.status) : "";
}

/**
 * @param {unknown} error
 * @param {string} words
 */
function begins(error, words) {
  return error instanceof Error && error.message.startsWith(words);
}
