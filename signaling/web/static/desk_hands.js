// @ts-check
/**
 * What do fingers, mouse and keys do on the shared desk? Point, draw, move and zoom.
 *
 * Two fingers zoom whatever the tool, the wheel too. What follows from it is `shared_desk.js`.
 */

/** @import {Place} from "./desk_geometry.js" */
/** @import {SharedDesk} from "./shared_desk.js" */

import { moved, onPage, simplified, within, zoomed } from "./desk_geometry.js";

const STEP = 0.1;
const NEARER = 1.25;

export class Hands {
  /** @param {SharedDesk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {Map<number, Place>} fingers and mouse buttons that are down, on the canvas */
    this.fingers = new Map();
    const { canvas, node } = desk;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("pointerleave", () => this.#away());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    node.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Whatever was begun is not finished: another page lies there. */
  letGo() {
    this.fingers.clear();
    this.desk.stroke = null;
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.desk.page || event.button > 0) return;
    this.desk.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    if (this.fingers.size > 1)
      this.desk.stroke = null; // two fingers zoom, whatever the tool
    else if (this.desk.tool === "pen" || this.desk.tool === "highlight") {
      const { x, y } = this.#place(event);
      this.desk.stroke = {
        mark: crypto.randomUUID(),
        tool: this.desk.tool,
        places: [x, y],
        told: 0,
      };
    }
    this.#pointOrDraw(event);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.desk.page) return;
    const before = this.fingers.get(event.pointerId);
    if (before) {
      const at = { x: event.offsetX, y: event.offsetY };
      if (this.fingers.size === 2) return this.#pinch(event.pointerId, before, at);
      this.fingers.set(event.pointerId, at);
      if (this.desk.tool === "move") return this.#drag(before, at);
    }
    this.#pointOrDraw(event);
  }

  /** @param {PointerEvent} event */
  #pointOrDraw(event) {
    const page = this.desk.page?.id;
    if (!page) return;
    if (this.desk.stroke) {
      const each = event.getCoalescedEvents?.() ?? [];
      for (const part of each.length ? each : [event]) {
        const { x, y } = this.#place(part);
        this.desk.stroke.places.push(x, y);
      }
      this.desk.tell({
        gesture: "stroke",
        page,
        mark: "",
        tool: this.desk.stroke.tool,
        start: 0,
        places: [],
      });
      this.desk.draw();
    } else if (this.desk.tool !== "move" && this.fingers.size < 2) {
      const { x, y } = this.#place(event);
      this.desk.tell({ gesture: "pointer", page, x, y, here: true });
    }
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.fingers.delete(event.pointerId);
    const { stroke } = this.desk;
    const page = this.desk.page;
    this.desk.stroke = null;
    this.desk.untold.delete("stroke");
    if (stroke && page) {
      const places = simplified(stroke.places);
      const { mark, tool } = stroke;
      this.desk.waiting.set(mark, { id: mark, author: this.desk.party, tool, places });
      this.desk.change({ change: "add_mark", page: page.id, mark, tool, places });
    } else if (event.pointerType === "touch") this.#away();
    this.desk.draw();
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    this.fingers.delete(event.pointerId);
    this.desk.stroke = null;
    this.desk.draw();
  }

  #away() {
    const page = this.desk.page?.id;
    if (page && !this.fingers.size)
      this.desk.tell({ gesture: "pointer", page, x: 0, y: 0, here: false });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.desk.page) return;
    event.preventDefault();
    const at = this.#place(event);
    this.desk.zoomTo(zoomed(this.desk.zoom, NEARER ** -Math.sign(event.deltaY), at));
  }

  /**
   * @param {number} finger
   * @param {Place} before
   * @param {Place} at
   */
  #pinch(finger, before, at) {
    const page = this.desk.page;
    const other = [...this.fingers].find(([id]) => id !== finger)?.[1];
    if (!page || !other) return;
    const grows = distance(at, other) / Math.max(1, distance(before, other));
    const middle = onPage(this.desk.matrix(page), page, {
      x: (at.x + other.x) / 2,
      y: (at.y + other.y) / 2,
    });
    this.fingers.set(finger, at);
    this.desk.zoomTo(zoomed(this.desk.zoom, grows, within(middle)));
  }

  /**
   * @param {Place} before
   * @param {Place} at
   */
  #drag(before, at) {
    const page = this.desk.page;
    if (!page) return;
    const matrix = this.desk.matrix(page);
    const [from, to] = [onPage(matrix, page, before), onPage(matrix, page, at)];
    this.desk.zoomTo(moved(this.desk.zoom, from.x - to.x, from.y - to.y));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.desk.page) return;
    const { width, height } = this.desk.zoom;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.desk.nearer(NEARER),
      "=": () => this.desk.nearer(NEARER),
      "-": () => this.desk.nearer(1 / NEARER),
      0: () => this.desk.whole(),
      ArrowLeft: () => this.desk.zoomTo(moved(this.desk.zoom, -STEP * width, 0)),
      ArrowRight: () => this.desk.zoomTo(moved(this.desk.zoom, STEP * width, 0)),
      ArrowUp: () => this.desk.zoomTo(moved(this.desk.zoom, 0, -STEP * height)),
      ArrowDown: () => this.desk.zoomTo(moved(this.desk.zoom, 0, STEP * height)),
      r: () => this.desk.turn(),
      Escape: () => {
        this.desk.stroke = null;
        this.desk.draw();
      },
    };
    const withControl = event.ctrlKey || event.metaKey;
    const undoes = withControl && event.key === "z";
    const act = undoes
      ? () => this.desk.undo()
      : withControl || event.altKey
        ? null
        : keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /**
   * @param {MouseEvent} event
   * @returns {Place}
   */
  #place(event) {
    const page = this.desk.page;
    if (!page) return { x: 0, y: 0 };
    return within(onPage(this.desk.matrix(page), page, { x: event.offsetX, y: event.offsetY }));
  }
}

/**
 * @param {Place} a
 * @param {Place} b
 */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
