// @ts-check
/** Owns the line under the newest message: who of the others has read it, as heard since the page was opened. */

import { listOf } from "./format.js";

const NAMED_MAX = 3;

export class SeenBy {
  #line;
  #nameOf;
  /** @type {Map<string, Map<string, number>>} room -> person -> how far */
  #read = new Map();
  #turn = 0;

  /** @param {HTMLElement} line @param {(user: string) => Promise<string>} nameOf */
  constructor(line, nameOf) {
    this.#line = line;
    this.#nameOf = nameOf;
  }

  /** @param {string} room @param {string} user @param {number} n */
  heard(room, user, n) {
    const readers = this.#read.get(room) ?? new Map();
    readers.set(user, Math.max(n, readers.get(user) ?? 0));
    this.#read.set(room, readers);
  }

  /** @param {import("./types.js").Room | null} room @param {number} n of one's own newest message; 0 when somebody else's is newer */
  async show(room, n) {
    const turn = ++this.#turn;
    const readers = room && n ? [...(this.#read.get(room.id) ?? [])].filter(([, read]) => read >= n) : [];
    let said = "";
    if (room && readers.length && room.members_count > 2) {
      const names = await Promise.all(readers.slice(0, NAMED_MAX).map(([user]) => this.#nameOf(user))).catch(() => []);
      const others = readers.length - names.length;
      said = `Seen by ${listOf(others ? [...names, `${others} more`] : names)}`;
    } else if (readers.length) {
      said = "Seen";
    }
    if (turn === this.#turn) this.#line.textContent = said;
  }
}
