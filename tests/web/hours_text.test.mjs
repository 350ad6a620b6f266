// Hours as people type them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hoursOf, textOf } from "../../clerk_console/static/hours_text.js";

const OFFICE = [
  { opens: "09:00", closes: "11:30" },
  { opens: "13:30", closes: "17:00" },
];

test("hours are read however they are written", () => {
  for (const text of [
    "09:00-11:30, 13:30-17:00",
    "9:00–11:30,13:30–17:00",
    " 9:00 - 11:30 ; 13:30 ~ 17:00 ",
    "9：00至11：30，13：30到17：00",
    "9:00-11:30、13:30-17:00、",
  ])
    assert.deepEqual(hoursOf(text), OFFICE, text);
});

test("nothing typed is closed", () => {
  assert.deepEqual(hoursOf(""), []);
  assert.deepEqual(hoursOf("  , "), []);
});

test("what is no hours is refused", () => {
  for (const text of [
    "nine to five",
    "9-17",
    "09:00",
    "09:00-",
    "09:00-11:30 13:30-17:00",
    "9:0-1:00",
  ])
    assert.equal(hoursOf(text), null, text);
});

test("hours are written as they are read", () => {
  assert.equal(textOf(OFFICE), "09:00-11:30, 13:30-17:00");
  assert.deepEqual(hoursOf(textOf(OFFICE)), OFFICE);
  assert.equal(textOf([]), "");
});
