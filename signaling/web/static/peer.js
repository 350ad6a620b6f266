// @ts-check
/**
 * How do picture and sound travel? One client's peer connections, kept in step with the line's state.
 *
 * The server offers, the page answers. Before a call the connection is a warm line: connected, and
 * the media node passes on nothing of it. While a visit rings the camera flows already, so that its
 * encoder runs when the accept opens the way; sound waits for the call. When the path fails, the page
 * asks for a new connection and lets the old one play until the new one brings media. Never an ICE
 * restart.
 */

import { Link } from "./link.js";

/** @import {CallView, ConnectionView} from "./protocol.js" */
/** @import {Line} from "./line.js" */

const CONNECT_DEADLINE_MS = 8000;
const ASK_AGAIN_MS = 3000;
const DISCONNECTED_MS = 2500;
const SWITCH_MOST_MS = 3000;

/**
 * @typedef {object} Wanted
 * @property {CallView | null} call
 * @property {ConnectionView | null} connection
 * @property {boolean} warm whether a call may begin soon
 * @property {boolean} [ringing] whether it may begin with the next press
 */

/**
 * Fires `playing` once per call when the first far picture was decoded, `blocked` when the browser
 * does not play by itself, `shared` (detail: the stream or null), `link` when another connection
 * carries the call and `slots` when it may bring somebody else.
 */
export class Peer extends EventTarget {
  /**
   * @param {Line<any>} line
   * @param {HTMLVideoElement} far where the other party is shown
   * @param {string} party which one that is; "" for whoever is in the first slot
   */
  constructor(line, far, party = "") {
    super();
    this.line = line;
    this.far = far;
    this.party = party;
    this.sinkId = "";
    /** @type {MediaStream} */
    this.stream = new MediaStream();
    /** @type {MediaStreamTrack | null} */
    this.screen = null;
    /** @type {Link | null} */
    this.playing = null;
    /** @type {Link | null} */
    this.coming = null;
    /** @type {Wanted} */
    this.wanted = { call: null, connection: null, warm: false };
    this.epoch = "";
    this.askedAt = 0;
    this.told = "";
    this.shown = "";
    far.addEventListener("loadeddata", () => this.#tellPlaying());
  }

  /**
   * Send this stream, also in a running call.
   * @param {Promise<MediaStream> | MediaStream} stream
   */
  send(stream) {
    Promise.resolve(stream).then((opened) => {
      this.stream = opened;
      this.#flow();
    });
  }

  /**
   * Show this track as the shared screen, or nothing.
   * @param {MediaStreamTrack | null} track
   */
  share(track) {
    this.screen = track;
    this.#flow();
  }

  /**
   * Sound and picture of one slot of the connection that carries the call.
   * @param {number} slot
   */
  streamOf(slot) {
    return this.playing?.streams.get(slot);
  }

  /** Let those be heard over this loudspeaker who have no picture of their own. @param {string} sinkId */
  playOn(sinkId) {
    this.sinkId = sinkId;
    this.playing?.playOn(sinkId);
  }

  /**
   * Bring the connections in step with the state.
   * @param {Wanted} wanted
   */
  follow(wanted) {
    const before = this.wanted.call?.id ?? "";
    this.wanted = wanted;
    if (
      (!wanted.call && !wanted.warm) ||
      this.epoch !== this.line.epoch ||
      (before && !wanted.call)
    )
      this.close();
    this.epoch = this.line.epoch;
    if (!wanted.call && !wanted.warm) return;
    const { connection } = wanted;
    const link = [this.playing, this.coming].find((known) => known && known.id === connection?.id);
    if (link && connection?.offer) this.#answer(link, connection.offer);
    else if (!link && connection?.offer) this.#begin(connection.id, connection.offer);
    else if (!link) this.#ask();
    this.#flow();
    if (wanted.call && this.playing) this.#show(this.playing);
  }

  /** Hang up; the camera stays open. */
  close() {
    this.playing?.close();
    this.coming?.close();
    this.playing = this.coming = null;
    this.told = this.shown = "";
    this.askedAt = 0;
    this.screen = null;
    this.far.srcObject = null;
    this.dispatchEvent(new CustomEvent("shared", { detail: null }));
  }

  #ask() {
    const now = performance.now();
    if (this.askedAt && now - this.askedAt < ASK_AGAIN_MS) {
      const { wanted } = this;
      setTimeout(() => this.wanted === wanted && this.follow(wanted), ASK_AGAIN_MS);
      return;
    }
    this.askedAt = now;
    this.line
      .command("connect", { call: this.wanted.call?.id ?? null })
      .catch((error) => console.warn("connect", error.message));
  }

  /** Ask for a new connection because this one does not carry. @param {Link} link */
  #replace(link) {
    if (link !== this.playing && link !== this.coming) return;
    if (link === this.coming) {
      link.close();
      this.coming = null;
    }
    this.#ask();
  }

  /**
   * @param {string} id
   * @param {string} offer
   */
  #begin(id, offer) {
    const link = new Link(id);
    this.coming?.close();
    this.coming = link;
    link.peer.onconnectionstatechange = () => this.#watch(link);
    this.#answer(link, offer);
    setTimeout(() => {
      if (this.coming === link && link.peer.connectionState !== "connected") this.#replace(link);
    }, CONNECT_DEADLINE_MS);
  }

  /**
   * @param {Link} link
   * @param {string} offer
   */
  async #answer(link, offer) {
    if (link.offer === offer) return;
    link.offer = offer;
    try {
      if (this.wanted.call) link.carry(this.stream, this.screen);
      const sdp = await link.answer(offer);
      if (this.wanted.call) link.carry(this.stream, this.screen);
      if (link.closed) return;
      if (link === this.playing) this.dispatchEvent(new Event("slots"));
      await this.line.command("answer", { connection: link.id, sdp });
    } catch (error) {
      console.warn("answer", /** @type {Error} */ (error).message);
      if (!link.closed) this.#replace(link);
    }
  }

  /** @param {Link} link */
  async #watch(link) {
    const state = link.peer.connectionState;
    if (state === "connected" && this.coming === link) {
      if (this.playing?.peer.connectionState === "connected" && this.wanted.call)
        await link.media(SWITCH_MOST_MS);
      if (this.coming !== link) return;
      this.playing?.close();
      this.playing = link;
      this.coming = null;
      if (this.wanted.call) this.#show(link);
    } else if (state === "failed") {
      this.#replace(link);
    } else if (state === "disconnected") {
      setTimeout(() => {
        if (link.peer.connectionState !== "connected") this.#replace(link);
      }, DISCONNECTED_MS);
    }
  }

  /** Put the tracks where a call runs, and take them off where none does. */
  #flow() {
    const { call, ringing } = this.wanted;
    const stream = call
      ? this.stream
      : ringing
        ? new MediaStream(this.stream.getVideoTracks())
        : null;
    for (const link of [this.playing, this.coming]) link?.carry(stream, call && this.screen);
  }

  /** @param {Link} link */
  #show(link) {
    const slot = this.party ? (this.wanted.call?.hears.indexOf(this.party) ?? -1) : 0;
    const stream = link.streams.get(slot) ?? null;
    if (this.far.srcObject !== stream) {
      this.far.srcObject = stream;
      if (stream) this.far.play().catch(() => this.dispatchEvent(new Event("blocked")));
    }
    if (this.shown === link.id) return;
    this.shown = link.id;
    link.playOn(this.sinkId);
    link.playOthers();
    this.dispatchEvent(new Event("slots"));
    this.dispatchEvent(new CustomEvent("shared", { detail: link.shared }));
    this.dispatchEvent(new CustomEvent("link", { detail: link }));
  }

  #tellPlaying() {
    const call = this.wanted.call?.id;
    if (!call || this.told === call) return;
    this.told = call;
    this.line.command("playing", { call }).catch(() => {});
    this.dispatchEvent(new CustomEvent("playing", { detail: call }));
  }
}
