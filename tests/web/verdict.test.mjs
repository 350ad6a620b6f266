import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cameraVerdict,
  lookAt,
  loudspeakerVerdict,
  microphoneVerdict,
  needsHelp,
  settled,
} from "../../kiosk_client/static/verdict.js";

const POINTS = 48 * 36;

/** A picture of a room; `moment` shifts it, `light` scales it from 0 black to 1. */
function room(moment, light = 1) {
  return Array.from({ length: POINTS }, (_, i) => {
    const value = light * (40 + ((i * 7 + moment * 13) % 160));
    return [value, value, value, 255];
  }).flat();
}

/** Looks at these pictures, one after the other. */
function looksAt(pictures) {
  const looks = [];
  for (const picture of pictures) looks.push(lookAt(picture, looks.at(-1)));
  return looks;
}

const moments = (count) => Array.from({ length: count }, (_, moment) => moment);
const moving = looksAt(moments(12).map((moment) => room(moment)));
const still = looksAt(moments(40).map(() => room(0)));
const dark = looksAt(moments(20).map((moment) => room(moment, 0.05)));
const finger = looksAt(moments(20).map(() => Array(POINTS).fill([150, 60, 50, 255]).flat()));

test("a look measures brightness, spread and change", () => {
  const white = Array(POINTS).fill([255, 255, 255, 255]).flat();
  const black = Array(POINTS).fill([0, 0, 0, 255]).flat();
  const first = lookAt(white, undefined);
  assert.deepEqual([first.brightness, first.spread, first.change], [255, 0, 0]);
  assert.equal(lookAt(black, first).change, 255);
});

test("a picture that moves is a camera that works", () => {
  assert.equal(cameraVerdict("", moving, 1), "works");
});

test("the noise of one point is enough to be alive", () => {
  const pictures = moments(20).map((moment) => {
    const picture = room(0);
    const point = 4 * (moment * 31);
    for (const colour of [0, 1, 2]) picture[point + colour] += 1;
    return picture;
  });
  assert.equal(cameraVerdict("", looksAt(pictures), 3), "works");
});

test("a dark picture is covered, after the time a camera needs for its exposure", () => {
  assert.equal(cameraVerdict("", dark, 1), "checking");
  assert.equal(cameraVerdict("", dark, 2), "covered");
});

test("a finger on the lens is covered although it is bright", () => {
  assert.equal(cameraVerdict("", finger, 2), "covered");
});

test("a covered camera works as soon as its cover is taken away", () => {
  assert.equal(cameraVerdict("", [...dark, ...moving], 9), "works");
});

test("a camera covered while it is looked at is covered", () => {
  assert.equal(cameraVerdict("", [...moving, ...dark], 9), "covered");
});

test("a picture that stands still is frozen, but not at once", () => {
  assert.equal(cameraVerdict("", still.slice(0, 10), 1), "checking");
  assert.equal(cameraVerdict("", still, 4), "frozen");
});

test("a picture that moved and then stopped is frozen", () => {
  assert.equal(cameraVerdict("", [...moving, ...still], 9), "frozen");
});

test("a camera that gives no picture is frozen after some seconds", () => {
  assert.equal(cameraVerdict("", [], 4), "checking");
  assert.equal(cameraVerdict("", [], 6), "frozen");
});

test("a fault of the device is its verdict", () => {
  for (const fault of ["absent", "denied", "busy"]) {
    assert.equal(cameraVerdict(fault, moving, 9), fault);
    assert.equal(microphoneVerdict(fault, [-10, -10, -10], 9), fault);
  }
});

test("speech is heard at the third loud look, one knock is not", () => {
  assert.equal(microphoneVerdict("", [-70, -20, -20, -70, -20], 1), "works");
  assert.equal(microphoneVerdict("", [-70, -20, -20, -70, -70], 1), "checking");
});

test("a dead microphone and a silent person are told apart", () => {
  assert.equal(microphoneVerdict("", [-120, -120, -110], 4), "checking");
  assert.equal(microphoneVerdict("", [-120, -120, -110], 6), "silent");
  assert.equal(microphoneVerdict("", [-120, -70, -110], 6), "quiet");
});

test("speaking late is speaking", () => {
  assert.equal(microphoneVerdict("", [...Array(100).fill(-70), -30, -30, -30], 20), "works");
});

const silent = { absent: false, heard: false, answer: null, askedS: null };

test("the tone is waited for, then the resident is asked, then it goes on unproved", () => {
  assert.equal(loudspeakerVerdict(silent), "checking");
  assert.equal(loudspeakerVerdict({ ...silent, askedS: 0 }), "asking");
  assert.equal(loudspeakerVerdict({ ...silent, askedS: 60 }), "unsure");
});

test("a loudspeaker that the microphone hears works, also when the browser lists none", () => {
  assert.equal(loudspeakerVerdict({ ...silent, heard: true, absent: true }), "works");
  assert.equal(loudspeakerVerdict({ ...silent, absent: true }), "absent");
});

test("the resident's word counts more than the microphone's", () => {
  assert.equal(loudspeakerVerdict({ ...silent, heard: true, answer: false }), "unheard");
  assert.equal(loudspeakerVerdict({ ...silent, askedS: 60, answer: true }), "works");
});

test("it is settled when each device works, cannot be proved, or is done without", () => {
  const fine = { camera: "works", microphone: "works", loudspeaker: "unsure" };
  assert.equal(settled(fine, new Set()), true);
  assert.equal(settled({ ...fine, camera: "covered" }, new Set()), false);
  assert.equal(settled({ ...fine, camera: "covered" }, new Set(["camera"])), true);
  assert.equal(settled({ ...fine, loudspeaker: "asking" }, new Set(["camera"])), false);
});

test("waiting and asking offer no repair, every fault does", () => {
  assert.deepEqual(["checking", "works", "unsure", "asking"].filter(needsHelp), []);
  const faults = ["absent", "denied", "busy", "covered", "frozen", "silent", "quiet", "unheard"];
  assert.deepEqual(faults.filter(needsHelp), faults);
});
