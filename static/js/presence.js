// @ts-check
/** Owns who of the people in sight is there: asks the server about them, hears of changes. Knows no DOM. */

import { lastSeenOf } from "./format.js";

/** @typedef {"online" | "away" | "offline"} State */

const WATCH_MAX = 200; // as the server allows

export class Presence {
  #watch;
  #onChange;
  /** @type {Map<string, State>} */
  #states = new Map();
  /** @type {Map<string, string>} */
  #lastSeen = new Map();
  /** @type {Set<string>} */
  #wanted = new Set();
  #isLive = false;
  #asking = 0;
  /** Heard while an answer is awaited, which may be older. @type {Map<string, State>} */
  #heardMeanwhile = new Map();

  /**
   * @param {{
   *   watch: (users: string[]) => Promise<{users: Record<string, State>, last_seen?: Record<string, string>}>,
   *   onChange: () => void,
   * }} with_
   */
  constructor({ watch, onChange }) {
    this.#watch = watch;
    this.#onChange = onChange;
  }

  /** How somebody is; null when it is not known. @param {string} user */
  of(user) {
    return this.#isLive ? (this.#states.get(user) ?? null) : null;
  }

  /** When somebody was here last; null when it is not known. @param {string} user */
  lastSeen(user) {
    return this.#lastSeen.get(user) ?? null;
  }

  /** How the other one in a direct room is, in words; "" elsewhere. @param {import("./types.js").Room} room */
  statusIn({ kind, people }) {
    const other = kind === "direct" && people.length === 1 ? people[0].id : "";
    const state = this.of(other) ?? "";
    const seenAt = this.lastSeen(other);
    return state === "offline" && seenAt ? lastSeenOf(seenAt) : state;
  }

  /** These people are in sight too, the ones in sight longest go when they are too many. @param {Iterable<string>} users */
  follow(users) {
    const before = this.#wanted.size;
    for (const user of users) this.#wanted.add(user);
    if (this.#wanted.size === before) return;
    this.#wanted = new Set([...this.#wanted].slice(-WATCH_MAX));
    this.#ask();
  }

  /** @param {boolean} isLive whether there is a connection: without one nobody's state is known */
  live(isLive) {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    this.#onChange();
    this.#ask();
  }

  /** @param {string} user @param {State} state */
  heard(user, state) {
    this.#states.set(user, state);
    if (this.#asking) this.#heardMeanwhile.set(user, state);
    this.#lastSeen.delete(user); // whoever went invisible does not want it known; the server says it of the others
    this.#onChange();
  }

  async #ask() {
    if (!this.#isLive || !this.#wanted.size) return;
    this.#asking += 1;
    const answer = await this.#watch([...this.#wanted]).catch(() => null);
    this.#asking -= 1;
    const news = [...this.#heardMeanwhile];
    if (!this.#asking) this.#heardMeanwhile.clear();
    if (!answer) return;
    this.#states = new Map([...Object.entries(answer.users), ...news]);
    this.#lastSeen = new Map(Object.entries(answer.last_seen ?? {}));
    for (const [user] of news) this.#lastSeen.delete(user);
    this.#onChange();
  }
}

/** Puts a state on a face; null takes it away. @param {Element | null} face @param {State | null} state */
export function showState(face, state) {
  if (!(face instanceof HTMLElement)) return;
  if (state) face.dataset.presence = state;
  else delete face.dataset.presence;
}
