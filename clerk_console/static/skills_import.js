// @ts-check
/**
 * What would a spreadsheet change? Pasted or chosen, tried first with every change and every bad
 * row, then taken in as a whole. A dialog of the skills section.
 */

import { nameOf, t } from "/static/kit/words.js";
import { changeList } from "./change_preview.js";
import { skillInWords, valueInWords } from "./skill_words.js";
import { SpreadsheetImport } from "./spreadsheet_import.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Queue} from "./queue_form.js" */

export class SkillsImport {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {CityView} city
   * @param {Queue[]} queues
   * @param {(count: number) => Promise<void>} done
   */
  constructor(dialog, city, queues, done) {
    const names = new Map(queues.map((queue) => [queue.id, nameOf(queue)]));
    new SpreadsheetImport(dialog, {
      title: t("skills.import"),
      hint: t("skills.import_hint"),
      example: `clerk,queue,level,languages,capacity\njiaxing1,${queues[0]?.id ?? ""},primary,cmn;en,2`,
      path: `/api/cities/${city.code}/skills/import`,
      count: (report) => report.changes.length,
      show: (report) =>
        changeList(
          report.changes.map((/** @type {any} */ change) => {
            const what = change.what === "level" ? change.queue : change.what;
            /** @param {string} value */
            const said = (value) =>
              valueInWords(what, what === "languages" ? value.split(";").filter(Boolean) : value);
            return {
              what: `${nameOf(change)} · ${skillInWords(what, names)}`,
              before: said(change.before),
              after: said(change.after),
            };
          }),
        ),
      done: (report) => done(report.changes.length),
    });
  }
}
