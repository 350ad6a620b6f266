// @ts-check
/**
 * What does the resident see from the call to the rating? Call, rating, thanks.
 *
 * Each screen is `{node, update}`: made once, then brought up to date with each state.
 */

import { el, face, fill, icon } from "/static/kit/dom.js";
import { othersInWords, pathWords } from "/static/kit/quality.js";
import { clock, nameOf, t } from "/static/kit/words.js";

/** @import {KioskState} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */
/** @typedef {{node: HTMLElement, update: (state: KioskState) => void}} Screen */

const REASONS = ["clear", "kind", "quick", "slow", "unclear", "picture"];

/**
 * @param {Line<KioskState>} line
 * @param {{far: HTMLVideoElement, own: HTMLVideoElement}} videos
 * @param {(question: string, yes: string, act: () => void) => void} confirm
 * @returns {Screen}
 */
export function call(line, videos, confirm) {
  const who = el("p", { class: "who" });
  const told = el("p", { class: "told", role: "status" });
  const held = el(
    "div",
    { class: "held", role: "status", hidden: true },
    icon("pause"),
    el("p", { class: "held-title" }, t("call.hold")),
    el("p", null, t("call.hold.text")),
  );
  const time = el("span", { class: "time" });
  const recording = el("p", { class: "recording" });
  let visit = "";
  let startedAt = 0;
  const pause = el(
    "button",
    {
      "aria-pressed": "false",
      onclick: () => {
        const tracks =
          /** @type {MediaStream | null} */ (videos.own.srcObject)?.getVideoTracks() ?? [];
        for (const track of tracks) track.enabled = !track.enabled;
        const paused = tracks.length > 0 && !tracks[0].enabled;
        pause.setAttribute("aria-pressed", String(paused));
        fill(pause, icon("camera"), t(paused ? "call.show_video" : "call.pause_video"));
      },
    },
    icon("camera"),
    t("call.pause_video"),
  );
  const louder = el(
    "button",
    {
      onclick: () => {
        const volume = videos.far.volume >= 1 ? 0.4 : Math.min(1, videos.far.volume + 0.2);
        videos.far.volume = volume;
        fill(louder, icon("louder"), t("call.volume", { percent: Math.round(volume * 100) }));
      },
    },
    icon("louder"),
    t("call.louder"),
  );
  const end = el(
    "button",
    {
      class: "danger",
      id: "end",
      onclick: () =>
        confirm(t("call.end_question"), t("call.end"), () =>
          line.command("end_call", { visit }).catch(() => {}),
        ),
    },
    icon("phone"),
    t("call.end"),
  );
  const timer = setInterval(() => {
    if (!node.isConnected && startedAt) clearInterval(timer);
    else if (startedAt) fill(time, clock((line.now() - startedAt) / 1000));
  }, 1000);
  videos.far.volume = 0.8;
  const node = el(
    "section",
    { class: "call" },
    el("h1", { class: "visually-hidden" }, t("call.title")),
    el("div", { class: "call-top" }, who, recording),
    el("div", { class: "call-middle" }, held, told),
    el("div", { class: "actions" }, pause, louder, end),
  );
  return {
    node,
    update(state) {
      const shown = state.visit;
      if (!shown) return;
      visit = shown.id;
      if (state.call?.started_at) startedAt = Date.parse(state.call.started_at);
      const name = state.call
        ? nameOf({ name_zh: state.call.far_name_zh, name_en: state.call.far_name_en })
        : "";
      const others = state.call && !state.on_hold ? othersInWords(state.call) : "";
      const heading = name && t("call.with", { name, city: nameOf(shown.city) });
      fill(who, [heading, others].filter(Boolean).join(" · "));
      const words = pathWords(state.call, line.online);
      fill(told, words ? t(`call.${words}`) : "");
      told.hidden = !words;
      held.hidden = !state.on_hold;
      fill(recording, t(`call.recording.${state.call?.recording ?? "starting"}`), " ", time);
      recording.dataset.state = state.call?.recording ?? "starting";
    },
  };
}

/**
 * @param {Line<KioskState>} line
 * @param {() => void} leave
 * @returns {Screen}
 */
export function rating(line, leave) {
  let visit = "";
  let chosen = 0;
  /** @type {Set<string>} */
  const reasons = new Set();
  const problem = el("p", { class: "note bad", role: "alert", hidden: true }, t("error.network"));
  const submit = el(
    "button",
    {
      class: "primary",
      id: "rate",
      disabled: true,
      onclick: () => {
        submit.disabled = true;
        line.command("rate", { visit, rating: chosen, reasons: [...reasons] }).catch(() => {
          problem.hidden = false;
          submit.disabled = false;
        });
      },
    },
    t("rating.submit"),
  );
  const faces = el(
    "div",
    { class: "faces", role: "radiogroup", "aria-label": t("rating.title") },
    ...[5, 4, 3, 2, 1].map((value) =>
      el(
        "button",
        {
          role: "radio",
          "aria-checked": "false",
          "data-rating": value,
          onclick: () => {
            chosen = value;
            submit.disabled = false;
            for (const other of faces.children)
              other.setAttribute(
                "aria-checked",
                String(other.getAttribute("data-rating") === String(value)),
              );
          },
        },
        face(value),
        el("span", null, t(`rating.${value}`)),
      ),
    ),
  );
  const chips = el(
    "div",
    { class: "chips", role: "group", "aria-label": t("rating.why") },
    ...REASONS.map((reason) =>
      el(
        "button",
        {
          "aria-pressed": "false",
          onclick: (/** @type {Event} */ event) => {
            const chip = /** @type {HTMLElement} */ (event.currentTarget);
            if (!reasons.delete(reason)) reasons.add(reason);
            chip.setAttribute("aria-pressed", String(reasons.has(reason)));
          },
        },
        t(`rating.reason.${reason}`),
      ),
    ),
  );
  return {
    node: el(
      "section",
      { class: "rating" },
      el("h1", null, t("rating.title")),
      el("p", { class: "soft" }, t("rating.ended")),
      faces,
      el("h2", null, t("rating.why")),
      chips,
      problem,
      el(
        "div",
        { class: "actions" },
        el("button", { id: "skip", onclick: leave }, t("rating.skip")),
        submit,
      ),
    ),
    update(state) {
      visit = state.visit?.id ?? visit;
    },
  };
}

/**
 * @param {() => void} leave
 * @returns {Screen}
 */
export function thanks(leave) {
  let left = 10;
  const counting = el("p", { class: "soft" });
  const count = () => {
    fill(counting, t("thanks.wipe_in", { seconds: left }));
    left -= 1;
  };
  count();
  const timer = setInterval(() => {
    if (!node.isConnected) {
      clearInterval(timer);
    } else if (left <= 0) {
      clearInterval(timer);
      leave();
    } else {
      count();
    }
  }, 1000);
  const node = el(
    "section",
    { class: "thanks" },
    icon("check"),
    el("h1", null, t("thanks.title")),
    el("p", null, t("thanks.take")),
    counting,
    el(
      "div",
      { class: "actions" },
      el("button", { class: "primary", id: "finish", onclick: leave }, t("thanks.finish")),
    ),
  );
  return { node, update() {} };
}
