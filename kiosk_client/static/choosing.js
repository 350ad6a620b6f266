// @ts-check
/**
 * What would the resident like to do? The welcome screen: its doors, and the search for a matter.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { pad } from "./pad.js";

/** @import {MatterView} from "/static/kit/protocol.js" */
/** @import {Choice} from "./steps.js" */

const LETTERS = "QWERTYUIOPASDFGHJKLZXCVBNM";

/**
 * @param {Choice} choice
 * @param {object} doors where the screen leads
 * @param {() => void} doors.matter
 * @param {() => void} doors.comeBack
 * @param {() => void} doors.appointment
 * @param {() => void} doors.book
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
  let searches = 0;
  const search = async () => {
    choice.query = input.value.trim();
    if (choice.query) choice.group = "";
    const turn = ++searches; // a slow answer never replaces that of a later search
    /** @type {HTMLElement} */
    let shown;
    try {
      shown = await look();
    } catch {
      shown = el("p", { class: "note bad", role: "alert" }, t("error.network"));
    }
    if (turn === searches) fill(results, shown);
  };
  const look = async () => {
    const { query, group } = choice;
    if (!query && !group) return groups((chosen) => show(chosen));
    /** @type {MatterView[]} */
    const found = await ask("GET", `/api/matters?q=${encodeURIComponent(query)}`);
    const matters = group ? found.filter((matter) => matter.group === group) : found;
    return matters.length ? list(choice, matters, doors.matter) : nothing(query);
  };
  const show = (/** @type {string} */ group) => {
    choice.group = group;
    search();
  };
  search();
  return el(
    "section",
    { class: "welcome" },
    el("h1", null, t(choice.books ? "welcome.book_title" : "welcome.title")),
    el(
      "div",
      { class: "doors" },
      el(
        "button",
        { id: "have-ticket", onclick: doors.comeBack },
        icon("ticket"),
        t("welcome.have_ticket"),
      ),
      el(
        "button",
        { id: "have-appointment", onclick: doors.appointment },
        icon("check"),
        t("welcome.have_appointment"),
      ),
      !choice.books &&
        el("button", { id: "books", onclick: doors.book }, icon("clock"), t("welcome.book")),
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
