// @ts-check
/** Owns when one may write again in rooms with slow mode. Pure: the time is an argument. */

import { moderates } from "./message_rights.js";

/** @typedef {import("./types.js").Room} Room */

export class SlowMode {
  /** @type {Map<string, number>} when one last wrote there */
  #wroteAt = new Map();
  /** @type {Map<string, number>} when what is on its way set out */
  #sentAt = new Map();
  /** @type {Map<string, number>} what the server said, which knows better */
  #until = new Map();

  /** One's own message of a room's log. @param {{room: string, at: string}} message */
  wrote({ room, at }) {
    this.#wroteAt.set(room, Math.max(this.#wroteAt.get(room) ?? 0, Date.parse(at)));
  }

  /** @param {string} room @param {number} now */
  sends(room, now) {
    this.#sentAt.set(room, now);
  }

  /** What was on its way did not go in; `until`: for the sake of slow mode, if not 0. @param {string} room @param {number} until */
  refused(room, until) {
    this.#sentAt.delete(room);
    if (until) this.#until.set(room, until);
  }

  /** Milliseconds until one may write in this room. @param {Room} room @param {number} now */
  waitMs(room, now) {
    if (!room.slow_mode_s || moderates(room)) return 0;
    const last = Math.max(this.#wroteAt.get(room.id) ?? -Infinity, this.#sentAt.get(room.id) ?? -Infinity);
    return Math.max(0, Math.max(last + room.slow_mode_s * 1000, this.#until.get(room.id) ?? 0) - now);
  }
}
