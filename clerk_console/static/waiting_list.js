// @ts-check
/**
 * Who waits for me, in which order, and what can I do about it now? One row of fixed height for each
 * visit in line: take it where that is allowed, or call a resident who comes back later.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, nameOf, t, waitInWords } from "/static/kit/words.js";
import { inOrder, say } from "./queue_list.js";

/** @import {QueueEntry, QueueStatus} from "/static/kit/protocol.js" */
/** @typedef {{pull: (entry: QueueEntry) => void, call: (entry: QueueEntry) => void}} Acts */

/** What leads the words of a priority, beside its colour. */
const ICONS = {
  ordinary: "place",
  booked: "clock",
  elderly: "person",
  disabled: "help",
  veteran: "star",
  infant: "civil-affairs",
  returning: "back",
};

export class WaitingList {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.node = el("ol", { class: "line", tabIndex: 0 });
    this.node.addEventListener("keydown", (event) => this.#move(event));
    /** @type {Map<string, WaitingRow>} */
    this.rows = new Map();
  }

  /**
   * @param {QueueEntry[]} line
   * @param {QueueStatus[]} queues
   * @param {boolean} free whether this clerk may take a visit now
   * @param {number} now
   */
  update(line, queues, free, now) {
    const rows = line.map(({ visit }) => this.rows.get(visit) ?? new WaitingRow(this.acts));
    this.rows = new Map(line.map(({ visit }, place) => [visit, rows[place]]));
    this.node.setAttribute("aria-label", t("clerk.line"));
    inOrder(
      this.node,
      rows.map((row) => row.node),
    );
    const targets = new Map(queues.map(({ queue, target_s }) => [queue.id, target_s]));
    line.forEach((entry, place) => {
      rows[place].update(entry, place + 1, free, targets.get(entry.queue) ?? 60, now);
    });
  }

  /** Draw every row anew, in another language. */
  forget() {
    this.rows = new Map();
  }

  /** Go to the first visit with something to do. */
  focus() {
    const button = /** @type {HTMLButtonElement | null} */ (
      this.node.querySelector("button:not(:disabled)")
    );
    (button ?? this.node).focus();
  }

  /** Up and down lead from button to button. @param {KeyboardEvent} event */
  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...this.node.querySelectorAll("button:not(:disabled)")];
    const at = buttons.indexOf(/** @type {Element} */ (document.activeElement));
    const next = /** @type {HTMLElement | undefined} */ (buttons[at + (step ?? 0)]);
    if (!step || at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  }
}

class WaitingRow {
  /** @param {Acts} acts */
  constructor(acts) {
    /** @type {QueueEntry | null} */
    this.entry = null;
    this.place = el("span", { class: "soft place" });
    this.ticket = el("strong");
    this.waited = el("span", { class: "waited" });
    this.matter = el("p", { class: "what" });
    this.about = el("p", { class: "soft about" });
    this.away = el("p", { class: "away" });
    this.act = el("button", {
      onclick: () => {
        if (this.entry?.away) acts.call(this.entry);
        else if (this.entry) acts.pull(this.entry);
      },
    });
    this.drawn = "";
    this.node = el(
      "li",
      null,
      el("p", { class: "head" }, this.place, this.ticket, this.waited),
      this.matter,
      this.about,
      el("div", { class: "row act" }, this.away, this.act),
    );
  }

  /**
   * @param {QueueEntry} entry
   * @param {number} place
   * @param {boolean} free
   * @param {number} targetS
   * @param {number} now
   */
  update(entry, place, free, targetS, now) {
    this.entry = entry;
    const waited = (now - Date.parse(entry.taken_at)) / 1000;
    const late = waited > targetS && !entry.away;
    this.node.classList.toggle("late", late);
    this.node.dataset.visit = entry.visit;
    say(this.place, String(place));
    say(this.ticket, entry.ticket);
    say(this.waited, late ? `${clock(waited)} · ${t("clerk.line.over")}` : clock(waited));
    this.act.disabled = !entry.away && !free;
    const drawn = JSON.stringify({ ...entry, expected_wait_s: null });
    say(this.matter, nameOf({ name_zh: entry.matter_zh, name_en: entry.matter_en }));
    if (drawn !== this.drawn) this.#draw(entry);
    this.drawn = drawn;
    const expected = /** @type {Element} */ (this.about.querySelector(".expected"));
    say(expected, entry.away ? "" : waitInWords(entry.expected_wait_s));
  }

  /** @param {QueueEntry} entry */
  #draw(entry) {
    const { priority, wish, far, away, called, contact } = entry;
    fill(
      this.about,
      el(
        "span",
        { class: "tag", "data-priority": priority },
        icon(ICONS[priority]),
        t(`clerk.priority.${priority}`),
      ),
      wish && el("span", { class: "tag" }, icon("speak"), t(`clerk.tongue.${wish}`)),
      far && el("span", { class: "tag" }, t("clerk.line.far", { city: nameOf(far) })),
      el("span", null, nameOf({ name_zh: entry.site_zh, name_en: entry.site_en })),
      el("span", { class: "expected" }),
    );
    fill(
      this.away,
      away && icon("phone"),
      away && el("span", null, t(called ? "clerk.away.called" : "clerk.away", { contact })),
    );
    this.act.hidden = !away && !entry.may_pull;
    const words = away ? t(called ? "clerk.call_again" : "clerk.call_back") : t("clerk.pull");
    fill(this.act, words);
    this.act.setAttribute("aria-label", `${words} · ${entry.ticket}`);
  }
}
