import assert from "node:assert/strict";
import { test } from "node:test";
import {
  correction,
  IN_STEP_MS,
  JUMP_MS,
  LATE_START_MS,
  opening,
  segmentAt,
  within,
} from "../../clerk_console/static/timeline.js";

const segment = (party, number, start_ms, duration_ms) => ({
  party,
  number,
  file: `${party}-${number}.webm`,
  start_ms,
  duration_ms,
});
const segments = [
  segment("resident", 1, 0, 5000),
  segment("clerk", 1, 40, 9000),
  segment("resident", 2, 7000, 3000),
];

test("a position finds the party's segment that covers it", () => {
  assert.equal(segmentAt(segments, "resident", 0)?.number, 1);
  assert.equal(segmentAt(segments, "resident", 4999)?.number, 1);
  assert.equal(segmentAt(segments, "resident", 7000)?.number, 2);
  assert.equal(segmentAt(segments, "clerk", 8000)?.number, 1);
});

test("between two segments nothing is shown", () => {
  assert.equal(segmentAt(segments, "resident", 5000), null);
  assert.equal(segmentAt(segments, "resident", 6999), null);
  assert.equal(segmentAt(segments, "clerk", 39), null);
});

test("players in step are left alone, at any speed", () => {
  for (const rate of [0.5, 1, 3]) {
    assert.deepEqual(correction(0, rate), { rate });
    assert.deepEqual(correction(IN_STEP_MS / 2, rate), { rate });
  }
});

test("a player that is ahead slows down, one that is behind hurries", () => {
  assert.ok(correction(IN_STEP_MS, 1).rate < 1);
  assert.ok(correction(-IN_STEP_MS, 1).rate > 1);
});

test("a player far off jumps", () => {
  assert.equal(correction(JUMP_MS + 1, 1), "jump");
  assert.equal(correction(-JUMP_MS - 1, 2), "jump");
});

test("a recording opens where both parties are there, unless one comes much later", () => {
  assert.equal(opening(segments), 40);
  assert.equal(opening([segments[0], segment("clerk", 1, LATE_START_MS + 1, 100)]), 0);
  assert.equal(opening([]), 0);
});

test("a position stays within the line", () => {
  assert.equal(within(-1, 10), 0);
  assert.equal(within(11, 10), 10);
  assert.equal(within(5, 10), 5);
});
