// @ts-check
/**
 * When is a city open? Its week, public holidays and special days: a section of the admin's page.
 * Hours are typed as people write them, "09:00-11:30, 13:30-17:00"; reading them is hours_text.js.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { FormFields } from "./form_fields.js";
import { hoursOf, textOf } from "./hours_text.js";
import { loaded } from "./loaded.js";
import { SortedTable } from "./sorted_table.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Hours} from "./hours_text.js" */
/** @typedef {{day: string, hours: Hours, reason_zh: string, reason_en: string}} SpecialDay */
/** @typedef {{week: Hours[], holidays: Hours, special_days: SpecialDay[], calendar_until: string, displaced: number}} CityHours */

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

export class OpeningHours {
  /** @param {CityView} city */
  constructor(city) {
    this.city = city;
    this.path = `/api/cities/${city.code}`;
    /** @type {CityHours | null} */
    this.kept = null;
    /** @type {Map<string, HTMLInputElement>} */
    this.inputs = new Map();
    this.fields = new FormFields();
    this.dialog = el("dialog", { class: "dialog" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    this.week = el("div");
    /** @type {SortedTable<SpecialDay>} */
    this.days = new SortedTable(
      t("hours.special"),
      [
        { title: t("hours.day"), value: (d) => d.day },
        { title: t("hours.open"), value: (d) => textOf(d.hours) || t("hours.closed") },
        {
          title: t("hours.reason"),
          value: (d) => nameOf({ name_zh: d.reason_zh, name_en: d.reason_en }),
        },
        {
          title: t("admin.column.change"),
          cell: (d) => [
            el("button", { onclick: () => this.#special(d) }, t("admin.change")),
            " ",
            el("button", { class: "quiet", onclick: () => this.#confirm(d) }, t("admin.remove")),
          ],
        },
      ],
      t("hours.no_special"),
    );
    this.body = el("div", { class: "stack" });
    this.place = el(
      "section",
      { class: "stack" },
      el("h1", null, t("hours.title", { city: nameOf(city) })),
      this.told,
      this.body,
      this.dialog,
    );
    this.#read();
  }

  get unsaved() {
    return this.#changes().length;
  }

  close() {}

  #read() {
    return loaded(
      this.body,
      () => ask("GET", `${this.path}/hours`),
      (found) => this.#show(found),
    );
  }

  /** @param {CityHours} found */
  #show(found) {
    this.kept = found;
    this.#drawWeek(found);
    this.days.show(found.special_days);
    fill(
      this.body,
      el(
        "section",
        { class: "card stack", "aria-label": t("hours.week") },
        el("h2", null, t("hours.week")),
        el("p", { class: "soft" }, t("hours.about", { until: found.calendar_until })),
        this.week,
      ),
      found.displaced > 0 &&
        el("p", { class: "note warn" }, t("hours.displaced", { count: found.displaced })),
      el(
        "section",
        { class: "card stack", "aria-label": t("hours.special") },
        el(
          "div",
          { class: "row" },
          el("h2", null, t("hours.special")),
          el("span", { class: "grow" }),
          el(
            "button",
            { id: "new-special-day", onclick: () => this.#special(null) },
            t("hours.new_special"),
          ),
        ),
        this.days.place,
      ),
    );
  }

  /** @param {CityHours} found */
  #drawWeek(found) {
    this.fields = new FormFields();
    this.inputs = new Map(
      [...DAYS, "holidays"].map((name, place) => [
        name,
        el("input", {
          value: textOf(name === "holidays" ? found.holidays : found.week[place]),
          placeholder: t("hours.closed"),
        }),
      ]),
    );
    fill(
      this.week,
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
            this.fields.add(name === "holidays" ? name : `week.${name}`, t(`hours.${name}`), input),
          ),
        ),
        el("p", { class: "soft" }, t("hours.how")),
        el(
          "div",
          { class: "row" },
          el("span", { class: "grow" }),
          el("button", { class: "primary", id: "save-hours", type: "submit" }, t("preview.show")),
        ),
      ),
    );
  }

  #changes() {
    if (!this.kept) return [];
    const { week, holidays } = this.kept;
    return [...this.inputs]
      .map(([name, input], place) => ({
        what: t(`hours.${name}`),
        before: textOf(name === "holidays" ? holidays : week[place]) || t("hours.closed"),
        after: textOf(hoursOf(input.value) ?? []) || input.value.trim() || t("hours.closed"),
      }))
      .filter((change) => change.before !== change.after);
  }

  #check() {
    this.fields.clear();
    /** @type {Hours[]} */
    const read = [];
    for (const [name, input] of this.inputs) {
      const hours = hoursOf(input.value);
      if (!hours) {
        this.#wrong(name === "holidays" ? name : `week.${name}`);
        return;
      }
      read.push(hours);
    }
    const preview = new ChangePreview(this.dialog, t("hours.week"), el("div"));
    preview.back = () => this.dialog.close();
    preview.show(
      this.#changes(),
      async () => {
        const body = { week: read.slice(0, 7), holidays: read[7] };
        const found = await ask("PUT", `${this.path}/hours`, body);
        this.dialog.close();
        this.#tell(t("admin.live"));
        this.#show(found);
      },
      (error) => this.#refuse(error),
    );
    this.dialog.showModal();
  }

  /** A problem names `week.monday[0].closes`; its field is the day. @param {any} error */
  #refuse(error) {
    const day = /^(week\.\w+|holidays)/.exec(error.message)?.[1];
    if (error.status === 422 && day && this.fields.known.has(day))
      this.#wrong(day, error.message.replace(/^\S+ /, ""));
    else this.fields.refuse(error);
  }

  /** @param {string} name @param {string} [reason] */
  #wrong(name, reason = "") {
    const { input, wrong } = /** @type {any} */ (this.fields.known.get(name));
    wrong.hidden = false;
    wrong.textContent = t("bad.hours", { reason });
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  /** @param {SpecialDay | null} special */
  #special(special) {
    const fields = new FormFields();
    const day = el("input", {
      type: "date",
      value: special?.day ?? "",
      disabled: special !== null,
    });
    const hours = el("input", {
      value: textOf(special?.hours ?? []),
      placeholder: t("hours.closed"),
    });
    const zh = el("input", { value: special?.reason_zh ?? "", maxLength: 200 });
    const en = el("input", { value: special?.reason_en ?? "", maxLength: 200 });
    const form = el(
      "form",
      {
        class: "stack",
        noValidate: true,
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          fields.clear();
          const read = hoursOf(hours.value);
          const bad = !day.value ? "day" : !read ? "hours" : "";
          if (bad) {
            const { input, wrong } = /** @type {any} */ (fields.known.get(bad));
            wrong.hidden = false;
            wrong.textContent = t(`bad.${bad}`, { reason: "" });
            input.focus();
            return;
          }
          preview.show(
            [
              {
                what: `${day.value} · ${t("hours.open")}`,
                before: special ? textOf(special.hours) || t("hours.closed") : t("hours.as_week"),
                after: textOf(read ?? []) || t("hours.closed"),
              },
              { what: t("hours.reason"), before: special?.reason_zh ?? "", after: zh.value },
            ],
            async () => {
              const body = { hours: read, reason_zh: zh.value, reason_en: en.value };
              const found = await ask("PUT", `${this.path}/special-days/${day.value}`, body);
              this.dialog.close();
              this.#tell(t("admin.live"));
              this.#show(found);
            },
            (error) => fields.refuse(error),
          );
        },
      },
      fields.problem,
      fields.add("day", t("hours.day"), day),
      fields.add("hours", t("hours.open"), hours, t("hours.how")),
      fields.add("reason_zh", t("hours.reason_zh"), zh, t("hours.reason_hint")),
      fields.add("reason_en", t("hours.reason_en"), en),
      el(
        "div",
        { class: "row" },
        el("button", { type: "button", onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el("button", { class: "primary", type: "submit" }, t("preview.show")),
      ),
    );
    const preview = new ChangePreview(this.dialog, t("hours.new_special"), form);
    this.dialog.showModal();
  }

  /** @param {SpecialDay} special */
  #confirm(special) {
    const preview = new ChangePreview(this.dialog, t("hours.special"), el("div"));
    preview.back = () => this.dialog.close();
    preview.show(
      [
        {
          what: special.day,
          before: textOf(special.hours) || t("hours.closed"),
          after: t("hours.as_week"),
        },
      ],
      async () => {
        const found = await ask("DELETE", `${this.path}/special-days/${special.day}`);
        this.dialog.close();
        this.#tell(t("admin.live"));
        this.#show(found);
      },
      (error) => this.#tell(t("supervisor.failed", { reason: message(error) })),
    );
    this.dialog.showModal();
  }

  /** @param {string} words */
  #tell(words) {
    this.told.hidden = false;
    fill(this.told, words);
  }
}
