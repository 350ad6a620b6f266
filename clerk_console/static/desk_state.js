// @ts-check
/**
 * What is so at this desk? Facts that several parts of the page read out of the clerk's state. Pure.
 */

/** @import {CallView, ClerkState, ConsultView, QueueStatus, VisitView} from "/static/kit/protocol.js" */

/**
 * @typedef {object} Ringing
 * @property {VisitView} visit
 * @property {ConsultView | null} consult by whom this clerk is asked, or null for a visit of their own
 * @property {string} since
 */

/** What rings here. @param {ClerkState} state @returns {Ringing | null} */
export function ringing({ visit, consult }) {
  if (!visit) return null;
  if (consult?.role === "asked")
    return consult.state === "offered" ? { visit, consult, since: consult.since } : null;
  if (visit.state !== "offered" || !visit.offered_at) return null;
  return { visit, consult: null, since: visit.offered_at };
}

/** Whether this clerk was asked about a colleague's visit. @param {ClerkState} state */
export function isAsked({ consult }) {
  return consult?.role === "asked";
}

/** Whether this clerk is in a call, as the one who serves or as the one who was asked. @param {ClerkState} state */
export function inCall({ visit, consult }) {
  if (visit?.state !== "serving") return false;
  return consult?.role !== "asked" || consult.state === "joined";
}

/** Whether this clerk serves in a call. @param {ClerkState} state */
export function serves(state) {
  return inCall(state) && !isAsked(state);
}

/** Whether the resident is on hold while clerks consult. @param {ClerkState} state */
export function isOnHold({ consult }) {
  return consult?.state === "joined" && !consult.with_resident;
}

/**
 * The other clerk in the call, and the slot that brings them; null while there is none.
 * @param {CallView} call
 */
export function colleague({ others, hears }) {
  const other = others.find(({ party }) => party === "clerk" || party.startsWith("invited_clerk"));
  return other ? { ...other, slot: hears.indexOf(other.party) } : null;
}

/**
 * How a queue stands against its target today: `met`, `missed`, `risk` (somebody is about to wait too
 * long) or `none` (nobody was counted yet).
 * @param {Pick<QueueStatus, "share" | "target_share" | "at_risk">} queue
 * @returns {"met" | "missed" | "risk" | "none"}
 */
export function minuteOf({ share, target_share, at_risk }) {
  if (at_risk > 0) return "risk";
  if (share === null) return "none";
  return share < target_share ? "missed" : "met";
}

/** A share as whole percent that never says 100 or the target where it is not. @param {number} share */
export function percent(share) {
  return Math.floor(share * 100 + 1e-9);
}

/**
 * How many records may still be set aside beside the one on the desk.
 * @param {Pick<ClerkState, "capacity" | "aside">} state
 */
export function mayBeSetAside({ capacity, aside }) {
  return Math.max(0, capacity - 1 - aside.length);
}
