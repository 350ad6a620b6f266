// @ts-check
/**
 * How does this party tell the server how it sees and hears? A report each five seconds of a call,
 * and the words for how the call is doing and who else is in it.
 */

import { el, fill, icon } from "./dom.js";
import { measure } from "./measure.js";
import { nameOf, t } from "./words.js";

/** @import {CallView} from "./protocol.js" */
/** @import {Line} from "./line.js" */
/** @import {Link} from "./link.js" */
/** @import {Peer} from "./peer.js" */

const EVERY_MS = 5000;

export class Reporter {
  /**
   * @param {Line<any>} line
   * @param {Peer} peer
   */
  constructor(line, peer) {
    this.line = line;
    this.peer = peer;
    /** @type {{link: Link, stats: any[], at: number} | null} */
    this.before = null;
    this.heard = "";
    setInterval(() => this.#report(), EVERY_MS);
  }

  async #report() {
    const link = this.peer.playing;
    const { id: call, hears } = this.peer.wanted.call ?? { hears: [] };
    const heard = hears.join(" ");
    const same = heard === this.heard;
    this.heard = heard;
    if (!link || !call || link.closed || !heard || !same) {
      this.before = null; // on hold there is nothing to judge, and just after it silence of before
      return;
    }
    const stats = [...(await link.peer.getStats()).values()];
    const now = { link, stats, at: performance.now() };
    const before = this.before;
    this.before = now;
    if (!before || before.link !== link) return;
    const told = measure(before.stats, stats, (now.at - before.at) / 1000);
    this.line
      .command("report_quality", { call, ...told })
      .catch((error) => console.warn("quality", error.message));
  }
}

/**
 * One symbol with words: how the call is doing, worst first.
 * @param {HTMLElement} place
 * @param {CallView} call
 */
export function showQuality(place, call) {
  const level = call.sound_only ? "poor" : (call.quality?.level ?? "unknown");
  const side = call.sound_only ?? call.quality?.side ?? "own";
  const words = call.sound_only
    ? t(`quality.sound_only.${side}`)
    : level === "good" || level === "unknown"
      ? t(`quality.${level}`)
      : t(`quality.${level}.${side}`);
  if (place.dataset.level === level && place.title === words) return;
  place.dataset.level = level;
  place.title = words;
  fill(place, icon(`bars-${level}`), el("span", null, words));
}

/**
 * Which words say what is wrong with the way between the two, most pressing first; "" for nothing.
 * @param {CallView | null | undefined} call
 * @param {boolean} online whether the line to the server is open
 */
export function pathWords(call, online) {
  if (!online) return "far.offline";
  if (!call) return "far.connecting";
  if (call.own === "silent" || call.own === "away") return "own_silent";
  if (call.far !== "connected") return `far.${call.far}`;
  return call.sound_only ? `sound_only.${call.sound_only}` : "";
}

/**
 * Who else is in the call, and how; "" for nobody.
 * @param {CallView} call
 */
export function othersInWords(call) {
  const clerks = call.others.filter((other) => !isSupervisor(other));
  return [...clerks.map((other) => t("others.clerk", { name: nameOf(other) }))]
    .concat(supervisorsInWords(call) || [])
    .join(" · ");
}

/**
 * Which supervisors are in the call, and how; "" for none.
 * @param {CallView} call
 */
export function supervisorsInWords(call) {
  return call.others
    .filter(isSupervisor)
    .map(({ mode }) => t(`others.${mode}`))
    .join(" · ");
}

/** @param {CallView["others"][number]} other */
function isSupervisor({ party }) {
  return party.startsWith("supervisor");
}
