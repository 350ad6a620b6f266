import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf, levelOf } from "../../signaling/web/static/level.js";
import { heardTone, NOTES_HZ, shareOf } from "../../signaling/web/static/tone.js";

const RATE_HZ = 48_000;
const sine = (hz, loudness = 1) =>
  Array.from({ length: 4096 }, (_, i) => loudness * Math.sin((2 * Math.PI * hz * i) / RATE_HZ));
const sum = (...sounds) => sounds[0].map((_, i) => sounds.reduce((all, s) => all + s[i], 0));

/** A voice of this pitch: partials that fall off with their number. */
const voice = (hz) => sum(...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => sine(n * hz, 1 / n)));

/** Noise that is the same in each run. */
function noise(loudness) {
  let seed = 1;
  return Array.from({ length: 4096 }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return loudness * (seed / 1_073_741_823.5 - 1);
  });
}

test("a full sine is 3 dB below full scale, half of it 6 dB less, nothing is -120", () => {
  assert.ok(Math.abs(levelOf(sine(1000)) + 3.01) < 0.05);
  assert.ok(Math.abs(levelOf(sine(1000, 0.5)) + 9.03) < 0.05);
  assert.equal(levelOf(new Float32Array(4096)), -120);
  assert.equal(levelOf([]), -120);
});

test("the meter is dark in silence, full for a loud voice, and never over", () => {
  assert.deepEqual([-120, -60, -36, -12, 0].map(barsOf), [0, 0, 6, 12, 12]);
});

test("a note is all of its own sound at any loudness and phase", () => {
  for (const note of NOTES_HZ) {
    assert.ok(shareOf(sine(note, 0.01), RATE_HZ, note) > 0.99);
    assert.ok(shareOf(sine(note).slice(7), RATE_HZ, note) > 0.99);
  }
});

test("another note, a voice and noise are not the note", () => {
  const [low, high] = NOTES_HZ;
  assert.ok(shareOf(sine(high), RATE_HZ, low) < 0.01);
  assert.ok(shareOf(noise(1), RATE_HZ, low) < 0.05);
  for (const pitch of [110, 125, 250])
    assert.ok(shareOf(voice(pitch), RATE_HZ, low) < 0.5, `${pitch}`);
  assert.equal(shareOf(new Float32Array(4096), RATE_HZ, low), 0);
});

test("a note is known in noise that is weaker than it", () => {
  assert.ok(shareOf(sum(sine(500), noise(0.8)), RATE_HZ, 500) > 0.5);
});

test("the tone was heard when one of its notes stood out three times", () => {
  assert.equal(heardTone([]), false);
  assert.equal(
    heardTone([
      [0.9, 0],
      [0.1, 0.1],
      [0.9, 0],
    ]),
    false,
  );
  assert.equal(
    heardTone([
      [0.9, 0],
      [0.9, 0],
      [0, 0.9],
    ]),
    false,
  );
  assert.equal(
    heardTone([
      [0, 0.9],
      [0.1, 0.9],
      [0, 0.8],
    ]),
    true,
  );
});
