// @ts-check
/**
 * May another city take this visit sooner? Says by which rule, and asks; the answer can be undone
 * as long as the resident waits.
 */

import { el, fill, icon } from "/static/kit/dom.js";
import { minutesOf } from "/static/kit/wait.js";
import { nameOf, t } from "/static/kit/words.js";

/** @import {KioskState, OverflowView, VisitView} from "/static/kit/protocol.js" */
/** @import {Line} from "/static/kit/line.js" */

export class Elsewhere {
  /**
   * @param {Line<KioskState>} line
   * @param {Set<string>} agreed visits whose residents said that it is fine
   * @param {(error: unknown) => void} failed
   */
  constructor(line, agreed, failed) {
    this.line = line;
    this.agreed = agreed;
    this.failed = failed;
    this.node = el("div", { class: "note elsewhere", hidden: true });
    this.shown = "";
  }

  /**
   * Show what holds for this visit now, or nothing.
   * @param {VisitView | null} visit
   */
  update(visit) {
    const asked = visit && (visit.stays || visit.elsewhere.length > 0);
    const shown = asked ? JSON.stringify([visit.stays, visit.elsewhere, this.#isFine(visit)]) : "";
    if (shown === this.shown) return;
    this.shown = shown;
    this.node.hidden = !asked;
    if (!asked) return;
    const held = this.node.contains(document.activeElement);
    fill(this.node, ...this.#parts(visit));
    if (held) this.node.querySelector("button")?.focus();
  }

  /** @param {VisitView} visit */
  #parts(visit) {
    const own = nameOf(visit.queue.city);
    const button = (
      /** @type {string} */ id,
      /** @type {string} */ words,
      /** @type {() => void} */ act,
      kind = "",
    ) => el("button", { id, class: kind, onclick: act }, words);
    const wait = () => this.#set(visit, true);
    if (visit.stays)
      return [
        el("p", null, icon("place"), t("elsewhere.stays", { city: own })),
        button("other-city", t("elsewhere.after_all"), () => this.#set(visit, false), "quiet"),
      ];
    const cities = [...new Set(visit.elsewhere.map((other) => nameOf(other.city)))];
    const list = cities.join(t("elsewhere.or"));
    if (this.#isFine(visit))
      return [
        el("p", null, icon("check"), t("elsewhere.agreed", { city: list })),
        button("own-city", t("elsewhere.wait", { city: own }), wait, "quiet"),
      ];
    return [
      el("h2", null, icon("place"), t("elsewhere.title", { city: list })),
      el("p", null, ruleInWords(visit.elsewhere[0], own)),
      el(
        "div",
        { class: "row" },
        button(
          "other-city",
          t("elsewhere.yes"),
          () => {
            this.agreed.add(visit.id);
            this.update(visit);
          },
          "primary",
        ),
        button("own-city", t("elsewhere.wait", { city: own }), wait),
      ),
    ];
  }

  /** @param {VisitView} visit */
  #isFine(visit) {
    return this.agreed.has(visit.id);
  }

  /**
   * @param {VisitView} visit
   * @param {boolean} stays
   */
  #set(visit, stays) {
    if (stays) this.agreed.delete(visit.id);
    else this.agreed.add(visit.id);
    this.line.command("set_stays", { visit: visit.id, stays }).catch(this.failed);
  }
}

/**
 * Why another city may take it, as the rule says.
 * @param {OverflowView} other
 * @param {string} own
 */
function ruleInWords(other, own) {
  const values = {
    own,
    city: nameOf(other.city),
    minutes: minutesOf(other.threshold),
    percent: Math.round(other.threshold * 100),
  };
  return t(`elsewhere.${other.when}`, values);
}
