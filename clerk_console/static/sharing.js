// @ts-check
/**
 * What of my screen does the resident see? Asks for a screen or window and sends it beside the
 * camera, until the clerk, the browser or the end of the call stops it.
 */

/** @import {Line} from "/static/kit/line.js" */
/** @import {Peer} from "/static/kit/peer.js" */

export class Sharing {
  /**
   * @param {Line<any>} line
   * @param {Peer} peer
   * @param {(error: Error) => void} refused
   */
  constructor(line, peer, refused) {
    this.line = line;
    this.peer = peer;
    this.refused = refused;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    this.call = "";
  }

  /** @param {string} call */
  async toggle(call) {
    if (this.track) {
      this.stop();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { max: 15 } },
      });
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      track.onended = () => this.stop();
      this.track = track;
      this.call = call;
      this.peer.share(track);
      await this.line.command("set_sharing", { call, sharing: true });
    } catch (error) {
      this.stop();
      if (/** @type {DOMException} */ (error).name !== "NotAllowedError")
        this.refused(/** @type {Error} */ (error));
    }
  }

  /** Show nothing any more; harmless while nothing is shown. */
  stop() {
    if (!this.track) return;
    this.track.stop();
    this.track = null;
    this.peer.share(null);
    if (this.line.state?.call?.id === this.call)
      this.line.command("set_sharing", { call: this.call, sharing: false }).catch(() => {});
  }
}
