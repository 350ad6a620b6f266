// @ts-check
/**
 * How does a device become a kiosk? The admin's one-time code, typed once when it is set up.
 */

import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { enrol } from "./enrolment.js";

/** @param {() => Promise<void>} enrolled what follows */
export function enrolScreen(enrolled) {
  const code = el("input", {
    id: "code",
    autocomplete: "off",
    required: true,
    placeholder: "xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx",
  });
  const problem = el("p", { class: "note bad", role: "alert", hidden: true });
  return el(
    "form",
    {
      class: "notice",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        try {
          await enrol(code.value);
          await enrolled();
        } catch (error) {
          problem.hidden = false;
          fill(problem, t("enrol.failed", { reason: /** @type {Error} */ (error).message }));
        }
      },
    },
    el("h1", null, t("enrol.title")),
    el("p", null, t("enrol.text")),
    el("label", { for: "code" }, t("enrol.code")),
    code,
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { class: "primary", type: "submit" }, t("enrol.submit")),
    ),
  );
}
