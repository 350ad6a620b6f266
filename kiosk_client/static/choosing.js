// @ts-check
/**
 * What would the resident like to do, and where? The screens before a ticket: welcome, matter,
 * notice.
 */

import { ask } from "/static/kit/api.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { nameOf, t, waitInWords } from "/static/kit/words.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/** @typedef {{city: CityView, expected_wait_s: number | null, waiting: number}} CityWait */
/**
 * @typedef {object} Choice what the resident has chosen so far
 * @property {string} query
 * @property {string} group
 * @property {MatterView | null} matter
 * @property {CityView | null} city
 */
/**
 * @typedef {object} Steps where the screens lead
 * @property {Choice} choice
 * @property {(screen: "welcome" | "matter" | "notice") => void} go
 * @property {() => Promise<void>} takeTicket
 * @property {() => void} restart
 */

export const NOTICE_VERSION = "2026-11";
globalThis.speechSynthesis?.getVoices(); // the list is empty until it was asked for once
const LETTERS = "QWERTYUIOPASDFGHJKLZXCVBNM";

/** @param {Steps} steps */
export function welcome(steps) {
  const { choice } = steps;
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
      fill(results, shown.length ? list(steps, shown) : nothing(asked));
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
    el("label", { for: "search", class: "visually-hidden" }, t("welcome.search")),
    input,
    letterPad(input, search),
    results,
  );
}

/**
 * Letters for pinyin initials; a kiosk has no keyboard.
 * @param {HTMLInputElement} input
 * @param {() => void} search
 */
function letterPad(input, search) {
  const press = (/** @type {string} */ value) => {
    input.value = value;
    search();
  };
  const key = (/** @type {string} */ letter) =>
    el(
      "button",
      { type: "button", onclick: () => press(input.value + letter.toLowerCase()) },
      letter,
    );
  return el(
    "div",
    { class: "pad", role: "group", "aria-label": t("welcome.pad") },
    ...[...LETTERS].map(key),
    el(
      "button",
      { type: "button", class: "wide", onclick: () => press(input.value.slice(0, -1)) },
      t("welcome.erase"),
    ),
    el("button", { type: "button", class: "wide", onclick: () => press("") }, t("welcome.clear")),
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
 * @param {Steps} steps
 * @param {MatterView[]} matters
 */
function list(steps, matters) {
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
              steps.choice.matter = matter;
              steps.choice.city = null;
              steps.go("matter");
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

/** @param {Steps} steps */
export function matterScreen(steps) {
  const { choice } = steps;
  const matter = /** @type {MatterView} */ (choice.matter);
  const next = el(
    "button",
    { class: "primary", disabled: !choice.city, onclick: () => steps.go("notice") },
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

/** @param {Steps} steps */
export function notice(steps) {
  const { choice } = steps;
  const city = choice.city ? nameOf(choice.city) : "";
  const points = ["notice.what", "notice.why", "notice.how_long", "notice.rights"].map((key) =>
    t(key, { city }),
  );
  const problem = el("p", { class: "note bad", role: "alert", hidden: true });
  const agree = el(
    "button",
    {
      class: "primary",
      id: "agree",
      onclick: async () => {
        agree.disabled = true;
        try {
          await steps.takeTicket();
        } catch (error) {
          agree.disabled = false;
          problem.hidden = false;
          fill(problem, t("notice.failed", { reason: /** @type {Error} */ (error).message }));
        }
      },
    },
    t("notice.agree"),
  );
  return el(
    "section",
    { class: "notice" },
    el("h1", null, t("notice.title")),
    el(
      "ul",
      { class: "points" },
      ...points.map((text) => el("li", null, icon("check"), el("span", null, text))),
    ),
    canSpeak() &&
      el("button", { onclick: () => speak(points.join("。")) }, icon("speak"), t("notice.speak")),
    problem,
    el(
      "div",
      { class: "actions" },
      el("button", { onclick: steps.restart }, t("notice.leave")),
      agree,
    ),
  );
}

function canSpeak() {
  return "speechSynthesis" in window && speechSynthesis.getVoices().length > 0;
}

/** @param {string} text */
function speak(text) {
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = document.documentElement.lang;
  utterance.rate = 0.9;
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}
