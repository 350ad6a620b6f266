// @ts-check
/**
 * Where is a matter done, and when? The competent cities, their waits and hours, what to bring.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t, waitInWords } from "/static/kit/words.js";
import { openingInWords } from "./opening.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @import {Opening} from "./opening.js" */
/** @import {Choice} from "./steps.js" */
/**
 * @typedef {object} CityWait what `GET /api/matters/{matter}/cities` answers
 * @property {CityView} city
 * @property {string} queue
 * @property {number | null} expected_wait_s
 */

/**
 * @param {Choice} choice
 * @param {{goOn: () => void, book: () => void, now: () => number}} steps
 */
export function matterScreen(choice, { goOn, book, now }) {
  const matter = /** @type {MatterView} */ (choice.matter);
  const where = el("div", { class: "cities", role: "radiogroup", "aria-label": t("matter.where") });
  const hours = el("div", { class: "note opening", role: "status", hidden: true });
  const actions = el("div", { class: "actions" });
  /** @type {Map<string, Opening>} */
  const openings = new Map();
  const choose = (/** @type {CityWait | null} */ wait) => {
    if (wait) {
      choice.city = wait.city;
      choice.queue = wait.queue;
    }
    for (const other of where.children)
      other.setAttribute(
        "aria-checked",
        String(other.getAttribute("data-city") === choice.city?.code),
      );
    const opening = openings.get(choice.city?.code ?? "");
    hours.hidden = !opening;
    hours.classList.toggle("warn", opening?.is_open === false);
    if (opening)
      fill(
        hours,
        icon("clock"),
        el("div", null, ...openingInWords(opening, now()).map((words) => el("p", null, words))),
      );
    fill(actions, ...ways(choice, opening, { goOn, book }));
  };
  const draw = async () => {
    try {
      /** @type {CityWait[]} */
      const waits = await ask("GET", `/api/matters/${encodeURIComponent(matter.code)}/cities`);
      await Promise.all(
        waits.map(async ({ city: { code } }) => {
          openings.set(code, await ask("GET", `/api/cities/${encodeURIComponent(code)}/opening`));
        }),
      );
      fill(where, ...waits.map((wait) => city(wait, openings.get(wait.city.code), choose)));
      choose(null);
    } catch {
      fill(where, el("p", { class: "note bad", role: "alert" }, t("error.network")));
    }
  };
  choose(null);
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
    hours,
    el("h2", null, t("matter.bring")),
    materials(matter),
    actions,
  );
}

/**
 * A ticket where the city is open, a half hour where it is not or where one was asked for.
 * @param {Choice} choice
 * @param {Opening | undefined} opening
 * @param {{goOn: () => void, book: () => void}} steps
 */
function ways(choice, opening, { goOn, book }) {
  const only = choice.books || opening?.is_open === false;
  const disabled = !choice.city;
  const booking = el(
    "button",
    { id: "book", class: only ? "primary" : "", disabled, onclick: book },
    icon("clock"),
    t("matter.book"),
  );
  if (only) return [booking];
  return [booking, el("button", { class: "primary", disabled, onclick: goOn }, t("matter.next"))];
}

/**
 * @param {CityWait} wait
 * @param {Opening | undefined} opening
 * @param {(wait: CityWait) => void} choose
 */
function city(wait, opening, choose) {
  const closed = opening?.is_open === false;
  const words = closed ? t("matter.closed") : waitInWords(wait.expected_wait_s);
  return el(
    "button",
    {
      role: "radio",
      "aria-checked": "false",
      "data-city": wait.city.code,
      onclick: () => choose(wait),
    },
    el("strong", null, nameOf(wait.city)),
    el("span", { class: closed || wait.expected_wait_s === null ? "warned" : "soft" }, words),
  );
}

/** @param {MatterView} matter */
function materials(matter) {
  if (!matter.materials.length) return el("p", null, t("matter.bring_nothing"));
  return el(
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
  );
}
