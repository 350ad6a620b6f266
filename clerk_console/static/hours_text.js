// @ts-check
/** What do hours mean as people type them, and how are they written? Pure. */

/** @typedef {{opens: string, closes: string}[]} Hours */

const INTERVAL = /^(\d{1,2}[:：]\d{2})\s*[-–—~至到]\s*(\d{1,2}[:：]\d{2})$/;

/**
 * "9:00-11:30, 13:30–17:00" as the interface has it; [] for nothing; null if it is no hours.
 * @param {string} text
 * @returns {Hours | null}
 */
export function hoursOf(text) {
  /** @type {Hours} */
  const hours = [];
  for (const part of text.split(/[,;，；、]/).map((one) => one.trim())) {
    if (!part) continue;
    const found = INTERVAL.exec(part);
    if (!found) return null;
    const [opens, closes] = found.slice(1).map((time) => time.replace("：", ":").padStart(5, "0"));
    hours.push({ opens, closes });
  }
  return hours;
}

/**
 * Hours as they are typed; "" for none.
 * @param {Hours} hours
 */
export function textOf(hours) {
  return hours.map(({ opens, closes }) => `${opens}-${closes}`).join(", ");
}
