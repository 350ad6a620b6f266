// @ts-check
/**
 * Does the resident agree to be recorded? What is recorded, why, how long, and which rights.
 */

import { el, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { readAloud } from "./speech.js";

/** @import {CityView} from "/static/kit/protocol.js" */

export const NOTICE_VERSION = "2026-11";

/**
 * @param {CityView | null} competent
 * @param {{agree: () => void, leave: () => void}} answers
 */
export function notice(competent, { agree, leave }) {
  const city = competent ? nameOf(competent) : "";
  const points = ["notice.what", "notice.why", "notice.how_long", "notice.rights"].map((key) =>
    t(key, { city }),
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
    readAloud(() => points),
    el(
      "div",
      { class: "actions" },
      el("button", { onclick: leave }, t("notice.leave")),
      el("button", { class: "primary", id: "agree", onclick: agree }, t("notice.agree")),
    ),
  );
}
