// @ts-check
/**
 * How are both parties of a call seen again? Two videos held in step by one clock, with seeking,
 * speed, and the visit's events on the time line.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, t } from "/static/kit/words.js";
import { correction, opening, segmentAt, within } from "./timeline.js";

/** @import {Segment} from "./timeline.js" */
/** @typedef {{event: string, start_ms: number | null}} Mark */

const PARTIES = /** @type {const} */ (["resident", "clerk"]);
const SPEEDS = [0.5, 1, 1.5, 2, 3];
const TURN_MS = 100;
const STILL_MS = 20;
const MARK_SHARE = 0.04; // marks closer than this stand below each other
const STEPS_MS = /** @type {Record<string, number>} */ ({
  j: -10_000,
  l: 10_000,
  arrowleft: -5000,
  arrowright: 5000,
});

class PartyView {
  /** @param {string} party */
  constructor(party) {
    this.party = party;
    this.video = el("video", { playsInline: true, preload: "auto", "data-party": party });
    this.gap = el("p", { class: "gap", hidden: true }, t("player.gap"));
    this.mute = el(
      "button",
      { class: "quiet", "aria-pressed": "false", onclick: () => this.#mute() },
      icon("louder"),
      t("player.heard"),
    );
    this.file = "";
    this.node = el(
      "figure",
      { class: "party" },
      el("div", { class: "picture" }, this.video, this.gap),
      el("figcaption", null, el("span", null, t(`party.${party}`)), this.mute),
    );
  }

  /** Whether the picture is there for the moment that was asked for. */
  get waits() {
    return Boolean(this.file) && (this.video.seeking || this.video.readyState < 3);
  }

  /**
   * Be at this position of this segment.
   * @param {string} base the address below which the files lie
   * @param {Segment | null} segment
   * @param {number} atMs
   * @param {number} rate
   * @param {boolean} running
   */
  turn(base, segment, atMs, rate, running) {
    const { video } = this;
    this.gap.hidden = segment !== null;
    video.hidden = segment === null;
    if (!segment) {
      video.pause();
      this.file = "";
      return;
    }
    const wanted = (atMs - segment.start_ms) / 1000;
    if (this.file !== segment.file) {
      this.file = segment.file;
      video.src = base + segment.file;
      video.currentTime = wanted;
      return;
    }
    if (video.seeking) return;
    const drift = (video.currentTime - wanted) * 1000;
    if (!running) {
      video.pause();
      if (Math.abs(drift) > STILL_MS) video.currentTime = wanted;
      return;
    }
    const right = correction(drift, rate);
    if (right === "jump") video.currentTime = wanted;
    else if (video.playbackRate !== right.rate) video.playbackRate = right.rate;
    if (video.paused) video.play().catch(() => {});
  }

  #mute() {
    this.video.muted = !this.video.muted;
    this.mute.setAttribute("aria-pressed", String(this.video.muted));
    fill(this.mute, icon("louder"), t(this.video.muted ? "player.muted" : "player.heard"));
  }
}

export class Player {
  /**
   * @param {string} base
   * @param {Segment[]} segments
   * @param {Mark[]} marks
   * @param {number} durationMs
   */
  constructor(base, segments, marks, durationMs) {
    this.base = base;
    this.segments = segments;
    this.durationMs = durationMs;
    this.atMs = opening(segments);
    this.rate = 1;
    this.playing = false;
    this.turnedAt = performance.now();
    this.views = PARTIES.map((party) => new PartyView(party));
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
      el("div", { class: "parties" }, ...this.views.map((view) => view.node)),
      el("div", { class: "track" }, this.slider, this.#marks(marks)),
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
    for (const { video } of this.views) {
      video.pause();
      video.removeAttribute("src");
    }
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
    const waits = this.views.some((view) => view.waits);
    if (this.playing && !waits) this.atMs += (now - this.turnedAt) * this.rate;
    this.turnedAt = now;
    if (this.atMs >= this.durationMs) {
      this.atMs = this.durationMs;
      this.playing = false;
    }
    const running = this.playing && !waits;
    for (const view of this.views) {
      const segment = segmentAt(this.segments, view.party, this.atMs);
      view.turn(this.base, segment, this.atMs, this.rate, running);
    }
    fill(this.told, waits ? t("player.loading") : "");
    this.#draw();
  }

  #draw() {
    const words = `${clock(this.atMs / 1000)} / ${clock(this.durationMs / 1000)}`;
    this.slider.value = String(Math.round(this.atMs));
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
