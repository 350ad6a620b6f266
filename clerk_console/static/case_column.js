// @ts-check
/**
 * What is this visit about, and what came of it? The clerk's right column: guide, checklist,
 * notes, outcome. Made once per visit, so that typing is never disturbed; kept as it is typed.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";

/** @import {ClerkState, CaseView, VisitView} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */

const KEEP_AFTER_MS = 600;
export const OUTCOMES = /** @type {const} */ ([
  "completed",
  "accepted",
  "accepted_with_deferral",
  "needs_correction",
  "transferred",
  "declined",
  "advice_only",
]);

export class CaseColumn {
  /**
   * @param {HTMLElement} place
   * @param {Line<ClerkState>} line
   */
  constructor(place, line) {
    this.place = place;
    this.line = line;
    this.visit = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.kept = el("span", { class: "soft", role: "status" });
    this.notes = el("textarea", { id: "notes" });
    /** @type {HTMLInputElement[]} */
    this.boxes = [];
    this.outcome = el("select", { id: "outcome" });
    this.closing = el("div", { class: "stack", hidden: true });
    this.later = el("p", { class: "soft" });
  }

  /** @param {ClerkState} state */
  update(state) {
    const { visit } = state;
    if (!visit || visit.state === "offered" || !state.case) {
      if (this.visit || !this.place.hasChildNodes()) {
        this.visit = "";
        fill(
          this.place,
          el("h2", null, t("clerk.case")),
          el("p", { class: "soft" }, t("clerk.case.none")),
        );
      }
      return;
    }
    if (visit.id !== this.visit) this.#draw(visit, state.case);
    const over = visit.state === "finished";
    this.closing.hidden = !over;
    this.later.hidden = over;
  }

  /**
   * Draw anew after a change of language, with what was typed and chosen so far.
   * @param {ClerkState} state
   */
  redraw(state) {
    const outcome = this.outcome.value;
    if (state.visit && this.visit === state.visit.id) {
      this.#draw(state.visit, { notes: this.notes.value, checked: this.#checked() });
      this.outcome.value = outcome;
    } else {
      fill(this.place);
    }
    this.update(state);
  }

  /** Finish the record. @param {boolean} ready */
  async finish(ready) {
    const outcome = /** @type {(typeof OUTCOMES)[number] | ""} */ (this.outcome.value);
    if (!outcome) {
      this.outcome.focus();
      this.outcome.reportValidity();
      return;
    }
    try {
      await this.#keep();
      await this.line.command("close_visit", { visit: this.visit, outcome, ready });
    } catch (error) {
      fill(this.kept, t("clerk.notes.failed", { reason: /** @type {Error} */ (error).message }));
    }
  }

  /**
   * @param {VisitView} visit
   * @param {CaseView} written
   */
  #draw(visit, written) {
    this.visit = visit.id;
    const later = () => {
      clearTimeout(this.timer);
      fill(this.kept, t("clerk.notes.keeping"));
      this.timer = setTimeout(() => this.#keep().catch(() => {}), KEEP_AFTER_MS);
    };
    this.boxes = visit.matter.materials.map((material) =>
      el("input", {
        type: "checkbox",
        value: material.name,
        checked: written.checked.includes(material.name),
        onchange: later,
      }),
    );
    this.notes = el("textarea", {
      id: "notes",
      rows: 6,
      maxLength: 10000,
      value: written.notes,
      oninput: later,
    });
    this.outcome = el(
      "select",
      { id: "outcome", required: true },
      el("option", { value: "" }, t("clerk.outcome.choose")),
      ...OUTCOMES.map((code) => el("option", { value: code }, t(`outcome.${code}`))),
    );
    this.later = el("p", { class: "soft" }, t("clerk.outcome.after"));
    this.closing = el(
      "div",
      { class: "stack", hidden: true },
      this.outcome,
      el(
        "button",
        { class: "primary", id: "close-ready", onclick: () => this.finish(true) },
        t("clerk.close_ready"),
      ),
      el(
        "button",
        { id: "close-break", onclick: () => this.finish(false) },
        t("clerk.close_break"),
      ),
    );
    fill(
      this.place,
      el("h2", null, `${visit.ticket} · ${nameOf(visit.matter)}`),
      el(
        "p",
        { class: "soft" },
        `${nameOf(visit.city)} · ${visit.matter.department_zh} · ${nameOf(visit.site)}`,
      ),
      el("h3", null, t("clerk.checklist")),
      this.boxes.length
        ? el(
            "ul",
            { class: "checklist" },
            ...visit.matter.materials.map((material, index) =>
              el(
                "li",
                null,
                el(
                  "label",
                  null,
                  this.boxes[index],
                  el("span", { lang: "zh-CN" }, material.name),
                  el(
                    "span",
                    { class: "tag" },
                    t(material.required ? "material.required" : "material.deferrable"),
                  ),
                ),
              ),
            ),
          )
        : el("p", { class: "soft" }, icon("check"), t("clerk.checklist.none")),
      el("label", { for: "notes" }, el("h3", null, t("clerk.notes")), this.kept),
      this.notes,
      el("label", { for: "outcome" }, el("h3", null, t("clerk.outcome"))),
      this.later,
      this.closing,
    );
  }

  #checked() {
    return this.boxes.filter((box) => box.checked).map((box) => box.value);
  }

  async #keep() {
    clearTimeout(this.timer);
    const { visit } = this;
    try {
      await this.line.command("keep_case", {
        visit,
        notes: this.notes.value,
        checked: this.#checked(),
      });
      fill(this.kept, t("clerk.notes.kept"));
    } catch (error) {
      fill(this.kept, t("clerk.notes.failed", { reason: /** @type {Error} */ (error).message }));
      throw error;
    }
  }
}
