// @ts-check
/**
 * How does an offer ring? Two soft tones every two seconds, and the tab's title.
 */

const FREQUENCIES_HZ = [660, 880];
const EVERY_MS = 2000;

export class Ring {
  constructor() {
    /** @type {AudioContext | null} */
    this.audio = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.title = document.title;
  }

  /** Browsers give sound to a page only after a gesture: call this from one. */
  unlock() {
    this.audio ??= new AudioContext();
    this.audio.resume();
  }

  /**
   * Ring until `stop`; again is nothing.
   * @param {string} title what the tab says meanwhile
   */
  start(title) {
    if (this.timer) return;
    this.title = document.title;
    document.title = title;
    this.#chime();
    this.timer = setInterval(() => {
      document.title = document.title === title ? this.title : title;
      this.#chime();
    }, EVERY_MS);
  }

  /** Be silent. */
  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = undefined;
    document.title = this.title;
  }

  #chime() {
    const audio = this.audio;
    if (!audio) return;
    FREQUENCIES_HZ.forEach((frequency, index) => {
      const at = audio.currentTime + index * 0.25;
      const tone = new OscillatorNode(audio, { frequency });
      const gain = new GainNode(audio, { gain: 0 });
      gain.gain.setTargetAtTime(0.2, at, 0.02);
      gain.gain.setTargetAtTime(0, at + 0.18, 0.05);
      tone.connect(gain).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.5);
    });
  }
}
