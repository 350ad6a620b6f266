// @ts-check
/**
 * What would the resident like to do, and where? The welcome screen with its search, and a matter.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t, waitInWords } from "/static/kit/words.js";
import { pad } from "./pad.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Choice} from "./steps.js" */
/** @typedef {{city: CityView, expected_wait_s: number | null, waiting: number}} CityWait */

const LETTERS = "QWERTYUIOPASDFGHJKLZXCVBNM";

/**
 * @param {Choice} choice
 * @param {object} doors where the screen leads
 * @param {() => void} doors.matter
 * @param {() => void} doors.comeBack
 */
export function welcome(choice, doors) {
  const results = el("div", { class: "results" });
  const input = el("input", {
    id: "search",
    type: "search",
    value: choice.query,
    placeholder: t("welcome.placeholder"),
    autocomplete: "off",
    maxLength: 40,
    oninput: () => search(),
  });
  const search = async () => {
    choice.query = input.value.trim();
    if (choice.query) choice.group = "";
    const asked = choice.query;
    try {
      if (!asked && !choice.group) {
        fill(results, await groups((group) => show(group)));
        return;
      }
      const found = await ask("GET", `/api/matters?q=${encodeURIComponent(asked)}`);
      if (asked !== choice.query) return;
      const shown = choice.group
        ? found.filter((/** @type {MatterView} */ m) => m.group === choice.group)
        : found;
      fill(results, shown.length ? list(choice, shown, doors.matter) : nothing(asked));
    } catch {
      fill(results, el("p", { class: "note bad", role: "alert" }, t("error.network")));
    }
  };
  const show = (/** @type {string} */ group) => {
    choice.group = group;
    search();
  };
  search();
  return el(
    "section",
    { class: "welcome" },
    el("h1", null, t("welcome.title")),
    el(
      "div",
      { class: "doors" },
      el(
        "button",
        { id: "have-ticket", onclick: doors.comeBack },
        icon("ticket"),
        t("welcome.have_ticket"),
      ),
    ),
    el("label", { for: "search", class: "visually-hidden" }, t("welcome.search")),
    input,
    pad(input, LETTERS, { label: t("welcome.pad"), typed: search, lower: true }),
    results,
  );
}

/** @param {(group: string) => void} show */
async function groups(show) {
  /** @type {MatterView[]} */
  const matters = await ask("GET", "/api/matters");
  const names = [...new Set(matters.map((m) => m.group))];
  return el(
    "ul",
    { class: "tiles" },
    ...names.map((group) =>
      el(
        "li",
        null,
        el(
          "button",
          { onclick: () => show(group) },
          icon(group),
          el("span", null, t(`group.${group}`)),
        ),
      ),
    ),
  );
}

/**
 * @param {Choice} choice
 * @param {MatterView[]} matters
 * @param {() => void} next
 */
function list(choice, matters, next) {
  return el(
    "ul",
    { class: "matters" },
    ...matters.map((matter) =>
      el(
        "li",
        null,
        el(
          "button",
          {
            "data-matter": matter.code,
            onclick: () => {
              choice.matter = matter;
              choice.city = null;
              next();
            },
          },
          icon(matter.group),
          el("span", { class: "name" }, nameOf(matter)),
          el("span", { class: "soft" }, t("matter.minutes", { minutes: matter.minutes })),
        ),
      ),
    ),
  );
}

/** @param {string} query */
function nothing(query) {
  return el("p", { class: "note", role: "status" }, t("welcome.nothing", { query }));
}

/**
 * @param {Choice} choice
 * @param {() => void} goOn
 */
export function matterScreen(choice, goOn) {
  const matter = /** @type {MatterView} */ (choice.matter);
  const next = el(
    "button",
    { class: "primary", disabled: !choice.city, onclick: goOn },
    t("matter.next"),
  );
  const where = el("div", { class: "cities", role: "radiogroup", "aria-label": t("matter.where") });
  const draw = async () => {
    try {
      /** @type {CityWait[]} */
      const waits = await ask("GET", `/api/matters/${encodeURIComponent(matter.code)}/cities`);
      fill(where, ...waits.map((wait) => city(wait)));
    } catch {
      fill(where, el("p", { class: "note bad", role: "alert" }, t("error.network")));
    }
  };
  const city = (/** @type {CityWait} */ wait) =>
    el(
      "button",
      {
        role: "radio",
        "aria-checked": String(choice.city?.code === wait.city.code),
        "data-city": wait.city.code,
        onclick: () => {
          choice.city = wait.city;
          next.disabled = false;
          for (const other of where.children)
            other.setAttribute(
              "aria-checked",
              String(other.getAttribute("data-city") === wait.city.code),
            );
        },
      },
      el("strong", null, nameOf(wait.city)),
      el(
        "span",
        { class: wait.expected_wait_s === null ? "warned" : "soft" },
        waitInWords(wait.expected_wait_s),
      ),
    );
  draw();
  return el(
    "section",
    { class: "matter" },
    el("h1", null, nameOf(matter)),
    el(
      "div",
      { class: "facts" },
      el("p", null, icon("place"), t("matter.competent", { department: matter.department_zh })),
      el("p", null, icon("clock"), t("matter.minutes", { minutes: matter.minutes })),
    ),
    el("h2", null, t("matter.where")),
    where,
    el("h2", null, t("matter.bring")),
    matter.materials.length
      ? el(
          "ul",
          { class: "materials" },
          ...matter.materials.map((material) =>
            el(
              "li",
              null,
              icon("paper"),
              el("span", { lang: "zh-CN" }, material.name),
              el(
                "span",
                { class: "tag" },
                t(material.required ? "material.required" : "material.deferrable"),
              ),
            ),
          ),
        )
      : el("p", null, t("matter.bring_nothing")),
    el("div", { class: "actions" }, next),
  );
}
