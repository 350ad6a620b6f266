// @ts-check
/**
 * Do camera, microphone and loudspeaker work? Opens them, watches and listens until they are fit
 * for a call, and hands the opened stream on. Judges nothing itself: see verdict.js. Shows
 * nothing: see check_screen.js.
 */

import {
  AUDIO,
  canChooseOutput,
  listDevices,
  openDevices,
  openOne,
  RAW_AUDIO,
  VIDEO,
} from "/static/kit/devices.js";
import { el } from "/static/kit/dom.js";
import { audio, Ear, levelOf } from "/static/kit/level.js";
import { heardTone, NOTES_HZ, playTone, shareOf, TONE_S } from "/static/kit/tone.js";
import {
  cameraVerdict,
  DEVICES,
  lookAt,
  loudspeakerVerdict,
  microphoneVerdict,
  settled,
} from "./verdict.js";

/** @import {Fault} from "/static/kit/devices.js" */
/** @import {Device, Look, Verdicts} from "./verdict.js" */

const TICK_MS = 50;
const LOOK_EVERY_MS = 100;
const KEPT = 400; // looks and levels: 20 s and more
const WIDTH = 48;
const HEIGHT = 36;
const HEARD_LATER_S = 0.4; // sound travels through two buffers
const SHOWN_MS = 1000;

/**
 * Fires `change` when a verdict changed, `level` when the microphone was listened to, and `done`
 * once, when there is nothing left to wait for.
 */
export class Check extends EventTarget {
  constructor() {
    super();
    /** What the call gets. */
    this.stream = new MediaStream();
    this.video = el("video", { autoplay: true, playsInline: true, muted: true });
    /** @type {Verdicts} */
    this.verdicts = { camera: "checking", microphone: "checking", loudspeaker: "checking" };
    /** @type {Set<Device>} */
    this.without = new Set();
    this.settled = false;
    this.level = levelOf([]);
    this.ear = new Ear();
    /** @type {MediaStreamTrack | null} */
    this.raw = null;
    this.closed = this.finished = false;
    /** @type {{camera: Fault, microphone: Fault}} */
    this.faults = { camera: "", microphone: "" };
    this.opened = { camera: false, microphone: false };
    this.since = { camera: 0, microphone: 0, tone: 0, settled: 0, look: 0 };
    /** @type {Look[]} */
    this.looks = [];
    /** @type {number[]} */
    this.levels = [];
    /** @type {number[][]} */
    this.shares = [];
    /** @type {boolean | null} */
    this.answer = null;
    this.noLoudspeaker = false;
    const canvas = el("canvas", { width: WIDTH, height: HEIGHT });
    this.canvas = canvas.getContext("2d", { willReadFrequently: true });
    this.replugged = () => this.#retryFaults();
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  /** Begin. */
  async start() {
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    navigator.mediaDevices.addEventListener("devicechange", this.replugged);
    const { stream, camera, microphone } = await openDevices();
    this.faults = { camera, microphone };
    this.#take(stream.getTracks());
    if (this.closed) return;
    this.opened = { camera: true, microphone: true };
    this.since.camera = this.since.microphone = performance.now();
    await this.#listen();
    await this.#sound();
  }

  /**
   * Try this device once more, from the beginning.
   * @param {Device} device
   */
  async again(device) {
    this.without.delete(device);
    if (device === "loudspeaker") {
      await this.#sound();
      return;
    }
    const kind = device === "camera" ? "video" : "audio";
    this.opened[device] = false;
    this.#judge();
    for (const track of this.stream.getTracks().filter((old) => old.kind === kind)) track.stop();
    const { track, fault } = await openOne(kind === "video" ? { video: VIDEO } : { audio: AUDIO });
    this.faults[device] = fault;
    this.#take([
      ...this.stream.getTracks().filter((old) => old.kind !== kind),
      ...(track ? [track] : []),
    ]);
    this.opened[device] = true;
    this.since[device] = performance.now();
    if (device === "camera") {
      this.looks = [];
    } else {
      this.levels = [];
      await this.#listen();
    }
  }

  /**
   * The resident says whether the tone was heard.
   * @param {boolean} heard
   */
  say(heard) {
    this.answer = heard;
    this.#judge();
  }

  /**
   * Go on without this device, or as it is.
   * @param {Device} device
   */
  goWithout(device) {
    this.without.add(device);
    this.dispatchEvent(new Event("change"));
    this.#judge();
  }

  /** Stop checking and keep the stream, which is the caller's now. */
  handOn() {
    this.#end();
    return this.stream;
  }

  /** Stop checking and close everything. */
  close() {
    this.#end();
    for (const track of this.stream.getTracks()) track.stop();
  }

  #end() {
    this.closed = true;
    clearInterval(this.timer);
    navigator.mediaDevices.removeEventListener("devicechange", this.replugged);
    this.raw?.stop();
    this.ear.hear(null);
    this.video.srcObject = null;
  }

  /** @param {MediaStreamTrack[]} tracks */
  #take(tracks) {
    this.stream = new MediaStream(tracks);
    if (this.closed) for (const track of tracks) track.stop();
    else this.video.srcObject = this.stream;
  }

  /** Hear the microphone as it is; if it opens only once, as the call will hear it. */
  async #listen() {
    this.raw?.stop();
    this.raw = null;
    if (!this.stream.getAudioTracks().length) {
      this.ear.hear(null);
      return;
    }
    const { track } = await openOne({ audio: RAW_AUDIO });
    if (this.closed) {
      track?.stop();
      return;
    }
    this.raw = track;
    this.ear.hear(track ? new MediaStream([track]) : this.stream);
    this.since.microphone = performance.now();
  }

  async #sound() {
    this.answer = null;
    this.shares = [];
    this.since.tone = performance.now();
    const named = this.stream.getTracks().length > 0; // outputs are listed once one may listen
    this.noLoudspeaker =
      named && canChooseOutput() && (await listDevices("audiooutput")).length === 0;
    if (this.closed) return;
    this.since.tone = performance.now();
    await playTone();
  }

  #retryFaults() {
    for (const device of /** @type {const} */ (["camera", "microphone"]))
      if (this.opened[device] && this.faults[device]) void this.again(device);
    if (this.noLoudspeaker) void this.again("loudspeaker");
  }

  #tick() {
    const now = performance.now();
    const samples = this.ear.listen();
    if (samples) {
      this.level = levelOf(samples);
      this.levels = [...this.levels, this.level].slice(-KEPT);
      if (this.since.tone && now < this.since.tone + (TONE_S + HEARD_LATER_S) * 1000) {
        const rate = audio().sampleRate;
        this.shares.push(NOTES_HZ.map((note) => shareOf(samples, rate, note)));
      }
      this.dispatchEvent(new Event("level"));
    }
    if (now - this.since.look >= LOOK_EVERY_MS) {
      this.since.look = now;
      this.#look();
    }
    this.#judge();
  }

  #look() {
    if (!this.canvas || !this.video.videoWidth || !this.opened.camera) return;
    this.canvas.drawImage(this.video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.canvas.getImageData(0, 0, WIDTH, HEIGHT);
    this.looks = [...this.looks, lookAt(data, this.looks.at(-1))].slice(-KEPT);
  }

  #judge() {
    if (this.closed || this.finished) return;
    const now = performance.now();
    const seconds = (/** @type {number} */ since) => (now - since) / 1000;
    const { opened, faults, since } = this;
    const heard = heardTone(this.shares);
    const toneS = since.tone ? seconds(since.tone) - TONE_S - HEARD_LATER_S : -1;
    /** @type {Verdicts} */
    const verdicts = {
      camera: opened.camera
        ? cameraVerdict(faults.camera, this.looks, seconds(since.camera))
        : "checking",
      microphone:
        heard && !faults.microphone
          ? "works"
          : opened.microphone
            ? microphoneVerdict(faults.microphone, this.levels, seconds(since.microphone))
            : "checking",
      loudspeaker: loudspeakerVerdict({
        absent: this.noLoudspeaker,
        heard,
        answer: this.answer,
        askedS: toneS < 0 ? null : toneS,
      }),
    };
    const ready = settled(verdicts, this.without);
    const changed =
      ready !== this.settled || DEVICES.some((name) => verdicts[name] !== this.verdicts[name]);
    this.verdicts = verdicts;
    if (ready && !this.settled) this.since.settled = now;
    this.settled = ready;
    if (changed) this.dispatchEvent(new Event("change"));
    if (ready && now - this.since.settled >= (this.without.size ? 0 : SHOWN_MS)) {
      clearInterval(this.timer);
      this.finished = true;
      this.dispatchEvent(new Event("done"));
    }
  }
}
