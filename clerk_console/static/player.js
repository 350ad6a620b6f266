// @ts-check
/**
 * How is a call seen again? The parties' videos and the shared screen held in step by one clock,
 * with seeking, speed, and the visit's events and breaks on the time line.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, t } from "/static/kit/words.js";
import { PartyView } from "./party_view.js";
import { breakInWords } from "./quality_plot.js";
import { breakAt, opening, screenAt, segmentAt, shareOf, within } from "./timeline.js";

/** @import {Break, Segment} from "./timeline.js" */
/** @typedef {{event: string, start_ms: number | null}} Mark */

const PARTIES = ["resident", "clerk"];
const SPEEDS = [0.5, 1, 1.5, 2, 3];
const TURN_MS = 100;
const MARK_SHARE = 0.04; // marks closer than this stand below each other
const STEPS_MS = /** @type {Record<string, number>} */ ({
  j: -10_000,
  l: 10_000,
  arrowleft: -5000,
  arrowright: 5000,
});

export class Player {
  /**
   * @param {string} base
   * @param {Segment[]} segments
   * @param {Mark[]} marks
   * @param {Break[]} breaks
   * @param {number} durationMs
   * @param {HTMLElement | null} below what lies on the same time line, such as a plot
   */
  constructor(base, segments, marks, breaks, durationMs, below) {
    this.base = base;
    this.segments = segments;
    this.breaks = breaks;
    this.durationMs = durationMs;
    this.atMs = opening(segments);
    this.rate = 1;
    this.playing = false;
    this.turnedAt = performance.now();
    const others = segments.map((segment) => segment.party).filter((p) => !PARTIES.includes(p));
    this.views = [...PARTIES, ...new Set(others)].map((party) => new PartyView(party));
    this.screen = new PartyView("screen");
    this.play = el("button", { class: "primary", id: "play", onclick: () => this.toggle() });
    this.slider = el("input", {
      type: "range",
      id: "seek",
      min: "0",
      max: String(durationMs),
      step: "100",
      value: "0",
      "aria-label": t("player.position"),
      oninput: () => this.seek(Number(this.slider.value)),
    });
    this.time = el("output", { class: "time" });
    this.told = el("span", { class: "soft", role: "status" });
    this.node = el(
      "section",
      { class: "player", "aria-label": t("player.title") },
      el("div", { class: "parties" }, ...this.views.map((view) => view.node), this.screen.node),
      el("div", { class: "track" }, this.slider, this.#breaks(), this.#marks(marks)),
      el(
        "div",
        { class: "row" },
        this.play,
        this.time,
        this.told,
        el("span", { class: "grow" }),
        ...this.#speeds(),
      ),
      el("p", { class: "soft keys" }, t("player.keys")),
      below,
    );
    this.#draw();
    this.timer = setInterval(() => this.#turn(), TURN_MS);
  }

  /** Play, or pause. */
  toggle() {
    if (!this.playing && this.atMs >= this.durationMs) this.atMs = 0;
    this.playing = !this.playing;
    this.turnedAt = performance.now();
    this.#turn();
  }

  /** Go to a position. @param {number} atMs */
  seek(atMs) {
    this.atMs = within(atMs, this.durationMs);
    this.turnedAt = performance.now();
    this.#turn();
  }

  /** Stop for good. */
  close() {
    clearInterval(this.timer);
    for (const view of [...this.views, this.screen]) view.close();
  }

  /**
   * K and space play and pause, J and L ten seconds, arrows five, home and end.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const key = event.key.toLowerCase();
    if (key === " " || key === "k") this.toggle();
    else if (key in STEPS_MS) this.seek(this.atMs + STEPS_MS[key]);
    else if (key === "home") this.seek(0);
    else if (key === "end") this.seek(this.durationMs);
    else return;
    event.preventDefault();
  }

  #turn() {
    const now = performance.now();
    const waits = [...this.views, this.screen].some((view) => view.waits);
    if (this.playing && !waits) this.atMs += (now - this.turnedAt) * this.rate;
    this.turnedAt = now;
    if (this.atMs >= this.durationMs) {
      this.atMs = this.durationMs;
      this.playing = false;
    }
    const running = this.playing && !waits;
    const stopped = breakAt(this.breaks, this.atMs);
    const gap = stopped ? breakInWords(stopped) : t("player.gap");
    for (const view of this.views) {
      const segment = segmentAt(this.segments, view.party, this.atMs);
      view.turn(this.base, segment, this.atMs, this.rate, running, gap);
    }
    const screen = screenAt(this.segments, this.atMs);
    this.screen.node.hidden = screen === null;
    this.screen.turn(this.base, screen, this.atMs, this.rate, running, "");
    fill(this.told, waits ? t("player.loading") : "");
    this.#draw();
  }

  #draw() {
    const words = `${clock(this.atMs / 1000)} / ${clock(this.durationMs / 1000)}`;
    this.slider.value = String(Math.round(this.atMs));
    this.node.style.setProperty("--position", `${shareOf(this.atMs, this.durationMs)}%`);
    this.slider.setAttribute("aria-valuetext", words);
    this.time.value = words;
    if (this.play.dataset.playing === String(this.playing)) return;
    this.play.dataset.playing = String(this.playing);
    fill(
      this.play,
      icon(this.playing ? "pause" : "play"),
      t(this.playing ? "player.pause" : "player.play"),
    );
  }

  #breaks() {
    return el(
      "ul",
      { class: "breaks" },
      ...this.breaks.map((gap) => {
        const words = breakInWords(gap);
        const item = el("li", { class: gap.kind, title: words }, words);
        const from = shareOf(gap.start_ms, this.durationMs);
        item.style.setProperty("--at", `${from}%`);
        item.style.setProperty("--width", `${shareOf(gap.end_ms, this.durationMs) - from}%`);
        return item;
      }),
    );
  }

  /** @param {Mark[]} marks */
  #marks(marks) {
    const list = el("ul", { class: "marks" });
    let before = { share: -1, row: 0 };
    for (const mark of marks) {
      if (mark.start_ms === null || mark.start_ms < 0 || mark.start_ms > this.durationMs) continue;
      const at = mark.start_ms;
      const share = at / Math.max(1, this.durationMs);
      const row = share - before.share < MARK_SHARE && before.share >= 0 ? before.row + 1 : 0;
      before = { share, row };
      const name = `${clock(at / 1000)} ${t(`event.${mark.event}`)}`;
      const button = el("button", {
        title: name,
        "aria-label": name,
        onclick: () => this.seek(at),
      });
      const item = el("li", null, button);
      item.style.setProperty("--at", `${100 * share}%`);
      item.style.setProperty("--row", String(row));
      list.append(item);
    }
    return list;
  }

  #speeds() {
    const buttons = SPEEDS.map((speed) =>
      el(
        "button",
        {
          class: "quiet",
          "aria-pressed": String(speed === 1),
          onclick: () => {
            this.rate = speed;
            for (const other of buttons)
              other.setAttribute("aria-pressed", String(other.textContent === `${speed}×`));
          },
        },
        `${speed}×`,
      ),
    );
    return buttons;
  }
}
