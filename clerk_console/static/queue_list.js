// @ts-check
/**
 * How are my queues doing? One block of fixed height for each queue, brought up to date in place.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { clock, nameOf, t } from "/static/kit/words.js";
import { minuteOf, percent } from "./desk_state.js";

/** @import {CityView, QueueStatus} from "/static/kit/protocol.js" */

export class QueueList {
  constructor() {
    this.node = el("ul", { class: "queues", tabIndex: 0 });
    /** @type {Map<string, QueueRow>} */
    this.rows = new Map();
  }

  /**
   * @param {QueueStatus[]} queues the best level first
   * @param {CityView} city the clerk's own
   * @param {number} now
   */
  update(queues, city, now) {
    const rows = queues.map(({ queue }) => this.rows.get(queue.id) ?? new QueueRow());
    this.rows = new Map(queues.map(({ queue }, place) => [queue.id, rows[place]]));
    this.node.setAttribute("aria-label", t("clerk.queues"));
    inOrder(
      this.node,
      rows.map((row) => row.node),
    );
    queues.forEach((status, place) => {
      rows[place].update(status, city, now);
    });
  }
}

class QueueRow {
  constructor() {
    this.name = el("strong");
    this.wait = el("span", { class: "soft" });
    this.level = el("span", { class: "tag" });
    this.figures = el("p", { class: "soft figures" });
    this.bar = el("span", { class: "bar", "aria-hidden": "true" }, el("i"), el("b"));
    this.minute = el("span", { class: "minute" });
    this.node = el(
      "li",
      null,
      el("p", { class: "queue-name" }, this.name, this.wait, this.level),
      this.figures,
      el("p", { class: "queue-minute" }, this.bar, this.minute),
    );
  }

  /**
   * @param {QueueStatus} status
   * @param {CityView} city
   * @param {number} now
   */
  update(status, city, now) {
    const { queue, share, counted, target_share } = status;
    const far = queue.city.code !== city.code;
    say(this.name, far ? `${nameOf(queue)} · ${nameOf(queue.city)}` : nameOf(queue));
    say(this.level, t(`clerk.level.${status.level}`));
    const longest = status.longest_since && (now - Date.parse(status.longest_since)) / 1000;
    say(
      this.figures,
      [
        status.waiting
          ? t("clerk.queue.waiting", { count: status.waiting, longest: clock(longest || 0) })
          : t("clerk.queue.empty"),
        t("clerk.queue.duty", { on: status.on_duty, ready: status.ready }),
      ].join(" · "),
    );
    say(this.wait, waitOf(status));
    const minute = minuteOf(status);
    this.node.dataset.minute = minute;
    const [now_, mark] = /** @type {[HTMLElement, HTMLElement]} */ ([...this.bar.children]);
    now_.style.width = `${share === null ? 0 : share * 100}%`;
    mark.style.left = `${target_share * 100}%`;
    const today =
      share === null
        ? t("clerk.minute.none", { target: percent(target_share) })
        : t("clerk.minute.today", {
            share: percent(share),
            target: percent(target_share),
            count: counted,
          });
    const warning =
      minute === "risk"
        ? t("clerk.minute.risk", { count: status.at_risk })
        : minute === "missed"
          ? t("clerk.minute.missed")
          : "";
    const words = [warning, today].filter(Boolean).join(" · ");
    if (this.minute.textContent === words) return;
    fill(this.minute, warning && icon("escalation"), words);
  }
}

/** How long who comes now would wait, short. @param {QueueStatus} status */
function waitOf({ expected_wait_s }) {
  if (expected_wait_s === null) return t("clerk.queue.nobody");
  return t("clerk.queue.wait", { minutes: Math.ceil(expected_wait_s / 60) });
}

/** Set words where they have changed. @param {Element} place @param {string} words */
export function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

/**
 * Let a list hold these rows, without touching it where it does.
 * @param {Element} list
 * @param {Element[]} rows
 */
export function inOrder(list, rows) {
  const same =
    list.children.length === rows.length && rows.every((row, at) => list.children[at] === row);
  if (same) return;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  fill(list, ...rows);
  if (focused instanceof HTMLElement && list.contains(focused)) focused.focus();
}
