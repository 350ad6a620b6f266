// @ts-check
/**
 * Which calls were recorded, and what happened in one? The supervisor's list and record.
 */

import { ask } from "/static/kit/api.js";
import { byId, el, fill, icon } from "/static/kit/dom.js";
import { clock, dateTime, nameOf, t, timeOfDay } from "/static/kit/words.js";
import { Player } from "./player.js";
import { signIn } from "./sign_in.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Segment} from "./timeline.js" */
/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} ticket
 * @property {CityView} city
 * @property {MatterView} matter
 * @property {string} site_zh
 * @property {string} site_en
 * @property {string} clerk_zh
 * @property {string} clerk_en
 * @property {string | null} accepted_at
 * @property {string | null} ended_at
 * @property {string | null} outcome
 * @property {number | null} rating
 */
/**
 * @typedef {object} VisitRecord
 * @property {Row} visit
 * @property {string} notes
 * @property {string[]} checked
 * @property {string[]} rating_reasons
 * @property {number} duration_ms
 * @property {(Segment & {state: string, lost_packets: number})[]} segments
 * @property {{event: string, actor: string, at: string, start_ms: number | null}[]} events
 */

const SEARCH_AFTER_MS = 200;

class SupervisorPage {
  constructor() {
    this.search = el("input", {
      id: "search",
      type: "search",
      placeholder: t("supervisor.search"),
      "aria-label": t("supervisor.search"),
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.list(), SEARCH_AFTER_MS);
      },
    });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.rows = el("ul", { class: "visits" });
    this.count = el("p", { class: "soft", role: "status" });
    this.place = el("section", { class: "record", "aria-live": "polite" });
    /** @type {Player | null} */
    this.player = null;
    fill(
      byId("page"),
      el(
        "section",
        { class: "list" },
        el("h1", null, t("supervisor.title")),
        this.search,
        this.count,
        this.rows,
      ),
      this.place,
    );
    this.list();
    this.open(this.chosen);
  }

  /** The visit in the address, so that a reload shows it again. */
  get chosen() {
    return new URLSearchParams(location.hash.slice(1)).get("visit") ?? "";
  }

  /** Show what is found. */
  async list() {
    const asked = this.search.value;
    try {
      /** @type {Row[]} */
      const found = await ask("GET", `/api/visits?q=${encodeURIComponent(asked)}`);
      if (asked !== this.search.value) return;
      fill(this.count, found.length ? t("supervisor.found", { count: found.length }) : "");
      fill(
        this.rows,
        ...(found.length
          ? found.map((row) => this.#row(row))
          : [el("li", { class: "empty" }, t(asked ? "supervisor.nothing" : "supervisor.none"))]),
      );
    } catch (error) {
      fill(
        this.rows,
        el(
          "li",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
    }
  }

  /** Show a visit. @param {string} id */
  async open(id) {
    this.player?.close();
    this.player = null;
    if (!id) {
      fill(this.place, el("p", { class: "empty" }, t("supervisor.choose")));
      return;
    }
    history.replaceState(null, "", `#visit=${id}`);
    this.#mark();
    try {
      const record = await ask("GET", `/api/visits/${encodeURIComponent(id)}`);
      if (this.chosen === id) this.#show(record);
    } catch (error) {
      if (this.chosen !== id) return;
      fill(
        this.place,
        el(
          "p",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
    }
  }

  /** Keys of the list and of the player. @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const buttons = [...this.rows.querySelectorAll("button")];
    const here = buttons.indexOf(/** @type {HTMLButtonElement} */ (target.closest("button")));
    if (
      (event.key === "ArrowDown" || event.key === "ArrowUp") &&
      (here >= 0 || target === this.search)
    ) {
      event.preventDefault();
      buttons[
        Math.max(0, Math.min(buttons.length - 1, here + (event.key === "ArrowDown" ? 1 : -1)))
      ]?.focus();
      return;
    }
    const typing = target.closest("input:not([type=range]), textarea, select");
    const pressing = event.key === " " && target.closest("button");
    if (!typing && !pressing) this.player?.key(event);
  }

  /** @param {Row} row */
  #row(row) {
    const clerk = nameOf({ name_zh: row.clerk_zh, name_en: row.clerk_en });
    return el(
      "li",
      null,
      el(
        "button",
        {
          class: "quiet",
          "data-visit": row.id,
          "aria-current": row.id === this.chosen ? "true" : null,
          onclick: () => this.open(row.id),
        },
        el("strong", null, row.ticket),
        el("span", null, nameOf(row.matter)),
        el(
          "span",
          { class: "soft" },
          `${row.accepted_at ? dateTime(row.accepted_at) : ""} · ${nameOf(row.city)} · ${clerk}`,
        ),
        el(
          "span",
          { class: "soft" },
          row.outcome ? t(`outcome.${row.outcome}`) : t("supervisor.open"),
          row.rating ? ` · ${t(`rating.${row.rating}`)}` : "",
        ),
      ),
    );
  }

  #mark() {
    for (const button of this.rows.querySelectorAll("button")) {
      if (button.dataset.visit === this.chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  /** @param {VisitRecord} record */
  #show(record) {
    const { visit } = record;
    const told = el("div", { role: "status" });
    const verify = el(
      "button",
      { id: "verify", onclick: () => this.#verify(visit.id, verify, told) },
      icon("check"),
      t("supervisor.verify"),
    );
    const lost = record.segments.reduce((sum, segment) => sum + segment.lost_packets, 0);
    if (record.segments.length)
      this.player = new Player(
        `/api/visits/${visit.id}/recordings/`,
        record.segments,
        record.events,
        record.duration_ms,
      );
    fill(
      this.place,
      el("h1", null, `${visit.ticket} · ${nameOf(visit.matter)}`),
      this.player
        ? this.player.node
        : el("p", { class: "note warn" }, t("supervisor.no_recording")),
      el("div", { class: "row" }, this.player && verify, told),
      el(
        "div",
        { class: "details" },
        el(
          "dl",
          { class: "facts" },
          ...facts({
            when: visit.accepted_at ? dateTime(visit.accepted_at) : "",
            city: nameOf(visit.city),
            site: nameOf({ name_zh: visit.site_zh, name_en: visit.site_en }),
            clerk: nameOf({ name_zh: visit.clerk_zh, name_en: visit.clerk_en }),
            outcome: visit.outcome ? t(`outcome.${visit.outcome}`) : t("supervisor.open"),
            rating: visit.rating
              ? [
                  t(`rating.${visit.rating}`),
                  ...record.rating_reasons.map((r) => t(`rating.reason.${r}`)),
                ].join(" · ")
              : t("supervisor.unrated"),
            length: clock(record.duration_ms / 1000),
            segments: t("supervisor.segments", { count: record.segments.length, lost }),
            checked: record.checked.join("、") || "–",
            notes: record.notes || "–",
          }),
        ),
        el(
          "ol",
          { class: "events" },
          el("li", { class: "heading" }, el("h2", null, t("supervisor.events"))),
          ...record.events.map((event) => this.#event(event)),
        ),
      ),
    );
  }

  /** @param {VisitRecord["events"][number]} event */
  #event(event) {
    const inside = event.start_ms !== null && event.start_ms >= 0;
    const words = [
      el("span", { class: "time" }, timeOfDay(event.at)),
      el("span", null, t(`event.${event.event}`)),
    ];
    return el(
      "li",
      null,
      inside && this.player
        ? el(
            "button",
            { class: "quiet", onclick: () => this.player?.seek(event.start_ms ?? 0) },
            ...words,
          )
        : el("span", { class: "plain" }, ...words),
    );
  }

  /**
   * @param {string} id
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} told
   */
  async #verify(id, button, told) {
    button.disabled = true;
    fill(told, t("supervisor.verifying"));
    try {
      const result = await ask("POST", `/api/visits/${encodeURIComponent(id)}/verification`);
      fill(
        told,
        result.verified
          ? el("p", { class: "note good" }, t("supervisor.verified"))
          : el(
              "ul",
              { class: "note bad" },
              ...result.findings.map((/** @type {any} */ f) =>
                el("li", null, `${f.file} ${f.problem}`),
              ),
            ),
      );
    } catch (error) {
      fill(
        told,
        el("p", { class: "note bad" }, t("supervisor.failed", { reason: message(error) })),
      );
    } finally {
      button.disabled = false;
    }
  }
}

/** @param {Record<string, string>} values */
function facts(values) {
  return Object.entries(values).flatMap(([name, value]) => [
    el("dt", null, t(`supervisor.fact.${name}`)),
    el("dd", null, value),
  ]);
}

/** @param {unknown} error */
function message(error) {
  return error instanceof TypeError ? t("error.network") : /** @type {Error} */ (error).message;
}

/** @type {SupervisorPage | null} */
let page = null;
const begin = () => {
  page?.player?.close();
  page = new SupervisorPage();
};
addEventListener("keydown", (event) => page?.key(event));
await signIn("supervisor", begin, begin);
