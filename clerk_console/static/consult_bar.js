// @ts-check
/**
 * Who else is on this visit with me, and what can we do? One bar while a colleague is asked or there.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, nameOf, t } from "/static/kit/words.js";

/** @import {ClerkState, ConsultView} from "/static/kit/protocol.js" */
/**
 * @typedef {object} Acts
 * @property {() => void} threeWay
 * @property {() => void} handOver
 * @property {() => void} end
 */

export class ConsultBar {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.words = el("p", { role: "status" });
    this.time = el("span", { class: "time" });
    this.buttons = el("div", { class: "row" });
    this.node = el(
      "section",
      { class: "consult", hidden: true },
      el("div", { class: "consult-words" }, icon("people"), this.words, this.time),
      this.buttons,
    );
    this.drawn = "";
  }

  /** @param {ClerkState} state @param {number} now */
  update({ consult }, now) {
    const shown = consult && !(consult.role === "asked" && consult.state === "offered");
    this.node.hidden = !shown;
    if (!shown) {
      this.drawn = "";
      return;
    }
    this.node.setAttribute("aria-label", t("clerk.consult"));
    fill(this.time, clock((now - Date.parse(consult.since)) / 1000));
    const { since: _, ...drawn } = consult;
    if (JSON.stringify(drawn) !== this.drawn) this.#draw(consult);
    this.drawn = JSON.stringify(drawn);
  }

  /** Draw anew, in another language. */
  redraw() {
    this.drawn = "";
  }

  /** @param {ConsultView} consult */
  #draw(consult) {
    const name =
      nameOf({ name_zh: consult.other_zh, name_en: consult.other_en }) || nameOf(consult.queue);
    const mode = consult.with_resident ? "with" : "hold";
    const what = consult.state === "joined" ? `${consult.role}.${mode}` : consult.state;
    fill(this.words, t(`clerk.consult.${what}`, { name }));
    const button = (
      /** @type {string} */ id,
      /** @type {string} */ words,
      /** @type {() => void} */ act,
      look = "",
    ) => el("button", { id, class: look, onclick: act }, words);
    if (consult.state !== "joined") {
      fill(this.buttons, button("consult-end", t("clerk.consult.take_back"), this.acts.end));
    } else if (consult.role === "asked") {
      fill(this.buttons, button("consult-end", t("clerk.consult.leave"), this.acts.end));
    } else {
      fill(
        this.buttons,
        button(
          "three-way",
          t(consult.with_resident ? "clerk.consult.to_hold" : "clerk.consult.to_resident"),
          this.acts.threeWay,
          "primary",
        ),
        button("hand-over", t("clerk.consult.hand_over"), this.acts.handOver),
        button("consult-end", t("clerk.consult.end"), this.acts.end),
      );
    }
  }
}
