// @ts-check
/** What went wrong, in words for people? */

import { Problem } from "/static/kit/api.js";
import { t } from "/static/kit/words.js";

/** @param {unknown} error */
export function message(error) {
  if (error instanceof TypeError) return t("error.network");
  if (error instanceof Problem && error.status === 404) return t("error.gone");
  if (error instanceof Problem && error.status === 412) return t("error.stale");
  if (error instanceof DOMException) return t("devices.microphone.own");
  return /** @type {Error} */ (error).message;
}
