// @ts-check
/** Owns fetching the open room's pages, one at a time. What comes too late for the room is dropped. */

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Page} Page */

const PAGE = 50;
const FILL_PAGE = 100;

export class History {
  #api;
  #busy;
  #room = "";
  #visit = 0;
  #isLoading = false;

  /** @param {import("./api.js").Api} api @param {HTMLElement} busy what is marked as busy meanwhile */
  constructor(api, busy) {
    this.#api = api;
    this.#busy = busy;
  }

  get isLoading() {
    return this.#isLoading;
  }

  /** Another room is open now, or none. @param {string} room */
  enter(room) {
    this.#room = room;
    this.#visit += 1;
    this.#isLoading = false;
    this.#busy.removeAttribute("aria-busy");
  }

  /** Runs later, unless the room was left by then. @param {number} inMs @param {() => void} run */
  later(inMs, run) {
    const visit = this.#visit;
    window.setTimeout(() => visit === this.#visit && run(), inMs);
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
    this.#isLoading = true;
    this.#busy.setAttribute("aria-busy", "true");
    try {
      const page = await this.#api.get(`/rooms/${this.#room}/messages`, query);
      return visit === this.#visit ? page : null;
    } catch {
      return null;
    } finally {
      if (visit === this.#visit) {
        this.#busy.removeAttribute("aria-busy");
        this.#isLoading = false;
      }
    }
  }
}
