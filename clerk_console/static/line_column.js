// @ts-check
/**
 * How am I set, how are my queues doing and who is waiting? The clerk's left column. Made once and
 * brought up to date in place, so that neither focus nor scrolling is lost.
 */

import { el, fill } from "/static/kit/dom.js";
import { clock, t } from "/static/kit/words.js";
import { QueueList, say } from "./queue_list.js";
import { WaitingList } from "./waiting_list.js";

/** @import {ClerkState} from "/static/kit/protocol.js" */
/** @import {Acts} from "./waiting_list.js" */
/** @typedef {"be_ready" | "take_break" | "go_off"} Step */

const STEPS = /** @type {[Step, string, string][]} */ ([
  ["be_ready", "ready", "ready"],
  ["take_break", "break", "break"],
  ["go_off", "off", "go-off"],
]);

export class LineColumn {
  /**
   * @param {HTMLElement} place
   * @param {(step: Step) => void} set
   * @param {Acts} acts
   */
  constructor(place, set, acts) {
    this.word = el("strong", { id: "window-state" });
    this.since = el("span");
    this.own = el("section", null, this.word, this.since);
    this.missed = el("p", { class: "note warn", role: "status", hidden: true });
    this.buttons = STEPS.map(([step, , id]) => el("button", { id, onclick: () => set(step) }));
    this.queues = new QueueList();
    this.waiting = new WaitingList(acts);
    this.queuesTitle = el("h2");
    this.lineTitle = el("h2");
    this.summary = el("p", { class: "soft" });
    fill(
      place,
      this.own,
      this.missed,
      el("div", { class: "row" }, ...this.buttons),
      this.queuesTitle,
      this.queues.node,
      this.lineTitle,
      this.summary,
      this.waiting.node,
    );
  }

  /** @param {ClerkState} state @param {number} now the server's time in milliseconds */
  update(state, now) {
    const { state: desk, since } = state.window;
    const free = ["off", "ready", "break", "missed"].includes(desk);
    this.own.className = `own-state is-${desk}`;
    this.own.setAttribute("aria-label", t(`clerk.state.${desk}`));
    this.word.dataset.state = desk;
    say(this.word, t(`clerk.state.${desk}`));
    say(this.since, clock((now - Date.parse(since)) / 1000));
    this.missed.hidden = desk !== "missed";
    say(this.missed, t("clerk.missed.note"));
    STEPS.forEach(([step, reached], at) => {
      const button = this.buttons[at];
      button.disabled = !free || desk === reached;
      button.className = step === "go_off" ? "quiet" : "";
      if (step === "be_ready" && desk !== "ready") button.className = "primary";
      say(button, t(`clerk.${step}`));
    });
    say(this.queuesTitle, t("clerk.queues"));
    this.queues.update(state.queues, state.city, now);
    say(this.lineTitle, t("clerk.line"));
    const away = state.line.filter((entry) => entry.away).length;
    say(
      this.summary,
      state.line.length
        ? t("clerk.line.waiting", { count: state.line.length - away, away })
        : t("clerk.line.empty"),
    );
    this.waiting.update(state.line, state.queues, desk === "ready", now);
  }

  /** Draw anew, in another language. */
  redraw() {
    this.waiting.forget();
  }
}
