// @ts-check
/**
 * Whom do I see, and who rings? The clerk's middle column: offer, video and its controls.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { liveMeter } from "/static/kit/level.js";
import { othersInWords, pathWords, Reporter, showQuality } from "/static/kit/quality.js";
import { clock, nameOf, t } from "/static/kit/words.js";
import { ChosenDevices } from "./chosen_devices.js";
import { DeviceDialog, deviceTrouble } from "./device_dialog.js";
import { Sharing } from "./sharing.js";

/** @import {ClerkState} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @import {Peer} from "/static/kit/peer.js" */

export class PersonColumn {
  /**
   * @param {HTMLElement} place
   * @param {Line<ClerkState>} line
   * @param {(far: HTMLVideoElement) => Peer} makePeer
   * @param {(error: Error) => void} refused
   */
  constructor(place, line, makePeer, refused) {
    this.line = line;
    this.refused = refused;
    this.far = el("video", { class: "far", autoplay: true, playsInline: true, id: "far" });
    this.own = el("video", {
      class: "own",
      autoplay: true,
      playsInline: true,
      muted: true,
      id: "own",
    });
    this.peer = makePeer(this.far);
    this.top = el("div", { class: "person-top" });
    this.quality = el("span", { class: "quality", role: "status" });
    this.reporter = new Reporter(line, this.peer);
    this.shared = el("video", { class: "shared", autoplay: true, muted: true, hidden: true });
    this.sharing = new Sharing(line, this.peer, refused);
    this.peer.addEventListener("shared", (event) => {
      this.shared.srcObject = /** @type {CustomEvent} */ (event).detail;
    });
    this.told = el("p", { class: "told", role: "status" });
    this.controls = el("div", { class: "row controls" });
    this.offer = el("section", { class: "offer", role: "alertdialog", hidden: true });
    this.devices = new ChosenDevices((opening) => this.peer.send(opening));
    this.dialog = new DeviceDialog(this.devices, () => this.#followState());
    this.confirming = el("dialog", { class: "dialog" });
    this.levels = el("span", { class: "levels", hidden: true });
    this.drawnFor = "";
    this.offered = "";
    fill(
      place,
      this.top,
      el("div", { class: "stage" }, this.far, this.shared, this.own, this.told, this.offer),
      this.controls,
      this.dialog.node,
      this.confirming,
    );
    this.redraw();
    this.devices.addEventListener("change", () => this.#devicesChanged());
    this.peer.addEventListener("blocked", () => fill(this.told, t("clerk.blocked")));
    this.far.addEventListener("click", () => this.far.play());
  }

  /** @param {ClerkState} state */
  update(state) {
    const on = this.dialog.open || !["off", "break", "missed"].includes(state.window.state);
    if (on) this.devices.open();
    else if (this.devices.stream) this.devices.close();
    const call = state.visit?.state === "serving" ? state.call : null;
    const warm = ["ready", "offered"].includes(state.window.state);
    this.peer.follow({ call, connection: state.connection, warm });
    this.shared.hidden = !call?.far_shares;
    if (!call) this.sharing.stop();
    this.far.hidden = state.visit?.state !== "serving";
    this.own.hidden = !this.devices.stream;
    this.#drawControls(state);
    this.tick(state);
  }

  /** Open the dialog of devices; it opens them too when the window is closed. */
  chooseDevices() {
    this.dialog.show();
    this.#followState();
  }

  /** What changes with time: the offer's seconds, the call's length. @param {ClerkState} state */
  tick(state) {
    const { visit, call } = state;
    const serving = visit?.state === "serving";
    if (call) showQuality(this.quality, call);
    this.levels.hidden = !serving;
    fill(
      this.top,
      el("h1", null, this.#heading(state)),
      el("span", { class: "grow" }),
      this.levels,
      call && serving && el("span", { class: "others" }, othersInWords(call)),
      call && serving && this.quality,
      call &&
        serving &&
        el(
          "span",
          { class: "recording", "data-state": call.recording },
          t(`clerk.recording.${call.recording}`),
        ),
      call?.started_at &&
        serving &&
        el(
          "span",
          { class: "time" },
          clock((this.line.now() - Date.parse(call.started_at)) / 1000),
        ),
    );
    const path = serving || !this.line.online ? pathWords(call, this.line.online) : "";
    const words = path
      ? t(`clerk.${path}`)
      : visit?.state === "finished"
        ? t(`clerk.ended_by.${visit.ended_by === "clerk" ? "clerk" : "resident"}`)
        : deviceTrouble(this.devices);
    fill(this.told, words);
    this.told.hidden = !words;
    this.#drawOffer(state);
  }

  /** @param {ClerkState} state */
  #heading(state) {
    const { visit } = state;
    if (visit?.state === "offered") return t("clerk.offer.title");
    if (visit) return `${visit.ticket} · ${nameOf(visit.matter)}`;
    return t(state.window.state === "ready" ? "clerk.person.nobody" : "clerk.person.off");
  }

  /** Draw anew after a change of language. */
  redraw() {
    this.drawnFor = this.offered = "";
    const whileShown = (/** @type {MediaProvider | null} */ stream) =>
      this.levels.hidden ? null : /** @type {MediaStream | null} */ (stream);
    fill(
      this.levels,
      icon("mic"),
      liveMeter(t("clerk.device.level"), () => whileShown(this.devices.stream), { id: "level" }),
      icon("louder"),
      liveMeter(t("clerk.device.far_level"), () => whileShown(this.far.srcObject), {
        id: "far-level",
      }),
    );
  }

  /** Take the visit that rings. */
  accept() {
    const visit = this.line.state?.visit;
    if (visit?.state === "offered")
      this.line.command("accept", { visit: visit.id }).catch(this.refused);
  }

  /** Ask, then end the call. */
  end() {
    const visit = this.line.state?.visit;
    if (visit?.state !== "serving" || this.confirming.open) return;
    fill(
      this.confirming,
      el("p", null, t("clerk.end.question", { ticket: visit.ticket })),
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.confirming.close() }, t("clerk.end.no")),
        el(
          "button",
          {
            class: "danger",
            id: "end-yes",
            onclick: () => {
              this.confirming.close();
              this.line.command("end_call", { visit: visit.id }).catch(this.refused);
            },
          },
          t("clerk.end.yes"),
        ),
      ),
    );
    this.confirming.showModal();
  }

  /** Pause the recording, or let it go on. */
  record() {
    const { visit, call } = this.line.state ?? {};
    if (visit?.state !== "serving" || !call) return;
    this.line
      .command("set_recording", { visit: visit.id, running: call.recording === "paused" })
      .catch(this.refused);
  }

  /** Show a screen or window to the resident, or stop that. */
  share() {
    const call = this.line.state?.visit?.state === "serving" ? this.line.state.call : null;
    if (call) this.sharing.toggle(call.id);
  }

  /** Switch the own sound or picture. @param {"audio" | "video"} kind */
  toggle(kind) {
    if (this.devices.stream) this.devices.toggle(kind);
  }

  #followState() {
    if (this.line.state) this.update(this.line.state);
  }

  #devicesChanged() {
    const { stream, sinkId } = this.devices;
    if (this.own.srcObject !== stream) this.own.srcObject = stream;
    if ("setSinkId" in this.far && this.far.sinkId !== sinkId)
      this.far.setSinkId(sinkId).catch((error) => this.refused(error));
    this.drawnFor = "";
    if (!this.line.state) return;
    this.own.hidden = !stream;
    this.#drawControls(this.line.state);
    this.tick(this.line.state);
  }

  /** @param {ClerkState} state */
  #drawOffer(state) {
    const visit = state.visit?.state === "offered" ? state.visit : null;
    if (!visit?.offered_at) {
      this.offer.hidden = true;
      this.offered = "";
      fill(this.offer);
      return;
    }
    const left = state.ring_s - (this.line.now() - Date.parse(visit.offered_at)) / 1000;
    const seconds = t("clerk.offer.left", { seconds: Math.max(0, Math.ceil(left)) });
    const waited = clock((this.line.now() - Date.parse(visit.taken_at)) / 1000);
    if (this.offered !== visit.id) {
      this.offered = visit.id; // one offer can follow another without a pause between them
      this.offer.hidden = false;
      this.offer.setAttribute("aria-label", t("clerk.offer.title"));
      const accept = el(
        "button",
        { class: "primary", id: "accept", onclick: () => this.accept() },
        icon("phone"),
        t("clerk.accept"),
      );
      fill(
        this.offer,
        el("h2", null, t("clerk.offer.title")),
        el(
          "dl",
          null,
          el("dt", null, t("clerk.offer.matter")),
          el("dd", { class: "large" }, nameOf(visit.matter)),
          el("dt", null, t("clerk.offer.city")),
          el("dd", null, nameOf(visit.city)),
          el("dt", null, t("clerk.offer.from")),
          el("dd", null, nameOf(visit.site)),
          el("dt", null, t("clerk.offer.waited")),
          el("dd", { id: "offer-waited" }, waited),
        ),
        el("p", { id: "offer-left", class: "soft" }, seconds),
        el(
          "div",
          { class: "row" },
          accept,
          el(
            "button",
            {
              id: "decline",
              onclick: () => this.line.command("decline", { visit: visit.id }).catch(this.refused),
            },
            t("clerk.decline"),
          ),
        ),
      );
      accept.focus();
    } else {
      fill(/** @type {Element} */ (this.offer.querySelector("#offer-left")), seconds);
      fill(/** @type {Element} */ (this.offer.querySelector("#offer-waited")), waited);
    }
  }

  /** @param {ClerkState} state */
  #drawControls(state) {
    const serving = state.visit?.state === "serving";
    const paused = state.call?.recording === "paused";
    const shares = Boolean(this.sharing.track);
    const drawnFor = `${serving} ${Boolean(this.devices.stream)} ${paused} ${shares}`;
    if (drawnFor === this.drawnFor) return;
    this.drawnFor = drawnFor;
    const { off, stream } = this.devices;
    fill(
      this.controls,
      el(
        "button",
        {
          id: "mute",
          disabled: !stream,
          "aria-pressed": String(off.audio),
          onclick: () => this.toggle("audio"),
        },
        icon("mic"),
        t(off.audio ? "clerk.unmute" : "clerk.mute"),
      ),
      el(
        "button",
        {
          id: "camera",
          disabled: !stream,
          "aria-pressed": String(off.video),
          onclick: () => this.toggle("video"),
        },
        icon("camera"),
        t(off.video ? "clerk.camera_on" : "clerk.camera_off"),
      ),
      el("button", { id: "devices", onclick: () => this.chooseDevices() }, t("clerk.devices")),
      el(
        "button",
        {
          id: "share",
          disabled: !serving,
          "aria-pressed": String(shares),
          onclick: () => this.share(),
        },
        icon("screen"),
        t(shares ? "clerk.share.stop" : "clerk.share.start"),
      ),
      el(
        "button",
        {
          id: "record",
          disabled: !serving,
          "aria-pressed": String(paused),
          onclick: () => this.record(),
        },
        icon(paused ? "record" : "pause"),
        t(paused ? "clerk.record.resume" : "clerk.record.pause"),
      ),
      el("span", { class: "grow" }),
      el(
        "button",
        { id: "end", class: "danger", disabled: !serving, onclick: () => this.end() },
        icon("phone"),
        t("clerk.end"),
      ),
    );
  }
}
