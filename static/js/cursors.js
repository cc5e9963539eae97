// @ts-check
/** Owns how far each room's log was seen. Knows no socket: told of each event, it says what it is. */

export class Cursors {
  /** @type {Map<string, number>} */
  #seen = new Map();

  /** @param {string} room */
  at(room) {
    return this.#seen.get(room) ?? 0;
  }

  /** @param {string} room */
  has(room) {
    return this.#seen.has(room);
  }

  /** @param {string} room @param {number} seq */
  set(room, seq) {
    this.#seen.set(room, seq);
  }

  /** @param {string} room */
  forget(room) {
    this.#seen.delete(room);
  }

  /**
   * Takes note of one event of a room's log. Only "next" may be shown: an "old" one was seen
   * already, a "hole" means that events before it are missing.
   * @param {string} room @param {number} seq
   * @returns {"next" | "old" | "hole"}
   */
  take(room, seq) {
    const seen = this.#seen.get(room);
    if (seen === undefined || seq === seen + 1) {
      this.#seen.set(room, seq);
      return "next";
    }
    return seq <= seen ? "old" : "hole";
  }

  /** Whether any room is behind these heads. @param {Record<string, number>} heads */
  isBehind(heads) {
    return Object.entries(heads).some(([room, head]) => this.has(room) && this.at(room) < head);
  }
}
