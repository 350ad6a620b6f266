// @ts-check
/**
 * What is asked over the screen? Something told, something confirmed, and whether one is there.
 */

import { byId, el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

const dialog = /** @type {HTMLDialogElement} */ (byId("dialog"));

/** Close what is asked. */
export function hush() {
  dialog.close();
}

/** @param {string} text */
export function say(text) {
  ask(text, el("button", { class: "primary", onclick: hush }, t("dialog.close")));
}

/**
 * @param {string} question
 * @param {string} yes
 * @param {() => void} act
 */
export function confirm(question, yes, act) {
  const sure = () => {
    hush();
    act();
  };
  ask(
    question,
    el("button", { onclick: hush }, t("dialog.no")),
    el("button", { class: "danger", id: "confirm", onclick: sure }, yes),
  );
}

/**
 * Ask whether somebody is still there, unless something else is asked.
 * @param {() => void} leave
 */
export function stillThere(leave) {
  if (dialog.open) return;
  ask(
    t("idle.question"),
    el("button", { onclick: leave }, t("idle.leave")),
    el("button", { class: "primary", id: "stay", onclick: hush }, t("idle.stay")),
  );
}

/**
 * @param {string} text
 * @param {...HTMLElement} buttons
 */
function ask(text, ...buttons) {
  fill(dialog, el("p", null, text), el("div", { class: "actions" }, ...buttons));
  if (!dialog.open) dialog.showModal();
}
