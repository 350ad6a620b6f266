// @ts-check
/**
 * Where on the visit's time line lies what? Pure: positions to segments, drift to correction.
 */

/** @typedef {"camera" | "screen"} Content */
/** @typedef {{party: string, content: string, number: number, file: string, start_ms: number, duration_ms: number}} Segment */
/** @typedef {{kind: string, start_ms: number, end_ms: number}} Break */

/** Two parties are in step within this; the eye sees no less. */
export const IN_STEP_MS = 40;
/** How soon a drift is caught up, and by how much the speed may change for it. */
const CATCH_UP_MS = 400;
const MOST_CHANGE = 0.25;
/** Beyond this, catching up takes longer than a jump. */
export const JUMP_MS = 300;

/**
 * The segment with a party's camera and sound at a position, or null where nothing was recorded.
 * @template {Segment} T
 * @param {readonly T[]} segments
 * @param {string} party
 * @param {number} atMs
 * @returns {T | null}
 */
export function segmentAt(segments, party, atMs) {
  return (
    segments.find((s) => s.content === "camera" && s.party === party && covers(s, atMs)) ?? null
  );
}

/**
 * The shared screen at a position, whoever shares it; the last that began if there are two.
 * @template {Segment} T
 * @param {readonly T[]} segments
 * @param {number} atMs
 * @returns {T | null}
 */
export function screenAt(segments, atMs) {
  return segments.findLast((s) => s.content === "screen" && covers(s, atMs)) ?? null;
}

/**
 * The break in the recording at a position.
 * @template {Break} T
 * @param {readonly T[]} breaks
 * @param {number} atMs
 * @returns {T | null}
 */
export function breakAt(breaks, atMs) {
  return breaks.find((gap) => gap.start_ms <= atMs && atMs < gap.end_ms) ?? null;
}

/**
 * @param {Segment} segment
 * @param {number} atMs
 */
function covers(segment, atMs) {
  return segment.start_ms <= atMs && atMs < segment.start_ms + segment.duration_ms;
}

/**
 * Where on the line a time lies, in percent of its length; what is beyond lies at its end.
 * @param {number} atMs
 * @param {number} durationMs
 */
export function shareOf(atMs, durationMs) {
  return (100 * within(atMs, durationMs)) / Math.max(1, durationMs);
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
  for (const { party, content, start_ms } of segments)
    if (content === "camera") first.set(party, Math.min(start_ms, first.get(party) ?? start_ms));
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
