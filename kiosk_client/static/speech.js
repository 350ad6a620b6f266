// @ts-check
/**
 * Who reads a screen to a resident who cannot? The browser's own voice, if it has one.
 */

import { el, icon } from "/static/kit/dom.js";
import { t } from "/static/kit/words.js";

globalThis.speechSynthesis?.getVoices(); // the list is empty until it was asked for once

/**
 * A button that reads these sentences, or null where there is no voice.
 * @param {() => string[]} sentences
 */
export function readAloud(sentences) {
  if (!("speechSynthesis" in globalThis) || !speechSynthesis.getVoices().length) return null;
  return el(
    "button",
    { class: "read", onclick: () => speak(sentences().join("。")) },
    icon("speak"),
    t("notice.speak"),
  );
}

/** @param {string} text */
function speak(text) {
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.lang = document.documentElement.lang;
  utterance.rate = 0.9;
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}
