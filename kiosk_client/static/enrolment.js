// @ts-check
/**
 * Which device is this? The kiosk's key pair, made here and never exportable, kept in IndexedDB.
 */

import { keepToken, Problem, send } from "/static/kit/api.js";

/** @typedef {{kiosk: string, keys: CryptoKeyPair}} Device */

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ASSERTION_LIFE_S = 60;

/** The enrolled device, or null. @returns {Promise<Device | null>} */
export async function device() {
  return (await inStore("readonly", (store) => store.get("device"))) ?? null;
}

/**
 * Make a key pair, register its public half with a one-time code, keep the rest. Throws Problem.
 * @param {string} code
 */
export async function enrol(code) {
  const keys = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  const answer = await send("POST", "/api/kiosks", { code, public_key: { kty, crv, x, y } });
  await inStore("readwrite", (store) => store.put({ kiosk: answer.id, keys }, "device"));
}

/** Seconds to add to this device's clock to get the server's; learned when it matters. */
let clockOffsetS = 0;

/**
 * Get an access token with a fresh signed assertion (RFC 7523). Throws Problem.
 *
 * A kiosk whose clock is wrong is refused first; it then takes the server's time and tries again.
 * @param {Device} known
 */
export async function authenticate(known) {
  try {
    await present(known);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    const { headers } = await fetch("/healthz", { cache: "no-store" });
    clockOffsetS = (Date.parse(headers.get("Date") ?? "") - Date.now()) / 1000;
    await present(known);
  }
}

/** @param {Device} known */
async function present(known) {
  const now = Math.floor(Date.now() / 1000 + clockOffsetS);
  const claims = {
    iss: known.kiosk,
    sub: known.kiosk,
    aud: "kiosk-token",
    typ: "assertion",
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + ASSERTION_LIFE_S,
  };
  const signed = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    known.keys.privateKey,
    new TextEncoder().encode(signed),
  );
  const assertion = `${signed}.${base64url(new Uint8Array(signature))}`;
  keepToken(await send("POST", "/api/kiosks/token", { assertion }));
}

/** @param {object} value */
function encode(value) {
  return base64url(new TextEncoder().encode(JSON.stringify(value)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
function inStore(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("virtual-window-kiosk", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("device");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const request = work(database.transaction("device", mode).objectStore("device"));
      request.onsuccess = () => {
        resolve(request.result);
        database.close();
      };
      request.onerror = () => reject(request.error);
    };
  });
}
