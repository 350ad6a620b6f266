// @ts-check
/**
 * How am I in a call as a supervisor? Takes a part over REST, answers its offers, and keeps the
 * microphone open only while somebody may hear it.
 */

import { ask, Problem } from "/static/kit/api.js";
import { Link } from "/static/kit/link.js";

/** @typedef {"listen" | "whisper" | "party"} Mode */
/**
 * @typedef {object} PartView
 * @property {Mode} mode
 * @property {string} state
 * @property {string | null} connection
 * @property {string | null} offer
 * @property {string[]} hears
 */

const LOOK_MS = 1000;
const AWAY_MS = 4000; // the service rebuilds what it can by itself within that
const SOUND = { audio: { echoCancellation: true, noiseSuppression: true } };

/** A place that is being left is taken again only afterwards. @type {Promise<unknown>} */
let leaving = Promise.resolve();

/** Fires `change` when what is shown may have changed, `over` when the part ended without `leave`. */
export class Part extends EventTarget {
  /** @param {string} visit */
  constructor(visit) {
    super();
    this.path = `/api/calls/${encodeURIComponent(visit)}/part`;
    /** @type {PartView | null} */
    this.view = null;
    /** @type {Link | null} */
    this.playing = null;
    /** @type {Link | null} */
    this.coming = null;
    /** @type {MediaStream | null} */
    this.microphone = null;
    this.left = false;
    this.wellAt = 0;
    /** @type {Promise<unknown>} */
    this.turn = Promise.resolve();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Whether anybody hears my microphone. */
  get isHeard() {
    return this.microphone !== null && this.playing?.peer.connectionState === "connected";
  }

  /**
   * Be in the call in this mode. Throws Problem, TypeError, and DOMException without a microphone.
   * @param {Mode} mode
   */
  async take(mode) {
    if (mode === "listen") this.#silence();
    else if (!this.microphone) {
      const opened = await navigator.mediaDevices.getUserMedia(SOUND);
      this.microphone = opened;
      if (this.left) this.#silence();
    }
    await leaving;
    if (this.left) return;
    this.wellAt = performance.now();
    await this.#inTurn(async () => this.#follow(await ask("PUT", this.path, { mode })));
    this.#lookLater();
  }

  /** Be in the call no more; the microphone is closed at once. */
  async leave() {
    this.#close();
    const left = this.turn.then(() => ask("DELETE", this.path));
    leaving = left.catch(() => {});
    try {
      await left;
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error;
    }
  }

  #close() {
    this.left = true;
    clearTimeout(this.timer);
    this.#silence();
    this.playing?.close();
    this.coming?.close();
    this.playing = this.coming = null;
  }

  #silence() {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.microphone = null;
    this.#flow();
  }

  #flow() {
    for (const link of [this.playing, this.coming]) link?.carry(this.microphone, null);
  }

  #lookLater() {
    clearTimeout(this.timer);
    if (!this.left) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  /**
   * One exchange with the server at a time.
   * @param {() => Promise<void>} work
   */
  #inTurn(work) {
    const turn = this.turn.then(() => (this.left ? undefined : work()));
    this.turn = turn.catch(() => {});
    return turn;
  }

  async #look() {
    try {
      await this.#inTurn(async () => this.#follow(await ask("GET", this.path)));
    } catch (error) {
      if (error instanceof Problem && !this.left) {
        this.#close();
        this.dispatchEvent(new Event("over"));
      } // without a network it is asked again
    }
    this.#lookLater();
  }

  /** @param {PartView} view */
  async #follow(view) {
    if (this.left) return;
    this.view = view;
    const known = [this.playing, this.coming].find((link) => link?.id === view.connection);
    if (view.connection && view.offer && known?.offer !== view.offer)
      await this.#answer(known ?? this.#begin(view.connection), view.offer);
    this.#flow();
    const now = performance.now();
    if (this.playing?.peer.connectionState === "connected" && view.state !== "away")
      this.wellAt = now;
    else if (now - this.wellAt > AWAY_MS) await this.#again(view.mode);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} id */
  #begin(id) {
    const link = new Link(id);
    this.coming?.close();
    this.coming = link;
    link.peer.onconnectionstatechange = () => {
      if (link.peer.connectionState === "connected" && this.coming === link) {
        this.playing?.close();
        this.playing = link;
        this.coming = null;
        link.playOthers();
      }
      this.dispatchEvent(new Event("change"));
    };
    return link;
  }

  /**
   * @param {Link} link
   * @param {string} offer
   */
  async #answer(link, offer) {
    const sdp = await link.answer(offer);
    link.carry(this.microphone, null);
    if (link.closed) return;
    await ask("PUT", `${this.path}/answer`, { connection: link.id, sdp });
    link.offer = offer;
  }

  /** The way is gone: leave the place and take it anew. @param {Mode} mode */
  async #again(mode) {
    this.playing?.close();
    this.coming?.close();
    this.playing = this.coming = null;
    this.wellAt = performance.now();
    await ask("DELETE", this.path);
    await this.#follow(await ask("PUT", this.path, { mode }));
  }
}
