// @ts-check
/**
 * How do picture and sound travel? One call's peer connection, kept in step with the line's state.
 *
 * The server offers, the page answers. When the path fails, the page asks for a new connection
 * and lets the old one play until the new one is there. Never an ICE restart.
 */

/** @import {CallView} from "./protocol.js" */
/** @import {Line} from "./line.js" */

const CONNECT_DEADLINE_MS = 8000;
const ASK_AGAIN_MS = 3000;
const DISCONNECTED_MS = 2500;

/** Fires `playing` once per call when the first far picture was decoded. */
export class Peer extends EventTarget {
  /**
   * @param {Line<any>} line
   * @param {HTMLVideoElement} far where the other party is shown
   */
  constructor(line, far) {
    super();
    this.line = line;
    this.far = far;
    /** @type {MediaStream} */
    this.stream = new MediaStream();
    /** @type {RTCPeerConnection | null} */
    this.playing = null;
    /** @type {RTCPeerConnection | null} */
    this.coming = null;
    this.call = "";
    this.connection = "";
    this.epoch = "";
    this.askedAt = 0;
    this.told = "";
    /** @type {Promise<void>} */
    this.ready = Promise.resolve();
    far.addEventListener("loadeddata", () => this.#tellPlaying());
  }

  /**
   * Send this stream, also in a running call.
   * @param {Promise<MediaStream> | MediaStream} stream
   */
  send(stream) {
    this.ready = Promise.resolve(stream).then((opened) => {
      this.stream = opened;
      for (const peer of [this.playing, this.coming])
        for (const track of peer ? opened.getTracks() : []) {
          const sender = peer?.getSenders().find((s) => s.track?.kind === track.kind);
          if (sender) sender.replaceTrack(track);
          else if (peer?.localDescription) this.#replace(peer); // answered without this kind
        }
    });
  }

  /**
   * Bring the connection in step with the state.
   * @param {CallView | null} call
   */
  follow(call) {
    if (!call) {
      this.close();
      return;
    }
    if (call.id !== this.call || this.epoch !== this.line.epoch) {
      this.close();
      this.call = call.id;
      this.epoch = this.line.epoch;
    }
    const wanted = call.connection;
    if (wanted?.offer && wanted.id !== this.connection) this.#answer(wanted.id, wanted.offer);
    else if (!this.connection || wanted?.id !== this.connection) this.#ask();
  }

  /** Hang up; the camera stays open. */
  close() {
    this.playing?.close();
    this.coming?.close();
    this.playing = this.coming = null;
    this.call = this.connection = this.told = "";
    this.askedAt = 0;
    this.far.srcObject = null;
  }

  #ask() {
    const now = performance.now();
    const call = this.call;
    if (this.askedAt && now - this.askedAt < ASK_AGAIN_MS) {
      setTimeout(
        () => this.call === call && this.follow(this.line.state?.call ?? null),
        ASK_AGAIN_MS,
      );
      return;
    }
    this.askedAt = now;
    this.line.command("connect", { call }).catch((error) => console.warn("connect", error.message));
  }

  /** Ask for a new connection because this one does not carry. @param {RTCPeerConnection} peer */
  #replace(peer) {
    if (peer !== this.playing && peer !== this.coming) return;
    this.connection = "";
    this.#ask();
  }

  /**
   * @param {string} connection
   * @param {string} offer
   */
  async #answer(connection, offer) {
    this.connection = connection;
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.coming?.close();
    this.coming = peer;
    const remote = new MediaStream();
    peer.ontrack = (event) => remote.addTrack(event.track);
    peer.onconnectionstatechange = () => this.#watch(peer, remote);
    try {
      await peer.setRemoteDescription({ type: "offer", sdp: offer });
      await this.ready;
      for (const track of this.stream.getTracks()) peer.addTrack(track, this.stream);
      await peer.setLocalDescription(await peer.createAnswer());
      if (this.connection !== connection) return;
      await this.line.command("answer", { connection, sdp: peer.localDescription?.sdp ?? "" });
      setTimeout(() => {
        if (this.coming === peer) this.#replace(peer);
      }, CONNECT_DEADLINE_MS);
    } catch (error) {
      console.warn("answer", /** @type {Error} */ (error).message);
      if (this.connection === connection) this.#replace(peer);
    }
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {MediaStream} remote
   */
  #watch(peer, remote) {
    if (peer.connectionState === "connected" && this.coming === peer) {
      this.playing?.close();
      this.playing = peer;
      this.coming = null;
      this.far.srcObject = remote;
      this.far.play().catch(() => this.dispatchEvent(new Event("blocked")));
    } else if (peer.connectionState === "failed") {
      this.#replace(peer);
    } else if (peer.connectionState === "disconnected") {
      setTimeout(() => {
        if (peer.connectionState !== "connected") this.#replace(peer);
      }, DISCONNECTED_MS);
    }
  }

  #tellPlaying() {
    if (!this.call || this.told === this.call) return;
    const call = this.call;
    this.told = call;
    this.line.command("playing", { call }).catch(() => {});
    this.dispatchEvent(new CustomEvent("playing", { detail: call }));
  }
}
