// @ts-check
/**
 * What has been changed in the skills matrix and not saved? Edits over what the server has, which
 * can be undone one by one and stay when the server's state is read anew. Knows no page.
 */

/** @typedef {"none" | "primary" | "secondary" | "backup"} Level */
/**
 * @typedef {{clerk: string, name_zh: string, name_en: string, version: string,
 *   levels: Record<string, string>, languages: string[], capacity: number}} ClerkSkills
 */

/** @type {Level[]} */
export const LEVELS = ["none", "primary", "secondary", "backup"];

/** @param {string} clerk @param {string} what */
const keyOf = (clerk, what) => `${clerk} ${what}`;

export class SkillEdits {
  constructor() {
    /** @type {ClerkSkills[]} */
    this.clerks = [];
    /** @type {Map<string, any>} by clerk and queue, "languages" or "capacity" */
    this.wanted = new Map();
    /** @type {[string, any][]} what each edit stands in the place of */
    this.past = [];
  }

  get count() {
    return this.wanted.size;
  }

  /** The server's state is this now; edits that it already has are none. @param {ClerkSkills[]} clerks */
  rebase(clerks) {
    this.clerks = clerks;
    for (const [key, value] of [...this.wanted]) {
      const [clerk, what] = key.split(" ");
      const known = clerks.some((one) => one.clerk === clerk);
      if (!known || same(this.#kept(clerk, what), value)) this.wanted.delete(key);
    }
  }

  /** Forget all edits. */
  clear() {
    this.wanted.clear();
    this.past = [];
  }

  /**
   * @param {string} clerk
   * @param {string} what a queue, "languages" or "capacity"
   */
  has(clerk, what) {
    return this.wanted.has(keyOf(clerk, what));
  }

  /**
   * @param {string} clerk
   * @param {string} what
   * @param {Level | string[] | number} value
   */
  set(clerk, what, value) {
    const key = keyOf(clerk, what);
    this.past.push([key, this.wanted.get(key)]);
    if (same(this.#kept(clerk, what), value)) this.wanted.delete(key);
    else this.wanted.set(key, value);
  }

  /** Take back the last edit; whether there was one. */
  undo() {
    const last = this.past.pop();
    if (!last) return false;
    if (last[1] === undefined) this.wanted.delete(last[0]);
    else this.wanted.set(...last);
    return true;
  }

  /** @param {string} clerk @param {string} queue @returns {Level} */
  level(clerk, queue) {
    return this.#now(clerk, queue);
  }

  /** @param {string} clerk @returns {string[]} */
  languages(clerk) {
    return this.#now(clerk, "languages");
  }

  /** @param {string} clerk @returns {number} */
  capacity(clerk) {
    return this.#now(clerk, "capacity");
  }

  /** The changed clerks with all their skills, as the interface wants them. */
  changed() {
    const names = new Set([...this.wanted.keys()].map((key) => key.split(" ")[0]));
    return this.clerks
      .filter((one) => names.has(one.clerk))
      .map((one) => {
        const levels = { ...one.levels };
        for (const [key, level] of this.wanted) {
          const [clerk, what] = key.split(" ");
          if (clerk !== one.clerk || what === "languages" || what === "capacity") continue;
          if (level === "none") delete levels[what];
          else levels[what] = level;
        }
        return {
          clerk: one.clerk,
          version: one.version,
          levels,
          languages: this.languages(one.clerk),
          capacity: this.capacity(one.clerk),
        };
      });
  }

  /** What each edit changes, by clerk and queue, "languages" or "capacity". */
  differences() {
    return [...this.wanted].map(([key, after]) => {
      const [clerk, what] = key.split(" ");
      return { clerk, what, before: this.#kept(clerk, what), after };
    });
  }

  /** @param {string} clerk @param {string} what @returns {any} */
  #now(clerk, what) {
    const key = keyOf(clerk, what);
    return this.wanted.has(key) ? this.wanted.get(key) : this.#kept(clerk, what);
  }

  /** @param {string} clerk @param {string} what @returns {any} */
  #kept(clerk, what) {
    const one = this.clerks.find((each) => each.clerk === clerk);
    if (what === "languages") return one?.languages ?? [];
    if (what === "capacity") return one?.capacity ?? 0;
    return one?.levels[what] ?? "none";
  }
}

/** @param {any} a @param {any} b */
function same(a, b) {
  return Array.isArray(a) ? [...a].sort().join() === [...b].sort().join() : a === b;
}
