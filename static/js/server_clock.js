// @ts-check
/** Owns what time it is at the server: the clock of this machine may be minutes off. */

export class ServerClock {
  #aheadMs;

  /** @param {string} serverNow what the server's clock said when it made the page */
  constructor(serverNow) {
    this.#aheadMs = Date.parse(serverNow) - Date.now();
  }

  now() {
    return Date.now() + this.#aheadMs;
  }
}
