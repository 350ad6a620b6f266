// @ts-check
/**
 * When is a city open, in words a resident can plan by? Also days and half hours in words.
 */

import { language, t } from "/static/kit/words.js";
import { dateAt, dateOf, daysBetween, halfHourAfter, timeOf } from "./calendar.js";

/**
 * @typedef {object} Opening what `GET /api/cities/{city}/opening` answers
 * @property {boolean} is_open
 * @property {string | null} until
 * @property {"night" | "break" | "weekend" | "day_off" | "holiday" | "closure" | null} why
 * @property {string} reason_zh
 * @property {string} reason_en
 * @property {{opens: string, closes: string}[]} today
 */

/**
 * A day as people say it: today, tomorrow, or its date.
 * @param {string} date
 * @param {number} now in milliseconds
 */
export function dayInWords(date, now) {
  const ahead = daysBetween(dateAt(now), date);
  if (ahead === 0) return t("day.today");
  if (ahead === 1) return t("day.tomorrow");
  return dateInWords(date);
}

/** @param {string} date */
export function dateInWords(date) {
  return written(date, { month: "long", day: "numeric", weekday: "long" });
}

/** @param {string} date */
export function shortDate(date) {
  return written(date, { month: "short", day: "numeric" });
}

/** @param {string} date */
export function weekdayName(date) {
  return written(date, { weekday: "short" });
}

/**
 * @param {string} date
 * @param {Intl.DateTimeFormatOptions} parts
 */
function written(date, parts) {
  const locale = language() === "en" ? "en-GB" : "zh-CN";
  return new Date(date).toLocaleDateString(locale, { ...parts, timeZone: "UTC" });
}

/**
 * A half hour with its day.
 * @param {string} iso
 */
export function slotInWords(iso) {
  const from = timeOf(iso);
  return t("slot.words", { day: dateInWords(dateOf(iso)), from, to: halfHourAfter(from) });
}

/**
 * One sentence each: whether it is open and why not, when next, and the hours of today.
 * @param {Opening} opening
 * @param {number} now in milliseconds
 */
export function openingInWords(opening, now) {
  const hours = opening.today.map(({ opens, closes }) => `${opens}–${closes}`).join("、");
  const today = hours ? t("opening.today", { hours }) : "";
  const until = opening.until;
  if (opening.is_open) {
    if (!until) return [t("opening.always")];
    return [t("opening.open", { time: timeOf(until) }), today];
  }
  const reason = language() === "en" ? opening.reason_en : opening.reason_zh;
  const next = until
    ? t("opening.next", { day: dayInWords(dateOf(until), now), time: timeOf(until) })
    : t("opening.no_day");
  return [t(`opening.why.${opening.why ?? "night"}`, { reason }), next, today].filter(Boolean);
}
