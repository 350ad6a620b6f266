// @ts-check
/**
 * What does an admin set? The page of sections, each a file of its own, for one city at a time.
 */

import { ask } from "/static/kit/api.js";
import { byId, el, fill } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { OpeningHours } from "./admin_hours.js";
import { Kiosks } from "./admin_kiosks.js";
import { Queues } from "./admin_queues.js";
import { RoutingRules } from "./admin_rules.js";
import { ClerkShifts } from "./admin_shifts.js";
import { SkillsMatrix } from "./admin_skills.js";
import { ServiceLevels } from "./service_level.js";
import { signIn } from "./sign_in.js";
import { message } from "./told.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Account} from "./sign_in.js" */
/** @import {SkillEdits} from "./skill_edits.js" */
/** @typedef {{place: HTMLElement, unsaved: number, close: () => void, edits?: SkillEdits}} Section */

const SECTIONS = /** @type {const} */ ([
  "kiosks",
  "queues",
  "skills",
  "rules",
  "hours",
  "shifts",
  "level",
]);
/** @typedef {typeof SECTIONS[number]} Name */
/** @typedef {{city: string, name: Name, edits: SkillEdits | null}} HandedOver */

class AdminPage {
  /**
   * @param {Account} account
   * @param {HandedOver | null} before of the page in another language
   */
  constructor(account, before) {
    this.account = account;
    /** @type {CityView[]} */
    this.cities = [];
    this.city = before?.city ?? account.city;
    const [wanted, city] = location.hash.slice(1).split("/");
    /** @type {Name} */
    this.name = SECTIONS.find((name) => name === wanted) ?? "kiosks";
    if (city && account.lead) this.city = city;
    this.tabs = SECTIONS.map((name) =>
      el(
        "button",
        { id: `view-${name}`, class: "quiet", onclick: () => this.#leave(() => this.choose(name)) },
        t(`admin.view.${name}`),
      ),
    );
    this.chooser = el("select", {
      id: "city",
      "aria-label": t("admin.city"),
      hidden: !account.lead,
      onchange: () => {
        const wantedCity = this.chooser.value;
        this.chooser.value = this.city;
        this.#leave(() => this.chooseCity(wantedCity));
      },
    });
    this.dialog = el("dialog", { class: "dialog" });
    this.body = el("div", { class: "stack" });
    fill(
      byId("page"),
      el(
        "div",
        { class: "row" },
        el("nav", { class: "views sections", "aria-label": t("admin.views") }, ...this.tabs),
        el("span", { class: "grow" }),
        this.chooser,
      ),
      this.body,
      this.dialog,
    );
    /** @type {Section | null} */
    this.section = null;
    this.#begin(before?.name === this.name ? before.edits : null);
  }

  /** Ask no more; what the page in another language goes on with. @returns {HandedOver} */
  handOver() {
    this.section?.close();
    return { city: this.city, name: this.name, edits: this.section?.edits ?? null };
  }

  /** @param {Name} name */
  choose(name) {
    this.name = name;
    this.#open(null);
  }

  /** @param {string} city */
  chooseCity(city) {
    this.city = city;
    this.#open(null);
  }

  /** @param {SkillEdits | null} edits */
  async #begin(edits) {
    try {
      this.cities = await ask("GET", "/api/cities");
    } catch (error) {
      fill(
        this.body,
        el(
          "p",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
      return;
    }
    if (!this.cities.some((one) => one.code === this.city)) this.city = this.account.city;
    fill(this.chooser, ...this.cities.map((one) => el("option", { value: one.code }, nameOf(one))));
    this.#open(edits);
  }

  /** @param {SkillEdits | null} edits not saved yet, of the page before */
  #open(edits) {
    this.section?.close();
    history.replaceState(
      null,
      "",
      this.name === "kiosks" ? location.pathname : `#${this.name}/${this.city}`,
    );
    SECTIONS.forEach((name, place) => {
      if (name === this.name) this.tabs[place].setAttribute("aria-current", "page");
      else this.tabs[place].removeAttribute("aria-current");
    });
    this.chooser.value = this.city;
    this.chooser.hidden = !this.account.lead || this.name === "kiosks";
    // All sections but the kiosks are about one city; they open when the cities are here.
    if (!this.cities.length && this.name !== "kiosks") return;
    this.section = this.#make(edits);
    fill(this.body, this.section.place);
  }

  /**
   * @param {SkillEdits | null} edits
   * @returns {Section}
   */
  #make(edits) {
    const city = /** @type {CityView} */ (this.cities.find((one) => one.code === this.city));
    switch (this.name) {
      case "queues":
        return new Queues(city);
      case "skills":
        return new SkillsMatrix(city, edits);
      case "rules":
        return new RoutingRules(city, this.account, this.cities);
      case "hours":
        return new OpeningHours(city);
      case "shifts":
        return new ClerkShifts(city);
      case "level":
        return new ServiceLevels(this.city);
      default:
        return new Kiosks();
    }
  }

  /** Go on, after a question if something would be lost. @param {() => void} go */
  #leave(go) {
    const unsaved = this.section?.unsaved ?? 0;
    if (!unsaved) {
      go();
      return;
    }
    fill(
      this.dialog,
      el("p", null, t("admin.leave_question", { count: unsaved })),
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.dialog.close() }, t("admin.stay")),
        el("span", { class: "grow" }),
        el(
          "button",
          {
            class: "danger",
            id: "leave-yes",
            onclick: () => {
              this.dialog.close();
              go();
            },
          },
          t("admin.leave"),
        ),
      ),
    );
    this.dialog.showModal();
  }
}

/** @type {AdminPage | null} */
let page = null;
/** @param {Account} account */
const begin = (account) => {
  page = new AdminPage(account, page?.handOver() ?? null);
};
addEventListener("beforeunload", (event) => {
  if (page?.section?.unsaved) event.preventDefault();
});
await signIn("admin", begin, () => page && begin(page.account));
