// @ts-check
/**
 * Who is planned to be on duty, and when? A week of a city's shifts: a section of the admin's page.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { language, nameOf, t } from "/static/kit/words.js";
import { FormFields } from "./form_fields.js";
import { loaded } from "./loaded.js";
import { SpreadsheetImport } from "./spreadsheet_import.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {ClerkSkills} from "./skill_edits.js" */
/** @typedef {{id: string | null, clerk: string, clerk_zh: string, clerk_en: string, starts_at: string, ends_at: string, queues: string[] | null}} Shift */

const DAY_MS = 24 * 3600 * 1000;

export class ClerkShifts {
  unsaved = 0;

  /** @param {CityView} city */
  constructor(city) {
    this.city = city;
    this.path = `/api/cities/${city.code}/shifts`;
    this.monday = mondayOf(today());
    /** @type {ClerkSkills[]} */
    this.clerks = [];
    this.dialog = el("dialog", { class: "dialog" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    this.title = el("strong");
    this.tools = [
      el(
        "button",
        { id: "import-shifts", disabled: true, onclick: () => this.#import() },
        t("shifts.import"),
      ),
      el(
        "button",
        {
          class: "primary",
          id: "new-shift",
          disabled: true,
          onclick: () => this.#add(this.monday, ""),
        },
        t("shifts.new"),
      ),
    ];
    this.body = el("div", { class: "stack" });
    this.place = el(
      "section",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("h1", null, t("shifts.title", { city: nameOf(city) })),
        el("span", { class: "grow" }),
        ...this.tools,
      ),
      el(
        "div",
        { class: "row" },
        el("button", { id: "week-before", onclick: () => this.#turn(-7) }, t("shifts.before")),
        this.title,
        el("button", { id: "week-after", onclick: () => this.#turn(7) }, t("shifts.after")),
      ),
      this.told,
      this.body,
      this.dialog,
    );
    this.#read();
  }

  close() {}

  /** @param {number} days */
  #turn(days) {
    this.monday = later(this.monday, days);
    this.#read();
  }

  #read() {
    fill(this.title, t("shifts.week", { from: this.monday, to: later(this.monday, 6) }));
    return loaded(
      this.body,
      () =>
        Promise.all([
          ask("GET", `${this.path}?day=${this.monday}`),
          ask("GET", `/api/cities/${this.city.code}/skills`),
        ]),
      ([shifts, clerks]) => {
        this.clerks = clerks;
        for (const tool of this.tools) tool.disabled = clerks.length === 0;
        this.#draw(shifts);
      },
    );
  }

  /** @param {Shift[]} shifts */
  #draw(shifts) {
    const days = Array.from({ length: 7 }, (_, place) => later(this.monday, place));
    fill(
      this.body,
      shifts.length === 0 && el("p", { class: "empty" }, t("shifts.none")),
      el(
        "div",
        { class: "wide" },
        el(
          "table",
          { class: "week" },
          el(
            "caption",
            { class: "visually-hidden" },
            t("shifts.title", { city: nameOf(this.city) }),
          ),
          el(
            "thead",
            null,
            el(
              "tr",
              null,
              el("th", { scope: "col" }, t("skills.clerk")),
              ...days.map((day) => el("th", { scope: "col" }, dayInWords(day))),
            ),
          ),
          el(
            "tbody",
            null,
            ...this.clerks.map((clerk) =>
              el(
                "tr",
                null,
                el("th", { scope: "row" }, nameOf(clerk)),
                ...days.map((day) =>
                  el(
                    "td",
                    null,
                    ...shifts
                      .filter((one) => one.clerk === clerk.clerk && one.starts_at.startsWith(day))
                      .map((one) => this.#shift(one)),
                    el(
                      "button",
                      {
                        class: "quiet add",
                        "aria-label": t("shifts.add_for", { name: nameOf(clerk), day }),
                        onclick: () => this.#add(day, clerk.clerk),
                      },
                      "+",
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  /** @param {Shift} shift */
  #shift(shift) {
    const words = timesInWords(shift);
    return el(
      "span",
      { class: "shift", title: shift.queues?.join(", ") ?? t("shifts.all_queues") },
      words,
      el(
        "button",
        {
          class: "quiet",
          "aria-label": t("shifts.remove", {
            name: nameOf({ name_zh: shift.clerk_zh, name_en: shift.clerk_en }),
            when: `${shift.starts_at.slice(0, 10)} ${words}`,
          }),
          onclick: () => this.#remove(shift),
        },
        "×",
      ),
    );
  }

  /** @param {Shift} shift */
  #remove(shift) {
    const wrong = el("p", { class: "note bad", role: "alert", hidden: true });
    fill(
      this.dialog,
      el(
        "p",
        null,
        t("shifts.remove_question", {
          name: nameOf({ name_zh: shift.clerk_zh, name_en: shift.clerk_en }),
          when: `${shift.starts_at.slice(0, 10)} ${timesInWords(shift)}`,
        }),
      ),
      wrong,
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el(
          "button",
          {
            class: "danger",
            "data-act": "remove",
            onclick: async () => {
              try {
                await ask("DELETE", `${this.path}/${shift.id}`);
              } catch (error) {
                wrong.hidden = false;
                fill(wrong, t("supervisor.failed", { reason: message(error) }));
                return;
              }
              this.dialog.close();
              await this.#read();
            },
          },
          t("admin.remove"),
        ),
      ),
    );
    this.dialog.showModal();
  }

  /**
   * @param {string} on
   * @param {string} of the clerk
   */
  #add(on, of) {
    const fields = new FormFields();
    const clerk = el(
      "select",
      { id: "shift-clerk" },
      ...this.clerks.map((one) =>
        el("option", { value: one.clerk, selected: one.clerk === of }, nameOf(one)),
      ),
    );
    const day = el("input", { type: "date", id: "shift-day", value: on, required: true });
    const start = el("input", { id: "shift-start", value: "09:00" });
    const end = el("input", { id: "shift-end", value: "17:00" });
    const form = el(
      "form",
      {
        class: "stack",
        noValidate: true,
        onsubmit: async (/** @type {Event} */ event) => {
          event.preventDefault();
          fields.clear();
          if (!day.value) {
            day.focus();
            return;
          }
          try {
            await ask("POST", this.path, {
              clerk: clerk.value,
              day: day.value,
              start: start.value.trim().slice(0, 5),
              end: end.value.trim().slice(0, 5),
            });
          } catch (error) {
            fields.refuse(error);
            return;
          }
          this.dialog.close();
          this.#tell(t("admin.live"));
          this.monday = mondayOf(day.value);
          await this.#read();
        },
      },
      fields.problem,
      fields.add("clerk", t("skills.clerk"), clerk),
      fields.add("date", t("hours.day"), day),
      fields.add("start", t("shifts.start"), start),
      fields.add("end", t("shifts.end"), end, t("shifts.end_hint")),
      el(
        "div",
        { class: "row" },
        el("button", { type: "button", onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el("button", { class: "primary", id: "add-shift", type: "submit" }, t("shifts.new")),
      ),
    );
    fill(this.dialog, el("h2", null, t("shifts.new")), form);
    this.dialog.showModal();
  }

  #import() {
    new SpreadsheetImport(this.dialog, {
      title: t("shifts.import"),
      hint: t("shifts.import_hint"),
      example: `clerk,date,start,end,queues\n${this.clerks[0]?.clerk ?? ""},${this.monday},09:00,17:00,`,
      path: `${this.path}/import`,
      count: (report) => report.shifts.length,
      show: (report) =>
        el(
          "ul",
          { class: "changes" },
          ...report.shifts.map((/** @type {Shift} */ shift) =>
            el(
              "li",
              null,
              el("strong", null, nameOf({ name_zh: shift.clerk_zh, name_en: shift.clerk_en })),
              el("ins", null, `${shift.starts_at.slice(0, 10)} ${timesInWords(shift)}`),
            ),
          ),
        ),
      done: async (report) => {
        this.#tell(t("shifts.imported", { count: report.shifts.length }));
        this.monday = mondayOf(report.shifts[0].starts_at.slice(0, 10));
        await this.#read();
      },
    });
  }

  /** @param {string} words */
  #tell(words) {
    this.told.hidden = false;
    fill(this.told, words);
  }
}

/** Today in China. */
function today() {
  return new Date().toLocaleDateString("en-CA", { timeZone: "Asia/Shanghai" });
}

/** @param {string} day @param {number} days */
function later(day, days) {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** @param {string} day */
function mondayOf(day) {
  return later(day, -((new Date(Date.parse(day)).getUTCDay() + 6) % 7));
}

/** @param {string} day */
function dayInWords(day) {
  return new Date(Date.parse(day)).toLocaleDateString(language() === "en" ? "en-GB" : "zh-CN", {
    weekday: "short",
    month: "numeric",
    day: "numeric",
    timeZone: "UTC",
  });
}

/** @param {Shift} shift times in China, as the server writes them */
function timesInWords(shift) {
  const [start, end] = [shift.starts_at.slice(11, 16), shift.ends_at.slice(11, 16)];
  return `${start}–${end === "00:00" ? "24:00" : end}`;
}
