// @ts-check
/**
 * Is that really meant? One dialog for everything that cannot be undone.
 */

import { el, fill } from "/static/kit/dom.js";

/** @typedef {{words: string, act: () => void, id?: string, class?: string}} Answer */

export class Confirming {
  constructor() {
    this.node = el("dialog", { class: "dialog" });
  }

  /**
   * @param {string | Node} question
   * @param {string} no
   * @param {...Answer} answers
   */
  ask(question, no, ...answers) {
    if (this.node.open) return;
    const words = typeof question === "string" ? el("p", null, question) : question;
    fill(
      this.node,
      words,
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.node.close() }, no),
        ...answers.map((answer) =>
          el(
            "button",
            {
              class: answer.class ?? "primary",
              id: answer.id,
              onclick: () => {
                this.node.close();
                answer.act();
              },
            },
            answer.words,
          ),
        ),
      ),
    );
    this.node.setAttribute("aria-label", words.textContent ?? "");
    this.node.showModal();
  }
}
