// @ts-check
/**
 * Which screens lead to an appointment, and from its code to the line? Book, find, move, cancel.
 */

import { ask } from "/static/kit/api.js";
import { language, t } from "/static/kit/words.js";
import { appointmentScreen, findScreen } from "./appointment_screen.js";
import { confirm } from "./asking.js";
import { bookedScreen, contactScreen } from "./booking.js";
import { inWords } from "./refused.js";
import { slotsScreen } from "./slots_screen.js";

/** @import {Appointment, Booked} from "./booking.js" */
/** @import {Choice, Step} from "./steps.js" */

export class AppointmentSteps {
  /**
   * @param {Choice} choice
   * @param {{go: (step: Step) => void, wipe: () => void, now: () => number}} kiosk
   */
  constructor(choice, kiosk) {
    this.choice = choice;
    this.kiosk = kiosk;
    this.problem = "";
    /** @type {Booked | null} */
    this.booked = null;
    /** @type {Appointment | null} */
    this.appointment = null;
  }

  /** Forget what was found and typed. */
  forget() {
    this.appointment = null;
    this.choice.typed = { code: "", phone: "" };
  }

  /** @param {Step} step */
  screen(step) {
    const problem = this.problem;
    this.problem = "";
    if (step === "slots") return this.#slots(problem);
    if (step === "contact") return this.#contact();
    if (step === "booked" && this.booked) return bookedScreen(this.booked, this.kiosk.wipe);
    if (step === "appointment" && this.appointment)
      return this.#appointment(this.appointment, problem);
    if (step === "move" && this.appointment) return this.#move(this.appointment);
    return findScreen({
      typed: this.choice.typed,
      find: async (code) => this.#found(await ask("POST", "/api/appointments/find", { code })),
      refused: (error) => inWords(error, { 404: t("find.not_found") }),
    });
  }

  /** @param {string} problem */
  #slots(problem) {
    return slotsScreen({
      title: t("slots.title"),
      queue: this.choice.queue,
      now: this.kiosk.now(),
      problem,
      submit: "slots.next",
      choose: async (slot) => {
        this.choice.slot = slot;
        this.kiosk.go("contact");
      },
      refused: inWords,
    });
  }

  #contact() {
    const { queue, matter, slot, typed } = this.choice;
    return contactScreen({
      slot,
      typed,
      book: async (phone) => {
        try {
          this.booked = await ask("POST", "/api/appointments", {
            queue,
            matter: matter?.code,
            slot,
            language: language(),
            phone,
          });
        } catch (error) {
          if (/** @type {any} */ (error).status !== 409) throw error;
          this.problem = t("slots.taken");
          this.kiosk.go("slots");
          return;
        }
        this.kiosk.go("booked");
      },
      refused: inWords,
    });
  }

  /** @param {Appointment} found */
  #found(found) {
    this.appointment = found;
    this.choice.matter = found.matter;
    this.choice.city = found.city;
    this.kiosk.go("appointment");
  }

  /**
   * @param {Appointment} appointment
   * @param {string} problem
   */
  #appointment(appointment, problem) {
    const { code } = this.choice.typed;
    return appointmentScreen(appointment, {
      problem,
      checkIn: () => this.kiosk.go("notice"),
      move: () => this.kiosk.go("move"),
      cancel: () =>
        confirm(t("appointment.cancel_question"), t("appointment.cancel"), async () => {
          try {
            this.#found(await ask("POST", "/api/appointments/cancel", { code }));
          } catch (error) {
            this.problem = inWords(error);
            this.kiosk.go("appointment");
          }
        }),
      done: this.kiosk.wipe,
    });
  }

  /** @param {Appointment} appointment */
  #move(appointment) {
    const { code } = this.choice.typed;
    return slotsScreen({
      title: t("move.title"),
      queue: appointment.queue,
      now: this.kiosk.now(),
      problem: "",
      submit: "move.submit",
      choose: async (slot) =>
        this.#found(await ask("POST", "/api/appointments/move", { code, slot })),
      refused: (error) => inWords(error, { 409: t("slots.taken") }),
    });
  }
}
