// @ts-check
/**
 * How much earlier do some residents count as having come? Head starts in minutes.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { FormFields, numberField } from "./form_fields.js";
import { loaded } from "./loaded.js";

/** @import {CityView} from "/static/kit/protocol.js" */

const PRIORITIES = /** @type {const} */ ([
  "booked",
  "returning",
  "elderly",
  "disabled",
  "veteran",
  "infant",
]);
const MOST_MINUTES = 240;

export class HeadStarts {
  /** @param {CityView} city */
  constructor(city) {
    this.city = city;
    /** @type {Record<string, any>} */
    this.kept = {};
    /** @type {Map<string, HTMLInputElement>} */
    this.inputs = new Map();
    this.fields = new FormFields();
    this.dialog = el("dialog", { class: "dialog" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    this.body = el("div");
    this.place = el(
      "section",
      { class: "card stack", id: "head-starts", "aria-label": t("starts.title") },
      el("h2", null, t("starts.title")),
      el("p", { class: "soft" }, t("starts.about")),
      this.told,
      this.body,
      this.dialog,
    );
    this.#read();
  }

  get unsaved() {
    return this.#changes().length;
  }

  #read() {
    return loaded(
      this.body,
      () => ask("GET", `/api/cities/${this.city.code}/head-starts`),
      (found) => {
        this.kept = found;
        this.#draw();
      },
    );
  }

  #draw() {
    this.fields = new FormFields();
    this.inputs = new Map(
      PRIORITIES.map((name) => [name, numberField(this.kept[name] / 60, 0, MOST_MINUTES, "any")]),
    );
    fill(
      this.body,
      el(
        "form",
        {
          class: "stack",
          noValidate: true,
          onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#check();
          },
        },
        this.fields.problem,
        el(
          "div",
          { class: "pair" },
          ...[...this.inputs].map(([name, input]) =>
            this.fields.add(`head_starts_s.${name}`, t(`starts.${name}`), input),
          ),
        ),
        el(
          "div",
          { class: "row" },
          el("span", { class: "grow" }),
          el("button", { class: "primary", type: "submit" }, t("preview.show")),
        ),
      ),
    );
  }

  #changes() {
    return [...this.inputs]
      .filter(([name, input]) => input.valueAsNumber * 60 !== this.kept[name])
      .map(([name, input]) => ({
        what: t(`starts.${name}`),
        before: t("starts.minutes", { minutes: this.kept[name] / 60 }),
        after: t("starts.minutes", { minutes: input.value }),
      }));
  }

  #check() {
    this.fields.clear();
    for (const [name, input] of this.inputs)
      if (!input.validity.valid) {
        const { wrong } = /** @type {any} */ (this.fields.known.get(`head_starts_s.${name}`));
        wrong.hidden = false;
        wrong.textContent = t("bad.head_starts_s", { reason: "" });
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
    const preview = new ChangePreview(this.dialog, t("starts.title"), el("div"));
    preview.back = () => this.dialog.close();
    preview.show(
      this.#changes(),
      async () => {
        const body = { ...this.kept };
        for (const [name, input] of this.inputs) body[name] = input.valueAsNumber * 60;
        this.kept = await ask("PUT", `/api/cities/${this.city.code}/head-starts`, body);
        this.dialog.close();
        this.told.hidden = false;
        fill(this.told, t("admin.live"));
        this.#draw();
      },
      (error) => this.fields.refuse(error),
    );
    this.dialog.showModal();
  }
}
