// @ts-check
/**
 * What does one hear when something happens? Two soft tones, made here, no file.
 */

const FREQUENCIES_HZ = [660, 880];

/** @type {AudioContext | null} */
let audio = null;

/** Browsers give sound to a page only after a gesture: call this from one. */
export function unlock() {
  audio ??= new AudioContext();
  audio.resume();
}

/** Two tones, the second higher: somebody is there for you. */
export function chime() {
  const playing = audio;
  if (!playing) return;
  FREQUENCIES_HZ.forEach((frequency, index) => {
    const at = playing.currentTime + index * 0.25;
    const tone = new OscillatorNode(playing, { frequency });
    const gain = new GainNode(playing, { gain: 0 });
    gain.gain.setTargetAtTime(0.2, at, 0.02);
    gain.gain.setTargetAtTime(0, at + 0.18, 0.05);
    tone.connect(gain).connect(playing.destination);
    tone.start(at);
    tone.stop(at + 0.5);
  });
}
