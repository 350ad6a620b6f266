// @ts-check
/**
 * How is one queue served? The form of all its settings, with what changes before it goes live.
 */

import { ask } from "/static/kit/api.js";
import { el } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { ChangePreview } from "./change_preview.js";
import { choiceField, FormFields, numberField } from "./form_fields.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/**
 * @typedef {{id: string, city: string, version: string, name_zh: string, name_en: string,
 *   letter: string, matters: string[], kind: string, ring_s: number, language_after_s: number,
 *   backup_after_s: number, named_after_s: number, may_pull: boolean, target_s: number,
 *   target_share: number, capacity: number}} Queue
 */

/** @type {Omit<Queue, "city">} */
const FRESH = {
  id: "",
  version: "",
  name_zh: "",
  name_en: "",
  letter: "",
  matters: [],
  kind: "ordinary",
  ring_s: 20,
  language_after_s: 120,
  backup_after_s: 60,
  named_after_s: 120,
  may_pull: false,
  target_s: 60,
  target_share: 0.9,
  capacity: 2,
};
const SECONDS = /** @type {const} */ ([
  "ring_s",
  "backup_after_s",
  "language_after_s",
  "named_after_s",
  "target_s",
]);

export class QueueForm {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {CityView} city
   * @param {Queue | null} queue to change; null for a new one
   * @param {MatterView[]} matters for which the city is competent
   * @param {Queue[]} others of the city
   * @param {(saved: Queue) => Promise<void>} done
   */
  constructor(dialog, city, queue, matters, others, done) {
    this.dialog = dialog;
    this.city = city;
    this.before = { ...FRESH, city: city.code, ...queue };
    this.matters = matters;
    this.done = done;
    this.fields = new FormFields();
    this.isNew = queue === null;
    const before = this.before;
    this.id = el("input", { id: "queue-id", pattern: "[a-z0-9][a-z0-9-]*", maxLength: 40 });
    this.names = {
      name_zh: el("input", { id: "queue-zh", value: before.name_zh, maxLength: 60 }),
      name_en: el("input", { id: "queue-en", value: before.name_en, maxLength: 60 }),
    };
    this.letter = el("input", { id: "queue-letter", value: before.letter, maxLength: 1 });
    this.kind = choiceField(
      ["ordinary", "escalation"].map((kind) => [kind, t(`queue.kind.${kind}`)]),
      before.kind,
    );
    this.pull = el("input", { type: "checkbox", checked: before.may_pull });
    this.seconds = SECONDS.map((name) => numberField(before[name], 0, 86_400, "any"));
    this.share = numberField(Math.round(100 * before.target_share), 0, 100);
    this.capacity = numberField(before.capacity, 0, 100);
    this.boxes = matters.map((matter) =>
      el("input", {
        type: "checkbox",
        value: matter.code,
        checked: before.matters.includes(matter.code),
      }),
    );
    this.preview = new ChangePreview(
      dialog,
      this.isNew ? t("queue.new") : nameOf(before),
      this.#form(new Map(others.flatMap((q) => q.matters.map((code) => [code, q])))),
    );
    dialog.showModal();
  }

  /** @param {Map<string, Queue>} taken which queue has a matter now */
  #form(taken) {
    const { fields } = this;
    return el(
      "form",
      {
        class: "stack",
        noValidate: true,
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#check();
        },
      },
      fields.problem,
      el(
        "div",
        { class: "pair" },
        this.isNew && fields.add("id", t("queue.id"), this.id, t("queue.id_hint")),
        fields.add("letter", t("queue.letter"), this.letter, t("queue.letter_hint")),
        fields.add("name", t("queue.name_zh"), this.names.name_zh),
        fields.add("name_en", t("queue.name_en"), this.names.name_en),
        fields.add("kind", t("queue.kind"), this.kind, t("queue.kind_hint")),
        fields.add("capacity", t("queue.capacity"), this.capacity, t("queue.capacity_hint")),
        ...SECONDS.map((name, place) =>
          fields.add(name, t(`queue.${name}`), this.seconds[place], t(`queue.${name}_hint`)),
        ),
        fields.add(
          "target_share",
          t("queue.target_share"),
          this.share,
          t("queue.target_share_hint"),
        ),
      ),
      el("label", { class: "row" }, this.pull, t("queue.may_pull")),
      fields.add(
        "matters",
        t("queue.matters"),
        el(
          "div",
          { class: "choices", id: "queue-matters" },
          ...this.matters.map((matter, place) => {
            const holder = taken.get(matter.code);
            return el(
              "label",
              { class: "row" },
              this.boxes[place],
              nameOf(matter),
              holder &&
                holder.id !== this.before.id &&
                el("span", { class: "soft" }, t("queue.held_by", { name: nameOf(holder) })),
            );
          }),
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
  }

  /** What was typed. @returns {Queue} */
  get after() {
    const seconds = Object.fromEntries(
      SECONDS.map((name, place) => [name, this.seconds[place].valueAsNumber]),
    );
    return {
      ...this.before,
      ...seconds,
      id: this.isNew ? `${this.city.code}-${this.id.value.trim()}` : this.before.id,
      name_zh: this.names.name_zh.value.trim(),
      name_en: this.names.name_en.value.trim(),
      letter: this.letter.value.trim(),
      kind: this.kind.value,
      may_pull: this.pull.checked,
      target_share: this.share.valueAsNumber / 100,
      capacity: this.capacity.valueAsNumber,
      matters: this.boxes.filter((box) => box.checked).map((box) => box.value),
    };
  }

  #check() {
    const { after } = this;
    this.fields.clear();
    for (const [name, { input, wrong }] of this.fields.known)
      if (input instanceof HTMLInputElement && input.type === "number" && !input.validity.valid) {
        wrong.hidden = false;
        wrong.textContent = t(`bad.${name}`, { reason: "" });
        input.setAttribute("aria-invalid", "true");
        input.focus();
        return;
      }
    this.preview.show(
      changesOf(this.before, after, this.matters),
      async () => {
        const { id, city, ...body } = after;
        const saved = await ask(
          "PUT",
          `/api/cities/${city}/queues/${encodeURIComponent(id)}`,
          body,
        );
        this.dialog.close();
        await this.done(saved);
      },
      (error) => this.fields.refuse(error),
    );
  }
}

/**
 * @param {Queue} before
 * @param {Queue} after
 * @param {MatterView[]} matters
 */
function changesOf(before, after, matters) {
  const named = /** @type {const} */ ([
    "letter",
    "name_zh",
    "name_en",
    "kind",
    "capacity",
    ...SECONDS,
    "target_share",
    "may_pull",
  ]);
  const changes = named
    .filter((name) => before[name] !== after[name])
    .map((name) => ({
      what: t(`queue.${name}`),
      before: inWords(name, before[name]),
      after: inWords(name, after[name]),
    }));
  const names = new Map(matters.map((matter) => [matter.code, nameOf(matter)]));
  for (const code of new Set([...before.matters, ...after.matters])) {
    const [was, is] = [before.matters.includes(code), after.matters.includes(code)];
    const name = names.get(code) ?? code;
    if (was !== is)
      changes.push({
        what: t(is ? "queue.matter_added" : "queue.matter_removed"),
        before: is ? "" : name,
        after: is ? name : "",
      });
  }
  return changes;
}

/**
 * @param {string} name
 * @param {string | number | boolean} value
 */
function inWords(name, value) {
  if (name === "kind") return t(`queue.kind.${value}`);
  if (name === "target_share") return `${Math.round(100 * Number(value))} %`;
  if (typeof value === "boolean") return t(value ? "admin.yes" : "admin.no");
  return String(value);
}
