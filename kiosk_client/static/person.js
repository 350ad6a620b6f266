// @ts-check
/**
 * Who is this, as far as the line is concerned? What gives a head start, and the language wished
 * for. Both may be skipped at one touch; what is true is for the clerk to see.
 */

import { el, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { readAloud } from "./speech.js";

/** @import {TakeTicket} from "/static/kit/protocol.js" */
/** @typedef {NonNullable<TakeTicket["priority"]>} Claim */
/** @typedef {NonNullable<TakeTicket["wish"]>} Wish */

/** @type {Claim[]} */
const CLAIMS = ["elderly", "disabled", "veteran", "infant", "returning", "ordinary"];
/** What stands in the bubble of each language. @type {Record<Wish, string>} */
const TONGUES = { cmn: "普", en: "A", wuu: "沪", yue: "粤", csl: "", "": "…" };
const ORDER = /** @type {Wish[]} */ (["cmn", "en", "wuu", "yue", "csl", ""]);

/**
 * Does one of these apply? `skip` leads past both questions.
 * @param {Claim} chosen
 * @param {{choose: (claim: Claim) => void, skip: () => void}} answers
 */
export function claimScreen(chosen, { choose, skip }) {
  const words = CLAIMS.map((claim) => t(`claim.${claim}`));
  return el(
    "section",
    { class: "person" },
    el("h1", null, t("claim.title")),
    el("p", null, t("claim.text")),
    el(
      "ul",
      { class: "tiles choices" },
      ...CLAIMS.map((claim, at) =>
        tile(icon(claim), words[at], chosen === claim, { "data-claim": claim }, () =>
          choose(claim),
        ),
      ),
    ),
    readAloud(() => [t("claim.title"), t("claim.text"), ...words]),
    el("div", { class: "actions" }, el("button", { id: "skip", onclick: skip }, t("claim.skip"))),
  );
}

/**
 * In which language would the resident like to be served?
 * @param {Wish} chosen
 * @param {{choose: (wish: Wish) => void}} answers
 */
export function tongueScreen(chosen, { choose }) {
  const name = (/** @type {Wish} */ wish) => t(`tongue.${wish || "any"}`);
  return el(
    "section",
    { class: "person" },
    el("h1", null, t("tongue.title")),
    el("p", null, t("tongue.text")),
    el(
      "ul",
      { class: "tiles choices" },
      ...ORDER.map((wish) =>
        tile(
          wish === "csl" ? icon("hand") : bubble(TONGUES[wish]),
          name(wish),
          chosen === wish,
          { "data-wish": wish || "any" },
          () => choose(wish),
        ),
      ),
    ),
    readAloud(() => [t("tongue.title"), t("tongue.text"), ...ORDER.map(name)]),
  );
}

/**
 * @param {Element} picture
 * @param {string} words
 * @param {boolean} chosen
 * @param {Record<string, string>} marks
 * @param {() => void} choose
 */
function tile(picture, words, chosen, marks, choose) {
  return el(
    "li",
    null,
    el(
      "button",
      { ...marks, "aria-pressed": String(chosen), onclick: choose },
      picture,
      el("span", null, words),
    ),
  );
}

/**
 * A speech bubble with a letter of the language in it.
 * @param {string} letter
 */
function bubble(letter) {
  const svg = icon("speak");
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  for (const [name, value] of Object.entries({ x: 12, y: 13.6, "text-anchor": "middle" }))
    text.setAttribute(name, String(value));
  text.textContent = letter;
  svg.append(text);
  return svg;
}
