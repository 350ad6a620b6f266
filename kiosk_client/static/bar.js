// @ts-check
/**
 * What stands above every screen? Back or the place, the time left, language, type size and help.
 */

import { byId, el, fill, icon } from "/static/kit/dom.js";
import { language, setLanguage, t } from "/static/kit/words.js";
import { WARN_AFTER_S, WIPE_AFTER_S } from "./idle.js";

/**
 * @param {object} shown
 * @param {string} shown.place the site, where there is no way back
 * @param {(() => void) | null} shown.back
 * @param {() => void} shown.redraw in the other language or size
 * @param {() => void} shown.help
 */
export function drawBar({ place, back, redraw, help }) {
  const other = async () => {
    await setLanguage(language() === "en" ? "zh_CN" : "en");
    redraw();
  };
  const large = () => {
    document.documentElement.classList.toggle("large");
    redraw();
  };
  fill(
    byId("bar"),
    back
      ? el("button", { class: "quiet", id: "back", onclick: back }, icon("back"), t("bar.back"))
      : el("strong", null, place),
    el("span", { class: "grow" }, el("span", { id: "left", role: "timer" })),
    el(
      "button",
      { class: "quiet", onclick: other, lang: language() === "en" ? "zh-CN" : "en" },
      t("language.other"),
    ),
    el(
      "button",
      { class: "quiet", "aria-pressed": String(isLarge()), onclick: large },
      t("bar.large"),
    ),
    el("button", { class: "quiet", onclick: help }, icon("help"), t("bar.help")),
  );
}

/**
 * The seconds until the screen is wiped; whether it is high time to say so.
 * @param {number | null} left null: nobody is hurried
 */
export function drawTimeLeft(left) {
  const place = document.getElementById("left");
  if (!place) return false;
  const soon = left !== null && left <= WIPE_AFTER_S - WARN_AFTER_S;
  fill(place, left === null ? "" : t("bar.left", { seconds: Math.ceil(left) }));
  place.className = soon ? "hurry" : "soft";
  return soon;
}

function isLarge() {
  return document.documentElement.classList.contains("large");
}
