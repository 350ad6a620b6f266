// @ts-check
/**
 * What can be done with an appointment? Found by its code: checked in, moved or cancelled.
 */

import { el, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { timeOf } from "./calendar.js";
import { slotInWords } from "./opening.js";
import { Entry } from "./pad.js";
import { APPOINTMENT_CODE, CODE_KEYS } from "./typed.js";

/** @import {Appointment} from "./booking.js" */

/**
 * @param {object} asked
 * @param {{code: string}} asked.typed kept up to date
 * @param {(code: string) => Promise<void>} asked.find throws what the service said
 * @param {(error: unknown) => string} asked.refused
 */
export function findScreen({ typed, find, refused }) {
  const go = el("button", { class: "primary", id: "find" }, t("find.submit"));
  const code = new Entry({
    id: "appointment-code",
    label: t("find.code"),
    hint: t("find.hint"),
    keys: CODE_KEYS,
    longest: APPOINTMENT_CODE,
    go,
    changed: (value) => {
      typed.code = value;
      go.disabled = value.length < APPOINTMENT_CODE;
    },
  });
  code.value = typed.code;
  go.disabled = typed.code.length < APPOINTMENT_CODE;
  go.onclick = async () => {
    go.disabled = true;
    try {
      await find(code.value);
    } catch (error) {
      go.disabled = false;
      code.refuse(refused(error));
    }
  };
  return el(
    "section",
    { class: "find" },
    el("h1", null, t("find.title")),
    code.node,
    el("div", { class: "actions" }, go),
  );
}

/**
 * @param {Appointment} appointment
 * @param {object} steps
 * @param {string} steps.problem
 * @param {() => void} steps.checkIn
 * @param {() => void} steps.move
 * @param {() => void} steps.cancel
 * @param {() => void} steps.done
 */
export function appointmentScreen(appointment, { problem, checkIn, move, cancel, done }) {
  const { state, arrival } = appointment;
  const stands = state === "booked";
  const comes = stands && arrival !== "other_day";
  const late = arrival === "late";
  const onTime = arrival === "on_time";
  const tone = !stands
    ? "warn"
    : { on_time: "good", early: "warn", late: "warn", other_day: "" }[arrival];
  const told = stands
    ? t(`appointment.${arrival}`, { time: timeOf(appointment.on_time_from) })
    : t(`appointment.${state}`);
  return el(
    "section",
    { class: "appointment" },
    el("h1", null, t("appointment.title")),
    problem ? el("p", { class: "note bad", role: "alert" }, problem) : null,
    el("p", { class: "chosen" }, icon("clock"), slotInWords(appointment.starts_at)),
    el("p", null, `${nameOf(appointment.city)} · ${nameOf(appointment.matter)}`),
    el("p", { class: `note ${tone}`.trim(), role: "status", id: "arrival" }, told),
    el(
      "div",
      { class: "actions" },
      stands && !late
        ? el("button", { id: "cancel", onclick: cancel }, t("appointment.cancel"))
        : null,
      stands && !late ? el("button", { id: "move", onclick: move }, t("appointment.move")) : null,
      comes
        ? el(
            "button",
            { class: "primary", id: "check-in", onclick: checkIn },
            t(onTime ? "appointment.check_in" : "appointment.check_in_anyway"),
          )
        : el("button", { class: "primary", id: "done", onclick: done }, t("appointment.done")),
    ),
  );
}
