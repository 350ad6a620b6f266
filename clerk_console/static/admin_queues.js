// @ts-check
/**
 * Which queues has a city, and how are their visits served? A section of the admin's page; the
 * form of one queue is queue_form.js.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { loaded } from "./loaded.js";
import { QueueForm } from "./queue_form.js";
import { SortedTable } from "./sorted_table.js";
import { message } from "./told.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Queue} from "./queue_form.js" */

export class Queues {
  unsaved = 0;

  /** @param {CityView} city */
  constructor(city) {
    this.city = city;
    /** @type {Map<string, MatterView>} */
    this.matters = new Map();
    this.dialog = el("dialog", { class: "dialog broad" });
    this.told = el("p", { class: "note", role: "status", hidden: true });
    /** @type {SortedTable<Queue>} */
    this.table = new SortedTable(
      t("admin.view.queues"),
      [
        { title: t("queue.letter"), value: (q) => q.letter },
        { title: t("queue.name"), value: (q) => nameOf(q) },
        { title: t("queue.kind"), value: (q) => t(`queue.kind.${q.kind}`) },
        {
          title: t("queue.matters"),
          value: (q) => q.matters.map((code) => this.matterName(code)).join(" "),
          cell: (q) =>
            el(
              "span",
              { title: q.matters.map((code) => this.matterName(code)).join(", ") },
              t("queue.matter_count", { count: q.matters.length }),
            ),
        },
        { title: t("queue.ring_s"), value: (q) => q.ring_s, numeric: true },
        {
          title: t("queue.target"),
          value: (q) => q.target_s,
          cell: (q) =>
            t("queue.target_words", {
              share: Math.round(100 * q.target_share),
              seconds: q.target_s,
            }),
        },
        { title: t("queue.capacity"), value: (q) => q.capacity, numeric: true },
        { title: t("admin.column.change"), cell: (q) => this.#buttons(q) },
      ],
      t("queue.none"),
    );
    this.fresh = el(
      "button",
      { class: "primary", id: "new-queue", disabled: true, onclick: () => this.#open(null) },
      t("queue.new"),
    );
    this.body = el("div", { class: "stack" });
    this.place = el(
      "section",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("h1", null, t("queue.title", { city: nameOf(city) })),
        el("span", { class: "grow" }),
        this.fresh,
      ),
      el("p", { class: "soft" }, t("queue.about")),
      this.told,
      this.body,
      this.dialog,
    );
    this.#read();
  }

  close() {}

  /** @param {string} code */
  matterName(code) {
    const matter = this.matters.get(code);
    return matter ? nameOf(matter) : code;
  }

  #read() {
    return loaded(
      this.body,
      () =>
        Promise.all([
          ask("GET", `/api/cities/${this.city.code}/queues`),
          ask("GET", "/api/matters"),
        ]),
      ([queues, matters]) => {
        this.matters = new Map(
          matters.map((/** @type {MatterView} */ matter) => [matter.code, matter]),
        );
        this.fresh.disabled = false;
        this.table.show(queues);
        fill(this.body, this.table.place);
      },
    );
  }

  /** @param {Queue} queue */
  #buttons(queue) {
    return el(
      "span",
      { class: "row" },
      el("button", { "data-queue": queue.id, onclick: () => this.#open(queue) }, t("admin.change")),
      el("button", { class: "quiet", onclick: () => this.#confirm(queue) }, t("admin.remove")),
    );
  }

  /** @param {Queue | null} queue */
  #open(queue) {
    const own = [...this.matters.values()].filter((m) => m.cities.includes(this.city.code));
    new QueueForm(this.dialog, this.city, queue, own, this.table.rows, async (saved) => {
      this.#tell(t("queue.saved", { name: nameOf(saved) }));
      await this.#read();
    });
  }

  /** @param {Queue} queue */
  #confirm(queue) {
    const wrong = el("p", { class: "note bad", role: "alert", hidden: true });
    fill(
      this.dialog,
      el("h2", null, t("queue.remove_title", { name: nameOf(queue) })),
      el("p", null, t("queue.remove_question")),
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
                await ask(
                  "DELETE",
                  `/api/cities/${this.city.code}/queues/${encodeURIComponent(queue.id)}?version=${queue.version}`,
                );
              } catch (error) {
                wrong.hidden = false;
                fill(wrong, t("supervisor.failed", { reason: message(error) }));
                return;
              }
              this.dialog.close();
              this.#tell(t("queue.removed", { name: nameOf(queue) }));
              await this.#read();
            },
          },
          t("admin.remove"),
        ),
      ),
    );
    this.dialog.showModal();
  }

  /** @param {string} words */
  #tell(words) {
    this.told.hidden = false;
    fill(this.told, words);
  }
}
