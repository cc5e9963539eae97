// @ts-check
/** Owns who can be mentioned in a room: those in it, as far as they are at hand; else whoever the server finds. */

import { score } from "./jump_dialog.js";

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Person} Person */

const SHOWN_MAX = 8;
const KEPT_MS = 60_000; // for so long it is not asked again who is in a room
const FITS = 4; // the beginning of a word, or better: see `score`

export class Mentionable {
  #api;
  #me;
  #room = "";
  #until = 0;
  /** Everybody in `#room`; null where they are too many for one page. @type {Promise<Person[] | null>} */
  #members = Promise.resolve(null);

  /** @param {{api: import("./api.js").Api, me: string}} with_ */
  constructor({ api, me }) {
    this.#api = api;
    this.#me = me;
  }

  /** Best first. @param {Room | null} room @param {string} q @returns {Promise<Person[]>} */
  async find(room, q) {
    if (!room) return [];
    const members = room.kind === "direct" ? room.people : await this.#membersOf(room.id);
    const people = members ?? (q ? (await this.#api.get("/users", { q })).results : []);
    return people
      .filter((/** @type {Person} */ { id }) => id !== this.#me)
      .map((/** @type {Person} */ person) => ({ person, fits: Math.max(score(person.username, q), score(person.display_name, q)) }))
      .filter(({ fits }) => !q || fits >= FITS)
      .sort((a, b) => b.fits - a.fits || a.person.display_name.localeCompare(b.person.display_name))
      .slice(0, SHOWN_MAX)
      .map(({ person }) => person);
  }

  /** @param {string} room */
  #membersOf(room) {
    if (room !== this.#room || performance.now() > this.#until) {
      this.#room = room;
      this.#until = performance.now() + KEPT_MS;
      this.#members = this.#api
        .get(`/rooms/${room}/members`)
        .then(({ results, next_cursor }) => (next_cursor ? null : results.map((/** @type {{user: Person}} */ { user }) => user)));
      this.#members.catch(() => (this.#until = 0));
    }
    return this.#members;
  }
}
