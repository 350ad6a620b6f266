// @ts-check
/**
 * How is a half hour booked? A telephone number, which may be left out, then the code to keep.
 */

import { el, icon } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { slotInWords } from "./opening.js";
import { Entry } from "./pad.js";
import { readAloud } from "./speech.js";
import { isPhone, LONGEST_PHONE, PHONE_KEYS, spaced } from "./typed.js";

/** @import {CityView, MatterView} from "/static/kit/protocol.js" */
/**
 * @typedef {object} Appointment what the service says of one
 * @property {CityView} city
 * @property {string} queue
 * @property {MatterView} matter
 * @property {string} on_time_from
 * @property {string} starts_at
 * @property {string} ends_at
 * @property {"booked" | "cancelled" | "used"} state
 * @property {"on_time" | "early" | "late" | "other_day"} arrival
 */
/** @typedef {{code: string, appointment: Appointment}} Booked */

/**
 * @param {object} asked
 * @param {string} asked.slot
 * @param {{phone: string}} asked.typed kept up to date
 * @param {(phone: string) => Promise<void>} asked.book throws what the service said
 * @param {(error: unknown) => string} asked.refused
 */
export function contactScreen({ slot, typed, book, refused }) {
  const go = el("button", { class: "primary", id: "book-it" }, t("contact.book"));
  const phone = new Entry({
    id: "phone",
    label: t("contact.phone"),
    hint: t("contact.hint"),
    keys: PHONE_KEYS,
    longest: LONGEST_PHONE,
    go,
    kind: "phone",
    changed: (value) => {
      typed.phone = value;
      go.disabled = Boolean(value) && !isPhone(value);
    },
  });
  phone.value = typed.phone;
  go.onclick = async () => {
    go.disabled = true;
    try {
      await book(phone.value);
    } catch (error) {
      go.disabled = false;
      phone.refuse(refused(error));
    }
  };
  return el(
    "section",
    { class: "contact" },
    el("h1", null, t("contact.title")),
    el("p", { class: "chosen" }, icon("clock"), slotInWords(slot)),
    phone.node,
    el("div", { class: "actions" }, go),
  );
}

/**
 * @param {Booked} booked
 * @param {() => void} wipe
 */
export function bookedScreen({ code, appointment }, wipe) {
  const when = slotInWords(appointment.starts_at);
  const what = `${nameOf(appointment.city)} · ${nameOf(appointment.matter)}`;
  const how = [t("booked.how"), t("booked.when")];
  return el(
    "section",
    { class: "ticket booked" },
    el("h1", null, icon("check"), t("booked.title")),
    el("p", { class: "place" }, when),
    el("p", null, what),
    el("h2", null, t("booked.code")),
    el("p", { class: "number appointment-code" }, spaced(code)),
    ...how.map((words) => el("p", null, words)),
    readAloud(() => [t("booked.title"), when, what, ...how]),
    el("p", { class: "note" }, t("booked.write")),
    el(
      "div",
      { class: "actions" },
      el("button", { class: "primary", id: "written", onclick: wipe }, t("kept.done")),
    ),
  );
}
