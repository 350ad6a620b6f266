import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ceilingOf,
  curve,
  lanes,
  typical,
  worst,
} from "../../clerk_console/static/quality_lanes.js";

const direction = (loss, round_trip_ms, bitrate_bps) => ({ loss, round_trip_ms, bitrate_bps });
const sample = (party, start_ms, loss = 0) => ({
  party,
  start_ms,
  received: direction(loss, 20, 1_200_000),
  sent: direction(0, 20, 900_000),
});
const lane = (metric, ...values) => ({
  party: "clerk",
  direction: "received",
  metric,
  points: values.map(([at_ms, value]) => ({ at_ms, value })),
  ceiling: 1,
});

test("a ceiling is the next 1, 2 or 5 times a power of ten", () => {
  for (const [value, wanted] of [
    [0.05, 0.05],
    [0.051, 0.1],
    [1, 1],
    [3, 5],
    [70, 100],
    [100, 100],
    [1_200_000, 2_000_000],
  ])
    assert.ok(Math.abs(ceilingOf(value) - wanted) < 1e-9 * wanted, `${value}`);
});

test("each party has three lanes for each direction, the resident's before the clerk's", () => {
  const made = lanes([sample("supervisor", 5000), sample("clerk", 5000), sample("resident", 6000)]);
  assert.equal(made.length, 18);
  assert.deepEqual(
    made.filter((one) => one.metric === "loss").map((one) => `${one.party} ${one.direction}`),
    [
      "resident received",
      "resident sent",
      "clerk received",
      "clerk sent",
      "supervisor received",
      "supervisor sent",
    ],
  );
  assert.deepEqual(lanes([]), []);
});

test("a lane keeps its least ceiling while there is next to no loss, and grows with it", () => {
  assert.equal(lanes([sample("clerk", 5000, 0.001)])[0].ceiling, 0.05);
  assert.equal(lanes([sample("clerk", 5000, 0.3)])[0].ceiling, 0.5);
});

test("a sample is a step over the five seconds before it", () => {
  assert.equal(curve(lane("loss", [10_000, 0.5]), 20_000), "M25 50H50");
});

test("samples that follow each other are one line, a hole begins another", () => {
  const path = curve(lane("loss", [5000, 0], [10_000, 1], [30_000, 0.25]), 40_000);
  assert.equal(path, "M0 100H12.5L12.5 0H25M62.5 75H75");
});

test("a sample from before the line's beginning or after its end stays within the picture", () => {
  assert.equal(curve(lane("loss", [2000, 0], [9000, 1]), 8000), "M0 100H25L25 0H100");
});

test("most of the time is the median; the worst bitrate is the least", () => {
  const loss = lane("loss", [5000, 0], [10_000, 0.2], [15_000, 0.01]);
  assert.equal(typical(loss), 0.01);
  assert.deepEqual(worst(loss), { at_ms: 10_000, value: 0.2 });
  const bitrate = lane("bitrate_bps", [5000, 9e5], [10_000, 2e5], [15_000, 8e5]);
  assert.deepEqual(worst(bitrate), { at_ms: 10_000, value: 2e5 });
});
