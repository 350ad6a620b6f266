import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, t, waitInWords } from "../../signaling/web/static/words.js";

test("seconds read as a clock", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(61.9), "1:01");
  assert.equal(clock(3661), "1:01:01");
  assert.equal(clock(-5), "0:00");
});

test("a key without words shows itself, so that it is seen", () => {
  assert.equal(t("no.such.key"), "no.such.key");
});

test("a wait of nobody, of seconds and of minutes are three different words", () => {
  assert.equal(waitInWords(null), "wait.nobody");
  assert.equal(waitInWords(59), "wait.now");
  assert.equal(waitInWords(61), "wait.minutes");
});
