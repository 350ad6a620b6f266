// @ts-check
/**
 * What do the samples of a call look like over time? Pure: samples in, scaled curves and figures
 * out. A sample stands for the five seconds before it, so it is drawn as a step of that length.
 */

import { shareOf } from "./timeline.js";

/** @import {Direction} from "/static/kit/protocol.js" */
/** @typedef {"loss" | "round_trip_ms" | "bitrate_bps"} Metric */
/** @typedef {{party: string, start_ms: number, received: Direction, sent: Direction}} Sample */
/** @typedef {{at_ms: number, value: number}} Point */
/**
 * @typedef {object} Lane one metric of one party in one direction
 * @property {string} party
 * @property {"received" | "sent"} direction
 * @property {Metric} metric
 * @property {Point[]} points
 * @property {number} ceiling the value at the lane's top
 */

export const SAMPLE_MS = 5000;
/** Two samples further apart than this have a hole between them. */
const HOLE_MS = 2 * SAMPLE_MS;
/** A lane reaches at least so far, so that next to nothing looks like next to nothing. */
const LEAST = /** @type {Record<Metric, number>} */ ({
  loss: 0.05,
  round_trip_ms: 100,
  bitrate_bps: 500_000,
});

/**
 * The next value of 1, 2 or 5 times a power of ten.
 * @param {number} value above zero
 */
export function ceilingOf(value) {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  const step = [1, 2, 5, 10].find((times) => times * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}

/**
 * Every lane, in the order in which they are drawn.
 * @param {readonly Sample[]} samples
 * @returns {Lane[]}
 */
export function lanes(samples) {
  const measured = new Set(samples.map((sample) => sample.party));
  const parties = [...new Set(["resident", "clerk", ...measured])].filter((p) => measured.has(p));
  return parties.flatMap((party) =>
    /** @type {const} */ (["received", "sent"]).flatMap((direction) =>
      /** @type {const} */ (["loss", "round_trip_ms", "bitrate_bps"]).map((metric) => {
        const points = samples
          .filter((sample) => sample.party === party)
          .map((sample) => ({ at_ms: sample.start_ms, value: sample[direction][metric] ?? 0 }));
        const most = Math.max(...points.map((point) => point.value));
        return {
          party,
          direction,
          metric,
          points,
          ceiling: ceilingOf(Math.max(most, LEAST[metric])),
        };
      }),
    ),
  );
}

/**
 * The lane as an SVG path in a box of 100 by 100, zero at the bottom.
 * @param {Lane} lane
 * @param {number} durationMs
 */
export function curve(lane, durationMs) {
  let before = Number.NEGATIVE_INFINITY;
  let path = "";
  for (const { at_ms, value } of lane.points) {
    const joined = at_ms - before <= HOLE_MS;
    const from = round(shareOf(joined ? before : at_ms - SAMPLE_MS, durationMs));
    const y = round(100 - (100 * value) / lane.ceiling);
    path += `${joined ? "L" : "M"}${from} ${y}H${round(shareOf(at_ms, durationMs))}`;
    before = at_ms;
  }
  return path;
}

/** What was measured most of the time: the median. @param {Lane} lane */
export function typical(lane) {
  const values = lane.points.map((point) => point.value).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

/** The worst that was measured: the most, of the bitrate the least. @param {Lane} lane */
export function worst(lane) {
  const sign = lane.metric === "bitrate_bps" ? -1 : 1;
  return lane.points.reduce((found, point) =>
    sign * (point.value - found.value) > 0 ? point : found,
  );
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
