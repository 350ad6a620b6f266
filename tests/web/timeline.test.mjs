import assert from "node:assert/strict";
import { test } from "node:test";
import {
  breakAt,
  correction,
  IN_STEP_MS,
  JUMP_MS,
  LATE_START_MS,
  opening,
  screenAt,
  segmentAt,
  shareOf,
  within,
} from "../../clerk_console/static/timeline.js";

const segment = (party, number, start_ms, duration_ms, content = "camera") => ({
  party,
  content,
  number,
  file: `${party}-${content}-${number}.webm`,
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

test("a shared screen is never taken for the party's picture", () => {
  const shared = segment("clerk", 1, 2000, 3000, "screen");
  const all = [shared, ...segments];
  assert.equal(segmentAt(all, "clerk", 3000)?.content, "camera");
  assert.equal(screenAt(all, 3000), shared);
  assert.equal(screenAt(all, 1999), null);
  assert.equal(screenAt(all, 5000), null);
  assert.equal(opening([segment("resident", 1, 1000, 100, "screen"), ...segments]), 40);
});

test("of two shared screens the one that began last is shown", () => {
  const first = segment("clerk", 1, 1000, 5000, "screen");
  const second = segment("resident", 1, 2000, 1000, "screen");
  assert.equal(screenAt([first, second], 2500), second);
  assert.equal(screenAt([first, second], 3500), first);
});

test("a break is found while it lasts", () => {
  const pause = { kind: "pause", start_ms: 1000, end_ms: 2000 };
  assert.equal(breakAt([pause], 1000), pause);
  assert.equal(breakAt([pause], 999), null);
  assert.equal(breakAt([pause], 2000), null);
});

test("a time's share of the line stays within it", () => {
  assert.equal(shareOf(2500, 10_000), 25);
  assert.equal(shareOf(-5, 10_000), 0);
  assert.equal(shareOf(20_000, 10_000), 100);
  assert.equal(shareOf(0, 0), 0);
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
