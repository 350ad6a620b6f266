// @ts-check
/**
 * Where on a screen is a place of a page, and what is a line made of? Pure; no page is touched.
 *
 * Places are shares of the page's width and height as it was scanned, from its top left, and lists
 * of them are x, y, x, y, …: the same on every screen, however the page is turned and zoomed.
 */

/** @import {Page, Zoom} from "./protocol.js" */

/** @typedef {{width: number, height: number}} Box css pixels */
/** @typedef {{x: number, y: number}} Place */
/** @typedef {[number, number, number, number, number, number]} Matrix as canvas and CSS take it */

export const WHOLE = { x: 0, y: 0, width: 1, height: 1 };
const SMALLEST = 0.05;
const PLACES_OF_MARK = 64;
const PLACES_OF_STROKE = 32;
const TOLD_AGAIN = 8; // so that one lost message of a stroke leaves no gap
const FINEST = 0.0005; // a share: about a pixel of a page that fills a screen

/**
 * From pixels of the page as it was scanned to pixels of the box: turned, and so large that the
 * whole window of `zoom` is in sight, in the middle.
 * @param {Page} page
 * @param {number} rotation clockwise, in degrees
 * @param {Zoom} zoom
 * @param {Box} box
 * @returns {Matrix}
 */
export function placement(page, rotation, zoom, box) {
  const [a, b, c, d, e, f] = turn(page, rotation);
  const left = zoom.x * page.width;
  const top = zoom.y * page.height;
  const right = left + zoom.width * page.width;
  const bottom = top + zoom.height * page.height;
  const xs = [a * left + c * top + e, a * right + c * bottom + e];
  const ys = [b * left + d * top + f, b * right + d * bottom + f];
  const width = Math.abs(xs[1] - xs[0]);
  const height = Math.abs(ys[1] - ys[0]);
  const scale = Math.min(box.width / width, box.height / height);
  const x = box.width / 2 - ((xs[0] + xs[1]) / 2) * scale;
  const y = box.height / 2 - ((ys[0] + ys[1]) / 2) * scale;
  return [a * scale, b * scale, c * scale, d * scale, e * scale + x, f * scale + y];
}

/**
 * @param {Page} page
 * @param {number} rotation
 * @returns {Matrix}
 */
function turn({ width, height }, rotation) {
  if (rotation === 90) return [0, 1, -1, 0, height, 0];
  if (rotation === 180) return [-1, 0, 0, -1, width, height];
  if (rotation === 270) return [0, -1, 1, 0, 0, width];
  return [1, 0, 0, 1, 0, 0];
}

/**
 * Where in the box a place of the page is.
 * @param {Matrix} matrix
 * @param {Page} page
 * @param {Place} place
 * @returns {Place}
 */
export function onScreen([a, b, c, d, e, f], page, place) {
  const u = place.x * page.width;
  const v = place.y * page.height;
  return { x: a * u + c * v + e, y: b * u + d * v + f };
}

/**
 * Which place of the page is there in the box; it may be beyond the page.
 * @param {Matrix} matrix
 * @param {Page} page
 * @param {Place} at
 * @returns {Place}
 */
export function onPage([a, b, c, d, e, f], page, at) {
  const determinant = a * d - b * c;
  const x = at.x - e;
  const y = at.y - f;
  return {
    x: (d * x - c * y) / determinant / page.width,
    y: (a * y - b * x) / determinant / page.height,
  };
}

/**
 * The nearest place that is on the page, as exact as it is kept.
 * @param {Place} place
 * @returns {Place}
 */
export function within({ x, y }) {
  return { x: round(Math.min(1, Math.max(0, x))), y: round(Math.min(1, Math.max(0, y))) };
}

/**
 * A window so many times as near, in which `at` stays where it is; and moved onto the page.
 * @param {Zoom} zoom
 * @param {number} factor more than 1 is nearer
 * @param {Place} at
 * @returns {Zoom}
 */
export function zoomed(zoom, factor, at) {
  const size = Math.min(1, Math.max(SMALLEST, zoom.width / factor));
  const share = size / zoom.width;
  const height = Math.min(1, Math.max(SMALLEST, zoom.height * share));
  return onto({
    x: at.x - (at.x - zoom.x) * share,
    y: at.y - (at.y - zoom.y) * (height / zoom.height),
    width: size,
    height,
  });
}

/**
 * The window moved by so much of the page, but not off it.
 * @param {Zoom} zoom
 * @param {number} dx
 * @param {number} dy
 * @returns {Zoom}
 */
export function moved(zoom, dx, dy) {
  return onto({ ...zoom, x: zoom.x + dx, y: zoom.y + dy });
}

/**
 * @param {Zoom} zoom
 * @returns {Zoom}
 */
function onto({ x, y, width, height }) {
  return {
    x: round(Math.min(1 - width, Math.max(0, x))),
    y: round(Math.min(1 - height, Math.max(0, y))),
    width: round(width),
    height: round(height),
  };
}

/** @param {number} share */
function round(share) {
  return Math.round(share * 10_000) / 10_000;
}

/**
 * The same line by fewer places: as many as a mark may have at most (Douglas and Peucker, 1973).
 * @param {number[]} places
 * @returns {number[]}
 */
export function simplified(places) {
  let tolerance = FINEST;
  let kept = thinned(places, tolerance);
  while (kept.length > 2 * PLACES_OF_MARK) {
    tolerance *= 1.5;
    kept = thinned(places, tolerance);
  }
  return kept;
}

/**
 * @param {number[]} places
 * @param {number} tolerance
 */
function thinned(places, tolerance) {
  const last = places.length / 2 - 1;
  const keeps = new Set([0, last]);
  const spans = [[0, last]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [first, end] = span;
    let far = tolerance;
    let farthest = -1;
    for (let i = first + 1; i < end; i++) {
      const away = distance(places, i, first, end);
      if (away > far) {
        far = away;
        farthest = i;
      }
    }
    if (farthest > 0) {
      keeps.add(farthest);
      spans.push([first, farthest], [farthest, end]);
    }
  }
  return [...keeps].sort((a, b) => a - b).flatMap((i) => [places[2 * i], places[2 * i + 1]]);
}

/**
 * How far place `i` is from the line between two others.
 * @param {number[]} places
 * @param {number} i
 * @param {number} first
 * @param {number} end
 */
function distance(places, i, first, end) {
  const [x, y] = [places[2 * i] - places[2 * first], places[2 * i + 1] - places[2 * first + 1]];
  const dx = places[2 * end] - places[2 * first];
  const dy = places[2 * end + 1] - places[2 * first + 1];
  const length = Math.hypot(dx, dy);
  if (!length) return Math.hypot(x, y);
  const along = Math.min(1, Math.max(0, (x * dx + y * dy) / length ** 2));
  return Math.hypot(x - along * dx, y - along * dy);
}

/**
 * What to tell of a stroke that has grown since `told` places of it were told.
 * @param {number[]} places
 * @param {number} told
 */
export function tail(places, told) {
  const count = places.length / 2;
  const start = Math.max(0, told - TOLD_AGAIN, count - PLACES_OF_STROKE);
  return { start, places: places.slice(2 * start) };
}

/**
 * A stroke of another party after it has told more; what was missed is bridged by a straight line.
 * @param {number[]} places
 * @param {number} start
 * @param {number[]} more
 */
export function grown(places, start, more) {
  return [...places.slice(0, 2 * start), ...more];
}
