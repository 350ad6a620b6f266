// @ts-check
/**
 * What can be pressed in a call, each with its key? The row below the pictures.
 */

import { el, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

/**
 * @typedef {object} How
 * @property {boolean} talks in a call, as the one who serves or was asked
 * @property {boolean} serves
 * @property {boolean} open whether the devices are open
 * @property {{audio: boolean, video: boolean}} off
 * @property {boolean} paused whether the recording is
 * @property {boolean} shares
 */
/**
 * @typedef {object} Acts
 * @property {(kind: "audio" | "video") => void} toggle
 * @property {() => void} chooseDevices
 * @property {() => void} share
 * @property {() => void} record
 * @property {() => void} transfer
 * @property {() => void} end
 */

/**
 * @param {How} how
 * @param {Acts} acts
 */
export function callControls({ talks, serves, open, off, paused, shares }, acts) {
  return [
    toggle("mute", "mic", open, off.audio, () => acts.toggle("audio"), [
      t("clerk.mute"),
      t("clerk.unmute"),
    ]),
    toggle("camera", "camera", open, off.video, () => acts.toggle("video"), [
      t("clerk.camera_off"),
      t("clerk.camera_on"),
    ]),
    el("button", { id: "devices", onclick: () => acts.chooseDevices() }, t("clerk.devices")),
    toggle("share", "screen", talks, shares, () => acts.share(), [
      t("clerk.share.start"),
      t("clerk.share.stop"),
    ]),
    toggle("record", paused ? "record" : "pause", serves, paused, () => acts.record(), [
      t("clerk.record.pause"),
      t("clerk.record.resume"),
    ]),
    el(
      "button",
      { id: "transfer", disabled: !serves, onclick: () => acts.transfer() },
      icon("people"),
      t("clerk.transfer"),
    ),
    el("span", { class: "grow" }),
    el(
      "button",
      { id: "end", class: "danger", disabled: !serves, onclick: () => acts.end() },
      icon("phone"),
      t("clerk.end"),
    ),
  ];
}

/**
 * @param {string} id
 * @param {string} symbol
 * @param {boolean} may
 * @param {boolean} pressed
 * @param {() => void} act
 * @param {[string, string]} words for when it is not pressed, and when it is
 */
function toggle(id, symbol, may, pressed, act, words) {
  return el(
    "button",
    { id, disabled: !may, "aria-pressed": String(pressed), onclick: act },
    icon(symbol),
    words[pressed ? 1 : 0],
  );
}
