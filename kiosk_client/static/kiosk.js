// @ts-check
/**
 * Which screen does this kiosk show now? Joins device, line, camera and screens.
 *
 * The server's state decides from the ticket on; before it, the resident's own steps do.
 */

import { ask, renewWith } from "/static/kit/api.js";
import { chime, unlock } from "/static/kit/chime.js";
import { openDevices } from "/static/kit/devices.js";
import { byId, el, fill, icon } from "/static/kit/dom.js";
import { liveMeter } from "/static/kit/level.js";
import { Line } from "/static/kit/line.js";
import { Peer } from "/static/kit/peer.js";
import { Reporter } from "/static/kit/quality.js";
import { forgetLanguage, nameOf, preferredLanguage, setLanguage, t } from "/static/kit/words.js";
import { confirm, hush, say, stillThere } from "./asking.js";
import { drawBar, drawTimeLeft } from "./bar.js";
import { authenticate, device } from "./enrolment.js";
import { enrolScreen } from "./enrolment_screen.js";
import { Idle } from "./idle.js";
import { keptScreen, laterScreen } from "./later.js";
import { Steps } from "./steps.js";
import { ticketScreen } from "./ticket_screen.js";
import { call, rating, thanks } from "./visiting.js";

/** @import {KioskState} from "/static/kit/protocol.js" */
/** @import {Kept} from "./later.js" */
/** @import {Screen} from "./visiting.js" */

const WIPED_SHOWN_MS = 1500;
const far = /** @type {HTMLVideoElement} */ (byId("far"));
const own = /** @type {HTMLVideoElement} */ (byId("own"));
const shared = /** @type {HTMLVideoElement} */ (byId("shared"));
const screenPlace = byId("screen");
// Nobody is hurried who waits or talks; the thanks count by themselves.
const UNHURRIED = ["ticket", "call", "thanks"];

class Kiosk {
  /** @param {Line<KioskState>} line */
  constructor(line) {
    this.line = line;
    this.peer = new Peer(line, far);
    this.reporter = new Reporter(line, this.peer);
    this.peer.addEventListener("shared", (event) => {
      shared.srcObject = /** @type {CustomEvent} */ (event).detail;
    });
    this.steps = new Steps(line, {
      draw: () => this.redraw(),
      wipe: () => void this.wipe(),
      help: () => say(t("help.text")),
    });
    /** Whether the resident in line is about to go away, and where to call them. */
    this.leaving = false;
    this.typed = { phone: "" };
    /** What a resident who went away must still read. @type {Kept | null} */
    this.kept = null;
    /** @type {Set<string>} */
    this.agreed = new Set();
    this.shown = "";
    /** @type {Screen | null} */
    this.screen = null;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.visit = "";
    this.wiping = false;
    this.idle = new Idle(
      (left) => this.#hurry(left),
      () => (this.shown === "later" ? this.#stay() : this.wipe()),
    );
    line.addEventListener("state", () => this.draw());
    line.addEventListener("offline", () => this.draw());
    line.addEventListener("over", (event) => this.#over(/** @type {CustomEvent} */ (event).detail));
  }

  /** Show what the state and the steps say. */
  draw() {
    const state = this.line.state;
    if (!state || this.wiping) return;
    if (this.visit && !state.visit && !this.kept) {
      this.wipe();
      return;
    }
    this.visit = state.visit?.id ?? "";
    const name = this.#screenName(state);
    if (name !== this.shown) this.#show(name);
    this.screen?.update(state);
    this.#media(state);
    this.idle.watch(!UNHURRIED.includes(name) && (name !== "welcome" || this.steps.begun));
    fill(
      byId("foot"),
      this.line.online ? "" : el("p", { class: "note warn", role: "status" }, t("error.offline")),
    );
  }

  /** Forget everything of this visit, visibly. */
  async wipe() {
    if (this.wiping) return;
    this.wiping = true;
    hush();
    const visit = this.visit;
    const state = this.line.state?.visit?.state;
    this.peer.close();
    this.steps.closeCheck();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    far.srcObject = own.srcObject = null;
    far.hidden = own.hidden = shared.hidden = true;
    fill(byId("bar"));
    fill(byId("foot"));
    fill(
      screenPlace,
      el(
        "section",
        { class: "wiped" },
        icon("check"),
        el("h1", null, t("wipe.title")),
        el("p", null, t("wipe.text")),
      ),
    );
    if (visit && state) {
      const wiped = state === "waiting" || state === "offered" ? "leave_line" : "wipe";
      await this.line
        .command(wiped, { visit })
        .catch((error) => console.warn("wipe", error.message));
    }
    forgetLanguage();
    sessionStorage.clear();
    for (const name of await caches.keys()) await caches.delete(name);
    setTimeout(() => location.replace("/kiosk"), WIPED_SHOWN_MS);
  }

  /** Draw the page anew in the other language or size. */
  redraw() {
    this.shown = "";
    this.draw();
  }

  /** @param {KioskState} state */
  #screenName(state) {
    const visit = state.visit;
    if (!visit) return this.kept ? "kept" : this.steps.step;
    if (visit.state === "waiting" && this.leaving) return "later";
    if (visit.state === "waiting" || visit.state === "offered") return "ticket";
    if (visit.state === "serving") return "call";
    return visit.rated ? "thanks" : "rating";
  }

  /** @param {string} name */
  #show(name) {
    if (["ticket", "later"].includes(this.shown) && name === "call") chime();
    this.shown = name;
    hush();
    document.body.dataset.screen = name;
    drawBar({
      place: this.line.state ? nameOf(this.line.state.site) : "",
      back: name === this.steps.step ? this.steps.back() : null,
      redraw: () => this.redraw(),
      help: () => say(t("help.text")),
    });
    this.screen = this.#make(name);
    fill(screenPlace, this.screen.node);
    own.hidden = !["ticket", "call"].includes(name);
    far.hidden = name !== "call";
    const heading = screenPlace.querySelector("h1");
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
    scrollTo(0, 0);
  }

  /**
   * @param {string} name
   * @returns {Screen}
   */
  #make(name) {
    const leave = () => void this.wipe();
    if (name === "ticket") {
      this.leaving = false;
      this.typed = { phone: "" };
      const later = () => {
        this.leaving = true;
        this.draw();
      };
      return ticketScreen(this.line, { confirm, later, agreed: this.agreed });
    }
    if (name === "later")
      return laterScreen({
        typed: this.typed,
        back: () => this.#stay(),
        goAway: (phone) => this.#goAway(phone),
      });
    if (name === "kept" && this.kept) return keptScreen(this.kept, leave);
    if (name === "call") return this.#call();
    if (name === "rating") return rating(this.line, leave);
    if (name === "thanks") return thanks(leave);
    return this.steps.screen();
  }

  #stay() {
    this.leaving = false;
    this.draw();
  }

  /**
   * Keep the place and free the kiosk; what is to be written down stays on the screen.
   * @param {string} phone
   */
  async #goAway(phone) {
    const held = this.line.state?.visit;
    if (!held) return;
    this.kept = { ticket: held.ticket, code: held.code, phone };
    try {
      await this.line.command("come_back_later", { visit: held.id, contact: phone });
    } catch (error) {
      this.kept = null;
      throw error;
    }
  }

  #call() {
    const screen = call(this.line, { far, own }, confirm);
    const level = liveMeter(t("check.level"), () => this.stream);
    screen.node
      .querySelector(".actions")
      ?.append(el("div", { class: "own-level" }, icon("mic"), level));
    return screen;
  }

  /** @param {KioskState} state */
  #media(state) {
    const visit = state.visit;
    const open = visit && ["waiting", "offered", "serving"].includes(visit.state);
    if (open && this.steps.check) {
      this.stream = this.steps.handOn() ?? new MediaStream();
      own.srcObject = this.stream;
      this.peer.send(this.stream);
    } else if (open && !this.stream) {
      this.stream = new MediaStream();
      const opening = openDevices().then(({ stream, reason }) => {
        this.stream = stream;
        own.srcObject = stream;
        if (reason) say(t(`devices.${reason}`));
        return stream;
      });
      this.peer.send(opening);
    }
    this.peer.follow({
      call: visit?.state === "serving" ? state.call : null,
      connection: state.connection,
      warm: visit?.state === "waiting" || visit?.state === "offered",
      ringing: visit?.state === "offered",
    });
    shared.hidden = far.hidden || !state.call?.far_shares;
    document.body.classList.toggle("shares", !shared.hidden);
    if (!open && this.stream) {
      for (const track of this.stream.getTracks()) track.stop();
      this.stream = null;
      own.srcObject = null;
    }
  }

  /** @param {number | null} left */
  #hurry(left) {
    if (drawTimeLeft(left) && this.shown !== "later") stillThere(() => void this.wipe());
  }

  /** @param {number} code */
  #over(code) {
    this.peer.close();
    this.steps.closeCheck();
    problemScreen(code === 4001 ? "over.elsewhere" : "over.suspended");
  }
}

/** @param {string} key */
function problemScreen(key) {
  fill(
    screenPlace,
    el(
      "section",
      { class: "notice" },
      el("h1", null, t(key)),
      el("p", null, t(`${key}.todo`)),
      el(
        "div",
        { class: "actions" },
        el("button", { class: "primary", onclick: () => location.reload() }, t("over.again")),
      ),
    ),
  );
}

async function start() {
  const known = await device();
  if (!known) {
    document.body.dataset.screen = "enrol";
    fill(screenPlace, enrolScreen(start));
    return;
  }
  renewWith(() => authenticate(known));
  /** @type {Line<KioskState>} */
  const line = new Line(async () => {
    await authenticate(known);
    return (await ask("POST", "/api/line-tickets")).ticket;
  });
  new Kiosk(line);
  fill(screenPlace, el("p", { class: "note", role: "status" }, t("start.connecting")));
  line.open();
}

addEventListener("pointerdown", unlock);
await setLanguage(preferredLanguage());
await start();
