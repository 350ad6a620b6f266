// @ts-check
/**
 * What does the resident see while waiting? Number, place, wait and code, and what can be done
 * meanwhile: come back later, wait for the own city, give the ticket back.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { minutesOf } from "/static/kit/wait.js";
import { clock, nameOf, t, waitInWords } from "/static/kit/words.js";
import { Elsewhere } from "./elsewhere.js";
import { inWords } from "./refused.js";
import { spaced } from "./typed.js";

/** @import {KioskState, VisitView} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @import {Screen} from "./visiting.js" */

/**
 * @param {Line<KioskState>} line
 * @param {object} steps where the screen leads
 * @param {(question: string, yes: string, act: () => void) => void} steps.confirm
 * @param {() => void} steps.later
 * @param {Set<string>} steps.agreed visits whose residents said that another city is fine
 * @returns {Screen}
 */
export function ticketScreen(line, { confirm, later, agreed }) {
  const number = el("p", { class: "number" });
  const place = el("p", { class: "place" });
  const wait = el("p", { class: "wait" });
  const passed = el("p", { class: "note passed", role: "status", hidden: true });
  const matter = el("p", { class: "soft" });
  const about = el("p", { class: "soft" });
  const since = el("p", { class: "soft" });
  const code = el("p", { class: "ticket-code" });
  const problem = el("p", { class: "note bad", role: "alert", hidden: true });
  const goAway = el("button", { id: "later", onclick: later }, icon("clock"), t("ticket.later"));
  const failed = (/** @type {unknown} */ error) => {
    problem.hidden = false;
    fill(problem, inWords(error));
  };
  const elsewhere = new Elsewhere(line, agreed, failed);
  let visit = "";
  let takenAt = 0;
  const timer = setInterval(() => {
    if (!node.isConnected && takenAt) clearInterval(timer);
    else fill(since, t("ticket.since", { time: clock((line.now() - takenAt) / 1000) }));
  }, 1000);
  const node = el(
    "section",
    { class: "ticket" },
    el("h1", null, t("ticket.title")),
    el(
      "div",
      { class: "pair" },
      el("div", { class: "stack" }, number, place, wait),
      el(
        "div",
        { class: "stack coded" },
        el("h2", null, t("ticket.code")),
        code,
        el("p", null, t("ticket.code_use")),
        goAway,
      ),
    ),
    passed,
    elsewhere.node,
    problem,
    el("div", { class: "about" }, matter, about, since, el("p", null, t("ticket.camera"))),
    el(
      "div",
      { class: "actions" },
      el(
        "button",
        {
          id: "leave",
          onclick: () =>
            confirm(t("ticket.leave_question"), t("ticket.leave"), () =>
              line.command("leave_line", { visit }).catch(failed),
            ),
        },
        t("ticket.leave"),
      ),
    ),
  );
  return {
    node,
    update(state) {
      const shown = state.visit;
      if (!shown) return;
      visit = shown.id;
      takenAt = Date.parse(shown.taken_at);
      const ringing = shown.state === "offered";
      fill(number, shown.ticket);
      fill(code, spaced(shown.code));
      fill(place, placeInWords(state, ringing));
      fill(wait, ringing ? "" : waitInWords(state.place?.expected_wait_s ?? null));
      fill(matter, `${nameOf(shown.city)} · ${nameOf(shown.matter)}`);
      fill(about, saidInWords(shown));
      const words = passedInWords(shown);
      if (passed.textContent !== words) fill(passed, words);
      passed.hidden = !words;
      goAway.hidden = ringing;
      elsewhere.update(ringing ? null : shown);
    },
  };
}

/**
 * @param {KioskState} state
 * @param {boolean} ringing
 */
function placeInWords(state, ringing) {
  if (ringing && state.visit) return t("ticket.ringing", { city: nameOf(state.visit.queue.city) });
  const ahead = state.place?.ahead ?? 0;
  if (ahead === 1) return t("ticket.one_ahead");
  return ahead ? t("ticket.ahead", { ahead }) : t("ticket.next");
}

/**
 * What the resident said before the ticket, where it changes how they are served.
 * @param {VisitView} shown
 */
function saidInWords(shown) {
  const claim = shown.priority === "ordinary" ? "" : t(`claim.${shown.priority}`);
  const language = shown.wish && t(`tongue.${shown.wish}`);
  const minutes = minutesOf(shown.language_after_s);
  const wish = language && t("ticket.wish", { language, minutes });
  return [claim, wish].filter(Boolean).join(" · ");
}

/**
 * To whom the visit is passed on, if a clerk had it before.
 * @param {VisitView} shown
 */
function passedInWords(shown) {
  if (!shown.served_before) return "";
  const name = nameOf({ name_zh: shown.for_clerk_zh, name_en: shown.for_clerk_en });
  const to = `${nameOf(shown.queue.city)} · ${name || nameOf(shown.queue)}`;
  return t("ticket.passed", { to });
}
