// @ts-check
/**
 * Fields of a form whose errors stand beside what caused them; what was typed is kept.
 */

import { Problem } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { language, t } from "/static/kit/words.js";
import { message } from "./told.js";

let made = 0;

export class FormFields {
  constructor() {
    /** @type {Map<string, {input: HTMLElement, wrong: HTMLElement}>} */
    this.known = new Map();
    this.problem = el("p", { class: "note bad", role: "alert", hidden: true });
  }

  /**
   * A label, its input and the place of its error. `name` is the field's in the interface.
   * @param {string} name
   * @param {string} label
   * @param {HTMLElement} input
   * @param {string} [hint]
   */
  add(name, label, input, hint = "") {
    made += 1;
    const [hintId, wrongId] = [`hint-${made}`, `wrong-${made}`];
    const wrong = el("p", { class: "wrong", id: wrongId, hidden: true });
    input.dataset.field = name;
    input.setAttribute("aria-describedby", `${hint ? `${hintId} ` : ""}${wrongId}`);
    this.known.set(name, { input, wrong });
    const group = !(
      input instanceof HTMLInputElement ||
      input instanceof HTMLSelectElement ||
      input instanceof HTMLTextAreaElement
    );
    if (!group) input.id ||= `field-${made}`;
    else {
      input.setAttribute("role", "group");
      input.setAttribute("aria-label", label);
      input.tabIndex = -1;
    }
    return el(
      "div",
      { class: "field" },
      group ? el("span", null, label) : el("label", { for: input.id }, label),
      hint && el("p", { class: "soft hint", id: hintId }, hint),
      input,
      wrong,
    );
  }

  /** Nothing is wrong any more. */
  clear() {
    this.problem.hidden = true;
    for (const { input, wrong } of this.known.values()) {
      wrong.hidden = true;
      input.removeAttribute("aria-invalid");
    }
  }

  /**
   * Say what is wrong, at its field if the problem names one.
   * @param {unknown} error
   */
  refuse(error) {
    this.clear();
    const text = message(error);
    const [, path, reason] = /^([\w.[\]-]+): (.*)$/s.exec(text) ?? ["", "", text];
    const named = error instanceof Problem && error.status === 422 && path !== "";
    const found = named
      ? (this.known.get(path) ?? this.known.get(path.split(/[.[]/)[0]))
      : undefined;
    if (!found) {
      const told = named ? wrongInWords(path, reason) : text;
      this.problem.hidden = false;
      fill(this.problem, t("supervisor.failed", { reason: told }));
      this.problem.scrollIntoView({ block: "nearest" });
      return;
    }
    found.wrong.hidden = false;
    fill(found.wrong, wrongInWords(path, reason));
    found.input.setAttribute("aria-invalid", "true");
    found.input.focus();
  }
}

/**
 * What is wrong with a field: in English as the server says it, in Chinese what it may be.
 * @param {string} path
 * @param {string} reason
 */
export function wrongInWords(path, reason) {
  if (language() === "en") return reason;
  const parts = path.replace(/\[\d+\]/g, "").split(".");
  for (const part of parts.reverse()) {
    const told = t(`bad.${part}`, { reason });
    if (told !== `bad.${part}`) return told;
  }
  return reason;
}

/**
 * A field for a number of seconds, minutes or pieces.
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @param {number | "any"} [step]
 */
export function numberField(value, least, most, step = 1) {
  return el("input", {
    type: "number",
    min: String(least),
    max: String(most),
    step: String(step),
    value: String(value),
    required: true,
  });
}

/**
 * @param {[string, string][]} options value and words
 * @param {string} chosen
 */
export function choiceField(options, chosen) {
  return el(
    "select",
    null,
    ...options.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
  );
}
