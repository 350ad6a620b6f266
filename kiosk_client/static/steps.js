// @ts-check
/**
 * Which screen follows which before the ticket? The resident's own steps, and what was chosen.
 */

import { language, t } from "/static/kit/words.js";
import { AppointmentSteps } from "./appointment_steps.js";
import { Check } from "./check.js";
import { checkScreen } from "./check_screen.js";
import { welcome } from "./choosing.js";
import { matterScreen } from "./matter_screen.js";
import { notice, NOTICE_VERSION } from "./notice.js";
import { claimScreen, tongueScreen } from "./person.js";
import { proofScreen } from "./proof.js";
import { inWords, isAboutEarlier } from "./refused.js";

/** @import {CityView, KioskState, MatterView} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @import {Claim, Wish} from "./person.js" */
/** @import {Proof} from "./proof.js" */
/** @import {Screen} from "./visiting.js" */
/**
 * @typedef {object} Choice what the resident has chosen so far
 * @property {string} query
 * @property {string} group
 * @property {MatterView | null} matter
 * @property {CityView | null} city
 * @property {string} queue the city's queue for the matter
 * @property {boolean} books whether the resident came to book
 * @property {string} slot the half hour, as the server writes it
 * @property {Claim} claim
 * @property {Wish} wish
 * @property {Proof} proof
 * @property {{code: string, phone: string}} typed for an appointment
 */
/**
 * @typedef {"welcome" | "matter" | "notice" | "claim" | "earlier" | "tongue" | "check"
 *   | "come_back" | "slots" | "contact" | "booked" | "find" | "appointment" | "move"} Step
 */

/** Where "back" leads. @type {Record<Step, Step | null>} */
const BACK = {
  welcome: null,
  matter: "welcome",
  notice: "matter",
  claim: "notice",
  earlier: "claim",
  tongue: "claim",
  check: "claim",
  come_back: "welcome",
  slots: "matter",
  contact: "slots",
  booked: null,
  find: "welcome",
  appointment: "find",
  move: "appointment",
};
/** Where "back" leads on the way of somebody with an appointment. */
const BACK_BOOKED = /** @type {Partial<Record<Step, Step>>} */ ({
  notice: "appointment",
  tongue: "notice",
  check: "tongue",
});

export class Steps {
  /**
   * @param {Line<KioskState>} line
   * @param {{draw: () => void, wipe: () => void, help: () => void}} kiosk
   */
  constructor(line, kiosk) {
    this.line = line;
    this.kiosk = kiosk;
    /** @type {Step} */
    this.step = "welcome";
    /** @type {Choice} */
    this.choice = {
      query: "",
      group: "",
      matter: null,
      city: null,
      queue: "",
      books: false,
      slot: "",
      claim: "ordinary",
      wish: "",
      proof: { ticket: "", code: "" },
      typed: { code: "", phone: "" },
    };
    this.appointments = new AppointmentSteps(this.choice, {
      go: (step) => this.go(step),
      wipe: kiosk.wipe,
      now: () => line.now(),
    });
    /** @type {Check | null} */
    this.check = null;
    this.problem = "";
  }

  /** Whether somebody has begun, so that the kiosk must be wiped when they go. */
  get begun() {
    const { query, group, books } = this.choice;
    return this.step !== "welcome" || Boolean(query || group || books || language() === "en");
  }

  /** @param {Step} step */
  go(step) {
    if (step !== "check") this.closeCheck();
    if (step === "welcome") {
      this.choice.proof = { ticket: "", code: "" };
      this.appointments.forget();
    }
    this.step = step;
    this.kiosk.draw();
  }

  /** What "back" does here, or null. @returns {(() => void) | null} */
  back() {
    const booked = this.appointments.appointment && BACK_BOOKED[this.step];
    const before = booked || BACK[this.step];
    if (before) return () => this.go(before);
    const { choice } = this;
    if (this.step !== "welcome" || !(choice.group || choice.books)) return null;
    return () => {
      if (!choice.group) choice.books = false;
      choice.query = choice.group = "";
      this.kiosk.draw();
    };
  }

  /** The camera's stream, for the call; the check is over. */
  handOn() {
    const stream = this.check?.handOn() ?? null;
    this.check = null;
    return stream;
  }

  closeCheck() {
    this.check?.close();
    this.check = null;
  }

  /** The screen of this step. @returns {Screen} */
  screen() {
    if (this.step === "check") return this.#checking();
    return { node: this.#node(), update() {} };
  }

  #node() {
    const { choice } = this;
    const go = (/** @type {Step} */ step) => () => this.go(step);
    switch (this.step) {
      case "matter":
        return matterScreen(choice, {
          goOn: go("notice"),
          book: go("slots"),
          now: () => this.line.now(),
        });
      case "notice":
        return notice(choice.city, {
          agree: go(this.appointments.appointment ? "tongue" : "claim"),
          leave: this.kiosk.wipe,
        });
      case "claim":
        return claimScreen(choice.claim, {
          choose: (claim) => {
            choice.claim = claim;
            this.go(claim === "returning" ? "earlier" : "tongue");
          },
          skip: () => {
            choice.claim = "ordinary";
            choice.wish = "";
            this.go("check");
          },
        });
      case "earlier":
        return this.#earlier();
      case "tongue":
        return tongueScreen(choice.wish, {
          choose: (wish) => {
            choice.wish = wish;
            this.go("check");
          },
        });
      case "come_back":
        return proofScreen({
          title: t("come_back.title"),
          submit: "come_back.submit",
          typed: choice.proof,
          hand: (proof) => this.line.command("come_back", { ...proof }),
          refused: (error) => inWords(error, { not_found: t("come_back.not_found") }),
        });
      case "welcome":
        return welcome(choice, {
          matter: go("matter"),
          comeBack: go("come_back"),
          appointment: go("find"),
          book: () => {
            choice.books = true;
            this.kiosk.draw();
          },
        });
      default:
        return this.appointments.screen(this.step);
    }
  }

  #earlier() {
    const problem = this.problem;
    this.problem = "";
    return proofScreen({
      title: t("earlier.title"),
      submit: "matter.next",
      typed: this.choice.proof,
      problem,
      hand: async () => this.go("tongue"),
      refused: inWords,
    });
  }

  #checking() {
    if (!this.check) {
      this.check = new Check();
      void this.check.start();
    }
    return checkScreen(this.check, {
      takeTicket: () => this.#takeTicket(),
      help: this.kiosk.help,
    });
  }

  async #takeTicket() {
    if (this.appointments.appointment) {
      await this.line.command("check_in", {
        code: this.choice.typed.code,
        language: language(),
        notice_version: NOTICE_VERSION,
        wish: this.choice.wish,
      });
      return;
    }
    const { matter, city, claim, wish, proof } = this.choice;
    if (!matter || !city) return;
    const returns = claim === "returning";
    try {
      await this.line.command("take_ticket", {
        matter: matter.code,
        city: city.code,
        language: language(),
        notice_version: NOTICE_VERSION,
        priority: claim,
        wish,
        earlier_ticket: returns ? proof.ticket : "",
        earlier_code: returns ? proof.code : "",
      });
    } catch (error) {
      if (!returns || !isAboutEarlier(error)) throw error;
      this.problem = t("earlier.not_found");
      this.go("earlier");
    }
  }
}
