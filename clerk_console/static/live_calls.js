// @ts-check
/**
 * Which calls are running, and how are they? The supervisor's list of live calls; the chosen one
 * is shown beside it by live_call.js, the day's service level below it.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { health, length } from "./call_health.js";
import { LiveCall } from "./live_call.js";
import { ServiceLevels } from "./service_level.js";
import { message } from "./told.js";

/** @import {RunningCall} from "./call_health.js" */
/** @import {Part} from "./part.js" */

const ASK_MS = 2000;
const TICK_MS = 1000;

export class LiveCalls {
  /** @param {Part | null} part taken over from a page in another language */
  constructor(part = null) {
    this.part = part;
    this.told = el("p", { class: "soft", role: "status" });
    this.rows = el("ul", { class: "visits" });
    this.list = el("div", { class: "stack" }, this.told, this.rows);
    this.place = el("section", { class: "record", "aria-label": t("live.title") });
    /** @type {Map<string, HTMLLIElement>} */
    this.known = new Map();
    /** @type {RunningCall[]} */
    this.calls = [];
    /** @type {LiveCall | null} */
    this.open = null;
    this.askedAt = Number.NEGATIVE_INFINITY;
    this.asking = false;
    this.levels = new ServiceLevels();
    fill(this.place, el("p", { class: "empty" }, t("live.choose")), this.levels.place);
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  /** Ask no more, and leave the call. */
  close() {
    this.handOver()
      ?.leave()
      .catch(() => {}); // the microphone is closed at once
  }

  /** Ask no more, but stay in the call. */
  handOver() {
    clearInterval(this.timer);
    this.levels.close();
    return this.open?.handOver() ?? this.part;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    this.open?.key(event);
  }

  #tick() {
    const now = performance.now();
    if (document.visibilityState === "visible" && now - this.askedAt >= ASK_MS) {
      this.askedAt = now;
      this.#ask();
    } else this.#draw();
  }

  async #ask() {
    if (this.asking) return;
    this.asking = true;
    try {
      this.calls = await ask("GET", "/api/calls");
      fill(
        this.told,
        t(this.calls.length ? "live.running" : "live.none", { count: this.calls.length }),
      );
      this.told.className = "soft";
    } catch (error) {
      fill(this.told, t("supervisor.failed", { reason: message(error) }));
      this.told.className = "note bad";
    } finally {
      this.asking = false;
    }
    this.#draw();
  }

  /** The call in the address, so that a reload shows it again. */
  get chosen() {
    return new URLSearchParams(location.hash.slice(1)).get("live") ?? "";
  }

  #draw() {
    for (const [visit, row] of this.known)
      if (!this.calls.some((call) => call.visit === visit)) {
        row.remove();
        this.known.delete(visit);
      }
    for (const call of this.calls) {
      let row = this.known.get(call.visit);
      if (!row) {
        row = el("li", null, el("button", { class: "quiet", onclick: () => this.#choose(call) }));
        this.known.set(call.visit, row);
        this.rows.append(row);
      }
      const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
      button.dataset.call = call.visit;
      if (this.open?.visit === call.visit) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      fill(
        button,
        el("strong", null, call.ticket),
        el("span", null, nameOf(call.matter)),
        el(
          "span",
          { class: "soft" },
          `${length(call)} · ${nameOf(call.city)} · ${nameOf({ name_zh: call.clerk_zh, name_en: call.clerk_en })}`,
        ),
        health(call),
      );
    }
    const chosen = this.calls.find((call) => call.visit === this.chosen);
    if (!this.open && chosen) this.#choose(chosen);
    this.open?.show(this.calls.find((call) => call.visit === this.open?.visit) ?? null);
  }

  /** @param {RunningCall} call */
  #choose(call) {
    if (this.open?.visit === call.visit) return;
    history.replaceState(null, "", `#live=${call.visit}`);
    this.open?.close();
    this.open = new LiveCall(call, this.part);
    this.part = null;
    fill(this.place, this.open.node, this.levels.place);
    this.#draw();
  }
}
