// @ts-check
/**
 * Which days and half hours can be chosen? Slots of the server laid out by day, in China; pure.
 *
 * The server's times have the offset of China, so their text is what a resident there reads.
 */

/** @typedef {{starts_at: string, free: number}} Slot */
/** @typedef {{date: string, slots: Slot[], kind: "closed" | "full" | "free"}} Day */

export const DAYS = 15; // today and the next 14 days, as `scheduling/appointments.py` has it
const DAY_MS = 86_400_000;
const CHINA_MS = 8 * 3_600_000;
const NOON = "12:00";

/**
 * The date in China at this moment, as 2026-11-25.
 * @param {number} ms
 */
export function dateAt(ms) {
  return new Date(ms + CHINA_MS).toISOString().slice(0, 10);
}

/**
 * The date of a time of the server.
 * @param {string} iso
 */
export function dateOf(iso) {
  return iso.slice(0, 10);
}

/**
 * The time of the day of a time of the server, as 09:00.
 * @param {string} iso
 */
export function timeOf(iso) {
  return iso.slice(11, 16);
}

/**
 * When the half hour ends that begins then.
 * @param {string} time as 09:00
 */
export function halfHourAfter(time) {
  const [hours, minutes] = time.split(":").map(Number);
  const end = hours * 60 + minutes + 30;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${two(Math.floor(end / 60))}:${two(end % 60)}`;
}

/**
 * How many days later `date` is than `from`.
 * @param {string} date
 * @param {string} from
 */
export function daysBetween(from, date) {
  return Math.round((Date.parse(date) - Date.parse(from)) / DAY_MS);
}

/**
 * The day of the week, 1 Monday to 7 Sunday.
 * @param {string} date
 */
export function weekday(date) {
  return new Date(date).getUTCDay() || 7;
}

/**
 * The days that can be looked at, beginning with `first`, each with its half hours.
 * @param {Slot[]} slots
 * @param {string} first
 * @returns {Day[]}
 */
export function days(slots, first) {
  return Array.from({ length: DAYS }, (_, ahead) => {
    const date = new Date(Date.parse(first) + ahead * DAY_MS).toISOString().slice(0, 10);
    const own = slots.filter((slot) => dateOf(slot.starts_at) === date);
    const kind = !own.length ? "closed" : own.some((slot) => slot.free) ? "free" : "full";
    return { date, slots: own, kind };
  });
}

/**
 * The half hours before noon and after it.
 * @param {Slot[]} slots
 */
export function halves(slots) {
  return {
    morning: slots.filter((slot) => timeOf(slot.starts_at) < NOON),
    afternoon: slots.filter((slot) => timeOf(slot.starts_at) >= NOON),
  };
}
