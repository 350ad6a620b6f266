// @ts-check
/**
 * Which kiosks are there, and how does a new one come in? A section of the admin's page.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { clock, dateTime, nameOf, t } from "/static/kit/words.js";
import { message } from "./told.js";

/** @import {SiteView} from "/static/kit/protocol.js" */
/** @typedef {{id: string, site: SiteView, city: string, active: boolean, enrolled_at: string, online: boolean}} Kiosk */

const CODE_LIFE_S = 15 * 60;
const REFRESH_MS = 5000;

export class Kiosks {
  unsaved = 0;

  constructor() {
    this.table = el("div");
    this.problem = el("p", { class: "note bad", role: "alert", hidden: true });
    this.dialog = el("dialog", { class: "dialog" });
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.counting = undefined;
    this.drawn = "";
    this.place = el(
      "section",
      { class: "stack" },
      el(
        "div",
        { class: "row" },
        el("h1", null, t("admin.title")),
        el("span", { class: "grow" }),
        el(
          "button",
          { class: "primary", id: "new-code", onclick: () => this.#choose() },
          t("admin.new_code"),
        ),
      ),
      this.problem,
      this.table,
      this.dialog,
    );
    this.refresh();
    this.timer = setInterval(() => this.refresh(), REFRESH_MS);
  }

  /** Show the kiosks as they are now. */
  async refresh() {
    try {
      /** @type {Kiosk[]} */
      const kiosks = await ask("GET", "/api/kiosks");
      this.problem.hidden = true;
      const now = JSON.stringify(kiosks);
      if (now === this.drawn) return;
      this.drawn = now;
      fill(
        this.table,
        kiosks.length ? this.#kiosks(kiosks) : el("p", { class: "empty" }, t("admin.none")),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Stop refreshing. */
  close() {
    clearInterval(this.timer);
    clearInterval(this.counting);
  }

  /** @param {Kiosk[]} kiosks */
  #kiosks(kiosks) {
    const columns = ["kiosk", "site", "enrolled", "state", "change"];
    return el(
      "table",
      null,
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          ...columns.map((name) => el("th", { scope: "col" }, t(`admin.column.${name}`))),
        ),
      ),
      el(
        "tbody",
        null,
        ...kiosks.map((kiosk) =>
          el(
            "tr",
            null,
            el("td", null, kiosk.id),
            el("td", null, nameOf(kiosk.site)),
            el("td", null, dateTime(kiosk.enrolled_at)),
            el(
              "td",
              null,
              t(
                !kiosk.active ? "admin.suspended" : kiosk.online ? "admin.online" : "admin.offline",
              ),
            ),
            el(
              "td",
              null,
              el(
                "button",
                { onclick: () => this.#confirm(kiosk) },
                t(kiosk.active ? "admin.suspend" : "admin.admit"),
              ),
            ),
          ),
        ),
      ),
    );
  }

  /** @param {Kiosk} kiosk */
  #confirm(kiosk) {
    fill(
      this.dialog,
      el(
        "p",
        null,
        t(kiosk.active ? "admin.suspend_question" : "admin.admit_question", {
          kiosk: kiosk.id,
          site: nameOf(kiosk.site),
        }),
      ),
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("dialog.no")),
        el(
          "button",
          {
            class: kiosk.active ? "danger" : "primary",
            id: "confirm",
            onclick: async () => {
              this.dialog.close();
              try {
                await ask("PATCH", `/api/kiosks/${encodeURIComponent(kiosk.id)}`, {
                  active: !kiosk.active,
                });
                await this.refresh();
              } catch (error) {
                this.#failed(error);
              }
            },
          },
          t(kiosk.active ? "admin.suspend" : "admin.admit"),
        ),
      ),
    );
    this.dialog.showModal();
  }

  async #choose() {
    try {
      /** @type {SiteView[]} */
      const sites = await ask("GET", "/api/sites");
      const select = el(
        "select",
        { id: "site" },
        ...sites.map((site) => el("option", { value: site.id }, nameOf(site))),
      );
      fill(
        this.dialog,
        el("h2", null, t("admin.new_code")),
        el("label", { for: "site" }, t("admin.where")),
        select,
        el(
          "div",
          { class: "row" },
          el("button", { onclick: () => this.dialog.close() }, t("dialog.no")),
          el(
            "button",
            { class: "primary", id: "make-code", onclick: () => this.#make(select.value) },
            t("admin.make_code"),
          ),
        ),
      );
      this.dialog.showModal();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {string} site */
  async #make(site) {
    try {
      const answer = await ask("POST", "/api/enrolment-codes", { site });
      const left = el("p", { class: "soft", role: "timer" });
      const until = performance.now() + CODE_LIFE_S * 1000;
      const count = () =>
        fill(left, t("admin.code_left", { time: clock((until - performance.now()) / 1000) }));
      count();
      clearInterval(this.counting);
      this.counting = setInterval(count, 1000);
      fill(
        this.dialog,
        el("h2", null, nameOf(answer.site)),
        el("p", { class: "code", id: "code" }, answer.code),
        left,
        el("p", null, t("admin.code_use")),
        el(
          "div",
          { class: "row" },
          el(
            "button",
            { onclick: () => navigator.clipboard.writeText(answer.code) },
            t("admin.copy"),
          ),
          el("button", { class: "primary", onclick: () => this.dialog.close() }, t("dialog.close")),
        ),
      );
    } catch (error) {
      this.dialog.close();
      this.#failed(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    this.problem.hidden = false;
    fill(this.problem, t("supervisor.failed", { reason: message(error) }));
  }
}
