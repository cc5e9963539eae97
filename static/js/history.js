// @ts-check
/** Owns fetching the open room's pages. What comes too late for the room is dropped, what it missed is made up for. */

import { changed } from "./message_changes.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Page} Page */
/** @typedef {import("./types.js").Pushed} Pushed */

const PAGE = 50;
const FILL_PAGE = 100;
const AGAIN_MS = 3_000; // before a page that could not be had is asked for again
const HEARD_MAX = 500; // changes heard while a page is under way; after more of them it counts as not had

export class History {
  #api;
  #busy;
  #room = "";
  #visit = 0;
  #loading = 0;
  #again = 0;
  /** @type {Pushed[]} */
  #heard = [];

  /** @param {import("./api.js").Api} api @param {HTMLElement} busy what is marked as busy meanwhile */
  constructor(api, busy) {
    this.#api = api;
    this.#busy = busy;
  }

  /** Whether no more is to be asked for now: a page is under way, or one could not be had a moment ago. */
  get isBusy() {
    return this.#loading > 0 || this.#again > 0;
  }

  /** Another number each time a room is entered. */
  get visit() {
    return this.#visit;
  }

  /** Another room is open now, or none. @param {string} room */
  enter(room) {
    this.#room = room;
    this.#visit += 1;
    this.#loading = 0;
    this.#heard = [];
    this.#rested();
    this.#busy.removeAttribute("aria-busy");
  }

  /** A page could not be had: runs in a while, unless the room is left or a page comes after all. @param {() => void} run */
  later(run) {
    this.#rested();
    this.#again = window.setTimeout(() => {
      this.#again = 0;
      run();
    }, AGAIN_MS);
  }

  /** A change of the open room's messages; a page under way may be older. @param {Pushed} frame */
  heard(frame) {
    if (this.#loading && this.#heard.length <= HEARD_MAX) this.#heard.push(frame);
  }

  /** How far behind the newest message a stretch may be to be filled by one page. */
  get fillMax() {
    return FILL_PAGE;
  }

  /** Starts the stretch over at the newest page. @param {Timeline} timeline @returns {Promise<boolean>} false when it could not be had */
  async newest(timeline) {
    const page = await this.#fetch({ limit: PAGE });
    if (!page) return false;
    timeline.reset(page);
    if (timeline.missing === 0) return true;
    const rest = await this.newer(timeline); // what came meanwhile
    if (rest) timeline.append(rest);
    return rest !== null;
  }

  /** Starts the stretch over around one message. @param {Timeline} timeline @param {number} n @returns {Promise<boolean>} */
  async around(timeline, n) {
    const page = await this.#fetch({ limit: PAGE, around_n: n });
    if (page) timeline.reset(page);
    return page !== null;
  }

  /** @param {Timeline} timeline */
  older(timeline) {
    return this.#fetch({ limit: PAGE, before_n: timeline.firstN });
  }

  /** @param {Timeline} timeline */
  newer(timeline) {
    return this.#fetch({ limit: FILL_PAGE, after_n: timeline.lastN });
  }

  /** @param {Record<string, number>} query @returns {Promise<Page | null>} null when it failed or came too late */
  async #fetch(query) {
    const visit = this.#visit;
    this.#loading += 1;
    this.#busy.setAttribute("aria-busy", "true");
    const page = await this.#api.get(`/rooms/${this.#room}/messages`, query).catch(() => null);
    if (visit !== this.#visit) return null;
    const heard = this.#heard;
    this.#loading -= 1;
    if (!this.#loading) {
      this.#heard = [];
      this.#busy.removeAttribute("aria-busy");
    }
    if (!page || heard.length > HEARD_MAX) return null;
    this.#rested();
    return caughtUp(page, heard);
  }

  #rested() {
    clearTimeout(this.#again);
    this.#again = 0;
  }
}

/** The page with what happened since it was read. @param {Page} page @param {Pushed[]} heard @returns {Page} */
function caughtUp(page, heard) {
  const later = heard.filter(({ seq = 0 }) => seq > page.head_seq);
  return { ...page, results: page.results.map((message) => later.reduce((before, frame) => changed(before, frame), message)) };
}
