// @ts-check
/**
 * How do marks and pointers look on the shared desk? Draws them; knows nobody's hands and no line.
 */

/** @import {Mark, Page} from "./protocol.js" */
/** @import {Matrix, Place} from "./desk_geometry.js" */

import { onScreen } from "./desk_geometry.js";

const PEN = 0.003; // of the page's width
const HIGHLIGHT = 0.03;

/** @typedef {{party: string, name: string, at: Place}} FarPointer */

/**
 * Draw everything anew; without a page nothing is there.
 * @param {HTMLCanvasElement} canvas
 * @param {Page | null} page
 * @param {Matrix | null} matrix from pixels of the page to those of the canvas's box
 * @param {Mark[]} marks
 * @param {FarPointer[]} pointers
 */
export function paint(canvas, page, matrix, marks, pointers) {
  const ratio = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  if (!page || !matrix) return;
  const style = getComputedStyle(canvas);
  for (const mark of marks) line(context, style, matrix, page, mark);
  for (const { at, ...far } of pointers) pointer(context, style, onScreen(matrix, page, at), far);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {CSSStyleDeclaration} style
 * @param {Matrix} matrix
 * @param {Page} page
 * @param {Mark} mark
 */
function line(context, style, matrix, page, { author, tool, places }) {
  const scale = Math.hypot(matrix[0], matrix[1]) * page.width;
  context.lineWidth = Math.max(2, scale * (tool === "pen" ? PEN : HIGHLIGHT));
  context.lineCap = context.lineJoin = "round";
  context.globalAlpha = tool === "pen" ? 1 : 0.35;
  context.strokeStyle = colour(style, author);
  context.beginPath();
  for (let i = 0; i < places.length; i += 2) {
    const { x, y } = onScreen(matrix, page, { x: places[i], y: places[i + 1] });
    context.lineTo(x, y);
    if (places.length === 2) context.lineTo(x, y); // a dot
  }
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * A dot with the name of who points.
 * @param {CanvasRenderingContext2D} context
 * @param {CSSStyleDeclaration} style
 * @param {Place} at
 * @param {{party: string, name: string}} far
 */
function pointer(context, style, { x, y }, { party, name }) {
  context.fillStyle = colour(style, party);
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.fill();
  context.font = `600 16px ${style.fontFamily}`;
  const width = context.measureText(name).width + 16;
  const left = Math.max(0, Math.min(x + 14, context.canvas.clientWidth - width));
  const top = Math.min(y + 10, context.canvas.clientHeight - 26);
  context.fillRect(left, top, width, 26);
  context.fillStyle = style.getPropertyValue("--mark-ink");
  context.fillText(name, left + 8, top + 19);
}

/**
 * @param {CSSStyleDeclaration} style
 * @param {string} party
 */
function colour(style, party) {
  const kind = party === "resident" || party === "clerk" ? party : "other";
  return style.getPropertyValue(`--mark-${kind}`);
}
