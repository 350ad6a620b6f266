// @ts-check
/**
 * Where do we miss the minute? Each queue today and by hour, with a warning before it is missed.
 * Part of the supervisor's live page and a section of the admin's; numbers are service_hours.js.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { clock, nameOf, t } from "/static/kit/words.js";
import { hourBars, hoursShown, worstHour } from "./service_hours.js";
import { SortedTable } from "./sorted_table.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Hour} from "./service_hours.js" */
/**
 * @typedef {{queue: string, city: CityView, name_zh: string, name_en: string, kind: string,
 *   target_s: number, target_share: number, counted: number, in_time: number,
 *   share: number | null, at_risk: number, warns: boolean, waiting: number, on_duty: number,
 *   longest_since: string | null, hours: Hour[]}} QueueLevel
 * @typedef {{clerk: string, city: CityView, name_zh: string, name_en: string, misses: number}} MissingClerk
 */

const REFRESH_MS = 5000;
const SPACE = "http://www.w3.org/2000/svg";

export class ServiceLevels {
  unsaved = 0;

  /** @param {string | null} city null for all that one may see */
  constructor(city = null) {
    this.city = city;
    this.alerts = el("ul", { class: "alerts", "aria-live": "polite" });
    this.at = el("p", { class: "soft", role: "status" }, t("admin.loading"));
    this.plot = el("figure", { class: "hours" });
    this.drawn = "";
    /** @type {SortedTable<QueueLevel>} */
    this.table = new SortedTable(
      t("level.title"),
      [
        {
          title: t("queue.name"),
          value: (q) => (city ? nameOf(q) : `${nameOf(q.city)} · ${nameOf(q)}`),
        },
        {
          title: t("level.share"),
          numeric: true,
          value: (q) => q.share ?? 2,
          cell: (q) => shareInWords(q),
        },
        { title: t("level.target"), numeric: true, value: (q) => q.target_share, cell: target },
        { title: t("level.counted"), numeric: true, value: (q) => q.counted },
        { title: t("level.late"), numeric: true, value: (q) => q.counted - q.in_time },
        { title: t("level.waiting"), numeric: true, value: (q) => q.waiting },
        { title: t("level.on_duty"), numeric: true, value: (q) => q.on_duty },
        {
          title: t("level.now"),
          value: (q) => warning(q),
          order: (q) => urgency(q),
          cell: (q) => warningCell(q),
        },
      ],
      t("level.no_queues"),
    );
    this.table.by = this.table.columns.length - 1; // whom to look at first
    this.table.place.hidden = true;
    this.place = el(
      "section",
      { class: "stack service-level", id: "service-level", "aria-label": t("level.title") },
      el("div", { class: "row" }, el(city ? "h1" : "h2", null, t("level.title")), this.at),
      this.alerts,
      this.plot,
      this.table.place,
    );
    this.timer = setInterval(() => this.#tick(), REFRESH_MS);
    this.#read();
  }

  close() {
    clearInterval(this.timer);
  }

  #tick() {
    if (document.visibilityState === "visible") this.#read();
  }

  async #read() {
    try {
      const found = await ask("GET", "/api/service-level");
      /** @type {QueueLevel[]} */
      const queues = found.queues.filter(
        (/** @type {QueueLevel} */ q) => !this.city || q.city.code === this.city,
      );
      /** @type {MissingClerk[]} */
      const clerks = found.clerks.filter(
        (/** @type {MissingClerk} */ c) => !this.city || c.city.code === this.city,
      );
      this.at.className = "soft";
      fill(this.at, t("level.at", { time: found.at.slice(11, 19) }));
      const now = JSON.stringify([queues, clerks]);
      if (now === this.drawn) return;
      this.drawn = now;
      this.#draw(queues, clerks, Number(found.at.slice(11, 13)));
    } catch (error) {
      this.at.className = "note bad";
      fill(this.at, t("supervisor.failed", { reason: message(error) }));
    }
  }

  /**
   * @param {QueueLevel[]} queues
   * @param {MissingClerk[]} clerks
   * @param {number} hour now, in China
   */
  #draw(queues, clerks, hour) {
    fill(
      this.alerts,
      ...queues
        .filter((q) => q.warns || isDeserted(q))
        .map((q) => alert(`${nameOf(q.city)} · ${nameOf(q)}`, warning(q))),
      ...clerks.map((c) =>
        alert(`${nameOf(c.city)} · ${nameOf(c)}`, t("level.misses", { count: c.misses })),
      ),
    );
    this.table.place.hidden = false;
    this.table.show(queues);
    this.#plot(queues, hour);
  }

  /**
   * @param {QueueLevel[]} queues
   * @param {number} hour
   */
  #plot(queues, hour) {
    const hours = hoursShown(
      queues.map((q) => q.hours),
      hour,
    );
    const worst = worstHour(hours);
    const target = Math.max(0, ...queues.map((q) => q.target_share));
    const counted = hours.some((one) => one.counted > 0);
    fill(
      this.plot,
      el(
        "figcaption",
        null,
        el("strong", null, t("level.where")),
        " ",
        counted
          ? worst
            ? t("level.worst", {
                from: worst.hour,
                to: worst.hour + 1,
                late: worst.counted - worst.in_time,
                counted: worst.counted,
              })
            : t("level.nowhere")
          : t("level.nobody"),
      ),
      counted ? drawn(hours, target) : "",
    );
  }
}

/**
 * @param {Hour[]} hours
 * @param {number} target
 */
function drawn(hours, target) {
  const svg = document.createElementNS(SPACE, "svg");
  const { bars, width, height, line } = hourBars(hours, target);
  svg.setAttribute("viewBox", `0 0 ${width} ${height + 24}`);
  svg.setAttribute("role", "img");
  svg.setAttribute(
    "aria-label",
    hours
      .filter((one) => one.counted)
      .map((one) => t("level.hour", { from: one.hour, in_time: one.in_time, counted: one.counted }))
      .join("; "),
  );
  for (const bar of bars) {
    for (const [name, y, tall] of /** @type {[string, number, number][]} */ ([
      ["late", bar.y, bar.late],
      ["in-time", bar.y + bar.late, bar.inTime],
    ])) {
      const rect = document.createElementNS(SPACE, "rect");
      for (const [key, value] of Object.entries({ x: bar.x, y, width: bar.wide, height: tall }))
        rect.setAttribute(key, String(value));
      rect.setAttribute("class", name);
      const title = document.createElementNS(SPACE, "title");
      title.textContent = t("level.hour", {
        from: bar.hour,
        in_time: bar.of.in_time,
        counted: bar.of.counted,
      });
      rect.append(title);
      svg.append(rect);
    }
    const text = document.createElementNS(SPACE, "text");
    text.setAttribute("x", String(bar.x + bar.wide / 2));
    text.setAttribute("y", String(height + 17));
    text.setAttribute("text-anchor", "middle");
    text.textContent = String(bar.hour);
    svg.append(text);
  }
  const path = document.createElementNS(SPACE, "path");
  path.setAttribute("d", line);
  path.setAttribute("class", "target");
  svg.append(path);
  return el(
    "div",
    { class: "stack" },
    svg,
    el(
      "p",
      { class: "soft legend" },
      el("span", { class: "in-time" }, t("level.in_time")),
      el("span", { class: "late" }, t("level.late")),
      el("span", { class: "target" }, t("level.target_line", { share: Math.round(100 * target) })),
    ),
  );
}

/** @param {string} whom @param {string} words */
function alert(whom, words) {
  return el("li", { class: "note warn" }, el("strong", null, whom), ` ${words}`);
}

/** @param {QueueLevel} q */
function shareInWords(q) {
  return q.share === null ? t("level.none_yet") : `${Math.round(100 * q.share)} %`;
}

/** @param {QueueLevel} q */
function target(q) {
  return t("queue.target_words", { share: Math.round(100 * q.target_share), seconds: q.target_s });
}

/** Residents wait and nobody is there to answer. @param {QueueLevel} q */
function isDeserted(q) {
  return q.waiting > 0 && q.on_duty === 0;
}

/** Who should be looked at before whom: 0 is first. @param {QueueLevel} q */
function urgency(q) {
  if (q.at_risk > 0) return 0;
  if (isDeserted(q)) return 1;
  return q.warns ? 2 : warning(q) ? 3 : 4;
}

/** What should be done about it now, in words; "" where all is well. @param {QueueLevel} q */
function warning(q) {
  if (q.at_risk > 0)
    return t("level.at_risk", { count: q.at_risk, seconds: Math.ceil(q.target_s / 3) });
  if (isDeserted(q)) return t("level.deserted", { count: q.waiting });
  if (q.share !== null && q.share < q.target_share)
    return t("level.below", { share: Math.round(100 * q.share) });
  if (q.counted > 0 && q.in_time / (q.counted + 1) < q.target_share) return t("level.one_more");
  return "";
}

/** @param {QueueLevel} q */
function warningCell(q) {
  const words = warning(q);
  if (!words) return q.waiting && q.longest_since ? longest(q.longest_since) : t("level.well");
  return el("span", { class: q.warns || isDeserted(q) ? "warns" : "soft" }, words);
}

/** @param {string} since */
function longest(since) {
  return t("level.longest", { time: clock((Date.now() - Date.parse(since)) / 1000) });
}
