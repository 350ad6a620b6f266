// @ts-check
/**
 * On which day and at what time? A calm calendar of a fortnight, then the half hours of a day.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { dateAt, days, halfHourAfter, halves, timeOf, weekday } from "./calendar.js";
import { dateInWords, shortDate, slotInWords, weekdayName } from "./opening.js";

/** @import {Day, Slot} from "./calendar.js" */

/**
 * @param {object} asked
 * @param {string} asked.title
 * @param {string} asked.queue
 * @param {number} asked.now in milliseconds
 * @param {string} asked.problem what was wrong with the half hour chosen before
 * @param {string} asked.submit the key of what the button says
 * @param {(slot: string) => Promise<void>} asked.choose throws what the service said
 * @param {(error: unknown) => string} asked.refused
 */
export function slotsScreen({ title, queue, now, problem, submit, choose, refused }) {
  const calendar = el("ol", { class: "days", "aria-label": t("slots.day") });
  const times = el("div", { class: "stack" });
  const told = el("p", { class: "note bad", role: "alert", hidden: !problem }, problem);
  const go = el("button", { class: "primary", id: "choose", disabled: true }, t("slots.choose"));
  const pick = (/** @type {Slot} */ slot, /** @type {HTMLElement} */ button) => {
    press(times, button);
    told.hidden = true;
    go.disabled = false;
    fill(go, t(submit, { slot: slotInWords(slot.starts_at) }));
    go.scrollIntoView({ block: "nearest" });
    go.onclick = async () => {
      go.disabled = true;
      try {
        await choose(slot.starts_at);
      } catch (error) {
        told.hidden = false;
        fill(told, refused(error));
        await draw();
      }
    };
  };
  const show = (/** @type {Day} */ day, /** @type {HTMLElement} */ button) => {
    press(calendar, button);
    go.disabled = true;
    const { morning, afternoon } = halves(day.slots);
    fill(
      times,
      el("h2", null, t("slots.time", { day: dateInWords(day.date) })),
      ...halfDay("slots.morning", morning, pick),
      ...halfDay("slots.afternoon", afternoon, pick),
    );
  };
  const draw = async () => {
    try {
      const found = days(
        await ask("GET", `/api/queues/${encodeURIComponent(queue)}/slots`),
        dateAt(now),
      );
      fill(times);
      fill(calendar, ...found.map((day, at) => dayOf(day, at, show)));
      if (found.every((day) => day.kind !== "free"))
        fill(times, el("p", { class: "note warn", role: "status" }, t("slots.none")));
    } catch {
      told.hidden = false;
      fill(told, t("error.network"));
    }
  };
  draw();
  return el(
    "section",
    { class: "slots" },
    el("h1", null, title),
    told,
    calendar,
    times,
    el("div", { class: "actions" }, go),
  );
}

/**
 * Mark one button of these as the chosen one.
 * @param {HTMLElement} place
 * @param {HTMLElement} chosen
 */
function press(place, chosen) {
  for (const button of place.querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button === chosen));
}

/**
 * @param {Day} day
 * @param {number} at
 * @param {(day: Day, button: HTMLElement) => void} show
 */
function dayOf(day, at, show) {
  const button = el(
    "button",
    {
      "data-day": day.date,
      "aria-pressed": "false",
      disabled: day.kind !== "free",
      onclick: () => show(day, button),
    },
    el("span", { class: "soft" }, weekdayName(day.date)),
    el("strong", null, shortDate(day.date)),
    el("span", { class: "soft" }, t(`slots.${day.kind}`)),
  );
  return el("li", at === 0 ? { style: `--column: ${weekday(day.date)}` } : null, button);
}

/**
 * @param {"slots.morning" | "slots.afternoon"} name
 * @param {Slot[]} slots
 * @param {(slot: Slot, button: HTMLElement) => void} pick
 */
function halfDay(name, slots, pick) {
  if (!slots.length) return [];
  const half = (/** @type {Slot} */ slot) => {
    const from = timeOf(slot.starts_at);
    const button = el(
      "button",
      {
        "data-slot": slot.starts_at,
        "aria-pressed": "false",
        disabled: !slot.free,
        onclick: () => pick(slot, button),
      },
      el("strong", null, `${from}–${halfHourAfter(from)}`),
      slot.free ? null : el("span", null, t("slots.full")),
    );
    return el("li", null, button);
  };
  return [el("h3", null, t(name)), el("ul", { class: "times" }, ...slots.map(half))];
}
