// @ts-check
/**
 * What is this visit about, and what came of it? The clerk's right column: guide, checklist,
 * notes, outcome. Made once per visit, so that typing is never disturbed; kept as it is typed.
 * A colleague who was asked reads it.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { isAsked, mayBeSetAside, ringing } from "./desk_state.js";
import { outcomeField } from "./outcomes.js";

/** @import {ClerkState, CaseView, VisitView} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @import {Outcome} from "./outcomes.js" */

const KEEP_AFTER_MS = 600;

export class CaseColumn {
  /**
   * @param {HTMLElement} place
   * @param {Line<ClerkState>} line
   */
  constructor(place, line) {
    this.place = place;
    this.line = line;
    this.visit = "";
    this.reads = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.kept = el("span", { class: "soft", role: "status" });
    this.notes = el("textarea", { id: "notes" });
    /** @type {HTMLInputElement[]} */
    this.boxes = [];
    this.outcome = el("select", { id: "outcome" });
    this.answer = el("textarea", { id: "answer" });
    this.aside = el("button", { id: "set-aside" });
    this.asideNote = el("p", { class: "soft", hidden: true });
    this.closing = el("div", { class: "stack", hidden: true });
    this.later = el("p", { class: "soft" });
  }

  /** @param {ClerkState} state */
  update(state) {
    const { visit } = state;
    if (!visit || ringing(state) || !state.case) {
      if (this.visit || !this.place.hasChildNodes()) {
        this.visit = "";
        clearTimeout(this.timer);
        fill(
          this.place,
          el("h2", null, t("clerk.case")),
          el("p", { class: "soft" }, t("clerk.case.none")),
        );
      }
      return;
    }
    const reads = isAsked(state);
    if (visit.id !== this.visit || reads !== this.reads) this.#draw(visit, state.case, reads);
    if (reads) this.#read(state.case);
    const over = visit.state === "finished";
    this.closing.hidden = !over;
    this.later.hidden = over || reads;
    this.aside.disabled = !mayBeSetAside(state);
    this.asideNote.hidden = !this.aside.disabled;
  }

  /**
   * Draw anew after a change of language, with what was typed and chosen so far.
   * @param {ClerkState} state
   */
  redraw(state) {
    const outcome = this.outcome.value;
    if (state.visit && this.visit === state.visit.id) {
      const answer = this.answer.value;
      this.#draw(state.visit, { notes: this.notes.value, checked: this.#checked() }, this.reads);
      this.outcome.value = outcome;
      this.answer.value = answer;
    } else {
      fill(this.place);
    }
    this.update(state);
  }

  /** Finish the record. @param {boolean} ready */
  async finish(ready) {
    const { visit } = this;
    const missing = [this.outcome, this.answer].find(
      (field) => field.required && !field.value.trim(),
    );
    if (missing) {
      missing.value = missing.value.trim();
      missing.focus();
      missing.reportValidity();
      return;
    }
    const outcome = /** @type {Outcome} */ (this.outcome.value);
    const answer = this.answer.value;
    await this.#then(() => this.line.command("close_visit", { visit, outcome, ready, answer }));
  }

  /** Finish the record later. */
  async setAside() {
    const { visit } = this;
    if (this.aside.disabled) return;
    await this.#then(() => this.line.command("set_aside", { visit, ready: true }));
  }

  /** Keep what is typed now; rejects if that fails. */
  async keep() {
    if (this.visit && !this.reads) await this.#keep();
  }

  /** Keep, then do this; what fails is told beside the notes. @param {() => Promise<void>} work */
  async #then(work) {
    try {
      await this.#keep();
      await work();
    } catch (error) {
      fill(this.kept, t("clerk.notes.failed", { reason: /** @type {Error} */ (error).message }));
    }
  }

  /** Show what a colleague has written by now. @param {CaseView} written */
  #read(written) {
    if (this.notes.value !== written.notes) this.notes.value = written.notes;
    for (const box of this.boxes) box.checked = written.checked.includes(box.value);
  }

  /**
   * @param {VisitView} visit
   * @param {CaseView} written
   * @param {boolean} reads
   */
  #draw(visit, written, reads) {
    this.visit = visit.id;
    this.reads = reads;
    clearTimeout(this.timer);
    fill(this.kept, reads && t("clerk.case.reads"));
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
        disabled: reads,
        onchange: later,
      }),
    );
    this.notes = el("textarea", {
      id: "notes",
      rows: 6,
      maxLength: 10000,
      value: written.notes,
      readOnly: reads,
      oninput: later,
    });
    const escalation = visit.queue.kind === "escalation";
    this.outcome = outcomeField("outcome");
    this.answer = el("textarea", { id: "answer", rows: 4, maxLength: 10000, required: escalation });
    this.aside = el(
      "button",
      { id: "set-aside", onclick: () => this.setAside() },
      t("clerk.set_aside"),
    );
    this.asideNote = el("p", { class: "soft", hidden: true }, t("clerk.set_aside.full"));
    this.later = el("p", { class: "soft" }, t("clerk.outcome.after"));
    this.closing = el(
      "div",
      { class: "stack", hidden: true },
      this.outcome,
      ...(escalation
        ? [
            el("label", { for: "answer" }, el("h3", null, t("clerk.answer"))),
            el("p", { class: "soft" }, t("clerk.answer.why")),
            this.answer,
          ]
        : []),
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
      this.aside,
      this.asideNote,
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
      !reads && el("label", { for: "outcome" }, el("h3", null, t("clerk.outcome"))),
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
