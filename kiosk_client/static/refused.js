// @ts-check
/**
 * What is a resident told when the service says no? Its code becomes words that say what to do.
 */

import { CommandRefused } from "/static/kit/line.js";
import { t } from "/static/kit/words.js";

/**
 * @param {unknown} error
 * @param {Record<string, string>} [known] words of this screen, by the code of the refusal
 */
export function inWords(error, known = {}) {
  const code = error instanceof CommandRefused ? error.code : "";
  if (known[code]) return known[code];
  if (code === "too_fast") return t("refused.too_fast");
  if (code) return t("refused.other", { reason: /** @type {Error} */ (error).message });
  return t("error.network");
}

/**
 * Whether the service did not find the earlier visit that somebody returns for.
 * @param {unknown} error
 */
export function isAboutEarlier(error) {
  return (
    error instanceof CommandRefused &&
    error.code === "bad_value" &&
    error.message.startsWith("earlier")
  );
}
