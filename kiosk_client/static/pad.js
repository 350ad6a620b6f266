// @ts-check
/**
 * How does somebody type at a kiosk, which has no keyboard? Keys on the screen beneath a field.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { onlyKeys } from "./typed.js";

/**
 * Keys that write into a field; `typed` hears of each. With `lower` they write small letters.
 * @param {HTMLInputElement} input
 * @param {string} keys
 * @param {{label: string, typed: () => void, lower?: boolean, name?: string}} how
 */
export function pad(input, keys, { label, typed, lower = false, name = "" }) {
  const press = (/** @type {string} */ value) => {
    input.value = value;
    typed();
  };
  const key = (/** @type {string} */ letter) =>
    el(
      "button",
      {
        type: "button",
        onclick: () => press(input.value + (lower ? letter.toLowerCase() : letter)),
      },
      letter,
    );
  return el(
    "div",
    { class: `pad ${name}`.trim(), role: "group", "aria-label": label },
    ...[...keys].map(key),
    el(
      "button",
      { type: "button", class: "wide", onclick: () => press(input.value.slice(0, -1)) },
      t("welcome.erase"),
    ),
    el("button", { type: "button", class: "wide", onclick: () => press("") }, t("welcome.clear")),
  );
}

/**
 * One thing to type: its label, the field, what is wrong with it, and the keys.
 *
 * A keyboard that is plugged in works too; what the keys do not have is not taken.
 */
export class Entry {
  /**
   * @param {object} asked
   * @param {string} asked.id
   * @param {string} asked.label
   * @param {string} asked.hint
   * @param {string} asked.keys
   * @param {number} asked.longest
   * @param {string} [asked.kind] the arrangement of the keys: `phone` or `code`
   * @param {(value: string) => void} asked.changed
   * @param {HTMLButtonElement} asked.go what Enter on a keyboard presses
   */
  constructor({ id, label, hint, keys, longest, kind = "code", changed, go }) {
    this.problem = el("p", { class: "note bad", role: "alert", hidden: true });
    const typed = () => {
      this.input.value = onlyKeys(this.input.value, keys, longest);
      this.problem.hidden = true;
      changed(this.input.value);
    };
    this.input = el("input", {
      id,
      class: "typed",
      inputMode: "none",
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: false,
      "aria-describedby": `${id}-hint`,
      oninput: typed,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") go.click();
      },
    });
    this.node = el(
      "div",
      { class: "entry" },
      el("label", { for: id }, label),
      el("p", { class: "soft", id: `${id}-hint` }, hint),
      this.input,
      this.problem,
      pad(this.input, keys, { label, typed, name: kind }),
    );
  }

  get value() {
    return this.input.value;
  }

  /** @param {string} value */
  set value(value) {
    this.input.value = value;
  }

  /**
   * Say what is wrong, beside the field.
   * @param {string} words
   */
  refuse(words) {
    this.problem.hidden = false;
    fill(this.problem, icon("escalation"), words);
  }
}
