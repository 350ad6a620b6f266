// @ts-check
/**
 * How is a running call doing, in words?
 */

import { el, icon } from "/static/kit/dom.js";
import { clock, t } from "/static/kit/words.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/**
 * @typedef {object} RunningCall
 * @property {string} visit
 * @property {string} call
 * @property {string} ticket
 * @property {CityView} city
 * @property {MatterView} matter
 * @property {string} clerk_zh
 * @property {string} clerk_en
 * @property {string | null} started_at
 * @property {Record<string, string>} paths
 * @property {string} recording
 * @property {string | null} quality
 */

/** How long a call has lasted. @param {RunningCall} call */
export function length(call) {
  if (!call.started_at) return t("live.beginning");
  return clock((Date.now() - Date.parse(call.started_at)) / 1000);
}

/** Paths, recording and quality in words. @param {RunningCall} call */
export function health(call) {
  const quality = call.quality ?? "unknown";
  return el(
    "span",
    { class: "health" },
    ...["resident", "clerk"].map((party) =>
      el(
        "span",
        { class: "path", "data-state": call.paths[party] },
        t("live.path", { party: t(`party.${party}`), state: t(`live.path.${call.paths[party]}`) }),
      ),
    ),
    el(
      "span",
      { class: "recording", "data-state": call.recording },
      t(`clerk.recording.${call.recording}`),
    ),
    el(
      "span",
      { class: "quality", "data-level": quality },
      icon(`bars-${quality}`),
      t(`live.quality.${quality}`),
    ),
  );
}
