// @ts-check
/**
 * How do people say a wait? Seconds become the words of a key, as exact as anybody can know; pure.
 */

const MINUTE = 60;
const HOUR = 60;

/**
 * The key of `words/` and its values: by the minute up to ten, by five up to the half hour, then
 * by quarters and half hours.
 * @param {number | null} seconds null: nobody is on duty
 * @returns {[string, Record<string, number>]}
 */
export function spoken(seconds) {
  if (seconds === null) return ["wait.nobody", {}];
  if (seconds < MINUTE) return ["wait.now", {}];
  const minutes = seconds / MINUTE;
  if (minutes < 10) return ["wait.minutes", { minutes: Math.ceil(minutes) }];
  if (minutes <= 27) return ["wait.minutes", { minutes: Math.round(minutes / 5) * 5 }];
  if (minutes <= 37) return ["wait.half_hour", {}];
  if (minutes <= 52) return ["wait.minutes", { minutes: 45 }];
  const halves = Math.max(2, Math.round(minutes / (HOUR / 2)));
  const hours = Math.floor(halves / 2);
  if (halves % 2) return ["wait.hours_and_half", { hours }];
  return hours === 1 ? ["wait.hour", {}] : ["wait.hours", { hours }];
}

/**
 * Whole minutes of a rule: never "0 minutes".
 * @param {number} seconds
 */
export function minutesOf(seconds) {
  return Math.max(1, Math.round(seconds / MINUTE));
}
