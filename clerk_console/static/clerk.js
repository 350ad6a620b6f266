// @ts-check
/**
 * What does the clerk's page show? Joins sign-in, line, ring and the three columns.
 */

import { ask } from "/static/kit/api.js";
import { unlock } from "/static/kit/chime.js";
import { byId, el, fill } from "/static/kit/dom.js";
import { Line } from "/static/kit/line.js";
import { Peer } from "/static/kit/peer.js";
import { nameOf, t } from "/static/kit/words.js";
import { AsideRecords } from "./aside.js";
import { CaseColumn } from "./case_column.js";
import { ringing } from "./desk_state.js";
import { LineColumn } from "./line_column.js";
import { PersonColumn } from "./person_column.js";
import { Ring } from "./ring.js";
import { signIn } from "./sign_in.js";

/** @import {ClerkState, QueueEntry} from "/static/kit/protocol.js" */

class ClerkPage {
  constructor() {
    /** @type {Line<ClerkState>} */
    this.line = new Line(async () => (await ask("POST", "/api/line-tickets")).ticket);
    const [left, middle, right] = ["line-column", "person-column", "case-column"].map((name) =>
      el("section", { class: `column ${name}` }),
    );
    this.problem = el("p", { class: "note bad page-problem", role: "alert", hidden: true });
    fill(byId("page"), left, middle, right, this.problem);
    this.ring = new Ring();
    const casePlace = el("div", { class: "case" });
    this.case = new CaseColumn(casePlace, this.line);
    this.aside = new AsideRecords(this.line);
    fill(right, casePlace, this.aside.node);
    this.person = new PersonColumn(
      middle,
      this.line,
      (far) => new Peer(this.line, far, "resident"),
      () => this.case.keep(),
      (e) => this.refused(e),
    );
    this.column = new LineColumn(left, (step) => this.#set(step), {
      pull: (entry) => this.#pull(entry),
      call: (entry) => this.#callBack(entry),
    });
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
    this.column.update(state, this.line.now());
    this.person.update(state);
    this.case.update(state);
    this.aside.update(state);
    const rings = ringing(state);
    if (rings) this.ring.start(t("clerk.ring_title", { ticket: rings.visit.ticket }));
    else this.ring.stop();
  }

  /** Draw anew in another language. */
  redraw() {
    if (!this.line.state) return;
    this.column.redraw();
    this.person.redraw();
    this.case.redraw(this.line.state);
    this.aside.redraw(this.line.state);
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
    this.column.update(state, this.line.now());
    this.person.tick(state);
  }

  /** @param {"be_ready" | "take_break" | "go_off"} step */
  #set(step) {
    this.line.command("set_window", { step }).catch((error) => this.refused(error));
  }

  /** Take a visit of one's own choice, which begins its call. @param {QueueEntry} entry */
  #pull({ visit, ticket }) {
    this.person.confirming.ask(t("clerk.pull.question", { ticket }), t("dialog.no"), {
      words: t("clerk.pull"),
      id: "pull-yes",
      act: () => this.line.command("pull", { visit }).catch((error) => this.refused(error)),
    });
  }

  /** Show the number, and note that it was called. @param {QueueEntry} entry */
  #callBack({ visit, ticket, contact, matter_zh, matter_en }) {
    const matter = nameOf({ name_zh: matter_zh, name_en: matter_en });
    const question = el(
      "div",
      { class: "stack" },
      el("p", null, t("clerk.call_back.question", { ticket, matter })),
      el("p", { class: "contact" }, contact),
    );
    this.person.confirming.ask(question, t("clerk.call_back.not"), {
      words: t("clerk.call_back.done"),
      id: "called-yes",
      act: () => this.line.command("call_back", { visit }).catch((error) => this.refused(error)),
    });
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
      x: () => this.person.decline(),
      t: () => this.person.transfer(),
      w: () => this.person.threeWay(),
      h: () => this.person.handOver(),
      c: () => this.person.endConsult(),
      l: () => this.column.waiting.focus(),
      e: () => this.person.end(),
      m: () => this.person.toggle("audio"),
      v: () => this.person.toggle("video"),
      p: () => this.person.record(),
      s: () => this.person.share(),
      d: () => this.person.chooseDevices(),
      r: () => free && this.#set("be_ready"),
      b: () => free && this.#set("take_break"),
      o: () => free && this.#set("go_off"),
      f: () => state === "wrap_up" && this.case.finish(true),
      k: () => state === "wrap_up" && this.case.finish(false),
      g: () => state === "wrap_up" && this.case.setAside(),
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
