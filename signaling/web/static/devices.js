// @ts-check
/**
 * Which camera, microphone and loudspeaker are there, and do they open? Knows nothing of calls.
 *
 * A device that does not open has a fault: `absent` (none there, or the chosen one is gone),
 * `denied` (the browser does not allow it) or `busy` (there, but another program or the driver
 * keeps it).
 */

/** @typedef {"" | "absent" | "denied" | "busy"} Fault */
/** @typedef {"audioinput" | "videoinput" | "audiooutput"} DeviceKind */
/** @typedef {{id: string, label: string}} Chosen a device as it is remembered */
/**
 * @typedef {object} Opened
 * @property {MediaStream} stream what has opened; may be empty
 * @property {Fault} camera
 * @property {Fault} microphone
 * @property {"" | "camera" | "microphone" | "devices" | "denied"} reason both in one word
 */

export const AUDIO = Object.freeze({
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
});
/** The microphone as it is: an echo canceller takes out the very tone that is listened for. */
export const RAW_AUDIO = Object.freeze({
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
});
export const VIDEO = Object.freeze({
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
});

/**
 * Open camera and microphone; the one alone if the other has a fault.
 * @param {{audio?: MediaTrackConstraints, video?: MediaTrackConstraints}} [wanted]
 * @returns {Promise<Opened>}
 */
export async function openDevices(wanted = {}) {
  const audio = { ...AUDIO, ...wanted.audio };
  const video = { ...VIDEO, ...wanted.video };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video });
    return { stream, camera: "", microphone: "", reason: "" };
  } catch {
    const camera = await openOne({ video });
    const microphone = await openOne({ audio });
    const tracks = [camera.track, microphone.track].filter((track) => track !== null);
    const reason = reasonOf(camera.fault, microphone.fault);
    return {
      stream: new MediaStream(tracks),
      camera: camera.fault,
      microphone: microphone.fault,
      reason,
    };
  }
}

/**
 * Open one of the two.
 * @param {MediaStreamConstraints} constraints
 * @returns {Promise<{track: MediaStreamTrack | null, fault: Fault}>}
 */
export async function openOne(constraints) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return { track: stream.getTracks()[0], fault: "" };
  } catch (error) {
    return { track: null, fault: faultOf(/** @type {Error} */ (error).name) };
  }
}

/**
 * The fault behind a name of `getUserMedia`'s errors (Media Capture and Streams, 10.2).
 * @param {string} name
 * @returns {Exclude<Fault, "">}
 */
export function faultOf(name) {
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError" || name === "TypeError")
    return "absent";
  return "busy";
}

/**
 * What is wrong with both, in the one word that the pages have a sentence for.
 * @param {Fault} camera
 * @param {Fault} microphone
 * @returns {Opened["reason"]}
 */
export function reasonOf(camera, microphone) {
  if (camera === "denied" && microphone === "denied") return "denied";
  if (camera && microphone) return "devices";
  if (camera) return "camera";
  return microphone ? "microphone" : "";
}

/**
 * The devices of one kind that are there.
 * @param {DeviceKind} kind
 */
export async function listDevices(kind) {
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter((device) => device.kind === kind);
}

/**
 * The remembered device among those there: by its id, else by its name, since ids change with
 * the profile and the socket; null when it is gone.
 * @template {{deviceId: string, label: string}} D
 * @param {Chosen | undefined} chosen
 * @param {D[]} there
 * @returns {D | null}
 */
export function findDevice(chosen, there) {
  if (!chosen) return null;
  return (
    there.find((device) => device.deviceId === chosen.id) ??
    there.find((device) => device.label !== "" && device.label === chosen.label) ??
    null
  );
}

/** Whether this browser lists loudspeakers and lets a page choose one. */
export function canChooseOutput() {
  return "setSinkId" in HTMLMediaElement.prototype;
}
