// @ts-check
/**
 * What does the supervisor look at: calls that run, or calls that were recorded?
 */

import { byId, el, fill, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { LiveCalls } from "./live_calls.js";
import { RecordedCalls } from "./recorded_calls.js";
import { signIn } from "./sign_in.js";

/** @import {Part} from "./part.js" */

const VIEWS = /** @type {const} */ (["recorded", "live"]);

class SupervisorPage {
  /** @param {Part | null} part of the page before, in another language */
  constructor(part) {
    this.name = location.hash.startsWith("#live") ? "live" : "recorded";
    this.tabs = VIEWS.map((name) =>
      el(
        "button",
        { id: `view-${name}`, class: "quiet", onclick: () => this.choose(name) },
        icon(name === "live" ? "phone" : "record"),
        t(`supervisor.view.${name}`),
      ),
    );
    this.left = el("section", { class: "list" });
    this.view = this.#open(part);
  }

  /** @param {"recorded" | "live"} name */
  choose(name) {
    if (name === this.name) return;
    this.close();
    this.name = name;
    history.replaceState(null, "", name === "live" ? "#live" : location.pathname);
    this.view = this.#open(null);
  }

  /** Play nothing and be in no call. */
  close() {
    this.view.close();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    this.view.key(event);
  }

  /** @param {Part | null} part */
  #open(part) {
    const view = this.name === "live" ? new LiveCalls(part) : new RecordedCalls();
    VIEWS.forEach((name, place) => {
      if (name === this.name) this.tabs[place].setAttribute("aria-current", "page");
      else this.tabs[place].removeAttribute("aria-current");
    });
    fill(
      this.left,
      el("nav", { class: "views", "aria-label": t("supervisor.views") }, ...this.tabs),
      el("h1", null, t(this.name === "live" ? "live.title" : "supervisor.title")),
      view.list,
    );
    fill(byId("page"), this.left, view.place);
    return view;
  }
}

/** @type {SupervisorPage | null} */
let page = null;
const begin = () => {
  page = new SupervisorPage(page?.view.handOver() ?? null);
};
addEventListener("keydown", (event) => page?.key(event));
addEventListener("pagehide", () => page?.close());
await signIn("supervisor", begin, begin);
