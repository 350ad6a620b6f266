// @ts-check
/**
 * Whom do I see? The resident large, a colleague and oneself beside, each under its name; what is
 * shared in the large place; and words where somebody is not to be seen.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { colleague, inCall, isOnHold } from "./desk_state.js";

/** @import {ClerkState} from "/static/kit/protocol.js" */
/** @import {Peer} from "/static/kit/peer.js" */

export class Pictures {
  constructor() {
    const video = (/** @type {string} */ id) =>
      el("video", { class: id, autoplay: true, playsInline: true, id });
    this.far = video("far");
    this.own = video("own");
    this.own.muted = true;
    this.beside = video("beside");
    this.shared = el("video", { class: "shared", autoplay: true, muted: true, hidden: true });
    this.farName = el("p", { class: "name far-name" });
    this.besideName = el("figcaption", { class: "name" });
    this.colleague = el(
      "figure",
      { class: "colleague", hidden: true },
      this.beside,
      this.besideName,
    );
    this.held = el("p", { class: "held", role: "status", hidden: true });
    this.nodes = [this.far, this.held, this.shared, this.farName, this.colleague, this.own];
  }

  /** @param {ClerkState} state @param {Peer} peer */
  update(state, peer) {
    const call = inCall(state) ? state.call : null;
    this.far.hidden = !inCall(state);
    this.shared.hidden = !call?.far_shares;
    this.farName.hidden = !call;
    const site = state.visit ? nameOf(state.visit.site) : "";
    fill(
      this.farName,
      call && `${nameOf({ name_zh: call.far_name_zh, name_en: call.far_name_en })} · ${site}`,
    );
    const other = call && colleague(call);
    this.colleague.hidden = !other;
    fill(this.besideName, other && nameOf(other));
    const stream = (other && peer.streamOf(other.slot)) ?? null;
    this.beside.muted = other?.slot !== 0; // the link plays the sound of all slots but the first
    if (this.beside.srcObject !== stream) this.beside.srcObject = stream;
    this.held.hidden = !(call && isOnHold(state));
    if (this.held.hidden) fill(this.held);
    else if (!this.held.hasChildNodes()) fill(this.held, icon("pause"), t("clerk.held"));
  }

  /** Draw anew, in another language. */
  redraw() {
    fill(this.held);
  }
}
