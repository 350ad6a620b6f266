/**
 * What does a page hear and see in one of its videos? Runs inside the page, for `tap.py`.
 *
 * Follows the video's stream when it is replaced. Sound is kept with its times; of the picture the
 * levels of the counter's squares; and the words a page shows when the path has failed.
 * Every time is of `performance.now()`.
 */

const KEEP_HZ = 16_000;
const LOOK_MS = 50;
const [WIDTH, HEIGHT] = [64, 36];

const taps = new Map();

export function begin(selector) {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { willReadFrequently: true });
  const tap = { stamps: [], pieces: [], looks: [], words: [] };
  let heard = null;
  let watched = null;
  setInterval(() => {
    const now = performance.now();
    const video = document.querySelector(selector);
    const track = video?.srcObject?.getAudioTracks()[0] ?? null;
    if (track && track !== heard) hear(track, tap);
    heard = track;
    if (video && video !== watched) watch(video, canvas, tap);
    watched = video;
    const words = [...document.querySelectorAll(".told")]
      .filter((told) => told.checkVisibility())
      .map((told) => told.textContent.trim())
      .join(" ");
    if (words !== (tap.words.at(-1)?.[1] ?? "")) tap.words.push([now, words]);
  }, LOOK_MS);
  taps.set(selector, tap);
}

export function taken(selector) {
  const { pieces, ...tap } = taps.get(selector);
  let binary = "";
  for (const piece of pieces) binary += String.fromCharCode(...new Uint8Array(piece.buffer));
  return { ...tap, origin: performance.timeOrigin, rate: KEEP_HZ, sound: btoa(binary) };
}

/** Keep what a track sounds like until it ends, each third sample being enough for chirps. */
async function hear(track, tap) {
  const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: 100 });
  for await (const audio of readable) {
    const samples = new Float32Array(audio.numberOfFrames);
    audio.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    const fold = Math.round(audio.sampleRate / KEEP_HZ);
    const piece = new Int16Array(Math.floor(samples.length / fold));
    for (let at = 0; at < piece.length; at += 1) {
      let sum = 0;
      for (let of = 0; of < fold; of += 1) sum += samples[at * fold + of];
      piece[at] = (Math.max(-1, Math.min(1, sum / fold)) * 32767) | 0;
    }
    tap.stamps.push([audio.timestamp / 1000, piece.length]);
    tap.pieces.push(piece);
    audio.close();
  }
}

/** Look at each picture when it is shown; one's own counts from when the camera took it. */
function watch(video, canvas, tap) {
  video.requestVideoFrameCallback((_now, { receiveTime, captureTime, presentationTime }) => {
    const own = receiveTime === undefined && captureTime !== undefined;
    tap.looks.push([own ? captureTime : presentationTime, ...squares(canvas, video)]);
    if (video.isConnected) watch(video, canvas, tap);
  });
}

/** The mean level in the middle of each of the counter's 16 squares, row by row. */
function squares(canvas, video) {
  canvas.drawImage(video, 0, 0, WIDTH, HEIGHT);
  const levels = [];
  for (const row of [0, 1])
    for (let bit = 0; bit < 8; bit += 1) {
      const { data } = canvas.getImageData(bit * 8 + 3, row * 9 + 3, 2, 3);
      let sum = 0;
      for (let at = 0; at < data.length; at += 4)
        sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      levels.push(Math.round(sum / (data.length / 4)));
    }
  return levels;
}
