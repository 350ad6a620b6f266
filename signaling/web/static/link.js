// @ts-check
/**
 * What is one peer connection to the media node? Slots of three media: sound, camera, screen.
 *
 * In the first slot this page also sends; every slot brings one far party. Tracks are put on and
 * taken off without a new offer.
 */

const TRACKS = 3;

export class Link {
  /** @param {string} id the server's name for the connection */
  constructor(id) {
    this.id = id;
    this.offer = "";
    this.closed = false;
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.far = new MediaStream();
    /** Sound and camera of each slot. @type {Map<number, MediaStream>} */
    this.streams = new Map([[0, this.far]]);
    this.shared = new MediaStream();
    this.sinkId = "";
    /** @type {Map<number, HTMLAudioElement>} */
    this.others = new Map();
    /** @type {RTCRtpSender[]} */
    this.senders = [];
    this.peer.ontrack = (event) => this.#take(event);
  }

  /**
   * Answer the first offer or a later one.
   * @param {string} offer
   * @returns {Promise<string>} the SDP answer
   */
  async answer(offer) {
    await this.peer.setRemoteDescription({ type: "offer", sdp: offer });
    const own = this.peer.getTransceivers().slice(0, TRACKS);
    for (const transceiver of own) transceiver.direction = "sendrecv";
    this.senders = own.map((transceiver) => transceiver.sender);
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    return this.peer.localDescription?.sdp ?? "";
  }

  /**
   * Send these, or nothing.
   * @param {MediaStream | null} stream
   * @param {MediaStreamTrack | null} screen
   */
  carry(stream, screen) {
    const wanted = [stream?.getAudioTracks()[0], stream?.getVideoTracks()[0], screen];
    this.senders.forEach((sender, place) => {
      const track = wanted[place] ?? null;
      if (sender.track !== track && !this.closed)
        sender.replaceTrack(track).catch((error) => console.warn("track", error.message));
    });
  }

  /**
   * Wait until something comes, or so long.
   * @param {number} mostMs
   */
  async media(mostMs) {
    const tracks = this.far.getTracks();
    if (tracks.some((track) => !track.muted)) return;
    await new Promise((resolve) => {
      for (const track of tracks) track.addEventListener("unmute", resolve, { once: true });
      setTimeout(resolve, mostMs);
    });
  }

  /** Let those be heard who are not in the first slot. */
  playOthers() {
    for (const sound of this.others.values()) sound.play().catch(() => {});
  }

  /** Let the others be heard over this loudspeaker. @param {string} sinkId */
  playOn(sinkId) {
    this.sinkId = sinkId;
    for (const sound of this.others.values())
      if ("setSinkId" in sound && sound.sinkId !== sinkId) sound.setSinkId(sinkId).catch(() => {});
  }

  /** Hang up. */
  close() {
    this.closed = true;
    this.peer.close();
    for (const sound of this.others.values()) sound.srcObject = null;
  }

  /** @param {RTCTrackEvent} event */
  #take({ track, transceiver }) {
    const number = Number(transceiver.mid);
    const slot = Math.floor(number / TRACKS);
    const place = number % TRACKS;
    if (slot === 0 && place === 2) {
      this.shared.addTrack(track);
      return;
    }
    if (place === 2) return;
    const stream = this.streams.get(slot) ?? new MediaStream();
    this.streams.set(slot, stream);
    stream.addTrack(track);
    if (slot > 0 && place === 0) {
      const sound = new Audio();
      sound.srcObject = stream;
      sound.autoplay = true;
      this.others.set(slot, sound);
      this.playOn(this.sinkId);
    }
  }
}
