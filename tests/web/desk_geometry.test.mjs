import assert from "node:assert/strict";
import { test } from "node:test";
import {
  grown,
  moved,
  onPage,
  onScreen,
  placement,
  simplified,
  tail,
  WHOLE,
  within,
  zoomed,
} from "../../signaling/web/static/desk_geometry.js";

const A4 = { id: "p", width: 2480, height: 3508 };
const BOXES = [
  { width: 1080, height: 1920 },
  { width: 1440, height: 600 },
  { width: 300, height: 300 },
];
const ZOOMS = [WHOLE, { x: 0.5, y: 0.25, width: 0.25, height: 0.25 }];
const CORNERS = [
  { x: 0, y: 0 },
  { x: 1, y: 0 },
  { x: 1, y: 1 },
  { x: 0, y: 1 },
];

/** @param {number} a @param {number} b */
const near = (a, b, message = "") =>
  assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b} ${message}`);

test("a place of the page is found again on every screen, turned and zoomed", () => {
  for (const box of BOXES)
    for (const rotation of [0, 90, 180, 270])
      for (const zoom of ZOOMS) {
        const matrix = placement(A4, rotation, zoom, box);
        for (const place of [...CORNERS, { x: 0.3, y: 0.7 }]) {
          const back = onPage(matrix, A4, onScreen(matrix, A4, place));
          near(back.x, place.x);
          near(back.y, place.y);
        }
      }
});

test("the whole window is in sight on every screen and touches two of its edges", () => {
  for (const box of BOXES)
    for (const rotation of [0, 90, 180, 270])
      for (const zoom of ZOOMS) {
        const matrix = placement(A4, rotation, zoom, box);
        const seen = CORNERS.map(({ x, y }) =>
          onScreen(matrix, A4, { x: zoom.x + x * zoom.width, y: zoom.y + y * zoom.height }),
        );
        const xs = seen.map((at) => at.x);
        const ys = seen.map((at) => at.y);
        const spaces = [
          [Math.min(...xs), box.width - Math.max(...xs)],
          [Math.min(...ys), box.height - Math.max(...ys)],
        ];
        for (const [before, after] of spaces) {
          assert.ok(before > -1e-6);
          near(before, after, "it is in the middle");
        }
        near(Math.min(...spaces.flat()), 0);
      }
});

test("a page turned clockwise has its top at the right", () => {
  const box = { width: 3508, height: 2480 };
  const at = onScreen(placement(A4, 90, WHOLE, box), A4, { x: 0, y: 0 });
  near(at.x, box.width);
  near(at.y, 0);
  const under = onScreen(placement(A4, 270, WHOLE, box), A4, { x: 0, y: 0 });
  near(under.x, 0);
  near(under.y, box.height);
});

test("what is under the finger stays there when one zooms, as long as the page does not end", () => {
  const at = { x: 0.4, y: 0.6 };
  const nearer = zoomed(WHOLE, 2, at);
  assert.deepEqual(nearer, { x: 0.2, y: 0.3, width: 0.5, height: 0.5 });
  assert.deepEqual(zoomed(nearer, 0.5, at), WHOLE);
});

test("a window stays on the page and is never less than a twentieth of it", () => {
  let zoom = WHOLE;
  for (let step = 0; step < 20; step++) zoom = zoomed(zoom, 1.7, { x: 1, y: 0 });
  assert.deepEqual(zoom, { x: 0.95, y: 0, width: 0.05, height: 0.05 });
  assert.deepEqual(moved(zoom, 0.5, -0.5), zoom);
  assert.deepEqual(moved(zoom, -2, 2), { x: 0, y: 0.95, width: 0.05, height: 0.05 });
  assert.deepEqual(zoomed(zoom, 0.001, { x: 0, y: 0 }), WHOLE);
});

test("a place beyond the page is moved to its edge", () => {
  assert.deepEqual(within({ x: -0.2, y: 1.5 }), { x: 0, y: 1 });
  assert.deepEqual(within({ x: 0.123456, y: 0.5 }), { x: 0.1235, y: 0.5 });
});

test("a straight line is two places, a corner three, a dot one", () => {
  const line = Array.from({ length: 100 }, (_, i) => [i / 100, i / 200]).flat();
  assert.deepEqual(simplified(line), [0, 0, 0.99, 0.495]);
  const corner = [...line, ...Array.from({ length: 50 }, (_, i) => [0.99, 0.495 + i / 100]).flat()];
  assert.deepEqual(simplified(corner), [0, 0, 0.99, 0.495, 0.99, 0.985]);
  assert.deepEqual(simplified([0.5, 0.5]), [0.5, 0.5]);
  assert.deepEqual(simplified([0.5, 0.5, 0.5, 0.5]), [0.5, 0.5, 0.5, 0.5]);
});

test("the wildest scribble becomes a mark, from its first to its last place", () => {
  const wild = Array.from({ length: 4000 }, (_, i) => 0.5 + 0.5 * Math.sin(i * i * 0.7));
  const mark = simplified(wild);
  assert.ok(mark.length <= 128);
  assert.ok(mark.length > 2);
  assert.deepEqual(
    [...mark.slice(0, 2), ...mark.slice(-2)],
    [...wild.slice(0, 2), ...wild.slice(-2)],
  );
});

test("a stroke arrives whole, also if every fourth of its messages is lost", () => {
  const places = Array.from({ length: 400 }, (_, i) => i / 400);
  let seen = [];
  let told = 0;
  let message = 0;
  for (let count = 2; count <= 200; count += 2) {
    const said = tail(places.slice(0, 2 * count), told);
    assert.ok(said.places.length <= 64);
    told = count;
    if (++message % 4 !== 1) seen = grown(seen, said.start, said.places);
  }
  assert.deepEqual(seen, places);
});

test("what was missed of a stroke is bridged", () => {
  assert.deepEqual(grown([0, 0, 0.1, 0.1], 7, [0.7, 0.7]), [0, 0, 0.1, 0.1, 0.7, 0.7]);
});
