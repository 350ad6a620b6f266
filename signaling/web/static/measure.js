// @ts-check
/**
 * How well did picture and sound travel since the last look? Pure: two readings of the browser's
 * statistics in, the report of both directions out (W3C webrtc-stats).
 */

/** @import {Direction} from "./protocol.js" */
/** @typedef {Record<string, any>} Stats one entry of an RTCStatsReport */

/**
 * @param {Stats[]} stats
 * @param {string} type
 * @param {string} [kind]
 * @returns {Stats[]}
 */
function of(stats, type, kind) {
  return stats.filter((entry) => entry.type === type && (!kind || entry.kind === kind));
}

/**
 * The growth of a counter over all entries that were there before; a new one counts from zero.
 * @param {Stats[]} before
 * @param {Stats[]} after
 * @param {string} name
 */
function grown(before, after, name) {
  const known = new Map(before.map((entry) => [entry.id, entry[name] ?? 0]));
  return after.reduce(
    (sum, entry) => sum + Math.max(0, (entry[name] ?? 0) - (known.get(entry.id) ?? 0)),
    0,
  );
}

/**
 * @param {number} part
 * @param {number} whole
 */
function share(part, whole) {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

/**
 * @param {Stats[]} before
 * @param {Stats[]} after
 * @param {number} seconds between the two readings
 * @returns {{received: Direction, sent: Direction}}
 */
export function measure(before, after, seconds) {
  const [was, is] = [of(before, "inbound-rtp"), of(after, "inbound-rtp")];
  const lost = grown(was, is, "packetsLost");
  const got = grown(was, is, "packetsReceived");
  const sound = of(after, "inbound-rtp", "audio");
  const soundBefore = of(before, "inbound-rtp", "audio");
  const picture = of(after, "inbound-rtp", "video").sort(
    (a, b) => (b.framesDecoded ?? 0) - (a.framesDecoded ?? 0),
  )[0];
  const pair = of(after, "candidate-pair").find((entry) => entry.nominated);
  const roundTrip = Math.round(1000 * (pair?.currentRoundTripTime ?? 0));
  const heard = of(after, "remote-inbound-rtp");
  const out = of(after, "outbound-rtp");
  const shown = out
    .filter((entry) => entry.kind === "video")
    .sort((a, b) => (b.framesEncoded ?? 0) - (a.framesEncoded ?? 0))[0];
  return {
    received: {
      loss: share(lost, lost + got),
      jitter_ms: Math.round(1000 * Math.max(0, ...is.map((entry) => entry.jitter ?? 0))),
      round_trip_ms: roundTrip,
      bitrate_bps: Math.round((8 * grown(was, is, "bytesReceived")) / seconds),
      width: picture?.frameWidth ?? 0,
      height: picture?.frameHeight ?? 0,
      frames_a_second: Math.round(picture?.framesPerSecond ?? 0),
      freezes: grown(was, is, "freezeCount"),
      concealed: share(
        grown(soundBefore, sound, "concealedSamples") -
          grown(soundBefore, sound, "silentConcealedSamples"),
        grown(soundBefore, sound, "totalSamplesReceived"),
      ),
    },
    sent: {
      loss: Math.min(1, Math.max(0, ...heard.map((entry) => entry.fractionLost ?? 0))),
      jitter_ms: Math.round(1000 * Math.max(0, ...heard.map((entry) => entry.jitter ?? 0))),
      round_trip_ms: roundTrip,
      bitrate_bps: Math.round((8 * grown(of(before, "outbound-rtp"), out, "bytesSent")) / seconds),
      width: shown?.frameWidth ?? 0,
      height: shown?.frameHeight ?? 0,
      frames_a_second: Math.round(shown?.framesPerSecond ?? 0),
      freezes: 0,
      concealed: 0,
    },
  };
}
