// @ts-check
/**
 * How well did picture and sound travel during a call? Per party and direction loss, round trip
 * and bitrate over the visit's time line, drawn as wide as the player's slider, and as a table.
 */

import { el } from "/static/kit/dom.js";
import { clock, t } from "/static/kit/words.js";
import { curve, lanes, typical, worst } from "./quality_lanes.js";
import { shareOf } from "./timeline.js";

/** @import {Lane, Metric, Sample} from "./quality_lanes.js" */
/** @import {Break} from "./timeline.js" */

const SPACE = "http://www.w3.org/2000/svg";

/**
 * The whole plot; null where nothing was measured.
 * @param {Sample[]} samples
 * @param {Break[]} breaks
 * @param {number} durationMs
 */
export function qualityPlot(samples, breaks, durationMs) {
  const all = lanes(samples);
  if (!all.length) return null;
  const names = new Set(all.map(nameOfLane));
  return el(
    "section",
    { class: "quality-plot", "aria-label": t("plot.title") },
    el("h2", null, t("plot.title")),
    ...[...names].map((name) =>
      el(
        "figure",
        null,
        el("figcaption", null, name),
        ...all
          .filter((lane) => nameOfLane(lane) === name)
          .map((lane) => drawn(lane, breaks, durationMs)),
      ),
    ),
    el("details", null, el("summary", null, t("plot.as_table")), table(all, breaks)),
  );
}

/** @param {Lane} lane */
function nameOfLane(lane) {
  return t(`plot.${lane.direction}`, { party: t(`party.${lane.party.split("-")[0]}`) });
}

/**
 * @param {Metric} metric
 * @param {number} value
 */
function inWords(metric, value) {
  if (metric === "loss") return `${Number((100 * value).toPrecision(2))} %`;
  if (metric === "round_trip_ms") return `${Math.round(value)} ms`;
  return value < 1e6 ? `${Math.round(value / 1000)} kbit/s` : `${(value / 1e6).toFixed(1)} Mbit/s`;
}

/**
 * @param {Lane} lane
 * @param {Break[]} breaks
 * @param {number} durationMs
 */
function drawn(lane, breaks, durationMs) {
  const svg = document.createElementNS(SPACE, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const name = `${t(`plot.${lane.metric}`)}, ${t("plot.up_to", { most: inWords(lane.metric, lane.ceiling) })}`;
  svg.setAttribute("aria-label", `${nameOfLane(lane)}: ${name}`);
  for (const gap of breaks) {
    const rect = document.createElementNS(SPACE, "rect");
    const [from, to] = [shareOf(gap.start_ms, durationMs), shareOf(gap.end_ms, durationMs)];
    for (const [key, value] of Object.entries({ x: from, y: 0, width: to - from, height: 100 }))
      rect.setAttribute(key, String(value));
    rect.setAttribute("class", gap.kind);
    const title = document.createElementNS(SPACE, "title");
    title.textContent = breakInWords(gap);
    rect.append(title);
    svg.append(rect);
  }
  const path = document.createElementNS(SPACE, "path");
  path.setAttribute("d", curve(lane, durationMs));
  path.setAttribute("class", lane.metric);
  svg.append(path);
  return el("div", { class: "lane" }, el("span", { "aria-hidden": "true" }, name), svg);
}

/** What was not recorded, and when. @param {Break} gap */
export function breakInWords(gap) {
  return t(`player.break.${gap.kind}`, {
    from: clock(gap.start_ms / 1000),
    to: clock(gap.end_ms / 1000),
  });
}

/**
 * @param {Lane[]} all
 * @param {Break[]} breaks
 */
function table(all, breaks) {
  const head = ["party", "measure", "typical", "worst", "when"];
  return el(
    "div",
    null,
    el(
      "table",
      null,
      el(
        "thead",
        null,
        el("tr", null, ...head.map((key) => el("th", { scope: "col" }, t(`plot.head.${key}`)))),
      ),
      el(
        "tbody",
        null,
        ...all.map((lane) => {
          const least = worst(lane);
          return el(
            "tr",
            null,
            el("th", { scope: "row" }, nameOfLane(lane)),
            el("td", null, t(`plot.${lane.metric}`)),
            el("td", null, inWords(lane.metric, typical(lane))),
            el("td", null, inWords(lane.metric, least.value)),
            el("td", null, clock(least.at_ms / 1000)),
          );
        }),
      ),
    ),
    breaks.length > 0 &&
      el("ul", { class: "breaks-told" }, ...breaks.map((gap) => el("li", null, breakInWords(gap)))),
  );
}
