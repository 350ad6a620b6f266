// @ts-check
/**
 * Does the loudspeaker sound? Plays two notes made here, and knows them again in what a
 * microphone hears.
 *
 * The notes are a fifth apart, low enough for old ears and high enough for small loudspeakers.
 */

import { audio } from "./level.js";

export const NOTES_HZ = [500, 750];
export const TONE_S = 1.1;
const NOTE_S = 0.5;
const LOUDNESS = 0.4;
const PURE = 0.5; // a voice seldom has half of its energy within one of its partials
const LOOKS = 3;

/**
 * Play the two notes. Rejects with a DOMException when the chosen loudspeaker is gone.
 * @param {string} [sinkId] the loudspeaker, where the browser lets a page choose; "" is the default
 */
export async function playTone(sinkId = "") {
  const context = audio();
  const chosen = sinkId === "default" ? "" : sinkId;
  if ("setSinkId" in context && /** @type {any} */ (context).sinkId !== chosen)
    await /** @type {any} */ (context).setSinkId(chosen);
  NOTES_HZ.forEach((frequency, index) => {
    const at = context.currentTime + 0.05 + index * NOTE_S;
    const note = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setTargetAtTime(LOUDNESS, at, 0.02);
    gain.gain.setTargetAtTime(0, at + NOTE_S - 0.1, 0.03);
    note.connect(gain).connect(context.destination);
    note.start(at);
    note.stop(at + NOTE_S + 0.1);
  });
}

/**
 * Which part of the sound's energy is a steady note of this frequency, from 0 to 1? Goertzel's
 * sum over a Hann window.
 * @param {ArrayLike<number>} samples
 * @param {number} rateHz
 * @param {number} frequencyHz
 */
export function shareOf(samples, rateHz, frequencyHz) {
  const turn = (2 * Math.PI * frequencyHz) / rateHz;
  const step = (2 * Math.PI) / samples.length;
  let [real, imaginary, energy, weights, squares] = [0, 0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const weight = 0.5 - 0.5 * Math.cos(step * i);
    const weighted = weight * samples[i];
    real += weighted * Math.cos(turn * i);
    imaginary += weighted * Math.sin(turn * i);
    energy += weighted * weighted;
    weights += weight;
    squares += weight * weight;
  }
  if (!energy) return 0;
  return (2 * (real * real + imaginary * imaginary) * squares) / (weights * weights * energy);
}

/**
 * Was one of the notes heard? One is enough: the other may have met a hum or a voice.
 * @param {number[][]} shares for each look at the sound, the share of each note
 */
export function heardTone(shares) {
  return NOTES_HZ.some((_, note) => shares.filter((look) => look[note] > PURE).length >= LOOKS);
}
