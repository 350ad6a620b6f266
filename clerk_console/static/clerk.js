// @ts-check
/**
 * What does the clerk's page show? Joins sign-in, line, ring and the three columns.
 */

import { ask } from "/static/kit/api.js";
import { unlock } from "/static/kit/chime.js";
import { byId, el, fill } from "/static/kit/dom.js";
import { Line } from "/static/kit/line.js";
import { Peer } from "/static/kit/peer.js";
import { t } from "/static/kit/words.js";
import { CaseColumn } from "./case_column.js";
import { lineColumn, refresh } from "./line_column.js";
import { PersonColumn } from "./person_column.js";
import { Ring } from "./ring.js";
import { signIn } from "./sign_in.js";

/** @import {ClerkState} from "/static/kit/protocol.js" */

class ClerkPage {
  constructor() {
    /** @type {Line<ClerkState>} */
    this.line = new Line(async () => (await ask("POST", "/api/line-tickets")).ticket);
    const [left, middle, right] = ["line-column", "person-column", "case-column"].map((name) =>
      el("section", { class: `column ${name}` }),
    );
    this.left = left;
    this.problem = el("p", { class: "note bad page-problem", role: "alert", hidden: true });
    fill(byId("page"), left, middle, right, this.problem);
    this.ring = new Ring();
    this.person = new PersonColumn(
      middle,
      this.line,
      (far) => new Peer(this.line, far),
      (e) => this.refused(e),
    );
    this.case = new CaseColumn(right, this.line);
    this.line.addEventListener("state", () => this.draw());
    this.line.addEventListener("offline", () => this.draw());
    this.line.addEventListener("over", (event) =>
      this.#over(/** @type {CustomEvent} */ (event).detail),
    );
    addEventListener("pointerdown", unlock);
    addEventListener("keydown", unlock);
    addEventListener("keydown", (event) => this.#key(event));
    setInterval(() => this.#tick(), 1000);
    this.line.open();
  }

  /** Show the newest state. */
  draw() {
    const state = this.line.state;
    if (!state) return;
    refresh(
      this.left,
      lineColumn(state, this.line.now(), (step) => this.#set(step)),
    );
    this.person.update(state);
    this.case.update(state);
    const ringing = state.visit?.state === "offered" ? state.visit : null;
    if (ringing) this.ring.start(t("clerk.ring_title", { ticket: ringing.ticket }));
    else this.ring.stop();
  }

  /** Draw anew in another language. */
  redraw() {
    if (!this.line.state) return;
    this.person.redraw();
    this.case.redraw(this.line.state);
    this.draw();
  }

  /** @param {Error} error */
  refused(error) {
    fill(this.problem, t("clerk.refused", { reason: error.message }));
    this.problem.hidden = false;
    setTimeout(() => {
      this.problem.hidden = true;
    }, 6000);
  }

  #tick() {
    const state = this.line.state;
    if (!state) return;
    refresh(
      this.left,
      lineColumn(state, this.line.now(), (step) => this.#set(step)),
    );
    this.person.tick(state);
  }

  /** @param {"be_ready" | "take_break" | "go_off"} step */
  #set(step) {
    this.line.command("set_window", { step }).catch((error) => this.refused(error));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (
      event.repeat ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      target.closest("input, textarea, select, dialog")
    )
      return;
    const state = this.line.state?.window.state ?? "";
    const free = ["off", "ready", "break", "missed"].includes(state);
    const act = /** @type {Record<string, () => void>} */ ({
      a: () => this.person.accept(),
      e: () => this.person.end(),
      m: () => this.person.toggle("audio"),
      v: () => this.person.toggle("video"),
      p: () => this.person.record(),
      s: () => this.person.share(),
      r: () => free && this.#set("be_ready"),
      b: () => free && this.#set("take_break"),
      f: () => state === "wrap_up" && this.case.finish(true),
    })[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  /** @param {number} code */
  #over(code) {
    this.ring.stop();
    this.person.peer.close();
    const key = code === 4001 ? "over.elsewhere" : "over.signed_out";
    fill(
      byId("page"),
      el(
        "div",
        { class: "card stack sign-in" },
        el("h1", null, t(`clerk.${key}`)),
        el("button", { class: "primary", onclick: () => location.reload() }, t("over.again")),
      ),
    );
  }
}

/** @type {ClerkPage | null} */
let page = null;
await signIn(
  "clerk",
  () => {
    page = new ClerkPage();
  },
  () => page?.redraw(),
);
