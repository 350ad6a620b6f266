// @ts-check
/**
 * Has the resident gone? Calls back when nobody has touched the kiosk for a while.
 */

export const WARN_AFTER_S = 60;
export const WIPE_AFTER_S = 90;

/** Ticks once a second; `tick` gets the seconds left before the wipe, or null while watching is off. */
export class Idle {
  /**
   * @param {(leftS: number | null) => void} tick
   * @param {() => void} wipe
   */
  constructor(tick, wipe) {
    this.tick = tick;
    this.wipe = wipe;
    this.watching = false;
    this.touched = performance.now();
    for (const event of ["pointerdown", "keydown", "input"])
      addEventListener(event, () => this.touch(), { capture: true });
    setInterval(() => this.#look(), 1000);
  }

  /** Somebody is there. */
  touch() {
    this.touched = performance.now();
  }

  /**
   * Watch or not: nobody is hurried while waiting in line or in a call.
   * @param {boolean} on
   */
  watch(on) {
    if (on && !this.watching) this.touch();
    this.watching = on;
  }

  #look() {
    if (!this.watching) {
      this.tick(null);
      return;
    }
    const left = WIPE_AFTER_S - (performance.now() - this.touched) / 1000;
    if (left <= 0) {
      this.watching = false;
      this.wipe();
    } else {
      this.tick(left);
    }
  }
}
