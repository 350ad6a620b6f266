// @ts-check
/**
 * How does the clerk choose and try the devices? A dialog with the own picture, the microphone's
 * level and a test tone.
 */

import { canChooseOutput } from "/static/kit/devices.js";
import { el, fill, icon } from "/static/kit/dom.js";
import { liveMeter } from "/static/kit/level.js";
import { playTone } from "/static/kit/tone.js";
import { t } from "/static/kit/words.js";
import { KINDS } from "./chosen_devices.js";

/** @import {ChosenDevices} from "./chosen_devices.js" */
/** @import {DeviceKind} from "/static/kit/devices.js" */

const ALIASES = ["default", "communications"]; // Chromium lists these beside the devices

/**
 * What is wrong with the devices, in words; "" when nothing is.
 * @param {ChosenDevices} devices
 */
export function deviceTrouble(devices) {
  const gone = devices.gone.map((kind) =>
    t(`clerk.device.gone.${kind}`, { name: devices.kept.chosen[kind]?.label ?? "" }),
  );
  return [devices.reason && t(`devices.${devices.reason}`), ...gone].filter(Boolean).join(" ");
}

export class DeviceDialog {
  /**
   * @param {ChosenDevices} devices
   * @param {() => void} closed called when the dialog was closed
   */
  constructor(devices, closed) {
    this.devices = devices;
    this.node = el("dialog", {
      class: "dialog device-dialog",
      "aria-labelledby": "devices-title",
      onclose: () => {
        fill(this.node);
        closed();
      },
    });
    this.own = el("video", { autoplay: true, playsInline: true, muted: true });
    this.trouble = el("p", { class: "note warn", role: "status" });
    this.muted = el("p", { class: "soft" }, "");
    /** @type {Map<DeviceKind, HTMLSelectElement>} */
    this.selects = new Map();
    devices.addEventListener("change", () => this.#update());
  }

  get open() {
    return this.node.open;
  }

  /** Show it, with what is there now. */
  show() {
    if (this.open) return;
    const { devices } = this;
    const field = (/** @type {DeviceKind} */ kind, /** @type {(Node | false)[]} */ ...beside) => {
      const select = el("select", { id: kind, onchange: () => this.#choose(kind) });
      this.selects.set(kind, select);
      const label = el("label", { for: kind }, t(`clerk.device.${kind}`));
      return el("div", { class: "field" }, label, select, ...beside);
    };
    const cleaning = el("input", {
      id: "cleaning",
      type: "checkbox",
      checked: devices.kept.cleaning,
      onchange: () => devices.clean(cleaning.checked),
    });
    const tone = el(
      "button",
      { id: "tone", onclick: () => this.#play() },
      icon("louder"),
      t("clerk.device.tone"),
    );
    const level = liveMeter(t("clerk.device.level"), () => devices.stream, { id: "dialog-level" });
    const output = canChooseOutput()
      ? field("audiooutput", tone)
      : el("div", { class: "field" }, el("p", null, t("clerk.device.system_output")), tone);
    fill(
      this.node,
      el("h2", { id: "devices-title" }, t("clerk.devices.title")),
      this.trouble,
      el(
        "div",
        { class: "device-columns" },
        el("figure", null, this.own, el("figcaption", { class: "soft" }, t("clerk.device.own"))),
        el(
          "div",
          { class: "stack" },
          field("videoinput"),
          field("audioinput", level, this.muted),
          el("label", { class: "row" }, cleaning, t("clerk.device.cleaning")),
          output,
        ),
      ),
      el(
        "div",
        { class: "row" },
        el("span", { class: "grow" }),
        el(
          "button",
          { class: "primary", id: "devices-close", onclick: () => this.node.close() },
          t("clerk.devices.done"),
        ),
      ),
    );
    this.node.showModal();
    this.#update();
  }

  #update() {
    if (!this.open) return;
    const { devices } = this;
    if (this.own.srcObject !== devices.stream) this.own.srcObject = devices.stream;
    const trouble = deviceTrouble(devices);
    fill(this.trouble, trouble);
    this.trouble.hidden = !trouble;
    this.muted.hidden = !devices.off.audio;
    fill(this.muted, t("clerk.device.muted"));
    for (const kind of KINDS) {
      const select = this.selects.get(kind);
      if (select) fill(select, ...this.#options(kind));
    }
  }

  /** @param {DeviceKind} kind */
  #options(kind) {
    const chosen = this.devices.chosen(kind);
    const there = this.devices.there.filter(
      (device) => device.kind === kind && !ALIASES.includes(device.deviceId),
    );
    return [
      el("option", { value: "", selected: !chosen }, t("clerk.device.default")),
      ...there.map(({ deviceId, label }, index) =>
        el(
          "option",
          { value: deviceId, selected: chosen?.deviceId === deviceId },
          label || `${t(`clerk.device.${kind}`)} ${index + 1}`,
        ),
      ),
    ];
  }

  /** @param {DeviceKind} kind */
  #choose(kind) {
    const id = this.selects.get(kind)?.value ?? "";
    const { there } = this.devices;
    const device = there.find((one) => one.kind === kind && one.deviceId === id) ?? null;
    this.devices.choose(kind, id ? device : null);
  }

  async #play() {
    try {
      await playTone(this.devices.sinkId);
    } catch {
      fill(this.trouble, t("clerk.device.tone_failed"));
      this.trouble.hidden = false;
    }
  }
}
