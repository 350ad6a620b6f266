// @ts-check
/**
 * Which cities may help each other, in which matters, from when to when? A table; the lead city's
 * admin makes and changes agreements.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { choiceField, FormFields } from "./form_fields.js";
import { loaded } from "./loaded.js";
import { SortedTable } from "./sorted_table.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Account} from "./sign_in.js" */
/** @typedef {{id: string, version: string, city: CityView, partner: CityView, matters: string[], kind: string, valid_from: string, valid_to: string | null}} Agreement */

export class Agreements {
  /**
   * @param {CityView} city
   * @param {Account} account
   * @param {CityView[]} cities
   */
  constructor(city, account, cities) {
    this.city = city;
    this.cities = cities;
    /** @type {MatterView[]} */
    this.matters = [];
    this.dialog = el("dialog", { class: "dialog broad" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    /** @type {SortedTable<Agreement>} */
    this.table = new SortedTable(
      t("agreement.title"),
      [
        { title: t("agreement.city"), value: (a) => nameOf(a.city) },
        { title: t("agreement.partner"), value: (a) => nameOf(a.partner) },
        { title: t("agreement.kind"), value: (a) => t(`agreement.kind.${a.kind}`) },
        {
          title: t("queue.matters"),
          value: (a) => a.matters.join(" "),
          cell: (a) => t("queue.matter_count", { count: a.matters.length }),
        },
        {
          title: t("agreement.valid"),
          value: (a) => `${a.valid_from} – ${a.valid_to ?? t("agreement.open_end")}`,
        },
        ...(account.lead
          ? [
              {
                title: t("admin.column.change"),
                cell: (/** @type {Agreement} */ a) =>
                  el("button", { onclick: () => this.#edit(a) }, t("admin.change")),
              },
            ]
          : []),
      ],
      t("agreement.none"),
    );
    this.fresh = el(
      "button",
      { id: "new-agreement", disabled: true, onclick: () => this.#edit(null) },
      t("agreement.new"),
    );
    this.body = el("div");
    this.place = el(
      "section",
      { class: "card stack", id: "agreements", "aria-label": t("agreement.title") },
      el(
        "div",
        { class: "row" },
        el("h2", null, t("agreement.title")),
        el("span", { class: "grow" }),
        account.lead && this.fresh,
      ),
      el("p", { class: "soft" }, t(account.lead ? "agreement.about" : "agreement.about_others")),
      this.told,
      this.body,
      this.dialog,
    );
    this.#read();
  }

  #read() {
    return loaded(
      this.body,
      () =>
        Promise.all([
          ask("GET", `/api/cities/${this.city.code}/agreements`),
          ask("GET", "/api/matters"),
        ]),
      ([found, matters]) => {
        this.matters = matters;
        this.fresh.disabled = false;
        this.table.show(found);
        fill(this.body, this.table.place);
      },
    );
  }

  /** @param {Agreement | null} agreement */
  #edit(agreement) {
    const others = this.cities.filter((city) => city.code !== this.city.code);
    const fields = new FormFields();
    const own = agreement?.city ?? this.city;
    const partner = choiceField(
      (agreement ? [agreement.partner] : others).map((city) => [city.code, nameOf(city)]),
      agreement?.partner.code ?? "",
    );
    const kind = choiceField(
      ["overflow", "always"].map((one) => [one, t(`agreement.kind.${one}`)]),
      agreement?.kind ?? "overflow",
    );
    const from = el("input", { type: "date", value: agreement?.valid_from ?? "" });
    const to = el("input", { type: "date", value: agreement?.valid_to ?? "" });
    const boxes = this.matters
      .filter((matter) => matter.cities.includes(own.code))
      .map((matter) =>
        el("input", {
          type: "checkbox",
          value: matter.code,
          checked: agreement?.matters.includes(matter.code) ?? false,
        }),
      );
    const names = new Map(this.matters.map((matter) => [matter.code, nameOf(matter)]));
    const after = () => ({
      version: agreement?.version ?? "",
      city: own.code,
      partner: partner.value,
      matters: boxes.filter((box) => box.checked).map((box) => box.value),
      kind: kind.value,
      valid_from: from.value,
      valid_to: to.value || null,
    });
    const form = el(
      "form",
      {
        class: "stack",
        noValidate: true,
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          fields.clear();
          if (!from.value) {
            const { wrong } = /** @type {any} */ (fields.known.get("valid_from"));
            wrong.hidden = false;
            wrong.textContent = t("bad.valid_from", { reason: "" });
            from.focus();
            return;
          }
          const body = after();
          const id =
            agreement?.id ?? `${body.city}-${body.partner}-${body.kind}-${body.valid_from}`;
          preview.show(
            changesOf(agreement, body, names),
            async () => {
              await ask("PUT", `/api/agreements/${encodeURIComponent(id)}`, body);
              this.dialog.close();
              this.told.hidden = false;
              fill(this.told, t("agreement.saved"));
              await this.#read();
            },
            (error) => fields.refuse(error),
          );
        },
      },
      fields.problem,
      el("p", null, t("agreement.of", { city: nameOf(own) })),
      el(
        "div",
        { class: "pair" },
        fields.add("partner", t("agreement.partner"), partner),
        fields.add("kind", t("agreement.kind"), kind),
        fields.add("valid_from", t("agreement.valid_from"), from),
        fields.add("valid_to", t("agreement.valid_to"), to, t("agreement.valid_to_hint")),
      ),
      fields.add(
        "matters",
        t("queue.matters"),
        el(
          "div",
          { class: "choices" },
          ...boxes.map((box) =>
            el("label", { class: "row" }, box, names.get(box.value) ?? box.value),
          ),
        ),
      ),
      el(
        "div",
        { class: "row" },
        el("button", { type: "button", onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el("button", { class: "primary", type: "submit" }, t("preview.show")),
      ),
    );
    const preview = new ChangePreview(
      this.dialog,
      t(agreement ? "agreement.one" : "agreement.new"),
      form,
    );
    this.dialog.showModal();
  }
}

/**
 * @param {Agreement | null} before
 * @param {{matters: string[], kind: string, valid_from: string, valid_to: string | null}} after
 * @param {Map<string, string>} names of matters
 */
function changesOf(before, after, names) {
  /** @param {string | null} day */
  const end = (day) => day ?? t("agreement.open_end");
  return [
    {
      what: t("agreement.kind"),
      before: before ? t(`agreement.kind.${before.kind}`) : "",
      after: t(`agreement.kind.${after.kind}`),
    },
    { what: t("agreement.valid_from"), before: before?.valid_from ?? "", after: after.valid_from },
    {
      what: t("agreement.valid_to"),
      before: before ? end(before.valid_to) : "",
      after: end(after.valid_to),
    },
    ...after.matters
      .filter((code) => !before?.matters.includes(code))
      .map((code) => ({
        what: t("queue.matter_added"),
        before: "",
        after: names.get(code) ?? code,
      })),
    ...(before?.matters ?? [])
      .filter((code) => !after.matters.includes(code))
      .map((code) => ({
        what: t("queue.matter_removed"),
        before: names.get(code) ?? code,
        after: "",
      })),
  ].filter((change) => change.before !== change.after);
}
