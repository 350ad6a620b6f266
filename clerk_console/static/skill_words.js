// @ts-check
/** How are skills, and changes of them, said in words? */

import { nameOf, t } from "/static/kit/words.js";

/** @import {SkillEdits} from "./skill_edits.js" */

/** @param {string} what @param {Map<string, string>} queues their names */
export function skillInWords(what, queues) {
  if (what === "languages" || what === "capacity") return t(`skills.${what}`);
  return queues.get(what) ?? what;
}

/** @param {string} what @param {any} value */
export function valueInWords(what, value) {
  if (what === "languages")
    return value.map((/** @type {string} */ code) => t(`spoken.${code}`)).join(" · ") || "–";
  if (what === "capacity") return String(value);
  return t(`skills.level.${value}`);
}

/**
 * What is changed and not saved, for a preview.
 * @param {SkillEdits} edits
 * @param {Map<string, string>} queues their names
 */
export function editsInWords(edits, queues) {
  return edits.differences().map(({ clerk, what, before, after }) => {
    const one = edits.clerks.find((each) => each.clerk === clerk);
    return {
      what: `${one ? nameOf(one) : clerk} · ${skillInWords(what, queues)}`,
      before: valueInWords(what, before),
      after: valueInWords(what, after),
    };
  });
}
