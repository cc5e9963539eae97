// @ts-check
/** Owns what is remembered of rooms that were left: their timeline and where one was reading. */

import { Timeline } from "./timeline.js";

const TIMELINES_MAX = 12; // kept up to date by events; the one left longest ago goes first

/** @typedef {import("./scroller.js").Place} Place */

export class Places {
  /** @type {Map<string, Timeline>} in the order of last use */
  #timelines = new Map();
  /** @type {Map<string, Place>} */
  #places = new Map();
  #me;

  /** @param {import("./types.js").Person} me */
  constructor(me) {
    this.#me = me;
  }

  /** The room's timeline, empty when it is not remembered; now the last to be forgotten. @param {string} room */
  open(room) {
    const timeline = this.#timelines.get(room) ?? new Timeline(this.#me);
    this.#timelines.delete(room);
    this.#timelines.set(room, timeline);
    for (const oldest of this.#timelines.keys()) {
      if (this.#timelines.size <= TIMELINES_MAX) break;
      this.#timelines.delete(oldest);
      this.#places.delete(oldest);
    }
    return timeline;
  }

  /** @param {string} room */
  timeline(room) {
    return this.#timelines.get(room) ?? null;
  }

  /** The rooms whose timelines are kept. */
  get rooms() {
    return [...this.#timelines.keys()];
  }

  /** @param {string} room @param {Place} place */
  leave(room, place) {
    this.#places.set(room, place);
  }

  /** @param {string} room */
  placeIn(room) {
    return this.#places.get(room) ?? null;
  }

  /** @param {string} room */
  forget(room) {
    this.#timelines.delete(room);
    this.#places.delete(room);
  }
}
