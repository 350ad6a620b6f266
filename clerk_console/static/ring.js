// @ts-check
/**
 * How does an offer ring? A chime every two seconds, and the tab's title.
 */

import { chime } from "/static/kit/chime.js";

const EVERY_MS = 2000;

export class Ring {
  constructor() {
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.title = document.title;
    this.words = "";
  }

  /**
   * Ring until `stop`; again only changes the words.
   * @param {string} title what the tab says meanwhile
   */
  start(title) {
    this.words = title;
    if (this.timer) return;
    this.title = document.title;
    document.title = title;
    chime();
    this.timer = setInterval(() => {
      document.title = document.title === this.title ? this.words : this.title;
      chime();
    }, EVERY_MS);
  }

  /** Be silent. */
  stop() {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = undefined;
    document.title = this.title;
  }
}
