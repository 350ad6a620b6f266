import assert from "node:assert/strict";
import { test } from "node:test";
import { minutesOf, spoken } from "../../signaling/web/static/wait.js";

const minutes = (count) => spoken(count * 60);

test("nobody on duty is not a wait of no time", () => {
  assert.deepEqual(spoken(null), ["wait.nobody", {}]);
  assert.deepEqual(spoken(0), ["wait.now", {}]);
  assert.deepEqual(spoken(59), ["wait.now", {}]);
});

test("a short wait is said by the minute, never too short", () => {
  assert.deepEqual(spoken(60), ["wait.minutes", { minutes: 1 }]);
  assert.deepEqual(spoken(61), ["wait.minutes", { minutes: 2 }]);
  assert.deepEqual(minutes(8.2), ["wait.minutes", { minutes: 9 }]);
});

test("a longer wait is said as people say it", () => {
  const said = (count) => minutes(count)[1].minutes ?? minutes(count)[0];
  assert.deepEqual([10, 12, 13, 22, 23, 27].map(said), [10, 10, 15, 20, 25, 25]);
  assert.deepEqual([28, 37].map(said), ["wait.half_hour", "wait.half_hour"]);
  assert.deepEqual([38, 52].map(said), [45, 45]);
});

test("from an hour on it is said in halves", () => {
  assert.deepEqual(minutes(53), ["wait.hour", {}]);
  assert.deepEqual(minutes(70), ["wait.hour", {}]);
  assert.deepEqual(minutes(80), ["wait.hours_and_half", { hours: 1 }]);
  assert.deepEqual(minutes(120), ["wait.hours", { hours: 2 }]);
  assert.deepEqual(minutes(160), ["wait.hours_and_half", { hours: 2 }]);
});

test("what is said never falls as the wait grows", () => {
  const length = ([key, { minutes: said = 0, hours = 0 }]) =>
    ({ "wait.now": 0, "wait.half_hour": 30, "wait.hour": 60, "wait.minutes": said })[key] ??
    hours * 60 + (key === "wait.hours_and_half" ? 30 : 0);
  const lengths = Array.from({ length: 6 * 3600 }, (_, s) => length(spoken(s)));
  assert.ok(lengths.every((said, at) => at === 0 || said >= lengths[at - 1]));
});

test("the minutes of a rule are never none", () => {
  assert.deepEqual([0, 20, 90, 180].map(minutesOf), [1, 1, 2, 3]);
});
