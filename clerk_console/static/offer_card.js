// @ts-check
/**
 * What rings, and shall I take it? A visit, or a colleague who asks; declining wants a reason.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, nameOf, t } from "/static/kit/words.js";
import { ringing } from "./desk_state.js";

/** @import {ClerkState, VisitView} from "/static/kit/protocol.js" */
/** @import {Ringing} from "./desk_state.js" */

export const REASONS = /** @type {const} */ ([
  "skill",
  "language",
  "equipment",
  "leaving",
  "related",
  "other",
]);

export class OfferCard {
  /**
   * @param {(visit: string) => void} accept
   * @param {(visit: string, reason: string) => void} decline
   */
  constructor(accept, decline) {
    this.acts = { accept, decline };
    this.node = el("section", { class: "offer", role: "alertdialog", hidden: true });
    this.left = el("p", { id: "offer-left", class: "soft" });
    this.waited = el("dd", { id: "offer-waited" });
    this.why = el("form", { class: "stack", hidden: true });
    this.about = el("dl");
    this.buttons = el("div", { class: "row" });
    this.shown = "";
  }

  /** @param {ClerkState} state @param {number} now */
  update(state, now) {
    const rings = ringing(state);
    this.node.hidden = !rings;
    if (!rings) {
      this.shown = "";
      fill(this.node);
      return;
    }
    const shown = `${rings.visit.id} ${rings.since}`;
    if (shown !== this.shown) {
      this.shown = shown; // one offer can follow another without a pause between them
      this.#draw(rings, state);
    }
    const left = state.ring_s - (now - Date.parse(rings.since)) / 1000;
    fill(this.left, t("clerk.offer.left", { seconds: Math.max(0, Math.ceil(left)) }));
    fill(this.waited, clock((now - Date.parse(rings.visit.taken_at)) / 1000));
  }

  /** Draw anew, in another language. */
  redraw() {
    this.shown = "";
  }

  /** Ask why; a second time, go back. */
  decline() {
    if (this.node.hidden) return;
    this.why.hidden = !this.why.hidden;
    this.buttons.hidden = this.about.hidden = !this.why.hidden;
    const first = /** @type {HTMLElement} */ (
      (this.why.hidden ? this.buttons : this.why).querySelector("button, input")
    );
    first.focus();
  }

  /** @param {Ringing} rings @param {ClerkState} state */
  #draw({ visit, consult }, state) {
    const asks = consult && nameOf({ name_zh: consult.other_zh, name_en: consult.other_en });
    const title = asks ? t("clerk.offer.asks", { name: asks }) : t("clerk.offer.title");
    const far = visit.city.code !== state.city.code;
    this.node.setAttribute("aria-label", title);
    const accept = el(
      "button",
      { class: "primary", id: "accept", onclick: () => this.acts.accept(visit.id) },
      icon("phone"),
      t(asks ? "clerk.join" : "clerk.accept"),
    );
    fill(
      this.buttons,
      accept,
      el("button", { id: "decline", onclick: () => this.decline() }, t("clerk.decline")),
    );
    this.buttons.hidden = this.about.hidden = false;
    this.why.hidden = true;
    this.#drawReasons(visit);
    fill(
      this.about,
      ...term("clerk.offer.matter", nameOf(visit.matter), "large"),
      ...term("clerk.offer.ticket", `${visit.ticket} · ${t(`clerk.priority.${visit.priority}`)}`),
      ...term(
        "clerk.offer.city",
        far ? t("clerk.offer.helps", { city: nameOf(visit.city) }) : nameOf(visit.city),
      ),
      ...term("clerk.offer.from", nameOf(visit.site)),
      ...term("clerk.offer.language", languageOf(visit)),
      el("dt", null, t("clerk.offer.waited")),
      this.waited,
      ...history(visit, state),
      ...(consult ? term("clerk.offer.queue", nameOf(consult.queue)) : []),
    );
    fill(this.node, el("h2", null, title), this.about, this.left, this.buttons, this.why);
    accept.focus();
  }

  /** @param {VisitView} visit */
  #drawReasons(visit) {
    const words = el("input", { id: "decline-words", maxLength: 150, autocomplete: "off" });
    const choices = REASONS.map((reason, at) =>
      el(
        "label",
        { class: "choice" },
        el("input", { type: "radio", name: "reason", value: reason, required: true }),
        el("span", null, `${at + 1} · ${t(`clerk.decline.${reason}`)}`),
      ),
    );
    this.why.onsubmit = (event) => {
      event.preventDefault();
      const chosen = String(new FormData(this.why).get("reason"));
      if (chosen === "other" && !words.value.trim()) {
        words.focus();
        return;
      }
      this.acts.decline(visit.id, [chosen, words.value.trim()].filter(Boolean).join(": "));
    };
    this.why.onkeydown = (event) => {
      const radio = choices[Number(event.key) - 1]?.querySelector("input");
      if (event.key === "Escape") this.decline();
      else if (radio && event.target !== words) radio.click();
      else return;
      event.preventDefault();
    };
    fill(
      this.why,
      el("fieldset", { class: "choices" }, el("legend", null, t("clerk.decline.why")), ...choices),
      el("label", { for: "decline-words" }, t("clerk.decline.words")),
      words,
      el(
        "div",
        { class: "row" },
        el(
          "button",
          { type: "submit", class: "danger", id: "decline-yes" },
          t("clerk.decline.yes"),
        ),
        el("button", { type: "button", onclick: () => this.decline() }, t("clerk.decline.no")),
      ),
    );
  }
}

/**
 * @param {string} key
 * @param {string} words
 * @param {string} [look]
 */
function term(key, words, look = "") {
  return [el("dt", null, t(key)), el("dd", { class: look || null }, words)];
}

/** @param {VisitView} visit */
function languageOf(visit) {
  if (visit.wish) return t(`clerk.tongue.${visit.wish}`);
  return t(visit.language === "en" ? "clerk.tongue.en" : "clerk.tongue.cmn");
}

/** Whether the resident was served before, and for whom it was meant. @param {VisitView} visit @param {ClerkState} state */
function history(visit, state) {
  const name = nameOf({ name_zh: visit.for_clerk_zh, name_en: visit.for_clerk_en });
  const words = visit.for_clerk_zh
    ? visit.for_clerk_zh === state.name_zh
      ? t("clerk.offer.for_you")
      : t("clerk.offer.for_other", { name })
    : t(visit.served_before ? "clerk.offer.served" : "clerk.offer.first");
  return term("clerk.offer.before", words);
}
