// @ts-check
/**
 * How does a page ask the server? JSON over HTTP with a short-lived token; errors are problems.
 */

export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let token = "";
let expiresAt = 0;
/** @type {() => Promise<void>} */
let renew = async () => {};

/**
 * Say how this page gets a new access token when the old one is about to end.
 * @param {() => Promise<void>} how
 */
export function renewWith(how) {
  renew = how;
}

/** @param {{access_token: string, expires_in_s: number}} answer */
export function keepToken(answer) {
  token = answer.access_token;
  expiresAt = performance.now() + (answer.expires_in_s - 30) * 1000;
}

/** Forget the token. */
export function dropToken() {
  token = "";
  expiresAt = 0;
}

/**
 * Ask; throws Problem with words a person can be shown, and TypeError when there is no network.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  if (token && performance.now() > expiresAt) await renew();
  return send(method, path, body);
}

/**
 * Ask with whatever token is there; for the requests that get one. A body that is a file or other
 * blob is sent as CSV, any other as JSON.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 */
export async function send(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const file = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = file ? "text/csv" : "application/json";
  const response = await fetch(path, {
    method,
    headers,
    credentials: "same-origin",
    cache: "no-store",
    body: body === undefined || file ? body : JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Problem(response.status, answer.detail ?? response.statusText);
  return answer;
}
