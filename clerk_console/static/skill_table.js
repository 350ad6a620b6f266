// @ts-check
/**
 * Clerks by queues, a level in each cell: the table of the skills section, by mouse and keyboard.
 * It shows what skill_edits.js holds and changes nothing else; languages are asked for elsewhere.
 */

import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { LEVELS } from "./skill_edits.js";

/** @import {Queue} from "./queue_form.js" */
/** @import {ClerkSkills, Level, SkillEdits} from "./skill_edits.js" */

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

export class SkillTable {
  /**
   * @param {string} title
   * @param {SkillEdits} edits
   * @param {Queue[]} queues
   * @param {{changed: () => void, languages: (clerk: ClerkSkills) => void}} told
   */
  constructor(title, edits, queues, told) {
    this.edits = edits;
    this.queues = queues;
    this.told = told;
    /** @type {HTMLButtonElement[][]} */
    this.cells = [];
    this.search = el("input", {
      type: "search",
      class: "search",
      placeholder: t("skills.filter"),
      "aria-label": t("skills.filter"),
      oninput: () => this.#filter(),
    });
    this.place = el("div", { class: "stack" });
    this.rows = edits.clerks.map((clerk, row) => this.#row(clerk, row));
    if (!this.rows.length || !queues.length) {
      fill(
        this.place,
        el("p", { class: "empty" }, t(this.rows.length ? "skills.no_queues" : "skills.none")),
      );
      return;
    }
    fill(
      this.place,
      this.search,
      el(
        "div",
        { class: "wide" },
        el(
          "table",
          { class: "matrix" },
          el("caption", { class: "visually-hidden" }, title),
          el(
            "thead",
            null,
            el(
              "tr",
              null,
              el("th", { scope: "col" }, t("skills.clerk")),
              ...queues.map((queue) =>
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
    this.mark();
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
    this.cells.push(cells);
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
        this.told.changed();
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
          onclick: () => this.told.languages(clerk),
        }),
      ),
      el("td", null, capacity),
    );
  }

  /** Every cell as it is after the edits. */
  mark() {
    this.edits.clerks.forEach((clerk, row) => {
      this.queues.forEach((queue, column) => {
        const cell = this.cells[row][column];
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
      const line = /** @type {HTMLElement} */ (this.rows[row]);
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
  }

  /**
   * @param {ClerkSkills} clerk
   * @param {string} queue
   * @param {Level} level
   */
  #set(clerk, queue, level) {
    this.edits.set(clerk.clerk, queue, level);
    this.told.changed();
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
    const { cells } = this;
    let to = row + down;
    while (cells[to] && this.rows[to].hidden) to += down;
    const cell = cells[to]?.[column + right];
    if (!cell) return;
    for (const line of cells) for (const one of line) one.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  }

  #filter() {
    const wanted = this.search.value.trim().toLowerCase();
    this.edits.clerks.forEach((clerk, row) => {
      const line = this.rows[row];
      if (line)
        line.hidden = !`${clerk.clerk} ${clerk.name_zh} ${clerk.name_en}`
          .toLowerCase()
          .includes(wanted);
    });
  }
}

/** @param {Level} level */
function next(level) {
  return LEVELS[(LEVELS.indexOf(level) + 1) % LEVELS.length];
}
