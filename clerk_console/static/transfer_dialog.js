// @ts-check
/**
 * To whom shall this visit go, and do I ask them first? Search over queues and clerks, then pass the
 * visit on, or ask somebody to join. Looks again every few seconds while it is open.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t, waitInWords } from "/static/kit/words.js";
import { matching } from "./targets.js";
import { message } from "./told.js";

/** @import {Line} from "/static/kit/line.js" */
/** @import {ClerkState, VisitView} from "/static/kit/protocol.js" */
/** @import {Target, TargetQueue} from "./targets.js" */

const LOOK_MS = 3000;

export class TransferDialog {
  /**
   * @param {Line<ClerkState>} line
   * @param {() => Promise<void>} keep what is typed, before the visit goes
   */
  constructor(line, keep) {
    this.line = line;
    this.keep = keep;
    this.node = el("dialog", { class: "dialog transfer-dialog" });
    this.node.addEventListener("close", () => clearInterval(this.timer));
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.search = el("input", { id: "transfer-search", type: "search", autocomplete: "off" });
    this.search.addEventListener("input", () => this.#list());
    this.list = el("div", { class: "targets", role: "radiogroup", tabIndex: -1 });
    this.problem = el("p", { class: "note bad", role: "alert", hidden: true });
    this.found = el("p", { class: "soft", role: "status" });
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    /** @type {VisitView | null} */
    this.visit = null;
    /** @type {TargetQueue[]} */
    this.targets = [];
    this.chosen = "";
    this.drawn = "";
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
  }

  /** @param {VisitView} visit */
  show(visit) {
    if (this.node.open) return;
    this.visit = visit;
    this.targets = [];
    this.chosen = this.drawn = this.search.value = "";
    this.problem.hidden = true;
    this.#draw(visit);
    this.node.showModal();
    this.search.focus();
    this.#look();
    this.timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** The visit may be gone, or somebody asked already. @param {ClerkState} state */
  update(state) {
    if (!this.node.open) return;
    if (state.visit?.id !== this.visit?.id || state.visit?.state !== "serving") this.node.close();
    else this.#enable();
  }

  async #look() {
    const { visit } = this;
    try {
      const path = `/api/transfer-targets?visit=${encodeURIComponent(visit?.id ?? "")}`;
      const targets = await ask("GET", path);
      if (visit !== this.visit) return;
      this.targets = targets;
      this.problem.hidden = true;
    } catch (error) {
      this.#tell(message(error));
    }
    this.#list();
  }

  /** @param {VisitView} visit */
  #draw(visit) {
    const button = (
      /** @type {string} */ id,
      /** @type {string} */ look,
      /** @type {() => void} */ act,
    ) =>
      el(
        "button",
        { id, class: look, onclick: act },
        t(`clerk.transfer.${id.replace("transfer-", "")}`),
      );
    this.buttons = [
      button("transfer-ask", "primary", () => this.#ask()),
      button("transfer-pass", "", () => this.#pass(true)),
      button("transfer-rest", "", () => this.#pass(false)),
    ];
    this.node.setAttribute("aria-label", t("clerk.transfer.title", { ticket: visit.ticket }));
    this.list.setAttribute("aria-label", t("clerk.transfer.to"));
    fill(
      this.node,
      el("h2", null, t("clerk.transfer.title", { ticket: visit.ticket })),
      el("label", { for: "transfer-search" }, t("clerk.transfer.search")),
      this.search,
      this.list,
      this.found,
      this.problem,
      el(
        "div",
        { class: "row" },
        ...this.buttons,
        el("span", { class: "grow" }),
        el(
          "button",
          { id: "transfer-cancel", class: "quiet", onclick: () => this.node.close() },
          t("clerk.transfer.cancel"),
        ),
      ),
    );
    this.#list();
  }

  #list() {
    const found = matching(this.targets, this.search.value);
    if (!found.some(({ id }) => id === this.chosen)) this.chosen = "";
    fill(
      this.found,
      this.targets.length
        ? t("clerk.transfer.found", { count: found.length })
        : t("clerk.transfer.looking"),
    );
    const drawn = JSON.stringify(
      found.map(({ id, queue, clerk }) => [id, queue.waiting, queue.ready, clerk?.state]),
    );
    if (drawn !== this.drawn) {
      const focused = document.activeElement?.id ?? "";
      fill(this.list, ...found.map((target) => this.#row(target)));
      if (focused.startsWith("target ")) document.getElementById(focused)?.focus();
    }
    this.drawn = drawn;
    this.#enable();
  }

  /** @param {Target} target */
  #row(target) {
    const { queue, clerk, id } = target;
    const far = queue.queue.city.code !== this.visit?.city.code;
    const name = far ? `${nameOf(queue.queue)} · ${nameOf(queue.queue.city)}` : nameOf(queue.queue);
    const radio = el("input", {
      type: "radio",
      name: "target",
      id: `target ${id}`,
      checked: id === this.chosen,
      onchange: () => {
        this.chosen = id;
        this.#enable();
      },
    });
    radio.dataset.target = clerk?.id ?? queue.queue.id;
    const words = clerk
      ? [
          el("strong", null, nameOf(clerk)),
          el("span", { class: "tag", "data-state": clerk.state }, t(`clerk.state.${clerk.state}`)),
          el("span", { class: "soft" }, t(`clerk.level.${clerk.level}`)),
        ]
      : [
          el("strong", null, name),
          queue.queue.kind === "escalation" && icon("escalation"),
          el(
            "span",
            { class: "soft" },
            t("clerk.transfer.queue", {
              waiting: queue.waiting,
              on: queue.on_duty,
              ready: queue.ready,
            }),
            " · ",
            waitInWords(queue.expected_wait_s),
          ),
        ];
    return el("label", { class: clerk ? "target clerk" : "target" }, radio, ...words);
  }

  /** @returns {Target | undefined} */
  #target() {
    return matching(this.targets, this.search.value).find(({ id }) => id === this.chosen);
  }

  #enable() {
    const asked = Boolean(this.line.state?.consult);
    this.buttons.forEach((button, at) => {
      button.disabled = !this.chosen || (at === 0 && asked);
    });
  }

  async #ask() {
    const target = this.#target();
    if (!target || !this.visit || this.line.state?.consult) return;
    await this.#doing(this.#command("ask_consult", target, {}));
  }

  /** @param {boolean} ready */
  async #pass(ready) {
    const target = this.#target();
    if (!target || !this.visit) return;
    await this.#doing(this.keep().then(() => this.#command("transfer", target, { ready })));
  }

  /**
   * @param {"ask_consult" | "transfer"} what
   * @param {Target} target
   * @param {Record<string, boolean>} how
   */
  #command(what, { queue, clerk }, how) {
    const fields = { visit: this.visit?.id ?? "", queue: queue.queue.id, clerk: clerk?.id ?? null };
    return this.line.command(what, /** @type {any} */ ({ ...fields, ...how }));
  }

  /** @param {Promise<void>} work */
  async #doing(work) {
    try {
      await work;
      this.node.close();
    } catch (error) {
      this.#tell(t("clerk.refused", { reason: message(error) }));
    }
  }

  /** @param {string} words */
  #tell(words) {
    fill(this.problem, words);
    this.problem.hidden = false;
  }

  /** Down leads from the search into the list; Enter asks, with Ctrl it passes the visit on. @param {KeyboardEvent} event */
  #key(event) {
    const first = /** @type {HTMLInputElement | null} */ (this.list.querySelector("input"));
    if (event.key === "ArrowDown" && event.target === this.search && first) {
      first.focus();
      first.click();
    } else if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
      if (!this.chosen && first) first.click();
      else if (event.ctrlKey) this.#pass(!event.shiftKey);
      else this.#ask();
    } else return;
    event.preventDefault();
  }
}
