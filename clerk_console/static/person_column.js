// @ts-check
/**
 * What happens at this desk now? The clerk's middle column: what rings, whom one sees, who was asked,
 * and the controls of the call.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { liveMeter } from "/static/kit/level.js";
import { pathWords, Reporter, showQuality, supervisorsInWords } from "/static/kit/quality.js";
import { clock, nameOf, t } from "/static/kit/words.js";
import { callControls } from "./call_controls.js";
import { ChosenDevices } from "./chosen_devices.js";
import { Confirming } from "./confirming.js";
import { ConsultBar } from "./consult_bar.js";
import { inCall, ringing, serves } from "./desk_state.js";
import { DeviceDialog, deviceTrouble } from "./device_dialog.js";
import { OfferCard } from "./offer_card.js";
import { Pictures } from "./pictures.js";
import { Sharing } from "./sharing.js";
import { TransferDialog } from "./transfer_dialog.js";

/** @import {ClerkState, CommandFields} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @import {Peer} from "/static/kit/peer.js" */

export class PersonColumn {
  /**
   * @param {HTMLElement} place
   * @param {Line<ClerkState>} line
   * @param {(far: HTMLVideoElement) => Peer} makePeer
   * @param {() => Promise<void>} keep what is typed, before the visit goes
   * @param {(error: Error) => void} refused
   */
  constructor(place, line, makePeer, keep, refused) {
    this.line = line;
    this.keep = keep;
    this.refused = refused;
    this.pictures = new Pictures();
    this.peer = makePeer(this.pictures.far);
    this.top = el("div", { class: "person-top" });
    this.quality = el("span", { class: "quality", role: "status" });
    this.reporter = new Reporter(line, this.peer);
    this.sharing = new Sharing(line, this.peer, refused);
    this.peer.addEventListener("shared", (event) => {
      this.pictures.shared.srcObject = /** @type {CustomEvent} */ (event).detail;
    });
    this.peer.addEventListener("slots", () => this.#followState());
    this.told = el("p", { class: "told", role: "status" });
    this.controls = el("div", { class: "row controls" });
    const send = this.#send.bind(this);
    this.offer = new OfferCard(
      (visit) => send("accept", { visit }),
      (visit, reason) => send("decline", { visit, reason }),
    );
    this.consult = new ConsultBar({
      threeWay: () => this.threeWay(),
      handOver: () => this.handOver(),
      end: () => this.endConsult(),
    });
    this.transfers = new TransferDialog(line, keep);
    this.devices = new ChosenDevices((opening) => this.peer.send(opening));
    this.dialog = new DeviceDialog(this.devices, () => this.#followState());
    this.confirming = new Confirming();
    this.levels = el("span", { class: "levels", hidden: true });
    this.drawnFor = "";
    fill(
      place,
      this.top,
      el("div", { class: "stage" }, ...this.pictures.nodes, this.told, this.offer.node),
      this.consult.node,
      this.controls,
      this.dialog.node,
      this.transfers.node,
      this.confirming.node,
    );
    this.redraw();
    this.devices.addEventListener("change", () => this.#devicesChanged());
    this.peer.addEventListener("blocked", () => fill(this.told, t("clerk.blocked")));
    this.pictures.far.addEventListener("click", () => this.pictures.far.play());
  }

  /** @param {ClerkState} state */
  update(state) {
    const on = this.dialog.open || !["off", "break", "missed"].includes(state.window.state);
    if (on) this.devices.open();
    else if (this.devices.stream) this.devices.close();
    const call = inCall(state) ? state.call : null;
    const ringing = state.window.state === "offered";
    const warm = ringing || state.window.state === "ready";
    this.peer.follow({ call, connection: state.connection, warm, ringing });
    if (!call) this.sharing.stop();
    this.pictures.update(state, this.peer);
    this.pictures.own.hidden = !this.devices.stream;
    this.transfers.update(state);
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
    const serving = inCall(state);
    if (call) showQuality(this.quality, call);
    this.levels.hidden = !serving;
    fill(
      this.top,
      el("h1", null, this.#heading(state)),
      el("span", { class: "grow" }),
      this.levels,
      call && serving && el("span", { class: "others" }, supervisorsInWords(call)),
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
    this.offer.update(state, this.line.now());
    this.consult.update(state, this.line.now());
  }

  /** @param {ClerkState} state */
  #heading(state) {
    const { visit } = state;
    if (ringing(state)) return t("clerk.offer.title");
    if (visit) return `${visit.ticket} · ${nameOf(visit.matter)}`;
    return t(state.window.state === "ready" ? "clerk.person.nobody" : "clerk.person.off");
  }

  /** Draw anew after a change of language. */
  redraw() {
    this.drawnFor = "";
    this.offer.redraw();
    this.consult.redraw();
    this.pictures.redraw();
    const whileShown = (/** @type {MediaProvider | null} */ stream) =>
      this.levels.hidden ? null : /** @type {MediaStream | null} */ (stream);
    fill(
      this.levels,
      icon("mic"),
      liveMeter(t("clerk.device.level"), () => whileShown(this.devices.stream), { id: "level" }),
      icon("louder"),
      liveMeter(t("clerk.device.far_level"), () => whileShown(this.pictures.far.srcObject), {
        id: "far-level",
      }),
    );
  }

  /** Take the visit that rings. */
  accept() {
    const rings = this.line.state && ringing(this.line.state);
    if (rings) this.#send("accept", { visit: rings.visit.id });
  }

  /** Say why the visit that rings is declined, or go back. */
  decline() {
    this.offer.decline();
  }

  /** Choose to whom the visit goes. */
  transfer() {
    const { state } = this.line;
    if (state?.visit && serves(state)) this.transfers.show(state.visit);
  }

  /** Take the resident into the talk with the colleague, or put them on hold again. */
  threeWay() {
    const { visit, consult } = this.line.state ?? {};
    if (visit && consult?.role === "asker" && consult.state === "joined")
      this.#send("set_three_way", { visit: visit.id, with_resident: !consult.with_resident });
  }

  /** Ask, then leave the call to the colleague. */
  handOver() {
    const { visit, consult } = this.line.state ?? {};
    if (!visit || consult?.role !== "asker" || consult.state !== "joined") return;
    const name = nameOf({ name_zh: consult.other_zh, name_en: consult.other_en });
    const hand = (/** @type {boolean} */ ready) => () => {
      this.keep()
        .then(() => this.line.command("hand_over", { visit: visit.id, ready }))
        .catch(this.refused);
    };
    this.confirming.ask(
      t("clerk.hand_over.question", { ticket: visit.ticket, name }),
      t("clerk.hand_over.no"),
      { words: t("clerk.hand_over.ready"), id: "hand-over-ready", act: hand(true) },
      { words: t("clerk.hand_over.break"), id: "hand-over-break", act: hand(false), class: "" },
    );
  }

  /** Take back what was asked; ask before a consult that runs is ended or left. */
  endConsult() {
    const { visit, consult } = this.line.state ?? {};
    if (!visit || !consult || (consult.role === "asked" && consult.state !== "joined")) return;
    const act = () => this.#send("end_consult", { visit: visit.id });
    if (consult.state !== "joined") {
      act();
      return;
    }
    const name = nameOf({ name_zh: consult.other_zh, name_en: consult.other_en });
    this.confirming.ask(
      t(`clerk.consult.question.${consult.role}`, { name }),
      t("clerk.hand_over.no"),
      { words: t(`clerk.consult.yes.${consult.role}`), id: "consult-end-yes", act },
    );
  }

  /** Ask, then end the call. */
  end() {
    const visit = this.line.state?.visit;
    if (!visit || !this.line.state || !serves(this.line.state)) return;
    this.confirming.ask(t("clerk.end.question", { ticket: visit.ticket }), t("clerk.end.no"), {
      words: t("clerk.end.yes"),
      id: "end-yes",
      class: "danger",
      act: () => this.#send("end_call", { visit: visit.id }),
    });
  }

  /** Pause the recording, or let it go on. */
  record() {
    const { state } = this.line;
    if (!state?.visit || !state.call || !serves(state)) return;
    const running = state.call.recording === "paused";
    this.#send("set_recording", { visit: state.visit.id, running });
  }

  /** Show a screen or window to the resident, or stop that. */
  share() {
    const { state } = this.line;
    const call = state && inCall(state) ? state.call : null;
    if (call) this.sharing.toggle(call.id);
  }

  /** Switch the own sound or picture. @param {"audio" | "video"} kind */
  toggle(kind) {
    if (this.devices.stream) this.devices.toggle(kind);
  }

  /**
   * @template {keyof CommandFields} T
   * @param {T} type
   * @param {CommandFields[T]} fields
   */
  #send(type, fields) {
    this.line.command(type, fields).catch(this.refused);
  }

  #followState() {
    if (this.line.state) this.update(this.line.state);
  }

  #devicesChanged() {
    const { stream, sinkId } = this.devices;
    const { own, far, beside } = this.pictures;
    if (own.srcObject !== stream) own.srcObject = stream;
    for (const heard of [far, beside])
      if ("setSinkId" in heard && heard.sinkId !== sinkId)
        heard.setSinkId(sinkId).catch((error) => this.refused(error));
    this.peer.playOn(sinkId);
    this.drawnFor = "";
    if (!this.line.state) return;
    own.hidden = !stream;
    this.#drawControls(this.line.state);
    this.tick(this.line.state);
  }

  /** @param {ClerkState} state */
  #drawControls(state) {
    const { off, stream } = this.devices;
    const how = {
      talks: inCall(state),
      serves: serves(state),
      open: Boolean(stream),
      off: { ...off },
      paused: state.call?.recording === "paused",
      shares: Boolean(this.sharing.track),
    };
    if (JSON.stringify(how) === this.drawnFor) return;
    this.drawnFor = JSON.stringify(how);
    fill(this.controls, ...callControls(how, this));
  }
}
