// @ts-check
/**
 * Who serves which queue, how well, in which languages? A section of the admin's page: the matrix
 * is skill_table.js; what is changed and not saved is skill_edits.js.
 */

import { ask, Problem } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { loaded } from "./loaded.js";
import { SkillEdits } from "./skill_edits.js";
import { SkillTable } from "./skill_table.js";
import { editsInWords } from "./skill_words.js";
import { SkillsImport } from "./skills_import.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Queue} from "./queue_form.js" */
/** @import {ClerkSkills} from "./skill_edits.js" */

const LANGUAGES = ["cmn", "en", "wuu", "yue", "csl"];

export class SkillsMatrix {
  /**
   * @param {CityView} city
   * @param {SkillEdits | null} edits of the page before, in another language
   */
  constructor(city, edits = null) {
    this.city = city;
    this.edits = edits ?? new SkillEdits();
    /** @type {Queue[]} */
    this.queues = [];
    this.dialog = el("dialog", { class: "dialog broad" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    this.body = el("div", { class: "stack" });
    this.importing = el(
      "button",
      { id: "import-skills", disabled: true, onclick: () => this.#import() },
      t("skills.import"),
    );
    this.bar = el("div", { class: "row unsaved", role: "status", hidden: true });
    this.place = el(
      "section",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("h1", null, t("skills.title", { city: nameOf(city) })),
        el("span", { class: "grow" }),
        this.importing,
      ),
      el("p", { class: "soft" }, t("skills.about")),
      this.told,
      this.bar,
      this.body,
      this.dialog,
    );
    this.place.addEventListener("keydown", (event) => {
      const typed = event.target instanceof Element && event.target.closest("input, textarea");
      const undo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
      if (undo && !typed) this.#undo(event);
    });
    this.#read();
  }

  get unsaved() {
    return this.edits.count;
  }

  close() {}

  #read() {
    return loaded(
      this.body,
      () =>
        Promise.all([
          ask("GET", `/api/cities/${this.city.code}/skills`),
          ask("GET", `/api/cities/${this.city.code}/queues`),
        ]),
      ([clerks, queues]) => {
        this.queues = queues;
        this.importing.disabled = false;
        this.edits.rebase(clerks);
        this.#draw();
      },
    );
  }

  #draw() {
    this.table = new SkillTable(
      t("skills.title", { city: nameOf(this.city) }),
      this.edits,
      this.queues,
      { changed: () => this.#mark(), languages: (clerk) => this.#languages(clerk) },
    );
    fill(this.body, this.table.place);
    this.#mark();
  }

  #mark() {
    this.table?.mark();
    this.bar.hidden = this.edits.count === 0;
    if (this.edits.count === 0) return;
    fill(
      this.bar,
      el("strong", null, t("skills.unsaved", { count: this.edits.count })),
      el("span", { class: "grow" }),
      el("button", { id: "undo", onclick: () => this.#undo(null) }, t("skills.undo")),
      el(
        "button",
        {
          onclick: () => {
            this.edits.clear();
            this.#mark();
          },
        },
        t("skills.discard"),
      ),
      el(
        "button",
        { class: "primary", id: "save-skills", onclick: () => this.#save() },
        t("preview.show"),
      ),
    );
  }

  /** @param {Event | null} event */
  #undo(event) {
    if (!this.edits.undo()) return;
    event?.preventDefault();
    this.#mark();
  }

  /** @param {ClerkSkills} clerk */
  #languages(clerk) {
    const spoken = this.edits.languages(clerk.clerk);
    const boxes = LANGUAGES.map((code) =>
      el("input", { type: "checkbox", value: code, checked: spoken.includes(code) }),
    );
    fill(
      this.dialog,
      el("h2", null, t("skills.languages_title", { name: nameOf(clerk) })),
      el(
        "div",
        { class: "stack" },
        ...boxes.map((box) => el("label", { class: "row" }, box, t(`spoken.${box.value}`))),
      ),
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el(
          "button",
          {
            class: "primary",
            onclick: () => {
              const wanted = boxes.filter((box) => box.checked).map((box) => box.value);
              this.edits.set(clerk.clerk, "languages", wanted);
              this.dialog.close();
              this.#mark();
            },
          },
          t("skills.take"),
        ),
      ),
    );
    this.dialog.showModal();
  }

  #save() {
    const wrong = el("p", { class: "note bad", role: "alert" });
    const form = el(
      "div",
      { class: "stack" },
      wrong,
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("dialog.close")),
      ),
    );
    const preview = new ChangePreview(
      this.dialog,
      t("skills.title", { city: nameOf(this.city) }),
      form,
    );
    const names = new Map(this.queues.map((queue) => [queue.id, nameOf(queue)]));
    preview.show(
      editsInWords(this.edits, names),
      async () => {
        const path = `/api/cities/${this.city.code}/skills`;
        await ask("PUT", path, { clerks: this.edits.changed() });
        this.dialog.close();
        this.#tell(t("skills.saved", { count: this.edits.count }));
        this.edits.clear();
        await this.#read();
      },
      async (error) => {
        fill(wrong, t("supervisor.failed", { reason: message(error) }));
        // What is there now, with the same changes on top: they can be looked at and saved again.
        if (error instanceof Problem && error.status === 412) await this.#read();
      },
    );
    this.dialog.showModal();
  }

  #import() {
    new SkillsImport(this.dialog, this.city, this.queues, async (count) => {
      this.#tell(t("skills.saved", { count }));
      await this.#read();
    });
  }

  /** @param {string} words */
  #tell(words) {
    this.told.hidden = false;
    fill(this.told, words);
  }
}
