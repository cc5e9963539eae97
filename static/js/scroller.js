// @ts-check
/**
 * Owns where the reader is in the conversation, and that they stay there: whatever is added above
 * or below, the line that is being read does not move. At the bottom, the bottom is what stays.
 */

const BOTTOM_SLACK_PX = 24; // nearer than this to the end counts as being there
const NEAR_EDGE_PX = 900; // from here on the next page is fetched, so that scrolling need not stop

/** @typedef {{key: string, offset: number} | "bottom"} Place where one reads: a row and its distance from the top, or the end */

export class Scroller {
  #box;
  #rows;
  /** @type {Place} as of the last movement: after a change of width the old layout cannot be asked */
  #place = "bottom";
  /** @type {ResizeObserver} */
  #sizes;
  #onMove = () => {};

  /**
   * @param {HTMLElement} box what scrolls
   * @param {HTMLElement} rows what holds the rows, each with `data-row`
   */
  constructor(box, rows) {
    this.#box = box;
    this.#rows = rows;
    this.#sizes = new ResizeObserver(() => this.#resized());
  }

  /** @param {() => void} onMove called after every movement and change of size */
  connect(onMove) {
    this.#onMove = onMove;
    this.#box.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#sizes.observe(this.#box);
    this.#sizes.observe(this.#rows);
  }

  disconnect() {
    this.#box.removeEventListener("scroll", this.#scrolled);
    this.#sizes.disconnect();
  }

  get isAtBottom() {
    return this.#place === "bottom";
  }

  get isNearTop() {
    return this.#box.scrollTop < NEAR_EDGE_PX;
  }

  get isNearBottom() {
    return this.#below < NEAR_EDGE_PX;
  }

  /** Whether more than a screenful lies below what is seen. */
  get isFarFromBottom() {
    return this.#below > this.#box.clientHeight;
  }

  get #below() {
    return this.#box.scrollHeight - this.#box.clientHeight - this.#box.scrollTop;
  }

  /** @returns {Place} */
  get place() {
    return this.isAtBottom ? "bottom" : this.#anchor();
  }

  /**
   * Changes the rows while the reader stays where they are.
   * @param {() => void} change
   * @param {{stick?: boolean}} [how] stick: at the end of the conversation, its end is where they are
   */
  keep(change, { stick = true } = {}) {
    const place = stick ? this.place : this.#anchor();
    change();
    this.goTo(place);
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** @param {Place} place @returns {boolean} whether it is still there */
  goTo(place) {
    if (place === "bottom") {
      this.#box.scrollTop = this.#box.scrollHeight;
      this.#place = "bottom";
      return true;
    }
    const row = this.#row(place.key);
    const byPx = row ? this.#offsetOf(row) - place.offset : 0;
    if (byPx) this.#box.scrollTop += byPx;
    this.#note();
    return row !== null;
  }

  /** Brings a row into the upper part of what is seen, or the end when all below it fits. @param {string} key */
  reveal(key) {
    const row = this.#row(key);
    if (row) this.goTo({ key, offset: Math.round(this.#box.clientHeight / 4) });
    return row;
  }

  /** @param {number} screens */
  page(screens) {
    this.#box.scrollBy({ top: screens * this.#box.clientHeight * 0.9 });
  }

  #scrolled = () => {
    this.#note();
    this.#onMove();
  };

  #resized() {
    if (!this.#box.clientHeight) return; // not shown
    this.goTo(this.#place);
    this.#onMove();
  }

  #note() {
    this.#place = this.#below <= BOTTOM_SLACK_PX ? "bottom" : this.#anchor();
  }

  /** @returns {Place} */
  #anchor() {
    const top = this.#box.getBoundingClientRect().top;
    const rows = /** @type {HTMLCollectionOf<HTMLElement>} */ (this.#rows.children);
    let [at, beyond] = [0, rows.length]; // halved until `at` is the first row in sight
    while (at < beyond) {
      const middle = (at + beyond) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > top) beyond = middle;
      else at = middle + 1;
    }
    for (; at < rows.length; at += 1) {
      const { row, n } = rows[at].dataset;
      if (row && n !== undefined) return { key: row, offset: this.#offsetOf(rows[at]) };
    }
    return "bottom";
  }

  /** @param {Element} row */
  #offsetOf(row) {
    return row.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  /** @param {string} key @returns {HTMLElement | null} */
  #row(key) {
    return this.#rows.querySelector(`[data-row="${CSS.escape(key)}"]`);
  }
}
