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
import {
  forgetLanguage,
  language,
  preferredLanguage,
  setLanguage,
  t,
  nameOf,
} from "/static/kit/words.js";
import { Check } from "./check.js";
import { checkScreen } from "./check_screen.js";
import { matterScreen, notice, NOTICE_VERSION, welcome } from "./choosing.js";
import { authenticate, device, enrol } from "./enrolment.js";
import { Idle, WIPE_AFTER_S, WARN_AFTER_S } from "./idle.js";
import { call, rating, thanks, ticket } from "./visiting.js";

/** @import {KioskState} from "/static/kit/protocol.js" */
/** @import {Screen} from "./visiting.js" */
/** @import {Choice} from "./choosing.js" */
/** @typedef {"welcome" | "matter" | "notice" | "check"} Step */

const WIPED_SHOWN_MS = 1500;
const far = /** @type {HTMLVideoElement} */ (byId("far"));
const own = /** @type {HTMLVideoElement} */ (byId("own"));
const shared = /** @type {HTMLVideoElement} */ (byId("shared"));
const dialog = /** @type {HTMLDialogElement} */ (byId("dialog"));
const screenPlace = byId("screen");

class Kiosk {
  /** @param {Line<KioskState>} line */
  constructor(line) {
    this.line = line;
    this.peer = new Peer(line, far);
    this.reporter = new Reporter(line, this.peer);
    this.peer.addEventListener("shared", (event) => {
      shared.srcObject = /** @type {CustomEvent} */ (event).detail;
    });
    /** @type {Choice} */
    this.choice = { query: "", group: "", matter: null, city: null };
    /** @type {Step} */
    this.step = "welcome";
    /** @type {Check | null} */
    this.check = null;
    this.shown = "";
    /** @type {Screen | null} */
    this.screen = null;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.visit = "";
    this.wiping = false;
    this.idle = new Idle(
      (left) => this.#hurry(left),
      () => this.wipe(),
    );
    line.addEventListener("state", () => this.draw());
    line.addEventListener("offline", () => this.draw());
    line.addEventListener("over", (event) => this.#over(/** @type {CustomEvent} */ (event).detail));
  }

  /** Show what the state and the steps say. */
  draw() {
    const state = this.line.state;
    if (!state || this.wiping) return;
    if (this.visit && !state.visit) {
      this.wipe();
      return;
    }
    this.visit = state.visit?.id ?? "";
    const name = this.#screenName(state);
    if (name !== this.shown) this.#show(name);
    this.screen?.update(state);
    this.#media(state);
    this.idle.watch(
      ["matter", "notice", "check", "rating"].includes(name) ||
        (name === "welcome" && this.#begun()),
    );
    fill(
      byId("foot"),
      this.line.online ? "" : el("p", { class: "note warn", role: "status" }, t("error.offline")),
    );
  }

  /** Forget everything of this visit, visibly. */
  async wipe() {
    if (this.wiping) return;
    this.wiping = true;
    dialog.close();
    const visit = this.visit;
    const state = this.line.state?.visit?.state;
    this.peer.close();
    this.check?.close();
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

  #begun() {
    return Boolean(this.choice.query || this.choice.group || language() === "en");
  }

  /** @param {KioskState} state */
  #screenName(state) {
    const visit = state.visit;
    if (!visit) return this.step;
    if (visit.state === "waiting" || visit.state === "offered") return "ticket";
    if (visit.state === "serving") return "call";
    return visit.rated ? "thanks" : "rating";
  }

  /** @param {string} name */
  #show(name) {
    if (this.shown === "ticket" && name === "call") chime();
    this.shown = name;
    dialog.close();
    document.body.dataset.screen = name;
    this.#bar(name);
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
    const confirm = this.#confirm.bind(this);
    const leave = () => void this.wipe();
    if (name === "ticket") return ticket(this.line, confirm);
    if (name === "call") return this.#call(confirm);
    if (name === "check") return this.#checking();
    if (name === "rating") return rating(this.line, leave);
    if (name === "thanks") return thanks(leave);
    const steps = {
      choice: this.choice,
      go: (/** @type {Step} */ step) => this.#go(step),
      takeTicket: async () => this.#go("check"),
      restart: leave,
    };
    const make = { welcome, matter: matterScreen, notice }[/** @type {"welcome"} */ (name)];
    return { node: make(steps), update() {} };
  }

  #checking() {
    if (!this.check) {
      this.check = new Check();
      void this.check.start();
    }
    return checkScreen(this.check, {
      takeTicket: () => this.#takeTicket(),
      help: () => this.#say(t("help.text")),
    });
  }

  /** @param {(question: string, yes: string, act: () => void) => void} confirm */
  #call(confirm) {
    const screen = call(this.line, { far, own }, confirm);
    const level = liveMeter(t("check.level"), () => this.stream);
    screen.node
      .querySelector(".actions")
      ?.append(el("div", { class: "own-level" }, icon("mic"), level));
    return screen;
  }

  /** @param {Step} step */
  #go(step) {
    if (step !== "check") {
      this.check?.close();
      this.check = null;
    }
    this.step = step;
    this.draw();
  }

  async #takeTicket() {
    const { matter, city } = this.choice;
    if (!matter || !city) return;
    await this.line.command("take_ticket", {
      matter: matter.code,
      city: city.code,
      language: language(),
      notice_version: NOTICE_VERSION,
    });
  }

  /** @param {KioskState} state */
  #media(state) {
    const visit = state.visit;
    const open = visit && ["waiting", "offered", "serving"].includes(visit.state);
    if (open && this.check) {
      this.stream = this.check.handOn();
      this.check = null;
      own.srcObject = this.stream;
      this.peer.send(this.stream);
    } else if (open && !this.stream) {
      this.stream = new MediaStream();
      const opening = openDevices().then(({ stream, reason }) => {
        this.stream = stream;
        own.srcObject = stream;
        if (reason) this.#say(t(`devices.${reason}`));
        return stream;
      });
      this.peer.send(opening);
    }
    this.peer.follow({
      call: visit?.state === "serving" ? state.call : null,
      connection: state.connection,
      warm: visit?.state === "waiting" || visit?.state === "offered",
    });
    shared.hidden = far.hidden || !state.call?.far_shares;
    document.body.classList.toggle("shares", !shared.hidden);
    if (!open && this.stream) {
      for (const track of this.stream.getTracks()) track.stop();
      this.stream = null;
      own.srcObject = null;
    }
  }

  /** @param {string} name */
  #bar(name) {
    const back = /** @type {Record<string, Step>} */ ({
      matter: "welcome",
      notice: "matter",
      check: "notice",
    })[name];
    const goBack = () => {
      if (back) this.#go(back);
      else {
        this.choice.query = this.choice.group = "";
        this.redraw();
      }
    };
    fill(
      byId("bar"),
      back || (name === "welcome" && this.choice.group)
        ? el("button", { class: "quiet", onclick: goBack }, icon("back"), t("bar.back"))
        : el("strong", null, this.line.state ? nameOf(this.line.state.site) : ""),
      el("span", { class: "grow" }, el("span", { id: "left", role: "timer" })),
      el(
        "button",
        {
          class: "quiet",
          onclick: () => this.#language(),
          lang: language() === "en" ? "zh-CN" : "en",
        },
        t("language.other"),
      ),
      el(
        "button",
        { class: "quiet", "aria-pressed": String(isLarge()), onclick: () => this.#large() },
        t("bar.large"),
      ),
      el(
        "button",
        { class: "quiet", onclick: () => this.#say(t("help.text")) },
        icon("help"),
        t("bar.help"),
      ),
    );
  }

  async #language() {
    await setLanguage(language() === "en" ? "zh_CN" : "en");
    this.redraw();
  }

  #large() {
    document.documentElement.classList.toggle("large");
    this.redraw();
  }

  /** @param {string} text */
  #say(text) {
    fill(
      dialog,
      el("p", null, text),
      el(
        "div",
        { class: "actions" },
        el("button", { class: "primary", onclick: () => dialog.close() }, t("dialog.close")),
      ),
    );
    if (!dialog.open) dialog.showModal();
  }

  /**
   * @param {string} question
   * @param {string} yes
   * @param {() => void} act
   */
  #confirm(question, yes, act) {
    fill(
      dialog,
      el("p", null, question),
      el(
        "div",
        { class: "actions" },
        el("button", { onclick: () => dialog.close() }, t("dialog.no")),
        el(
          "button",
          {
            class: "danger",
            id: "confirm",
            onclick: () => {
              dialog.close();
              act();
            },
          },
          yes,
        ),
      ),
    );
    if (!dialog.open) dialog.showModal();
  }

  /** @param {number | null} left */
  #hurry(left) {
    const place = document.getElementById("left");
    if (!place) return;
    const soon = left !== null && left <= WIPE_AFTER_S - WARN_AFTER_S;
    fill(place, left === null ? "" : t("bar.left", { seconds: Math.ceil(left) }));
    place.className = soon ? "hurry" : "soft";
    if (soon && !dialog.open) {
      fill(
        dialog,
        el("p", null, t("idle.question")),
        el(
          "div",
          { class: "actions" },
          el("button", { onclick: () => void this.wipe() }, t("idle.leave")),
          el(
            "button",
            { class: "primary", id: "stay", onclick: () => dialog.close() },
            t("idle.stay"),
          ),
        ),
      );
      dialog.showModal();
    }
  }

  /** @param {number} code */
  #over(code) {
    this.peer.close();
    this.check?.close();
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

function isLarge() {
  return document.documentElement.classList.contains("large");
}

function enrolScreen() {
  const code = el("input", {
    id: "code",
    autocomplete: "off",
    required: true,
    placeholder: "xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx",
  });
  const problem = el("p", { class: "note bad", role: "alert", hidden: true });
  document.body.dataset.screen = "enrol";
  fill(
    screenPlace,
    el(
      "form",
      {
        class: "notice",
        onsubmit: async (/** @type {Event} */ event) => {
          event.preventDefault();
          try {
            await enrol(code.value);
            await start();
          } catch (error) {
            problem.hidden = false;
            fill(problem, t("enrol.failed", { reason: /** @type {Error} */ (error).message }));
          }
        },
      },
      el("h1", null, t("enrol.title")),
      el("p", null, t("enrol.text")),
      el("label", { for: "code" }, t("enrol.code")),
      code,
      problem,
      el(
        "div",
        { class: "actions" },
        el("button", { class: "primary", type: "submit" }, t("enrol.submit")),
      ),
    ),
  );
}

async function start() {
  const known = await device();
  if (!known) {
    enrolScreen();
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
