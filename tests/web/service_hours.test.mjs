// The hours of a day, added up and drawn.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hourBars, hoursShown, worstHour } from "../../clerk_console/static/service_hours.js";

const hour = (hour, counted, in_time) => ({ hour, counted, in_time });

test("the hours of all queues are one line without gaps, from 8 to 17 at least", () => {
  const shown = hoursShown([[hour(9, 4, 4), hour(11, 2, 1)], [hour(9, 1, 0)], []], 10);
  assert.equal(shown[0].hour, 8);
  assert.equal(shown.at(-1).hour, 17);
  assert.deepEqual(shown[1], hour(9, 5, 4));
  assert.deepEqual(shown[2], hour(10, 0, 0));
});

test("early and late hours are shown too", () => {
  const shown = hoursShown([[hour(0, 1, 1), hour(23, 1, 0)]], 23);
  assert.deepEqual([shown[0].hour, shown.length], [0, 24]);
});

test("the worst hour is the one in which most were late", () => {
  assert.deepEqual(worstHour([hour(9, 20, 18), hour(10, 3, 0), hour(11, 1, 1)]), hour(10, 3, 0));
  assert.equal(worstHour([hour(9, 5, 5)]), null);
  assert.equal(worstHour([]), null);
});

test("a bar is as tall as its visits, the late ones on top of those in time", () => {
  const { bars, height } = hourBars([hour(9, 10, 5), hour(10, 0, 0), hour(11, 5, 5)], 0.9);
  assert.deepEqual([bars[0].y, bars[0].late, bars[0].inTime], [0, height / 2, height / 2]);
  assert.deepEqual([bars[1].late, bars[1].inTime], [0, 0]);
  assert.deepEqual([bars[2].late, bars[2].y], [0, height / 2]);
});

test("the line of the target is drawn over each bar that counts, and over no other", () => {
  const { line, height } = hourBars([hour(9, 10, 5), hour(10, 0, 0)], 0.9);
  assert.equal(line.match(/M/g).length, 1);
  assert.ok(line.includes(` ${(height * 0.1).toFixed(1)}h`));
});

test("a day on which nobody came has bars of no height", () => {
  const { bars, line } = hourBars(hoursShown([], 9), 0);
  assert.equal(line, "");
  assert.ok(bars.every((bar) => bar.late + bar.inTime === 0));
});
