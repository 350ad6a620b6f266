// @ts-check
/**
 * What do both sides see on the shared desk, and what do they do there? The page's picture, and on
 * it the marks and pointers of everybody in the call; fingers, mouse and keys of this side.
 *
 * What stays comes with the state and goes as commands; what only happens goes as gestures, at
 * most 30 a second. What both sides must agree on is in `desk_geometry.js`, what fingers, mouse and
 * keys do in `desk_hands.js`, how it is drawn in `desk_painting.js`.
 */

/**
 * @import {AddMark, CallView, ChangeDesk, DeskView, Gestured, Gesture, Mark, Page, Zoom}
 *   from "./protocol.js"
 * @import {Place} from "./desk_geometry.js"
 */

import { grown, placement, tail, WHOLE, zoomed } from "./desk_geometry.js";
import { Hands } from "./desk_hands.js";
import { paint } from "./desk_painting.js";
import { el } from "./dom.js";

const TELL_EVERY_MS = 1000 / 30;
const POINTER_STAYS_MS = 3000;
const FAR_ZOOM_STAYS_MS = 1500; // a zoom that never came as a change
const SETTLED_MS = 200;

/** @typedef {"point" | "pen" | "highlight" | "move"} Tool */
/** @typedef {ChangeDesk["change"]} Change */

/**
 * Fires `refused` (detail: the error) where a change was not taken.
 */
export class SharedDesk extends EventTarget {
  /**
   * @param {object} given
   * @param {(change: Change) => Promise<void>} given.change gives the command
   * @param {(made: Gesture["made"]) => void} given.gesture shows it to the others
   * @param {(page: Page) => string} given.picture the address of a page's picture
   * @param {(party: string) => string} given.name what to call another party
   * @param {(page: Page) => string} given.title what a screen reader says of the page
   */
  constructor({ change, gesture, picture, name, title }) {
    super();
    this.give = change;
    this.gesture = gesture;
    this.picture = picture;
    this.name = name;
    this.title = title;
    /** @type {Tool} */
    this.tool = "point";
    this.party = "";
    /** @type {DeskView | null} */
    this.desk = null;
    /** @type {Zoom} */
    this.zoom = WHOLE;
    this.image = el("img", { class: "shared-desk-page", draggable: false, alt: "" });
    this.canvas = el("canvas", { class: "shared-desk-marks", "aria-hidden": "true" });
    this.node = el(
      "div",
      { class: "shared-desk", tabIndex: 0, role: "group" },
      this.image,
      this.canvas,
    );
    /** @type {Map<string, Mark>} own marks that the state does not show yet */
    this.waiting = new Map();
    /** @type {Map<string, Mark>} strokes of others, by party */
    this.growing = new Map();
    /** @type {Map<string, Place & {until: number}>} */
    this.pointers = new Map();
    /** @type {{mark: string, tool: AddMark["tool"], places: number[], told: number} | null} */
    this.stroke = null;
    /** @type {Map<string, Gesture["made"]>} what is told with the next frame, by kind */
    this.untold = new Map();
    this.toldAt = 0;
    this.frame = 0;
    this.drawn = false;
    this.zoomsUntil = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.settling = undefined;
    this.hands = new Hands(this);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.node);
  }

  /** Let go of the page. */
  close() {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
    this.settling = undefined;
  }

  /**
   * Show the desk of this call.
   * @param {CallView | null} call
   */
  show(call) {
    const before = this.desk;
    const desk = call?.desk ?? null;
    this.desk = desk;
    this.party = call?.party ?? "";
    if (desk?.page?.id !== before?.page?.id) this.#opened(desk?.page ?? null);
    if (desk && !this.settling && !sameZoom(desk.zoom, before?.zoom)) this.zoom = desk.zoom;
    for (const mark of desk?.marks ?? []) {
      this.waiting.delete(mark.id);
      if (this.growing.get(mark.author)?.id === mark.id) this.growing.delete(mark.author);
    }
    this.draw();
  }

  /**
   * Another party does something.
   * @param {Gestured} told
   */
  hear({ party, made }) {
    if (made.page !== this.desk?.page?.id) return;
    if (made.gesture === "pointer") {
      if (made.here === false) this.pointers.delete(party);
      else this.pointers.set(party, { x: made.x, y: made.y, until: Date.now() + POINTER_STAYS_MS });
    } else if (made.gesture === "stroke") {
      const before = this.growing.get(party);
      const places = before?.id === made.mark ? before.places : [];
      const grows = grown(places, made.start, made.places);
      this.growing.set(party, { id: made.mark, author: party, tool: made.tool, places: grows });
    } else if (!this.settling) {
      this.zoom = made.zoom;
      this.zoomsUntil = Date.now() + FAR_ZOOM_STAYS_MS;
    }
    this.draw();
  }

  /** The page that lies open. */
  get page() {
    return this.desk?.page ?? null;
  }

  /** The own mark that undo takes away, or null. */
  get last() {
    return this.desk?.marks.findLast((mark) => mark.author === this.party) ?? null;
  }

  /** Take one's last mark away. */
  undo() {
    if (this.last) this.change({ change: "remove_mark", mark: this.last.id });
  }

  /** Take one's marks away; as the serving clerk all. */
  clear() {
    if (this.desk?.page) this.change({ change: "clear_marks", page: this.desk.page.id });
  }

  /** Turn the page clockwise for everybody. */
  turn() {
    const { page, rotation } = this.desk ?? {};
    if (!page || rotation === undefined) return;
    const next = /** @type {DeskView["rotation"]} */ ((rotation + 90) % 360);
    this.change({ change: "turn_page", page: page.id, rotation: next });
  }

  /**
   * Look from nearer (more than 1) or farther, for everybody.
   * @param {number} factor
   */
  nearer(factor) {
    const { x, y, width, height } = this.zoom;
    this.zoomTo(zoomed(this.zoom, factor, { x: x + width / 2, y: y + height / 2 }));
  }

  /** See the whole page again. */
  whole() {
    this.zoomTo(WHOLE);
  }

  /** @param {Change} change */
  async change(change) {
    try {
      await this.give(change);
    } catch (error) {
      if (change.change === "add_mark") this.waiting.delete(change.mark);
      this.draw();
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
    }
  }

  /** @param {Page | null} page */
  #opened(page) {
    for (const kept of [this.waiting, this.growing, this.pointers, this.untold]) kept.clear();
    this.hands.letGo();
    this.stroke = null;
    this.zoom = this.desk?.zoom ?? WHOLE;
    clearTimeout(this.settling);
    this.settling = undefined;
    this.image.hidden = !page;
    this.image.alt = page ? this.title(page) : "";
    if (page) this.image.src = this.picture(page);
    else this.image.removeAttribute("src");
  }

  /** @param {Zoom} zoom */
  zoomTo(zoom) {
    const page = this.desk?.page?.id;
    if (!page || sameZoom(zoom, this.zoom)) return;
    this.zoom = zoom;
    this.tell({ gesture: "zooming", page, zoom });
    clearTimeout(this.settling);
    this.settling = setTimeout(async () => {
      const settled = this.settling;
      await this.change({ change: "zoom_page", page, zoom: this.zoom });
      if (this.settling !== settled) return; // it goes on
      this.settling = undefined;
      this.zoom = this.desk?.zoom ?? WHOLE;
      this.draw();
    }, SETTLED_MS);
    this.draw();
  }

  /**
   * With the next frame, but at most 30 times a second: the newest of each kind.
   * @param {Gesture["made"]} made
   */
  tell(made) {
    this.untold.set(made.gesture, made);
    this.#nextFrame();
  }

  #tellNow() {
    for (const made of this.untold.values()) {
      if (made.gesture !== "stroke") this.gesture(made);
      else if (this.stroke) {
        const { mark, places, told } = this.stroke;
        this.gesture({ ...made, mark, ...tail(places, told) });
        this.stroke.told = places.length / 2;
      }
    }
    this.untold.clear();
  }

  // What is seen

  draw() {
    this.drawn = false;
    this.#nextFrame();
  }

  #nextFrame() {
    if (!this.frame) this.frame = requestAnimationFrame((now) => this.#onFrame(now));
  }

  /** @param {number} now */
  #onFrame(now) {
    this.frame = 0;
    if (this.untold.size && now - this.toldAt >= TELL_EVERY_MS - 1) {
      this.toldAt = now;
      this.#tellNow();
    }
    this.#forget();
    if (!this.drawn) this.#paint();
    if (this.untold.size || this.pointers.size || this.zoomsUntil) this.#nextFrame();
  }

  /** Pointers fade, and a zoom that stopped on the way is taken back. */
  #forget() {
    const now = Date.now();
    for (const [party, { until }] of this.pointers)
      if (until < now) {
        this.pointers.delete(party);
        this.drawn = false;
      }
    if (this.zoomsUntil && this.zoomsUntil < now) {
      this.zoomsUntil = 0;
      if (!this.settling && this.desk) this.zoom = this.desk.zoom;
      this.drawn = false;
    }
  }

  #paint() {
    this.drawn = true;
    const page = this.desk?.page ?? null;
    const matrix = page ? this.matrix(page) : null;
    if (page && matrix)
      Object.assign(this.image.style, {
        width: `${page.width}px`,
        height: `${page.height}px`,
        transform: `matrix(${matrix.join(",")})`,
      });
    const marks = [...(this.desk?.marks ?? []), ...this.waiting.values(), ...this.growing.values()];
    if (this.stroke) {
      const { mark: id, tool, places } = this.stroke;
      marks.push({ id, author: this.party, tool, places });
    }
    const pointers = [...this.pointers].map(([party, at]) => ({
      party,
      name: this.name(party),
      at,
    }));
    paint(this.canvas, page, matrix, marks, pointers);
  }

  /** @param {Page} page */
  matrix(page) {
    const { clientWidth: width, clientHeight: height } = this.node;
    return placement(page, this.desk?.rotation ?? 0, this.zoom, { width, height });
  }
}

/**
 * @param {Zoom} a
 * @param {Zoom | undefined} b
 */
function sameZoom(a, b) {
  return a.x === b?.x && a.y === b.y && a.width === b.width && a.height === b.height;
}
