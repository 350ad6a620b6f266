// @ts-check
/**
 * When is a resident also served by another city? Overflow rules as sentences; changed as a whole,
 * after a look at what changes.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { choiceField, FormFields, numberField } from "./form_fields.js";
import { loaded } from "./loaded.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Queue} from "./queue_form.js" */
/** @typedef {{queue: string, partner: string, when: string, threshold: number}} Rule */
/** @typedef {{queue: string, city: CityView, name_zh: string, name_en: string, shares: string[], agreed: string[]}} Partner */

const WHEN = ["waited", "expected_wait", "nobody_on_duty", "service_level"];

export class OverflowRules {
  /** @param {CityView} city */
  constructor(city) {
    this.city = city;
    /** @type {Queue[]} */
    this.queues = [];
    /** @type {Partner[]} */
    this.partners = [];
    /** @type {Rule[]} */
    this.kept = [];
    /** @type {Rule[]} */
    this.rules = [];
    this.version = "";
    this.dialog = el("dialog", { class: "dialog" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    this.body = el("div", { class: "stack" });
    this.place = el(
      "section",
      { class: "card stack", id: "overflows", "aria-label": t("overflow.title") },
      el("h2", null, t("overflow.title")),
      el("p", { class: "soft" }, t("overflow.about")),
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
      () =>
        Promise.all([
          ask("GET", `/api/cities/${this.city.code}/overflows`),
          ask("GET", `/api/cities/${this.city.code}/queues`),
        ]),
      ([found, queues]) => {
        this.queues = queues;
        this.#keep(found);
        this.#draw();
      },
    );
  }

  /** @param {{version: string, rules: Rule[], partners: Partner[]}} found */
  #keep(found) {
    this.partners = found.partners;
    this.version = found.version;
    this.kept = found.rules;
    this.rules = [...found.rules];
  }

  #draw() {
    const unsaved = this.unsaved;
    fill(
      this.body,
      this.rules.length
        ? el("ol", { class: "sentences" }, ...this.rules.map((rule) => this.#line(rule)))
        : el("p", { class: "empty" }, t("overflow.none")),
      el(
        "div",
        { class: unsaved ? "row unsaved" : "row", role: "status" },
        el(
          "button",
          {
            id: "add-overflow",
            disabled: !this.partners.some((partner) => partner.shares.length),
            onclick: () => this.#edit(null),
          },
          t("overflow.add"),
        ),
        el("span", { class: "grow" }),
        unsaved > 0 && el("strong", null, t("skills.unsaved", { count: unsaved })),
        unsaved > 0 &&
          el(
            "button",
            {
              onclick: () => {
                this.rules = [...this.kept];
                this.#draw();
              },
            },
            t("skills.discard"),
          ),
        unsaved > 0 &&
          el(
            "button",
            { class: "primary", id: "save-overflows", onclick: () => this.#save() },
            t("preview.show"),
          ),
      ),
    );
  }

  /** @param {Rule} rule */
  #line(rule) {
    const place = this.rules.indexOf(rule);
    const changed = !this.kept.includes(rule);
    return el(
      "li",
      { class: changed ? "changed" : null },
      el(
        "span",
        { class: "grow" },
        this.sentence(rule),
        changed && el("span", { class: "tag" }, t("admin.unsaved")),
        !this.#agreed(rule) && el("span", { class: "note warn" }, t("overflow.no_agreement")),
      ),
      el("button", { onclick: () => this.#edit(place) }, t("admin.change")),
      el(
        "button",
        {
          class: "quiet",
          onclick: () => {
            this.rules.splice(place, 1);
            this.#draw();
          },
        },
        t("admin.remove"),
      ),
    );
  }

  /** The rule as a sentence. @param {Rule} rule */
  sentence(rule) {
    const queue = this.queues.find((one) => one.id === rule.queue);
    const partner = this.partners.find((one) => one.queue === rule.partner);
    return t(`overflow.sentence.${rule.when}`, {
      queue: queue ? nameOf(queue) : rule.queue,
      partner: partner ? nameOf(partner) : rule.partner,
      city: partner ? nameOf(partner.city) : "",
      seconds: rule.threshold,
      share: Math.round(100 * rule.threshold),
    });
  }

  /** @param {Rule} rule */
  #agreed(rule) {
    const partner = this.partners.find((one) => one.queue === rule.partner);
    return partner?.agreed.includes(rule.queue) ?? false;
  }

  /** @param {number | null} place of the rule to change; null for a new one */
  #edit(place) {
    const helped = this.queues.filter((q) => this.partners.some((p) => p.shares.includes(q.id)));
    /** @type {Rule} */
    const before =
      place === null
        ? { queue: helped[0].id, partner: "", when: "waited", threshold: 180 }
        : this.rules[place];
    const fields = new FormFields();
    const queue = choiceField(
      helped.map((q) => [q.id, nameOf(q)]),
      before.queue,
    );
    const when = choiceField(
      WHEN.map((w) => [w, t(`overflow.when.${w}`)]),
      before.when,
    );
    const partner = el("select");
    const threshold = numberField(
      before.when === "service_level" ? Math.round(100 * before.threshold) : before.threshold,
      0,
      86_400,
    );
    const amount = fields.add("threshold", "", threshold);
    const label = /** @type {Element} */ (amount.querySelector("label"));
    const said = el("p", { class: "note", "aria-live": "polite" });
    const rule = () => ({
      queue: queue.value,
      partner: partner.value,
      when: when.value,
      threshold:
        when.value === "nobody_on_duty"
          ? 0
          : when.value === "service_level"
            ? threshold.valueAsNumber / 100
            : threshold.valueAsNumber,
    });
    const partners = () =>
      fill(
        partner,
        ...this.partners
          .filter((one) => one.shares.includes(queue.value))
          .map((one) =>
            el(
              "option",
              { value: one.queue, selected: one.queue === before.partner },
              `${nameOf(one.city)} · ${nameOf(one)}`,
            ),
          ),
      );
    const show = () => {
      amount.hidden = when.value === "nobody_on_duty";
      label.textContent = t(when.value === "service_level" ? "overflow.share" : "overflow.seconds");
      const now = rule();
      fill(said, this.sentence(now), this.#agreed(now) ? "" : ` ${t("overflow.no_agreement")}`);
    };
    partners();
    show();
    const form = el(
      "form",
      {
        class: "stack",
        noValidate: true,
        onchange: (/** @type {Event} */ event) => {
          if (event.target === queue) partners();
          show();
        },
        oninput: show,
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          const most = when.value === "service_level" ? 100 : 86_400;
          if (
            !amount.hidden &&
            !(threshold.valueAsNumber >= 0 && threshold.valueAsNumber <= most)
          ) {
            const { wrong } = /** @type {any} */ (fields.known.get("threshold"));
            wrong.hidden = false;
            wrong.textContent = t("bad.threshold", { reason: "" });
            threshold.focus();
            return;
          }
          if (place === null) this.rules.push(rule());
          else this.rules[place] = rule();
          this.dialog.close();
          this.#draw();
        },
      },
      fields.add("queue", t("overflow.queue"), queue),
      fields.add("when", t("overflow.when"), when),
      amount,
      fields.add("partner", t("overflow.partner"), partner),
      said,
      el(
        "div",
        { class: "row" },
        el("button", { type: "button", onclick: () => this.dialog.close() }, t("dialog.no")),
        el("span", { class: "grow" }),
        el("button", { class: "primary", type: "submit" }, t("skills.take")),
      ),
    );
    fill(this.dialog, el("h2", null, t("overflow.one")), form);
    this.dialog.showModal();
  }

  #changes() {
    return [
      ...this.kept
        .filter((rule) => !this.rules.includes(rule))
        .map((rule) => ({ what: t("overflow.goes"), before: this.sentence(rule), after: "" })),
      ...this.rules
        .filter((rule) => !this.kept.includes(rule))
        .map((rule) => ({ what: t("overflow.comes"), before: "", after: this.sentence(rule) })),
    ];
  }

  #save() {
    const fields = new FormFields();
    const form = el(
      "div",
      { class: "stack" },
      fields.problem,
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("dialog.close")),
      ),
    );
    new ChangePreview(this.dialog, t("overflow.title"), form).show(
      this.#changes(),
      async () => {
        const body = { version: this.version, rules: this.rules };
        this.#keep(await ask("PUT", `/api/cities/${this.city.code}/overflows`, body));
        this.dialog.close();
        this.told.hidden = false;
        fill(this.told, t("admin.live"));
        this.#draw();
      },
      (error) => fields.refuse(error),
    );
    this.dialog.showModal();
  }
}
