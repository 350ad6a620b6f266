// @ts-check
/**
 * What happens in this call now, and who hears me in it? One running call with both pictures, and
 * the supervisor's part in it.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { health, length } from "./call_health.js";
import { Part } from "./part.js";
import { message } from "./told.js";

/** @import {RunningCall} from "./call_health.js" */
/** @import {Mode} from "./part.js" */

/** Whom every listener hears first, in the order of their slots. */
const PARTIES = /** @type {const} */ (["resident", "clerk"]);
const MODES = /** @type {[Mode, string, string][]} */ ([
  ["listen", "l", "louder"],
  ["whisper", "w", "speak"],
  ["party", "j", "mic"],
]);

export class LiveCall {
  /**
   * @param {RunningCall} call
   * @param {Part | null} part taken over from a page in another language
   */
  constructor(call, part) {
    this.visit = call.visit;
    /** @type {Part | null} */
    this.part = null;
    this.ended = false;
    this.busy = false;
    this.videos = PARTIES.map((party) =>
      el("video", { autoplay: true, playsInline: true, "data-live": party }),
    );
    this.top = el("div", { class: "row" });
    this.told = el("p", { class: "heard", role: "status" });
    this.error = el("p", { class: "note bad", role: "alert", hidden: true });
    this.buttons = MODES.map(([mode, , symbol]) =>
      el(
        "button",
        { id: `part-${mode}`, onclick: () => this.#take(mode) },
        icon(symbol),
        t(`live.do.${mode}`),
      ),
    );
    this.leaving = el(
      "button",
      { id: "part-leave", onclick: () => this.#leave() },
      icon("back"),
      t("live.do.leave"),
    );
    this.pictures = el(
      "div",
      { class: "parties" },
      ...PARTIES.map((party, slot) =>
        el(
          "figure",
          { class: "party" },
          el("div", { class: "picture" }, this.videos[slot]),
          el("figcaption", null, t(`party.${party}`)),
        ),
      ),
    );
    this.node = el(
      "div",
      { class: "stack live" },
      el("h1", null, `${call.ticket} · ${nameOf(call.matter)}`),
      this.top,
      this.told,
      this.error,
      el("div", { class: "row" }, ...this.buttons, this.leaving),
      this.pictures,
    );
    if (part) this.#follow(part);
    this.show(call);
  }

  /** Draw how the call is now; null when it has ended. @param {RunningCall | null} call */
  show(call) {
    if (call)
      fill(
        this.top,
        el("span", { class: "time" }, length(call)),
        el("span", null, nameOf(call.city)),
        el("span", null, nameOf({ name_zh: call.clerk_zh, name_en: call.clerk_en })),
        health(call),
      );
    else if (!this.ended) this.#end();
    this.#draw();
  }

  /** Let go of the part without leaving the call. */
  handOver() {
    const { part } = this;
    this.part = null;
    return part;
  }

  /** Leave, if one is in the call. */
  close() {
    this.part?.leave().catch(() => {}); // the microphone is closed already
    this.part = null;
  }

  /** L listens, W whispers, J joins, E leaves. @param {KeyboardEvent} event */
  key(event) {
    if (event.repeat) return;
    const key = event.key.toLowerCase();
    const mode = MODES.find(([, letter]) => letter === key)?.[0];
    if (mode) this.#take(mode);
    else if (key === "e") this.#leave();
    else return;
    event.preventDefault();
  }

  /** @param {Mode} mode */
  async #take(mode) {
    if (this.ended || this.busy || this.part?.view?.mode === mode) return;
    await this.#doing(async () => {
      const part = this.part ?? this.#follow(new Part(this.visit));
      try {
        await part.take(mode);
      } catch (error) {
        if (!part.view) {
          this.part = null;
          part.leave().catch(() => {});
        }
        throw error;
      }
    });
  }

  /** @param {Part} part */
  #follow(part) {
    part.addEventListener("change", () => this.part === part && this.#draw());
    part.addEventListener("over", () => {
      if (this.part !== part) return;
      this.part = null;
      if (!this.ended) this.#tell(t("live.lost"));
      this.#draw();
    });
    this.part = part;
    return part;
  }

  async #leave() {
    const { part } = this;
    if (!part || this.busy) return;
    this.part = null;
    await this.#doing(() => part.leave());
  }

  /** @param {() => Promise<void>} work */
  async #doing(work) {
    this.busy = true;
    this.error.hidden = true;
    this.#draw();
    try {
      await work();
    } catch (error) {
      this.#tell(t("supervisor.failed", { reason: message(error) }));
    } finally {
      this.busy = false;
      this.#draw();
    }
  }

  #end() {
    this.ended = true;
    this.close();
    fill(this.top, el("span", null, t("live.ended")));
  }

  /** @param {string} words */
  #tell(words) {
    fill(this.error, words);
    this.error.hidden = false;
  }

  #draw() {
    const { part } = this;
    const mode = part?.view?.mode ?? null;
    const there = part?.playing?.peer.connectionState === "connected";
    const words = t(
      this.ended || !mode ? "live.heard.out" : there ? `live.heard.${mode}` : "live.heard.coming",
    );
    if (this.told.textContent !== words) fill(this.told, words);
    this.told.dataset.mode = there && mode ? mode : "out";
    this.pictures.hidden = !part;
    MODES.forEach(([of], place) => {
      this.buttons[place].disabled = this.ended || this.busy;
      this.buttons[place].setAttribute("aria-pressed", String(of === mode));
    });
    this.leaving.disabled = !part || this.busy;
    this.videos.forEach((video, slot) => {
      const stream = part?.playing?.streams.get(slot) ?? null;
      if (video.srcObject === stream) return;
      video.muted = slot > 0; // the link plays the sound of all slots but the first
      video.srcObject = stream;
    });
  }
}
