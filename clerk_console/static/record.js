// @ts-check
/**
 * What happened in one visit? Its player, what is known of it, and its events.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { clock, dateTime, nameOf, t, timeOfDay } from "/static/kit/words.js";
import { Player } from "./player.js";
import { qualityPlot } from "./quality_plot.js";
import { message } from "./told.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Sample} from "./quality_lanes.js" */
/** @import {Break, Segment} from "./timeline.js" */
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
 * @property {Break[]} breaks
 * @property {Sample[]} quality
 * @property {{event: string, actor: string, at: string, start_ms: number | null}[]} events
 */

export class RecordView {
  /** @param {VisitRecord} record */
  constructor(record) {
    const { visit } = record;
    /** @type {Player | null} */
    this.player = null;
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
        record.breaks,
        record.duration_ms,
        qualityPlot(record.quality, record.breaks, record.duration_ms),
      );
    this.node = el(
      "div",
      { class: "stack" },
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

  /** Keys of the player. @param {KeyboardEvent} event */
  key(event) {
    this.player?.key(event);
  }

  /** Play no more. */
  close() {
    this.player?.close();
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
