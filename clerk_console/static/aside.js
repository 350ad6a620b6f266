// @ts-check
/**
 * Which records did I set aside, and how do I finish them? Folded below the case; what is typed stays
 * until it is kept.
 */

import { el, fill } from "/static/kit/dom.js";
import { dateTime, nameOf, t } from "/static/kit/words.js";
import { outcomeField } from "./outcomes.js";

/** @import {Line} from "/static/kit/line.js" */
/** @import {AsideView, ClerkState} from "/static/kit/protocol.js" */
/** @import {Outcome} from "./outcomes.js" */

export class AsideRecords {
  /** @param {Line<ClerkState>} line */
  constructor(line) {
    this.line = line;
    this.title = el("h2");
    this.list = el("div", { class: "stack" });
    this.node = el("section", { class: "aside", hidden: true }, this.title, this.list);
    /** @type {Map<string, AsideRecord>} */
    this.records = new Map();
  }

  /** @param {ClerkState} state */
  update({ aside, capacity }) {
    this.node.hidden = !aside.length;
    fill(
      this.title,
      t("clerk.aside", { count: aside.length, capacity: Math.max(0, capacity - 1) }),
    );
    const records = aside.map(
      (record) => this.records.get(record.visit) ?? new AsideRecord(record, this.line),
    );
    const known =
      aside.length === this.records.size && aside.every((r) => this.records.has(r.visit));
    if (known) return;
    this.records = new Map(aside.map(({ visit }, at) => [visit, records[at]]));
    fill(this.list, ...records.map((record) => record.node));
  }

  /** Draw anew, in another language, with what was typed. @param {ClerkState} state */
  redraw(state) {
    const typed = new Map([...this.records].map(([visit, record]) => [visit, record.typed]));
    this.records = new Map();
    this.update(state);
    for (const [visit, record] of this.records) {
      const before = typed.get(visit);
      if (before) record.typed = before;
    }
  }
}

class AsideRecord {
  /**
   * @param {AsideView} record
   * @param {Line<ClerkState>} line
   */
  constructor(record, line) {
    const id = (/** @type {string} */ what) => `aside-${what}-${record.visit}`;
    this.notes = el("textarea", {
      id: id("notes"),
      rows: 4,
      maxLength: 10000,
      value: record.notes,
    });
    this.answer = el("textarea", { id: id("answer"), rows: 3, maxLength: 10000, required: true });
    this.outcome = outcomeField(id("outcome"));
    this.told = el("p", { class: "note bad", role: "alert", hidden: true });
    const escalation = record.kind === "escalation";
    const finish = async () => {
      const needed = [this.outcome, ...(escalation ? [this.answer] : [])];
      const missing = needed.find((field) => !field.value.trim());
      if (missing) {
        missing.reportValidity();
        missing.focus();
        return;
      }
      try {
        const { visit, checked } = record;
        await line.command("keep_case", { visit, notes: this.notes.value, checked });
        await line.command("close_visit", {
          visit,
          outcome: /** @type {Outcome} */ (this.outcome.value),
          ready: false,
          answer: escalation ? this.answer.value : "",
        });
      } catch (error) {
        this.told.hidden = false;
        fill(this.told, t("clerk.notes.failed", { reason: /** @type {Error} */ (error).message }));
      }
    };
    this.node = el(
      "details",
      { class: "record" },
      el(
        "summary",
        null,
        el("strong", null, record.ticket),
        " ",
        nameOf({ name_zh: record.matter_zh, name_en: record.matter_en }),
        el("span", { class: "soft" }, record.ended_at ? ` · ${dateTime(record.ended_at)}` : ""),
      ),
      el(
        "div",
        { class: "stack" },
        record.checked.length
          ? el(
              "p",
              { class: "soft" },
              t("clerk.aside.seen", { materials: record.checked.join("、") }),
            )
          : null,
        el("label", { for: id("notes") }, t("clerk.notes")),
        this.notes,
        el("label", { for: id("outcome") }, t("clerk.outcome")),
        this.outcome,
        ...(escalation ? [el("label", { for: id("answer") }, t("clerk.answer")), this.answer] : []),
        this.told,
        el(
          "button",
          { class: "primary", "data-finish": record.visit, onclick: finish },
          t("clerk.aside.finish"),
        ),
      ),
    );
  }

  /** What was typed so far, and whether it is open. */
  get typed() {
    const { notes, answer, outcome, node } = this;
    return { notes: notes.value, answer: answer.value, outcome: outcome.value, open: node.open };
  }

  set typed({ notes, answer, outcome, open }) {
    this.notes.value = notes;
    this.answer.value = answer;
    this.outcome.value = outcome;
    this.node.open = open;
  }
}
