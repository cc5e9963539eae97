// @ts-check
/** Owns the short word at the bottom: what was done out of sight, or why it was not. */

const SHOWN_MS = 5_000;

export class Toast {
  #element;
  #timer = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} text @param {{isRefusal?: boolean}} [how] */
  say(text, { isRefusal = false } = {}) {
    clearTimeout(this.#timer);
    this.#element.textContent = text;
    this.#element.classList.toggle("toast--refusal", isRefusal);
    this.#element.hidden = false;
    this.#timer = window.setTimeout(() => (this.#element.hidden = true), SHOWN_MS);
  }
}
