// @ts-check
/**
 * Where on the visit's time line lies what? Pure: positions to segments, drift to correction.
 */

/** @typedef {{party: string, number: number, file: string, start_ms: number, duration_ms: number}} Segment */

/** Two parties are in step within this; the eye sees no less. */
export const IN_STEP_MS = 40;
/** How soon a drift is caught up, and by how much the speed may change for it. */
const CATCH_UP_MS = 400;
const MOST_CHANGE = 0.25;
/** Beyond this, catching up takes longer than a jump. */
export const JUMP_MS = 300;

/**
 * The segment of a party at a position, or null where nothing was recorded.
 * @template {Segment} T
 * @param {readonly T[]} segments
 * @param {string} party
 * @param {number} atMs
 * @returns {T | null}
 */
export function segmentAt(segments, party, atMs) {
  return (
    segments.find(
      (s) => s.party === party && s.start_ms <= atMs && atMs < s.start_ms + s.duration_ms,
    ) ?? null
  );
}

/** Beyond this, a party that comes late is a gap to be seen, not a beginning to wait for. */
export const LATE_START_MS = 2000;

/**
 * Where to open a recording: where the last party's first segment begins, if that is soon.
 * @param {readonly Segment[]} segments
 */
export function opening(segments) {
  /** @type {Map<string, number>} */
  const first = new Map();
  for (const { party, start_ms } of segments)
    first.set(party, Math.min(start_ms, first.get(party) ?? start_ms));
  const last = Math.max(0, ...first.values());
  return last <= LATE_START_MS ? last : 0;
}

/**
 * What a player that is `driftMs` ahead (negative: behind) should do: play at a changed rate, or
 * jump to where it should be.
 * @param {number} driftMs
 * @param {number} rate the speed that was chosen
 * @returns {{rate: number} | "jump"}
 */
export function correction(driftMs, rate) {
  if (Math.abs(driftMs) > JUMP_MS) return "jump";
  if (Math.abs(driftMs) <= IN_STEP_MS / 2) return { rate };
  const share = Math.max(-MOST_CHANGE, Math.min(MOST_CHANGE, driftMs / CATCH_UP_MS));
  return { rate: rate * (1 - share) };
}

/**
 * A position kept within the line.
 * @param {number} atMs
 * @param {number} durationMs
 */
export function within(atMs, durationMs) {
  return Math.min(Math.max(0, atMs), durationMs);
}
