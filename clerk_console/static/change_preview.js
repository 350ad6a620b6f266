// @ts-check
/**
 * What will be different when this goes live? Nothing is saved before it was shown.
 */

import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

/** @typedef {{what: string, before: string, after: string}} Change */

export class ChangePreview {
  /**
   * A form in a dialog: first the form, then what changes, then it is done.
   * @param {HTMLDialogElement} dialog
   * @param {string} title
   * @param {HTMLElement} form
   */
  constructor(dialog, title, form) {
    this.dialog = dialog;
    this.form = form;
    this.told = el("section", { class: "stack", "aria-live": "polite", hidden: true });
    dialog.setAttribute("aria-label", title);
    fill(dialog, el("h2", null, title), form, this.told);
  }

  /** Back to the form, with everything that was typed. */
  back() {
    this.form.hidden = false;
    this.told.hidden = true;
  }

  /**
   * Show what changes; `live` puts it live, `failed` hears why it was refused.
   * @param {Change[]} changes
   * @param {() => Promise<void>} live
   * @param {(error: unknown) => void} failed
   */
  show(changes, live, failed) {
    this.form.hidden = true;
    this.told.hidden = false;
    const go = el(
      "button",
      {
        class: "primary",
        "data-act": "live",
        disabled: changes.length === 0,
        onclick: async () => {
          go.disabled = true;
          try {
            await live();
          } catch (error) {
            this.back();
            failed(error);
          }
        },
      },
      t("preview.live"),
    );
    fill(
      this.told,
      el("h3", null, t(changes.length ? "preview.title" : "preview.none")),
      changeList(changes),
      el(
        "div",
        { class: "row" },
        el("button", { onclick: () => this.back() }, t("preview.back")),
        el("span", { class: "grow" }),
        go,
      ),
    );
    (changes.length ? go : this.told.querySelector("button"))?.focus();
  }
}

/** @param {Change[]} changes */
export function changeList(changes) {
  return el(
    "ul",
    { class: "changes" },
    ...changes.map(({ what, before, after }) =>
      el(
        "li",
        null,
        el("strong", null, what),
        before && el("del", null, before),
        before && after ? el("span", { "aria-label": t("preview.becomes") }, "→") : "",
        after && el("ins", null, after),
      ),
    ),
  );
}
