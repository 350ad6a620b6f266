// @ts-check
/**
 * How loud is it? Listens to a stream without playing it, and shows the level as a row of bars.
 */

import { el } from "./dom.js";

const SILENCE_DB = -120;
const QUIETEST_SHOWN_DB = -60;
const LOUDEST_SHOWN_DB = -12;
const BARS = 12;
const HUM_HZ = 200; // mains hum and steps on the floor are below, speech is above
const WINDOW = 4096;
const SHOW_EVERY_MS = 100;

/** @type {AudioContext | null} */
let shared = null;

/** The page's one audio context; it runs as soon as the browser lets it. */
export function audio() {
  if (!shared) {
    const made = new AudioContext();
    shared = made;
    for (const gesture of ["pointerdown", "keydown"])
      addEventListener(gesture, () => void made.resume(), { capture: true });
  }
  if (shared.state === "suspended") shared.resume().catch(() => {});
  return shared;
}

/**
 * The level of samples between -1 and 1, in decibels of full scale; silence is -120.
 * @param {ArrayLike<number>} samples
 */
export function levelOf(samples) {
  let energy = 0;
  for (let i = 0; i < samples.length; i++) energy += samples[i] * samples[i];
  if (!energy) return SILENCE_DB;
  return Math.max(SILENCE_DB, 10 * Math.log10(energy / samples.length));
}

/**
 * How many of the meter's bars a level lights.
 * @param {number} level in decibels of full scale
 */
export function barsOf(level) {
  const share = (level - QUIETEST_SHOWN_DB) / (LOUDEST_SHOWN_DB - QUIETEST_SHOWN_DB);
  return Math.round(BARS * Math.min(1, Math.max(0, share)));
}

/** Listens to the first sound track of a stream. */
export class Ear {
  constructor() {
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {AudioNode[]} */
    this.nodes = [];
    /** @type {AnalyserNode | null} */
    this.analyser = null;
    this.samples = new Float32Array(WINDOW);
  }

  /**
   * Listen to this stream from now on; nothing happens when it is heard already.
   * @param {MediaStream | null} stream
   */
  hear(stream) {
    const track = stream?.getAudioTracks()[0] ?? null;
    if (track === this.track) return;
    for (const node of this.nodes) node.disconnect();
    this.track = track;
    this.nodes = [];
    this.analyser = null;
    if (!track) return;
    const context = audio();
    const source = new MediaStreamAudioSourceNode(context, {
      mediaStream: new MediaStream([track]),
    });
    const filter = new BiquadFilterNode(context, { type: "highpass", frequency: HUM_HZ });
    const analyser = new AnalyserNode(context, { fftSize: WINDOW });
    source.connect(filter).connect(analyser);
    this.nodes = [source, filter];
    this.analyser = analyser;
  }

  /** The newest samples, or null while nothing is heard. */
  listen() {
    if (!this.analyser || audio().state !== "running") return null;
    this.analyser.getFloatTimeDomainData(this.samples);
    return this.samples;
  }

  /** The level now, in decibels of full scale. */
  level() {
    const samples = this.listen();
    return samples ? levelOf(samples) : SILENCE_DB;
  }
}

/**
 * A row of bars with a name; `show` lights them.
 * @param {string} name what is measured, in words
 * @param {Record<string, string>} [properties]
 */
export function meter(name, properties = {}) {
  const bars = Array.from({ length: BARS }, () => el("i"));
  const node = el(
    "div",
    {
      class: "meter",
      role: "meter",
      "aria-label": name,
      "aria-valuemin": "0",
      "aria-valuemax": String(BARS),
      "aria-valuenow": "0",
      ...properties,
    },
    ...bars,
  );
  let shown = 0;
  return {
    node,
    /** @param {number} level in decibels of full scale */
    show(level) {
      const lit = barsOf(level);
      if (lit === shown) return;
      shown = lit;
      node.setAttribute("aria-valuenow", String(lit));
      bars.forEach((bar, index) => {
        bar.classList.toggle("lit", index < lit);
      });
    },
  };
}

/**
 * A meter that follows a stream by itself for as long as it stands in the page.
 * @param {string} name
 * @param {() => MediaStream | null} streamNow
 * @param {Record<string, string>} [properties]
 */
export function liveMeter(name, streamNow, properties) {
  const ear = new Ear();
  const { node, show } = meter(name, properties);
  let stood = false;
  const timer = setInterval(() => {
    if (node.isConnected) {
      stood = true;
      ear.hear(streamNow());
      show(ear.level());
    } else if (stood) {
      clearInterval(timer);
      ear.hear(null);
    }
  }, SHOW_EVERY_MS);
  return node;
}
