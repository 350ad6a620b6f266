// @ts-check
/**
 * What does the resident see of the check? Three lines with an icon and plain words, and what one
 * can do about each.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { meter } from "/static/kit/level.js";
import { t } from "/static/kit/words.js";
import { inWords } from "./refused.js";
import { DEVICES, needsHelp } from "./verdict.js";

/** @import {Check} from "./check.js" */
/** @import {Device, Verdict} from "./verdict.js" */
/** @import {Screen} from "./visiting.js" */

const ICONS = { camera: "camera", microphone: "mic", loudspeaker: "louder" };
const MARKS = /** @type {Record<string, string>} */ ({
  checking: "clock",
  works: "check",
  asking: "help",
  unsure: "check",
});

/**
 * @param {Check} check
 * @param {object} steps where the screen leads
 * @param {() => Promise<void>} steps.takeTicket
 * @param {() => void} steps.help
 * @returns {Screen}
 */
export function checkScreen(check, { takeTicket, help }) {
  const told = el("div", { class: "told" });
  const lines = DEVICES.map((device) => line(check, device, help));
  const tryTicket = async () => {
    fill(told, el("p", { class: "note good" }, icon("check"), t("check.taking")));
    try {
      await takeTicket();
    } catch (error) {
      const reason = inWords(error);
      fill(
        told,
        el("p", { class: "note bad" }, t("notice.failed", { reason })),
        el("button", { class: "primary", id: "take", onclick: tryTicket }, t("check.take")),
      );
    }
  };
  const draw = () => {
    for (const { update } of lines) update();
    const works = check.settled && !check.without.size;
    fill(
      told,
      works
        ? el("p", { class: "note good", id: "all-works" }, icon("check"), t("check.all"))
        : el("p", { class: "soft" }, t("check.text")),
    );
  };
  const node = el(
    "section",
    { class: "check" },
    el("h1", null, t("check.title")),
    told,
    el("ul", { class: "devices" }, ...lines.map((line) => line.node)),
  );
  // A change of language or size makes another screen of the same check.
  check.addEventListener("change", () => node.isConnected && draw());
  check.addEventListener("done", () => node.isConnected && tryTicket());
  draw();
  if (check.finished) void tryTicket();
  return { node, update() {} };
}

/**
 * @param {Check} check
 * @param {Device} device
 * @param {() => void} help
 */
function line(check, device, help) {
  const mark = el("span", { class: "mark" });
  const words = el("p", { class: "words" });
  const heading = el("h2", { tabIndex: -1 }, t(`check.${device}`));
  const actions = el("div", {
    class: "device-actions",
    role: "group",
    "aria-label": t(`check.${device}`),
  });
  const node = el(
    "li",
    { "data-device": device },
    el("div", { class: "proof" }, proof(check, device)),
    el("div", { class: "finding" }, heading, el("div", { class: "verdict" }, mark, words)),
    actions,
  );
  let shown = "";
  const update = () => {
    const verdict = check.verdicts[device];
    const without = check.without.has(device);
    const showing = `${verdict} ${without}`;
    if (showing === shown) return;
    shown = showing;
    node.dataset.verdict = without ? "without" : verdict;
    fill(mark, icon(without ? "check" : (MARKS[verdict] ?? "escalation")));
    fill(words, t(without ? "check.done_without" : `check.${device}.${verdict}`));
    const held = actions.contains(document.activeElement);
    fill(actions, ...(without ? [] : buttons(check, device, verdict, help)));
    if (held) heading.focus({ preventScroll: true });
  };
  return { node, update };
}

/**
 * What shows that the device works: the picture, the level, or a sign.
 * @param {Check} check
 * @param {Device} device
 */
function proof(check, device) {
  if (device === "camera") return check.video;
  if (device === "loudspeaker") return icon(ICONS.loudspeaker);
  const { node, show } = meter(t("check.level"), { "aria-live": "off" });
  check.addEventListener("level", () => show(check.level));
  return el("div", { class: "hearing" }, icon(ICONS.microphone), node);
}

/**
 * @param {Check} check
 * @param {Device} device
 * @param {Verdict} verdict
 * @param {() => void} help
 */
function buttons(check, device, verdict, help) {
  const button = (
    /** @type {string} */ key,
    /** @type {() => void} */ act,
    /** @type {Record<string, string>} */ properties = {},
  ) => el("button", { onclick: act, ...properties }, t(key));
  const again = () => void check.again(device);
  if (verdict === "asking")
    return [
      button("check.heard", () => check.say(true), { class: "primary", "data-act": "heard" }),
      button("check.unheard", () => check.say(false), { "data-act": "unheard" }),
    ];
  if (!needsHelp(verdict)) return [];
  return [
    verdict !== "quiet" && button("check.again", again, { class: "primary", "data-act": "again" }),
    button(goOnKey(device, verdict), () => check.goWithout(device), { "data-act": "without" }),
    button("bar.help", help, { "data-act": "help" }),
  ];
}

/**
 * Going on says what it means: a covered camera is still sent, a missing one is not.
 * @param {Device} device
 * @param {Verdict} verdict
 */
function goOnKey(device, verdict) {
  if (verdict === "quiet") return "check.without_speaking";
  if (["covered", "frozen", "silent"].includes(verdict)) return "check.as_is";
  return `check.without.${device}`;
}
