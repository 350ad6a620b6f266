// @ts-check
/**
 * With which camera, microphone and loudspeaker does this clerk work? Remembers the choice, opens
 * it, and follows what is plugged in and out.
 *
 * A chosen device that is gone is replaced by the default one and named in `gone`; it is used
 * again when it is back. Muted stays muted, and shown stays shown, through every change.
 */

import { findDevice, openDevices } from "/static/kit/devices.js";

/** @import {Chosen, DeviceKind, Opened} from "/static/kit/devices.js" */
/**
 * @typedef {object} Kept what is remembered on this computer
 * @property {Partial<Record<DeviceKind, Chosen>>} chosen
 * @property {boolean} cleaning whether echo and noise are taken out of the own sound
 */

/** @type {DeviceKind[]} */
export const KINDS = ["videoinput", "audioinput", "audiooutput"];
const STORED = "vw-devices";

/** Fires `change` when a device was opened, closed, switched, lost or found again. */
export class ChosenDevices extends EventTarget {
  /** @param {(opening: Promise<MediaStream>) => void} send gets each stream to come */
  constructor(send) {
    super();
    this.send = send;
    this.kept = read();
    /** The open stream; empty while it opens, null when closed. @type {MediaStream | null} */
    this.stream = null;
    /** @type {Opened["reason"]} */
    this.reason = "";
    /** @type {{audio: boolean, video: boolean}} */
    this.off = { audio: false, video: false };
    /** @type {MediaDeviceInfo[]} */
    this.there = [];
    /** Kinds whose chosen device is not there. @type {DeviceKind[]} */
    this.gone = [];
    this.sinkId = "";
    /** Openings follow one another, so that an earlier one never replaces a later. */
    this.opening = Promise.resolve(new MediaStream());
    navigator.mediaDevices.addEventListener("devicechange", () => void this.#replugged());
  }

  /** Open what was chosen, unless it is open. */
  open() {
    if (!this.stream) this.#reopen();
  }

  /** Close camera and microphone. */
  close() {
    this.#stop();
    this.stream = null;
    this.reason = "";
    this.#tell();
  }

  /**
   * Choose a device and remember it; null is the system's default.
   * @param {DeviceKind} kind
   * @param {MediaDeviceInfo | null} device
   */
  choose(kind, device) {
    if (device) this.kept.chosen[kind] = { id: device.deviceId, label: device.label };
    else delete this.kept.chosen[kind];
    this.#keep();
    if (kind === "audiooutput" || !this.stream) this.#compare();
    else this.#reopen();
  }

  /**
   * Take echo and noise out of the own sound, or leave it as it is.
   * @param {boolean} on
   */
  clean(on) {
    this.kept.cleaning = on;
    this.#keep();
    if (this.stream) this.#reopen();
  }

  /** Switch the own sound or picture. @param {"audio" | "video"} kind */
  toggle(kind) {
    this.off[kind] = !this.off[kind];
    this.#obey();
    this.#tell();
  }

  /**
   * The chosen device if it is there; null is the system's default.
   * @param {DeviceKind} kind
   */
  chosen(kind) {
    return findDevice(
      this.kept.chosen[kind],
      this.there.filter((device) => device.kind === kind),
    );
  }

  #reopen() {
    this.#stop();
    this.stream = new MediaStream();
    this.opening = this.opening.then(() => this.#open());
    this.send(this.opening);
  }

  async #open() {
    await this.#list();
    const asked = this.#wanted();
    let opened = await openDevices(asked);
    await this.#list(); // names are told to those who were let in
    if (JSON.stringify(this.#wanted()) !== JSON.stringify(asked)) {
      for (const track of opened.stream.getTracks()) track.stop();
      opened = await openDevices(this.#wanted());
    }
    if (!this.stream) {
      for (const track of opened.stream.getTracks()) track.stop(); // closed meanwhile
      return new MediaStream();
    }
    this.#stop();
    this.stream = opened.stream;
    this.reason = opened.reason;
    for (const track of this.stream.getTracks())
      track.addEventListener("ended", () => void this.#replugged());
    this.#obey();
    this.#compare();
    return this.stream;
  }

  #wanted() {
    const { cleaning } = this.kept;
    const from = (/** @type {DeviceKind} */ kind) => {
      const device = this.chosen(kind);
      return device && { deviceId: { exact: device.deviceId } }; // a mere wish Chromium disregards
    };
    return {
      video: { ...from("videoinput") },
      audio: {
        ...from("audioinput"),
        echoCancellation: cleaning,
        noiseSuppression: cleaning,
      },
    };
  }

  async #list() {
    this.there = await navigator.mediaDevices.enumerateDevices();
  }

  /** Something came or went: open anew what ended, what failed, and what is back. */
  async #replugged() {
    await this.#list();
    this.#compare();
    if (!this.stream?.getTracks().length && !this.reason) return; // closed, or opening already
    const tracks = this.stream?.getTracks() ?? [];
    const changed = tracks.some((track) => {
      const chosen = this.chosen(track.kind === "video" ? "videoinput" : "audioinput");
      const other = chosen && chosen.deviceId !== track.getSettings().deviceId;
      return track.readyState === "ended" || other;
    });
    if (changed || this.reason) this.#reopen();
  }

  /** Which chosen devices are gone, and where does the sound go? */
  #compare() {
    this.gone = KINDS.filter(
      (kind) =>
        this.kept.chosen[kind] &&
        !this.chosen(kind) &&
        this.there.some((device) => device.label !== ""), // else nothing can be known
    );
    this.sinkId = this.chosen("audiooutput")?.deviceId ?? "";
    this.#tell();
  }

  #obey() {
    for (const track of this.stream?.getTracks() ?? [])
      track.enabled = !this.off[/** @type {"audio" | "video"} */ (track.kind)];
  }

  #stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
  }

  #keep() {
    localStorage.setItem(STORED, JSON.stringify(this.kept));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {Kept} */
function read() {
  try {
    const { chosen, cleaning } = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    return { chosen: chosen ?? {}, cleaning: cleaning ?? true };
  } catch {
    return { chosen: {}, cleaning: true };
  }
}
