// @ts-check
/** Owns the one WebSocket: frames out and in, replies matched to requests. Knows no room. */

import { Refusal } from "./refusal.js";

const REPLY_WITHIN_MS = 10_000;

export class Socket {
  /** @type {WebSocket} */
  #ws;
  #nextId = 1;
  /** @type {Map<number, {resolve: (data: any) => void, reject: (error: Error) => void, timer: number}>} */
  #asked = new Map();
  #onPush;
  #onClose;
  #onMute;

  /**
   * @param {string} url
   * @param {{
   *   onPush: (frame: import("./types.js").Pushed) => void,
   *   onClose: (code: number) => void,
   *   onMute: () => void,
   * }} to `onMute`: a request had no reply in time, so the line is as good as dead
   */
  constructor(url, { onPush, onClose, onMute }) {
    this.#onPush = onPush;
    this.#onClose = onClose;
    this.#onMute = onMute;
    this.#ws = new WebSocket(url);
    this.#ws.addEventListener("message", this.#received);
    this.#ws.addEventListener("close", this.#closed);
  }

  /**
   * Says one thing and waits for its reply.
   * @param {string} type @param {object} data
   * @returns {Promise<any>} rejected with a Refusal: the server's, or "unreachable"
   */
  request(type, data, withinMs = REPLY_WITHIN_MS) {
    return new Promise((resolve, reject) => {
      if (this.#ws.readyState !== WebSocket.OPEN) {
        reject(Refusal.unreachable());
        return;
      }
      const id = this.#nextId++;
      const timer = window.setTimeout(() => {
        this.#asked.delete(id);
        reject(Refusal.unreachable());
        this.#onMute();
      }, withinMs);
      this.#asked.set(id, { resolve, reject, timer });
      this.#ws.send(JSON.stringify({ id, type, data }));
    });
  }

  /** Ends it without waiting for the other side: a dead line would keep us for minutes. */
  disconnect() {
    this.#ws.removeEventListener("message", this.#received);
    this.#ws.removeEventListener("close", this.#closed);
    this.#ws.close(1000);
    this.#forsake();
  }

  /** @param {MessageEvent<string>} event */
  #received = (event) => {
    const frame = JSON.parse(event.data);
    if (!("reply_to" in frame)) {
      this.#onPush(frame);
      return;
    }
    const asked = this.#asked.get(frame.reply_to);
    if (!asked) return;
    this.#asked.delete(frame.reply_to);
    clearTimeout(asked.timer);
    if (frame.ok) asked.resolve(frame.data);
    else asked.reject(new Refusal(frame.error));
  };

  /** @param {CloseEvent} event */
  #closed = (event) => {
    this.#forsake();
    this.#onClose(event.code);
  };

  #forsake() {
    for (const { reject, timer } of this.#asked.values()) {
      clearTimeout(timer);
      reject(Refusal.unreachable());
    }
    this.#asked.clear();
  }
}
