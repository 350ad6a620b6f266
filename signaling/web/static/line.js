// @ts-check
/**
 * What does the server say this page shows? The WebSocket: whole states in, commands out.
 *
 * A lost connection is tried again for ever; the state that the next welcome brings replaces the
 * one before. Commands that had no answer are sent again with their id: the server answers a
 * repeated id with the stored answer.
 */

/** @import {ClientState, ServerMessage, CommandFields, Gesture} from "./protocol.js" */

const BACK_OFF_S = [0, 0.3, 1.2, 2.7, 4.8, 7];
const VERSIONS = [1];

export class CommandRefused extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Fires `state` (detail: the state), `gesture` (detail: who makes it and what it is), `online`,
 * `offline` and `over` (detail: close code; it will not come back by itself).
 * @template {ClientState} S
 */
export class Line extends EventTarget {
  /** @param {() => Promise<string>} getTicket a fresh single-use ticket */
  constructor(getTicket) {
    super();
    this.getTicket = getTicket;
    /** @type {S | null} */
    this.state = null;
    this.epoch = "";
    /** Milliseconds to add to this device's clock to get the server's. */
    this.clockOffset = 0;
    this.online = false;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<string, {text: string, resolve: () => void, reject: (e: Error) => void}>} */
    this.waiting = new Map();
    this.tries = 0;
    this.attempt = 0;
    this.ended = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    addEventListener("online", () => {
      this.tries = 0;
      if (!this.socket && !this.ended) this.#later(0);
    });
  }

  /** Begin, and keep at it. */
  open() {
    this.#later(0);
  }

  /** Close for good. */
  close() {
    this.ended = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  /** The server's time now, in milliseconds. */
  now() {
    return Date.now() + this.clockOffset;
  }

  /**
   * Give a command; resolves when it was done, rejects with CommandRefused.
   * @template {keyof CommandFields} T
   * @param {T} type
   * @param {CommandFields[T]} fields
   * @returns {Promise<void>}
   */
  command(type, fields) {
    const id = crypto.randomUUID();
    const text = JSON.stringify({ type, id, ...fields });
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { text, resolve, reject });
      if (this.online) this.socket?.send(text);
    });
  }

  /**
   * Show the others what happens on the shared desk; nothing answers, and what is lost is lost.
   * @param {string} call
   * @param {Gesture["made"]} made
   */
  gesture(call, made) {
    if (this.online && this.socket?.bufferedAmount === 0)
      this.socket.send(JSON.stringify({ type: "gesture", call, made }));
  }

  /** @param {number} seconds */
  #later(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#connect(), seconds * 1000);
  }

  async #connect() {
    const attempt = ++this.attempt; // "online" may begin another while this one asks for a ticket
    let ticket;
    try {
      ticket = await this.getTicket();
    } catch (error) {
      if (attempt !== this.attempt) return;
      if (/** @type {any} */ (error).status === 401) this.#over(4000);
      else this.#retry();
      return;
    }
    if (this.ended || attempt !== this.attempt) return;
    const socket = new WebSocket(
      `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/line`,
    );
    this.socket = socket;
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: "hello", ticket, versions: VERSIONS }));
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (this.online) {
        this.online = false;
        this.dispatchEvent(new Event("offline"));
      }
      if (event.code === 4001 || event.code === 4000) this.#over(event.code);
      else this.#retry();
    };
  }

  #retry() {
    if (this.ended) return;
    const longest = BACK_OFF_S[Math.min(this.tries, BACK_OFF_S.length - 1)];
    this.tries += 1;
    this.#later(Math.random() * longest + (this.tries > 1 ? 0.1 : 0));
  }

  /** @param {number} code */
  #over(code) {
    this.ended = true;
    this.dispatchEvent(new CustomEvent("over", { detail: code }));
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === "welcome" || message.type === "state") {
      this.clockOffset = Date.parse(message.server_time) - Date.now();
      this.state = /** @type {S} */ (message.state);
      if (message.type === "welcome") {
        this.epoch = message.epoch;
        this.online = true;
        this.tries = 0;
        this.dispatchEvent(new Event("online"));
      }
      this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
      if (message.type === "welcome")
        for (const { text } of this.waiting.values()) this.socket?.send(text);
      return;
    }
    if (message.type === "gesture") {
      this.dispatchEvent(new CustomEvent("gesture", { detail: message }));
      return;
    }
    const waiting = message.id === null ? undefined : this.waiting.get(message.id);
    if (message.id === null || !waiting) {
      if (message.type === "refused") console.warn("line refused", message.code, message.message);
      return;
    }
    this.waiting.delete(message.id);
    if (message.type === "done") waiting.resolve();
    else waiting.reject(new CommandRefused(message.code, message.message));
  }
}
