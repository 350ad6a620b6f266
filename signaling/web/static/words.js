// @ts-check
/**
 * How is it said in this language? The message catalogues and formats of numbers and times.
 * Chinese is the first language; a missing key shows itself as the key, and a test forbids it.
 */

import { spoken } from "./wait.js";

/** @typedef {"zh_CN" | "en"} Language */

/** @type {Record<string, string>} */
let words = {};
/** @type {Language} */
let current = "zh_CN";

const STORED = "vw-language";

/** The language in use. @returns {Language} */
export function language() {
  return current;
}

/**
 * Load a catalogue and make it the page's language.
 * @param {Language} wanted
 */
export async function setLanguage(wanted) {
  const response = await fetch(`/static/words/${wanted}.json`);
  words = await response.json();
  current = wanted;
  document.documentElement.lang = wanted === "en" ? "en" : "zh-CN";
  localStorage.setItem(STORED, wanted);
  const title = document.body.dataset[wanted === "en" ? "titleEn" : "titleZh"];
  if (title) document.title = title;
}

/** The language last chosen on this device, or the browser's. @returns {Language} */
export function preferredLanguage() {
  const stored = localStorage.getItem(STORED);
  if (stored === "en" || stored === "zh_CN") return stored;
  return "zh_CN";
}

/** Forget the chosen language: the next person begins in Chinese. */
export function forgetLanguage() {
  localStorage.removeItem(STORED);
}

/**
 * The words for a key, with `{name}` filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * The name in the page's language of something that has both.
 * @param {{name_zh: string, name_en: string}} named
 */
export function nameOf(named) {
  return current === "en" ? named.name_en : named.name_zh;
}

/**
 * A wait in words, as people say it: "at once", "about 4 minutes", "about half an hour".
 * @param {number | null} seconds null: nobody is on duty
 */
export function waitInWords(seconds) {
  return t(...spoken(seconds));
}

/**
 * Seconds as m:ss or h:mm:ss.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A date and time as people write it.
 * @param {string} iso
 */
export function dateTime(iso) {
  return new Date(iso).toLocaleString(current === "en" ? "en-GB" : "zh-CN", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/**
 * A time of day to the second.
 * @param {string} iso
 */
export function timeOfDay(iso) {
  return new Date(iso).toLocaleTimeString("en-GB");
}
