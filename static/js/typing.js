// @ts-check
/** Owns who is typing: says it for oneself, forgets it of others after a while. */

import { listOf } from "./format.js";

const SAY_EVERY_MS = 4_000;
const FORGET_AFTER_MS = 6_000;
const NAMED_MAX = 3;

export class Typing {
  #line;
  #say;
  #nameOf;
  #saidAt = -Infinity;
  #saidIn = "";
  #room = "";
  /** @type {Map<string, Map<string, number>>} room -> person -> the timer that forgets them */
  #typists = new Map();

  /**
   * @param {HTMLElement} line where it is written
   * @param {{say: (room: string) => void, nameOf: (user: string) => Promise<string>}} with_
   */
  constructor(line, { say, nameOf }) {
    this.#line = line;
    this.#say = say;
    this.#nameOf = nameOf;
  }

  /** @param {string} room */
  open(room) {
    this.#room = room;
    this.#render();
  }

  /** Something was typed here: tell the others, but not at every key. */
  typed() {
    const now = performance.now();
    if (this.#saidIn === this.#room && now - this.#saidAt < SAY_EVERY_MS) return;
    this.#saidAt = now;
    this.#saidIn = this.#room;
    this.#say(this.#room);
  }

  /** What was typed went out: the next word is news again. */
  sent() {
    this.#saidAt = -Infinity;
  }

  /** @param {string} room @param {string} user */
  started(room, user) {
    const typists = this.#typists.get(room) ?? new Map();
    clearTimeout(typists.get(user));
    typists.set(user, setTimeout(() => this.stopped(room, user), FORGET_AFTER_MS));
    this.#typists.set(room, typists);
    if (room === this.#room) this.#render();
  }

  /** @param {string} room @param {string} user */
  stopped(room, user) {
    const typists = this.#typists.get(room);
    if (!typists?.has(user)) return;
    clearTimeout(typists.get(user));
    typists.delete(user);
    if (room === this.#room) this.#render();
  }

  async #render() {
    const room = this.#room;
    const users = [...(this.#typists.get(room)?.keys() ?? [])];
    const names = users.length > NAMED_MAX ? [] : await Promise.all(users.map(this.#nameOf)).catch(() => []);
    if (room !== this.#room) return;
    const still = users.filter((user) => this.#typists.get(room)?.has(user));
    if (still.length !== users.length) return; // a later call says what is true now
    if (!users.length) this.#line.textContent = "";
    else if (!names.length) this.#line.textContent = "Several people are typing…";
    else this.#line.textContent = `${listOf(names)} ${names.length > 1 ? "are" : "is"} typing…`;
  }
}
