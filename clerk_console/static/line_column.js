// @ts-check
/**
 * Who is waiting, and how am I set? The clerk's left column: own state and the line.
 */

import { el, fill } from "/static/kit/dom.js";
import { clock, nameOf, t } from "/static/kit/words.js";

/** @import {ClerkState} from "/static/kit/protocol.js" */

const MINUTE_S = 60;

/**
 * @param {ClerkState} state
 * @param {number} now the server's time in milliseconds
 * @param {(step: "be_ready" | "take_break" | "go_off") => void} set
 * @returns {Node[]}
 */
export function lineColumn(state, now, set) {
  const { window: desk } = state;
  const free = ["off", "ready", "break", "missed"].includes(desk.state);
  const longest = state.line[0] ? (now - Date.parse(state.line[0].taken_at)) / 1000 : 0;
  return [
    el(
      "section",
      { class: `own-state is-${desk.state}`, "aria-label": t(`clerk.state.${desk.state}`) },
      el(
        "strong",
        { id: "window-state", "data-state": desk.state },
        t(`clerk.state.${desk.state}`),
      ),
      el("span", null, clock((now - Date.parse(desk.since)) / 1000)),
    ),
    el(
      "p",
      { class: "note warn", role: "status", hidden: desk.state !== "missed" },
      t("clerk.missed.note"),
    ),
    el(
      "div",
      { class: "row" },
      el(
        "button",
        {
          id: "ready",
          class: desk.state === "ready" ? "" : "primary",
          disabled: !free || desk.state === "ready",
          onclick: () => set("be_ready"),
        },
        t("clerk.be_ready"),
      ),
      el(
        "button",
        {
          id: "break",
          disabled: !free || desk.state === "break",
          onclick: () => set("take_break"),
        },
        t("clerk.take_break"),
      ),
      el(
        "button",
        { class: "quiet", disabled: !free || desk.state === "off", onclick: () => set("go_off") },
        t("clerk.go_off"),
      ),
    ),
    el("h2", null, t("clerk.line")),
    state.line.length
      ? el(
          "p",
          { class: longest > MINUTE_S ? "late" : "soft" },
          t("clerk.line.waiting", { count: state.line.length }),
          " · ",
          t("clerk.line.longest", { time: clock(longest) }),
        )
      : el("p", { class: "soft" }, t("clerk.line.empty")),
    el(
      "ol",
      { class: "line" },
      ...state.line.map((entry) => {
        const waited = (now - Date.parse(entry.taken_at)) / 1000;
        return el(
          "li",
          { class: waited > MINUTE_S ? "late" : "" },
          el("strong", null, entry.ticket),
          el(
            "span",
            { class: "what" },
            nameOf({ name_zh: entry.matter_zh, name_en: entry.matter_en }),
          ),
          el("span", { class: "soft" }, nameOf({ name_zh: entry.site_zh, name_en: entry.site_en })),
          el(
            "span",
            { class: "waited" },
            clock(waited),
            waited > MINUTE_S && ` · ${t("clerk.line.over")}`,
          ),
        );
      }),
    ),
  ];
}

/**
 * Bring the column up to date without taking the focus from a button that stays.
 * @param {Element} column
 * @param {Node[]} drawn
 */
export function refresh(column, drawn) {
  const focused = column.contains(document.activeElement) ? document.activeElement?.id : "";
  fill(column, ...drawn);
  if (focused) document.getElementById(focused)?.focus();
}
