// @ts-check
/**
 * Pasted or chosen from a file, tried, then taken in whole or not at all: the dialog of an import.
 * What a file changes is shown by who imports; every bad row is listed here.
 */

import { ask } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";
import { wrongInWords } from "./form_fields.js";
import { message } from "./told.js";

/** @typedef {{line: number, column: string, reason: string}} Fault */
/** @typedef {{kept: boolean, encoding: string, faults: Fault[], [more: string]: any}} Report */
/**
 * @typedef {{title: string, hint: string, example: string, path: string,
 *   count: (report: Report) => number, show: (report: Report) => HTMLElement,
 *   done: (report: Report) => Promise<void>}} What
 */

export class SpreadsheetImport {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {What} what
   */
  constructor(dialog, what) {
    this.dialog = dialog;
    this.what = what;
    this.text = el("textarea", {
      id: "paste",
      rows: 8,
      placeholder: what.example,
      spellcheck: false,
      oninput: () => {
        this.file.value = "";
        this.#again();
      },
    });
    this.file = el("input", {
      type: "file",
      id: "csv",
      accept: ".csv,.txt,text/csv,text/plain",
      onchange: () => this.#again(),
    });
    this.report = el("section", { class: "stack", "aria-live": "polite" });
    this.take = el(
      "button",
      { class: "primary", "data-act": "take-in", disabled: true, onclick: () => this.#run(false) },
      t("import.take"),
    );
    dialog.setAttribute("aria-label", what.title);
    fill(
      dialog,
      el(
        "div",
        { class: "stack" },
        el("h2", null, what.title),
        el("p", { class: "soft" }, what.hint),
        el("label", { for: "paste" }, t("import.paste")),
        this.text,
        el("label", { for: "csv" }, t("import.file")),
        this.file,
        this.report,
        el(
          "div",
          { class: "row" },
          el("button", { onclick: () => dialog.close() }, t("dialog.no")),
          el("span", { class: "grow" }),
          el("button", { id: "try-import", onclick: () => this.#run(true) }, t("import.try")),
          this.take,
        ),
      ),
    );
    dialog.showModal();
  }

  /** What was tried is not what is here any more. */
  #again() {
    this.take.disabled = true;
    fill(this.report);
  }

  /** @param {boolean} dryRun */
  async #run(dryRun) {
    const content = this.file.files?.[0] ?? new Blob([this.text.value]);
    fill(this.report, el("p", { class: "soft" }, t("admin.loading")));
    this.take.disabled = true;
    try {
      /** @type {Report} */
      const report = await ask("POST", `${this.what.path}${dryRun ? "?dry_run=yes" : ""}`, content);
      if (report.kept) {
        this.dialog.close();
        await this.what.done(report);
        return;
      }
      const count = this.what.count(report);
      this.take.disabled = report.faults.length > 0 || count === 0;
      fill(
        this.report,
        ...(report.faults.length
          ? [
              el("p", { class: "note bad" }, t("import.faults", { count: report.faults.length })),
              faultTable(report.faults),
            ]
          : [
              el("p", { class: "note" }, t(count ? "import.changes" : "preview.none", { count })),
              this.what.show(report),
            ]),
      );
    } catch (error) {
      fill(
        this.report,
        el(
          "p",
          { class: "note bad", role: "alert" },
          t("supervisor.failed", { reason: message(error) }),
        ),
      );
    }
  }
}

/** @param {Fault[]} faults */
function faultTable(faults) {
  return el(
    "table",
    { class: "faults" },
    el(
      "thead",
      null,
      el(
        "tr",
        null,
        ...["line", "column", "reason"].map((name) =>
          el("th", { scope: "col" }, t(`import.head.${name}`)),
        ),
      ),
    ),
    el(
      "tbody",
      null,
      ...faults.map((fault) =>
        el(
          "tr",
          null,
          el("td", null, String(fault.line)),
          el("td", null, fault.column || t("import.whole_line")),
          el("td", null, wrongInWords(fault.column ? `row_${fault.column}` : "row", fault.reason)),
        ),
      ),
    ),
  );
}
