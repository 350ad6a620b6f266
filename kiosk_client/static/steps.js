// @ts-check
/**
 * Which screen follows which before the ticket? The resident's own steps, and what was chosen.
 */

import { language, t } from "/static/kit/words.js";
import { Check } from "./check.js";
import { checkScreen } from "./check_screen.js";
import { matterScreen, welcome } from "./choosing.js";
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
 * @property {Claim} claim
 * @property {Wish} wish
 * @property {Proof} proof
 */
/**
 * @typedef {"welcome" | "matter" | "notice" | "claim" | "earlier" | "tongue" | "check"
 *   | "come_back"} Step
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
};

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
      claim: "ordinary",
      wish: "",
      proof: { ticket: "", code: "" },
    };
    /** @type {Check | null} */
    this.check = null;
    this.problem = "";
  }

  /** Whether somebody has begun, so that the kiosk must be wiped when they go. */
  get begun() {
    const { query, group } = this.choice;
    return this.step !== "welcome" || Boolean(query || group || language() === "en");
  }

  /** @param {Step} step */
  go(step) {
    if (step !== "check") this.closeCheck();
    if (step === "welcome") this.choice.proof = { ticket: "", code: "" };
    this.step = step;
    this.kiosk.draw();
  }

  /** What "back" does here, or null. @returns {(() => void) | null} */
  back() {
    const before = BACK[this.step];
    if (before) return () => this.go(before);
    if (!this.choice.group) return null;
    return () => {
      this.choice.query = this.choice.group = "";
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
        return matterScreen(choice, go("notice"));
      case "notice":
        return notice(choice.city, { agree: go("claim"), leave: this.kiosk.wipe });
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
      default:
        return welcome(choice, {
          matter: go("matter"),
          comeBack: go("come_back"),
        });
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
