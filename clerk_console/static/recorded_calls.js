// @ts-check
/**
 * Which calls were recorded? The supervisor's list, and the record that is chosen in it.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { dateTime, nameOf, t } from "/static/kit/words.js";
import { RecordView } from "./record.js";
import { message } from "./told.js";

/** @import {Row} from "./record.js" */

const SEARCH_AFTER_MS = 200;

export class RecordedCalls {
  constructor() {
    this.search = el("input", {
      id: "search",
      type: "search",
      placeholder: t("supervisor.search"),
      "aria-label": t("supervisor.search"),
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.find(), SEARCH_AFTER_MS);
      },
    });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.rows = el("ul", { class: "visits" });
    this.count = el("p", { class: "soft", role: "status" });
    this.list = el("div", { class: "stack" }, this.search, this.count, this.rows);
    this.place = el("section", { class: "record", "aria-live": "polite" });
    /** @type {RecordView | null} */
    this.record = null;
    this.find();
    this.open(this.chosen);
  }

  /** The visit in the address, so that a reload shows it again. */
  get chosen() {
    return new URLSearchParams(location.hash.slice(1)).get("visit") ?? "";
  }

  /** Show what is found. */
  async find() {
    const asked = this.search.value;
    try {
      /** @type {Row[]} */
      const found = await ask("GET", `/api/visits?q=${encodeURIComponent(asked)}`);
      if (asked !== this.search.value) return;
      fill(this.count, found.length ? t("supervisor.found", { count: found.length }) : "");
      fill(
        this.rows,
        ...(found.length
          ? found.map((row) => this.#row(row))
          : [el("li", { class: "empty" }, t(asked ? "supervisor.nothing" : "supervisor.none"))]),
      );
    } catch (error) {
      fill(
        this.rows,
        el(
          "li",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
    }
  }

  /** Show a visit. @param {string} id */
  async open(id) {
    this.record?.close();
    this.record = null;
    if (!id) {
      fill(this.place, el("p", { class: "empty" }, t("supervisor.choose")));
      return;
    }
    history.replaceState(null, "", `#visit=${id}`);
    this.#mark();
    try {
      const record = await ask("GET", `/api/visits/${encodeURIComponent(id)}`);
      if (this.chosen !== id) return;
      this.record = new RecordView(record);
      fill(this.place, this.record.node);
    } catch (error) {
      if (this.chosen !== id) return;
      fill(
        this.place,
        el(
          "p",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
    }
  }

  /** Play no more. */
  close() {
    clearTimeout(this.timer);
    this.record?.close();
  }

  /** Play no more; there is nothing to go on with. */
  handOver() {
    this.close();
    return null;
  }

  /** Arrows walk the list; the others are the player's. @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const buttons = [...this.rows.querySelectorAll("button")];
    const here = buttons.indexOf(/** @type {HTMLButtonElement} */ (target.closest("button")));
    if (
      (event.key === "ArrowDown" || event.key === "ArrowUp") &&
      (here >= 0 || target === this.search)
    ) {
      event.preventDefault();
      buttons[
        Math.max(0, Math.min(buttons.length - 1, here + (event.key === "ArrowDown" ? 1 : -1)))
      ]?.focus();
      return;
    }
    const typing = target.closest("input:not([type=range]), textarea, select");
    const pressing = event.key === " " && target.closest("button");
    if (!typing && !pressing) this.record?.key(event);
  }

  /** @param {Row} row */
  #row(row) {
    const clerk = nameOf({ name_zh: row.clerk_zh, name_en: row.clerk_en });
    return el(
      "li",
      null,
      el(
        "button",
        {
          class: "quiet",
          "data-visit": row.id,
          "aria-current": row.id === this.chosen ? "true" : null,
          onclick: () => this.open(row.id),
        },
        el("strong", null, row.ticket),
        el("span", null, nameOf(row.matter)),
        el(
          "span",
          { class: "soft" },
          `${row.accepted_at ? dateTime(row.accepted_at) : ""} · ${nameOf(row.city)} · ${clerk}`,
        ),
        el(
          "span",
          { class: "soft" },
          row.outcome ? t(`outcome.${row.outcome}`) : t("supervisor.open"),
          row.rating ? ` · ${t(`rating.${row.rating}`)}` : "",
        ),
      ),
    );
  }

  #mark() {
    for (const button of this.rows.querySelectorAll("button")) {
      if (button.dataset.visit === this.chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }
}
