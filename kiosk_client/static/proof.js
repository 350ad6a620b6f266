// @ts-check
/**
 * Which ticket does somebody hold? Its number, then the code that stands below it.
 *
 * For a resident who comes back, and for one who returns for the same matter today.
 */

import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { Entry } from "./pad.js";
import { CODE_KEYS, isTicket, LONGEST_TICKET, TICKET_CODE, TICKET_KEYS } from "./typed.js";

/** @typedef {{ticket: string, code: string}} Proof */

/**
 * Two fields, one after the other; `hand` gets both and throws what the service said.
 * @param {object} asked
 * @param {string} asked.title
 * @param {string} asked.submit
 * @param {Proof} asked.typed what was typed before; kept up to date
 * @param {string} [asked.problem] what was wrong with it
 * @param {(proof: Proof) => Promise<void>} asked.hand
 * @param {(error: unknown) => string} asked.refused
 */
export function proofScreen({ title, submit, typed, problem = "", hand, refused }) {
  const place = el("div", { class: "stack" });
  const next = el("button", { class: "primary", id: "next" });
  const before = el("button", { id: "ticket-again" }, t("proof.ticket_again"));
  const ticket = new Entry({
    id: "ticket-number",
    label: t("proof.ticket"),
    hint: t("proof.ticket_hint"),
    keys: TICKET_KEYS,
    longest: LONGEST_TICKET,
    go: next,
    changed: (value) => {
      typed.ticket = value;
      next.disabled = !isTicket(value);
    },
  });
  const code = new Entry({
    id: "ticket-code",
    label: t("proof.code"),
    hint: t("proof.code_hint"),
    keys: CODE_KEYS,
    longest: TICKET_CODE,
    go: next,
    changed: (value) => {
      typed.code = value;
      next.disabled = value.length < TICKET_CODE;
    },
  });
  ticket.value = typed.ticket;
  code.value = typed.code;
  const ask = (/** @type {Entry} */ entry) => {
    const last = entry === code;
    fill(place, entry.node);
    fill(next, t(last ? submit : "matter.next"));
    next.disabled = last ? code.value.length < TICKET_CODE : !isTicket(ticket.value);
    before.hidden = !last;
    entry.input.focus();
  };
  next.onclick = async () => {
    if (ticket.node.isConnected) {
      ask(code);
      return;
    }
    next.disabled = true;
    try {
      await hand({ ticket: ticket.value, code: code.value });
    } catch (error) {
      next.disabled = false;
      code.refuse(refused(error));
    }
  };
  before.onclick = () => ask(ticket);
  ask(problem ? code : ticket);
  if (problem) code.refuse(problem);
  return el(
    "section",
    { class: "proof" },
    el("h1", null, title),
    place,
    el("div", { class: "actions" }, before, next),
  );
}
