// @ts-check
/**
 * What is shown while something is read, and when it could not be? Words, and a way to try again.
 */

import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { message } from "./told.js";

/** @type {WeakMap<Element, number>} how often each place was read for: the last one draws */
const turns = new WeakMap();

/**
 * Read, then draw into `place`; a failure is told there with a button to try again.
 * @template T
 * @param {Element} place
 * @param {() => Promise<T>} read
 * @param {(found: T) => void} draw
 */
export async function loaded(place, read, draw) {
  const turn = (turns.get(place) ?? 0) + 1;
  turns.set(place, turn);
  fill(place, el("p", { class: "empty", role: "status" }, t("admin.loading")));
  let found;
  try {
    found = await read();
  } catch (error) {
    if (turns.get(place) !== turn) return;
    fill(
      place,
      el(
        "div",
        { class: "note bad row", role: "alert" },
        el("span", { class: "grow" }, t("supervisor.failed", { reason: message(error) })),
        el("button", { onclick: () => loaded(place, read, draw) }, t("admin.again")),
      ),
    );
    return;
  }
  if (turns.get(place) === turn) draw(found);
}
