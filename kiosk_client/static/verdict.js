// @ts-check
/**
 * Is this device good enough for a call? What was seen and heard in, a verdict out. Pure: no
 * device, no page, no clock.
 */

/** @typedef {"camera" | "microphone" | "loudspeaker"} Device */
/** @typedef {"absent" | "denied" | "busy"} Fault */
/** @typedef {"checking" | "works" | "covered" | "frozen" | Fault} CameraVerdict */
/** @typedef {"checking" | "works" | "silent" | "quiet" | Fault} MicrophoneVerdict */
/** @typedef {"checking" | "works" | "unsure" | "asking" | "unheard" | "absent"} LoudspeakerVerdict */
/** @typedef {CameraVerdict | MicrophoneVerdict | LoudspeakerVerdict} Verdict */
/** @typedef {Record<Device, Verdict>} Verdicts */
/**
 * @typedef {object} Look one look at the camera's picture
 * @property {number} brightness the mean, 0 black to 255 white
 * @property {number} spread the standard deviation: a picture of nothing has none
 * @property {number} change the largest change of a point since the look before
 * @property {Uint8Array} points
 */

/** @type {Device[]} */
export const DEVICES = ["camera", "microphone", "loudspeaker"];
const DARK = 24;
const DARK_SPREAD = 14; // stars of noise under a cap
const FLAT_SPREAD = 3; // a finger on the lens is bright but shows nothing
const RECENT_LOOKS = 20; // two seconds: a busy machine may leave out a second of pictures
const MOVES = 2;
const EXPOSED_AFTER_S = 1.5; // a camera begins dark
const FROZEN_AFTER_S = 2.5;
const NO_PICTURE_AFTER_S = 5;
const LOUD_DB = -45;
const LOUD_LOOKS = 3;
const DEAD_DB = -95; // below what 16 bits can say
const SPEAK_WITHIN_S = 5;
const ANSWER_WITHIN_S = 8;

/**
 * A look at a picture given as red, green, blue, alpha.
 * @param {ArrayLike<number>} pixels
 * @param {Look | undefined} before
 * @returns {Look}
 */
export function lookAt(pixels, before) {
  const points = new Uint8Array(pixels.length / 4);
  let [sum, squares, change] = [0, 0, 0];
  for (let i = 0; i < points.length; i++) {
    const [red, green, blue] = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]];
    const point = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    points[i] = point;
    sum += point;
    squares += point * point;
    if (before) change = Math.max(change, Math.abs(point - before.points[i]));
  }
  const brightness = sum / points.length;
  const spread = Math.sqrt(Math.max(0, squares / points.length - brightness * brightness));
  return { brightness, spread, change, points };
}

/**
 * A living camera is never twice the same, to the last point: its sensor has noise.
 * @param {Fault | ""} fault
 * @param {Look[]} looks oldest first
 * @param {number} seconds since the camera was asked for a picture
 * @returns {CameraVerdict}
 */
export function cameraVerdict(fault, looks, seconds) {
  if (fault) return fault;
  const recent = looks.slice(-RECENT_LOOKS);
  if (recent.length <= MOVES) return seconds < NO_PICTURE_AFTER_S ? "checking" : "frozen";
  const shown = recent.slice(-MOVES - 1);
  if (shown.every(showsNothing)) return seconds < EXPOSED_AFTER_S ? "checking" : "covered";
  if (shown.some(showsNothing)) return "checking";
  if (recent.filter((look) => look.change > 0).length >= MOVES) return "works";
  return seconds < FROZEN_AFTER_S ? "checking" : "frozen";
}

/** @param {Look} look */
function showsNothing({ brightness, spread }) {
  return (brightness < DARK && spread < DARK_SPREAD) || spread < FLAT_SPREAD;
}

/**
 * @param {Fault | ""} fault
 * @param {number[]} levels in decibels of full scale
 * @param {number} seconds since listening began
 * @returns {MicrophoneVerdict}
 */
export function microphoneVerdict(fault, levels, seconds) {
  if (fault) return fault;
  if (levels.filter((level) => level > LOUD_DB).length >= LOUD_LOOKS) return "works";
  if (seconds < SPEAK_WITHIN_S) return "checking";
  return levels.every((level) => level < DEAD_DB) ? "silent" : "quiet";
}

/**
 * The resident's own word counts before the microphone's; without either it goes on unproved,
 * because a loudspeaker with its own echo canceller is never heard by its microphone.
 * @param {object} found
 * @param {boolean} found.absent
 * @param {boolean} found.heard by the microphone
 * @param {boolean | null} found.answer the resident's
 * @param {number | null} found.askedS seconds since the tone ended; null while it plays
 * @returns {LoudspeakerVerdict}
 */
export function loudspeakerVerdict({ absent, heard, answer, askedS }) {
  if (answer !== null) return answer ? "works" : "unheard";
  if (heard) return "works";
  if (absent) return "absent";
  if (askedS === null) return "checking";
  return askedS < ANSWER_WITHIN_S ? "asking" : "unsure";
}

/**
 * Nothing to wait for: each device works, cannot be proved, or is done without.
 * @param {Verdicts} verdicts
 * @param {ReadonlySet<Device>} without
 */
export function settled(verdicts, without) {
  return DEVICES.every(
    (device) => without.has(device) || ["works", "unsure"].includes(verdicts[device]),
  );
}

/**
 * Something the resident may do about it: more than waiting.
 * @param {Verdict} verdict
 */
export function needsHelp(verdict) {
  return !["checking", "works", "unsure", "asking"].includes(verdict);
}
