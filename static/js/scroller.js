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
  #isAtBottom = true;
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
    return this.#isAtBottom;
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
    return this.#isAtBottom ? "bottom" : this.#anchor();
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

  /** @param {Place} place */
  goTo(place) {
    if (place === "bottom") {
      this.#box.scrollTop = this.#box.scrollHeight;
      this.#isAtBottom = true;
      return;
    }
    const row = this.#row(place.key);
    if (row) this.#box.scrollTop += this.#offsetOf(row) - place.offset;
    this.#isAtBottom = this.#below <= BOTTOM_SLACK_PX;
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
    this.#isAtBottom = this.#below <= BOTTOM_SLACK_PX;
    this.#onMove();
  };

  #resized() {
    if (this.#isAtBottom) this.#box.scrollTop = this.#box.scrollHeight;
    this.#onMove();
  }

  /** @returns {Place} */
  #anchor() {
    const top = this.#box.getBoundingClientRect().top;
    for (const row of /** @type {Iterable<HTMLElement>} */ (this.#rows.children)) {
      if (!row.dataset.row || row.dataset.n === undefined) continue;
      if (row.getBoundingClientRect().bottom > top) return { key: row.dataset.row, offset: this.#offsetOf(row) };
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
