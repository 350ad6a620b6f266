// @ts-check
/**
 * By which rules is a city's line ordered and shared? Overflow, head starts and agreements, one
 * below the other: a section of the admin's page.
 */

import { el } from "/static/kit/dom.js";
import { nameOf, t } from "/static/kit/words.js";
import { Agreements } from "./agreements.js";
import { HeadStarts } from "./head_starts.js";
import { OverflowRules } from "./overflow_rules.js";

/** @import {CityView} from "/static/kit/protocol.js" */
/** @import {Account} from "./sign_in.js" */

export class RoutingRules {
  /**
   * @param {CityView} city
   * @param {Account} account
   * @param {CityView[]} cities
   */
  constructor(city, account, cities) {
    this.overflows = new OverflowRules(city);
    this.starts = new HeadStarts(city);
    this.agreements = new Agreements(city, account, cities);
    this.place = el(
      "section",
      { class: "stack" },
      el("h1", null, t("rules.title", { city: nameOf(city) })),
      this.overflows.place,
      this.starts.place,
      this.agreements.place,
    );
  }

  get unsaved() {
    return this.overflows.unsaved + this.starts.unsaved;
  }

  close() {}
}
