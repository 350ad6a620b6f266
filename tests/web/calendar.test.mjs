import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DAYS,
  dateAt,
  dateOf,
  days,
  daysBetween,
  halfHourAfter,
  halves,
  timeOf,
  weekday,
} from "../../kiosk_client/static/calendar.js";

const slot = (date, time, free = 1) => ({ starts_at: `${date}T${time}:00+08:00`, free });

test("the date is that of China, whatever this machine thinks", () => {
  assert.equal(dateAt(Date.parse("2026-11-24T15:59:59Z")), "2026-11-24");
  assert.equal(dateAt(Date.parse("2026-11-24T16:00:00Z")), "2026-11-25");
});

test("a time of the server reads as it is written", () => {
  const { starts_at } = slot("2026-11-25", "09:30");
  assert.deepEqual([dateOf(starts_at), timeOf(starts_at)], ["2026-11-25", "09:30"]);
  assert.deepEqual(["09:30", "23:30"].map(halfHourAfter), ["10:00", "24:00"]);
});

test("a fortnight begins today and goes over the end of a year", () => {
  const found = days([], "2026-12-25");
  assert.equal(found.length, DAYS);
  assert.deepEqual([found[0].date, found.at(-1).date], ["2026-12-25", "2027-01-08"]);
  assert.equal(daysBetween("2026-12-25", "2027-01-08"), DAYS - 1);
});

test("a day is free, full, or closed", () => {
  const found = days(
    [
      slot("2026-11-25", "09:00", 0),
      slot("2026-11-25", "09:30", 2),
      slot("2026-11-26", "09:00", 0),
    ],
    "2026-11-25",
  );
  assert.deepEqual(
    found.slice(0, 3).map((day) => [day.kind, day.slots.length]),
    [
      ["free", 2],
      ["full", 1],
      ["closed", 0],
    ],
  );
});

test("every half hour is in one half of the day", () => {
  const all = ["00:00", "11:30", "12:00", "23:30"].map((time) => slot("2026-11-25", time));
  const { morning, afternoon } = halves(all);
  assert.deepEqual([morning.length, afternoon.length], [2, 2]);
});

test("weeks begin on Monday", () => {
  assert.deepEqual(["2026-11-23", "2026-11-29"].map(weekday), [1, 7]);
});
