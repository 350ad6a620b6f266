// @ts-check
/**
 * A table that sorts by any column and filters as one types. What the cells hold is the caller's.
 */

import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

/**
 * @template Row
 * @typedef {{title: string, value?: (row: Row) => string | number, order?: (row: Row) => number, cell?: (row: Row) => Node | string | (Node | string)[], numeric?: boolean}} Column
 */

/** @template Row */
export class SortedTable {
  /**
   * @param {string} name of what is listed, for screen readers
   * @param {Column<Row>[]} columns those with a `value` sort (by `order`, if that is not what is
   *   shown), and are searched
   * @param {string} empty what is said where there is nothing
   */
  constructor(name, columns, empty) {
    this.columns = columns;
    this.empty = empty;
    /** @type {Row[]} */
    this.rows = [];
    this.by = 0;
    this.down = false;
    this.search = el("input", {
      type: "search",
      class: "search",
      placeholder: t("table.filter"),
      "aria-label": t("table.filter"),
      oninput: () => this.#draw(),
    });
    this.heads = columns.map((column, place) =>
      el(
        "th",
        { scope: "col", class: column.numeric ? "numeric" : null },
        column.value
          ? el("button", { class: "sort", onclick: () => this.#sort(place) }, column.title)
          : column.title,
      ),
    );
    this.body = el("tbody");
    this.table = el(
      "table",
      null,
      el("caption", { class: "visually-hidden" }, name),
      el("thead", null, el("tr", null, ...this.heads)),
      this.body,
    );
    this.told = el("p", { class: "empty", role: "status" });
    this.place = el(
      "div",
      { class: "stack" },
      this.search,
      el("div", { class: "wide" }, this.table),
      this.told,
    );
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.rows = rows;
    this.#draw();
  }

  /** @param {number} place */
  #sort(place) {
    this.down = this.by === place && !this.down;
    this.by = place;
    this.#draw();
  }

  #draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const { value, order: rank } = this.columns[this.by];
    const shown = this.rows.filter((row) =>
      this.columns.some((column) =>
        String(column.value?.(row) ?? "")
          .toLowerCase()
          .includes(wanted),
      ),
    );
    if (value)
      shown.sort((a, b) => {
        const [one, two] = rank ? [rank(a), rank(b)] : [value(a), value(b)];
        const order =
          typeof one === "number" && typeof two === "number"
            ? one - two
            : String(one).localeCompare(String(two));
        return this.down ? -order : order;
      });
    this.heads.forEach((head, place) => {
      if (place === this.by && value)
        head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    fill(this.body, ...shown.map((row) => this.#row(row)));
    this.search.hidden = this.rows.length === 0;
    this.table.hidden = shown.length === 0;
    fill(this.told, this.rows.length ? t("table.nothing") : this.empty);
    this.told.hidden = shown.length > 0;
  }

  /** @param {Row} row */
  #row(row) {
    return el(
      "tr",
      null,
      ...this.columns.map((column) => {
        const held = column.cell ? column.cell(row) : String(column.value?.(row) ?? "");
        return el(
          "td",
          { class: column.numeric ? "numeric" : null },
          ...(Array.isArray(held) ? held : [held]),
        );
      }),
    );
  }
}
