// @ts-check
/**
 * How does a resident keep the place and go away? A telephone number, then ticket and code once
 * more, to be written down.
 */

import { el, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { Entry } from "./pad.js";
import { inWords } from "./refused.js";
import { readAloud } from "./speech.js";
import { isPhone, LONGEST_PHONE, masked, PHONE_KEYS, spaced } from "./typed.js";

/** @import {Screen} from "./visiting.js" */
/** @typedef {{ticket: string, code: string, phone: string}} Kept */

/**
 * @param {object} steps
 * @param {{phone: string}} steps.typed what was typed so far; kept up to date
 * @param {() => void} steps.back
 * @param {(phone: string) => Promise<void>} steps.goAway
 * @returns {Screen}
 */
export function laterScreen({ typed, back, goAway }) {
  const go = el("button", { class: "primary", id: "go-away" }, t("later.go"));
  const phone = new Entry({
    id: "phone",
    label: t("later.phone"),
    hint: t("later.phone_hint"),
    keys: PHONE_KEYS,
    longest: LONGEST_PHONE,
    go,
    kind: "phone",
    changed: (value) => {
      typed.phone = value;
      go.disabled = !isPhone(value);
    },
  });
  phone.value = typed.phone;
  go.disabled = !isPhone(typed.phone);
  go.onclick = async () => {
    go.disabled = true;
    try {
      await goAway(phone.value);
    } catch (error) {
      go.disabled = false;
      phone.refuse(inWords(error));
    }
  };
  return {
    node: el(
      "section",
      { class: "later" },
      el("h1", null, t("later.title")),
      el("p", null, t("later.text")),
      phone.node,
      el(
        "div",
        { class: "actions" },
        el("button", { id: "stay-here", onclick: back }, t("later.back")),
        go,
      ),
    ),
    update() {},
  };
}

/**
 * @param {Kept} kept
 * @param {() => void} wipe
 * @returns {Screen}
 */
export function keptScreen({ ticket, code, phone }, wipe) {
  const told = [t("kept.call", { phone: masked(phone) }), t("kept.how")];
  const number = el("p", { class: "number" }, ticket);
  const proof = el("p", { class: "number ticket-code" }, spaced(code));
  return {
    node: el(
      "section",
      { class: "ticket kept" },
      el("h1", null, icon("check"), t("kept.title")),
      el(
        "div",
        { class: "pair" },
        el("div", { class: "stack" }, el("h2", null, t("kept.ticket")), number),
        el("div", { class: "stack" }, el("h2", null, t("ticket.code")), proof),
      ),
      ...told.map((words) => el("p", null, words)),
      readAloud(() => [t("kept.title"), ...told]),
      el("p", { class: "note" }, t("kept.write")),
      el(
        "div",
        { class: "actions" },
        el("button", { class: "primary", id: "written", onclick: wipe }, t("kept.done")),
      ),
    ),
    update() {},
  };
}
