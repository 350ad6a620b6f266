// @ts-check
/**
 * How is one party of a recorded call seen at a moment? One video that is held at a position of
 * the common time line; the shared screen is one too.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { correction } from "./timeline.js";

/** @import {Segment} from "./timeline.js" */

const STILL_MS = 20;

export class PartyView {
  /** @param {string} party */
  constructor(party) {
    this.party = party;
    const name = t(`party.${party.split("-")[0]}`);
    this.video = el("video", {
      playsInline: true,
      preload: "auto",
      [party === "screen" ? "data-content" : "data-party"]: party,
    });
    this.gap = el("p", { class: "gap", hidden: true });
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
      el("figcaption", null, el("span", null, name), party !== "screen" && this.mute),
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
   * @param {string} gap why there is nothing, where there is nothing
   */
  turn(base, segment, atMs, rate, running, gap) {
    const { video } = this;
    this.gap.hidden = segment !== null;
    if (this.gap.textContent !== gap) fill(this.gap, gap);
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

  /** Stop for good. */
  close() {
    this.video.pause();
    this.video.removeAttribute("src");
  }

  #mute() {
    this.video.muted = !this.video.muted;
    this.mute.setAttribute("aria-pressed", String(this.video.muted));
    fill(this.mute, icon("louder"), t(this.video.muted ? "player.muted" : "player.heard"));
  }
}
