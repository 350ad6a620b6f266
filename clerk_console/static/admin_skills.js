// @ts-check
/**
 * Who serves which queue, how well, in which languages? The skills matrix: a section of the
 * admin's page. Changes are marked until they are saved; what is edited is skill_edits.js.
 */

import { ask, Problem } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { loaded } from "./loaded.js";
import { LEVELS, SkillEdits } from "./skill_edits.js";
import { SkillsImport } from "./skills_import.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Queue} from "./queue_form.js" */
/** @import {ClerkSkills, Level} from "./skill_edits.js" */

const LANGUAGES = ["cmn", "en", "wuu", "yue", "csl"];
/** @type {Record<string, Level>} */
const KEYS = {
  0: "none",
  Delete: "none",
  Backspace: "none",
  1: "primary",
  2: "secondary",
  3: "backup",
};
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

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
    this.bar = el("div", { class: "row unsaved", role: "status" });
    this.search = el("input", {
      type: "search",
      class: "search",
      placeholder: t("skills.filter"),
      "aria-label": t("skills.filter"),
      oninput: () => this.#filter(),
    });
    this.place = el(
      "section",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("h1", null, t("skills.title", { city: nameOf(city) })),
        el("span", { class: "grow" }),
        el("button", { id: "import-skills", onclick: () => this.#import() }, t("skills.import")),
      ),
      el("p", { class: "soft" }, t("skills.about")),
      this.told,
      this.bar,
      this.body,
      this.dialog,
    );
    /** @param {KeyboardEvent} event */
    this.onKey = (event) => {
      if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) this.#undo(event);
    };
    this.place.addEventListener("keydown", this.onKey);
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
        this.edits.rebase(clerks);
        this.#draw();
      },
    );
  }

  #draw() {
    /** @type {HTMLButtonElement[][]} */
    this.cells = [];
    this.rows = this.edits.clerks.map((clerk, row) => this.#row(clerk, row));
    if (!this.rows.length || !this.queues.length) {
      fill(
        this.body,
        el("p", { class: "empty" }, t(this.rows.length ? "skills.no_queues" : "skills.none")),
      );
      return;
    }
    fill(
      this.body,
      this.search,
      el(
        "div",
        { class: "wide" },
        el(
          "table",
          { class: "matrix" },
          el(
            "caption",
            { class: "visually-hidden" },
            t("skills.title", { city: nameOf(this.city) }),
          ),
          el(
            "thead",
            null,
            el(
              "tr",
              null,
              el("th", { scope: "col" }, t("skills.clerk")),
              ...this.queues.map((queue) =>
                el("th", { scope: "col", class: "queue" }, `${queue.letter} ${nameOf(queue)}`),
              ),
              el("th", { scope: "col" }, t("skills.languages")),
              el("th", { scope: "col" }, t("skills.capacity")),
            ),
          ),
          el("tbody", null, ...this.rows),
        ),
      ),
      el("p", { class: "soft" }, t("skills.keys")),
    );
    const first = this.cells[0]?.[0];
    if (first) first.tabIndex = 0;
    this.#mark();
    this.#filter();
  }

  /**
   * @param {ClerkSkills} clerk
   * @param {number} row
   */
  #row(clerk, row) {
    const cells = this.queues.map((queue, column) =>
      el("button", {
        class: "level",
        "data-cell": `${clerk.clerk} ${queue.id}`,
        tabIndex: -1,
        onclick: () => this.#set(clerk, queue.id, next(this.edits.level(clerk.clerk, queue.id))),
        onkeydown: (/** @type {KeyboardEvent} */ event) =>
          this.#key(event, clerk, queue, row, column),
      }),
    );
    this.cells?.push(cells);
    const capacity = el("input", {
      type: "number",
      min: "0",
      max: "5",
      "aria-label": t("skills.capacity_of", { name: nameOf(clerk) }),
      "data-capacity": clerk.clerk,
      onchange: () => {
        const wanted = capacity.valueAsNumber;
        if (capacity.validity.valid && Number.isInteger(wanted))
          this.edits.set(clerk.clerk, "capacity", wanted);
        this.#mark();
      },
    });
    return el(
      "tr",
      { "data-clerk": clerk.clerk },
      el("th", { scope: "row" }, nameOf(clerk)),
      ...cells.map((cell) => el("td", null, cell)),
      el(
        "td",
        null,
        el("button", {
          class: "languages",
          "data-languages": clerk.clerk,
          onclick: () => this.#languages(clerk),
        }),
      ),
      el("td", null, capacity),
    );
  }

  /** Every cell as it is after the edits, and what is not saved yet. */
  #mark() {
    this.edits.clerks.forEach((clerk, row) => {
      this.queues.forEach((queue, column) => {
        const cell = /** @type {HTMLButtonElement[][]} */ (this.cells)[row][column];
        const level = this.edits.level(clerk.clerk, queue.id);
        const changed = this.edits.has(clerk.clerk, queue.id);
        cell.textContent = t(`skills.short.${level}`);
        cell.dataset.level = level;
        cell.classList.toggle("changed", changed);
        cell.setAttribute(
          "aria-label",
          t(changed ? "skills.cell_changed" : "skills.cell", {
            clerk: nameOf(clerk),
            queue: nameOf(queue),
            level: t(`skills.level.${level}`),
          }),
        );
      });
      const line = /** @type {HTMLElement} */ (this.rows?.[row]);
      const languages = /** @type {HTMLButtonElement} */ (line.querySelector("[data-languages]"));
      languages.textContent =
        this.edits
          .languages(clerk.clerk)
          .map((code) => t(`spoken.${code}`))
          .join(" · ") || "–";
      languages.classList.toggle("changed", this.edits.has(clerk.clerk, "languages"));
      languages.setAttribute(
        "aria-label",
        t("skills.languages_of", { name: nameOf(clerk), languages: languages.textContent }),
      );
      const capacity = /** @type {HTMLInputElement} */ (line.querySelector("[data-capacity]"));
      capacity.value = String(this.edits.capacity(clerk.clerk));
      capacity.classList.toggle("changed", this.edits.has(clerk.clerk, "capacity"));
    });
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

  /**
   * @param {ClerkSkills} clerk
   * @param {string} queue
   * @param {Level} level
   */
  #set(clerk, queue, level) {
    this.edits.set(clerk.clerk, queue, level);
    this.#mark();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {ClerkSkills} clerk
   * @param {Queue} queue
   * @param {number} row
   * @param {number} column
   */
  #key(event, clerk, queue, row, column) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in KEYS) this.#set(clerk, queue.id, KEYS[event.key]);
    else if (event.key in MOVES) this.#move(row, column, ...MOVES[event.key]);
    else return;
    event.preventDefault();
  }

  /**
   * @param {number} row
   * @param {number} column
   * @param {number} down
   * @param {number} right
   */
  #move(row, column, down, right) {
    const cells = /** @type {HTMLButtonElement[][]} */ (this.cells);
    let to = row + down;
    while (cells[to] && this.rows?.[to].hidden) to += down;
    const cell = cells[to]?.[column + right];
    if (!cell) return;
    for (const line of cells) for (const one of line) one.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  }

  #filter() {
    const wanted = this.search.value.trim().toLowerCase();
    this.edits.clerks.forEach((clerk, row) => {
      const line = this.rows?.[row];
      if (line)
        line.hidden = !`${clerk.clerk} ${clerk.name_zh} ${clerk.name_en}`
          .toLowerCase()
          .includes(wanted);
    });
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
    const preview = new ChangePreview(this.dialog, t("preview.title"), form);
    const names = new Map(this.queues.map((queue) => [queue.id, nameOf(queue)]));
    preview.show(
      this.edits.changes(names),
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

/** @param {Level} level */
function next(level) {
  return LEVELS[(LEVELS.indexOf(level) + 1) % LEVELS.length];
}
