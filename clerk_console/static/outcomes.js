// @ts-check
/**
 * What can come of a visit that was served? The field in which the clerk says so.
 */

import { el } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

/** @typedef {(typeof OUTCOMES)[number]} Outcome */
export const OUTCOMES = /** @type {const} */ ([
  "completed",
  "accepted",
  "accepted_with_deferral",
  "needs_correction",
  "transferred",
  "declined",
  "advice_only",
]);

/** The field, with none chosen. @param {string} id */
export function outcomeField(id) {
  return el(
    "select",
    { id, required: true },
    el("option", { value: "" }, t("clerk.outcome.choose")),
    ...OUTCOMES.map((code) => el("option", { value: code }, t(`outcome.${code}`))),
  );
}
