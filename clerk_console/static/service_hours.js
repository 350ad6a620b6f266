// @ts-check
/**
 * How do the hours of a day add up, and how tall are they in a plot? Pure; service_level.js draws.
 */

/** @typedef {{hour: number, counted: number, in_time: number}} Hour */

const WIDTH = 960;
const HEIGHT = 120;
const FIRST = 8;
const LAST = 17;

/**
 * The hours of all queues together, from the first that counts (or 8) until now (or 17).
 * @param {Hour[][]} queues
 * @param {number} now
 * @returns {Hour[]}
 */
export function hoursShown(queues, now) {
  const all = queues.flat();
  const first = Math.min(FIRST, ...all.map((one) => one.hour));
  const last = Math.max(LAST, now, ...all.map((one) => one.hour));
  return Array.from({ length: last - first + 1 }, (_, place) => {
    const of = all.filter((one) => one.hour === first + place);
    return {
      hour: first + place,
      counted: of.reduce((sum, one) => sum + one.counted, 0),
      in_time: of.reduce((sum, one) => sum + one.in_time, 0),
    };
  });
}

/**
 * The hour in which most residents were not answered in time; null if there is none.
 * @param {Hour[]} hours
 */
export function worstHour(hours) {
  /** @param {Hour} one */
  const late = (one) => one.counted - one.in_time;
  const worst = hours.reduce((a, b) => (late(b) > late(a) ? b : a), hours[0]);
  return worst && late(worst) > 0 ? worst : null;
}

/**
 * A bar for each hour, as tall as its visits, the late ones on top; and a line that the late part
 * must not reach: the target's share of each bar.
 * @param {Hour[]} hours
 * @param {number} target
 */
export function hourBars(hours, target) {
  const most = Math.max(1, ...hours.map((one) => one.counted));
  const step = WIDTH / hours.length;
  const bars = hours.map((of, place) => {
    const tall = (HEIGHT * of.counted) / most;
    const inTime = (HEIGHT * of.in_time) / most;
    return {
      hour: of.hour,
      of,
      x: place * step + step * 0.15,
      wide: step * 0.7,
      y: HEIGHT - tall,
      late: tall - inTime,
      inTime,
      limit: HEIGHT - tall * target,
    };
  });
  const line = bars
    .filter((bar) => bar.of.counted > 0)
    .map((bar) => `M${bar.x - 4} ${bar.limit.toFixed(1)}h${(bar.wide + 8).toFixed(1)}`)
    .join("");
  return { bars, width: WIDTH, height: HEIGHT, line };
}
