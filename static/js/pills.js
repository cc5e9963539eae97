// @ts-check
/** Owns the two buttons over the conversation: up to where reading stopped, down to the newest. */

import { countOf } from "./format.js";

export class Pills {
  #up;
  #down;
  #onUp;
  #onDown;

  /** @param {HTMLElement} root @param {{onUp: () => void, onDown: () => void}} with_ */
  constructor(root, { onUp, onDown }) {
    this.#up = /** @type {HTMLButtonElement} */ (root.querySelector('[data-pill="up"]'));
    this.#down = /** @type {HTMLButtonElement} */ (root.querySelector('[data-pill="down"]'));
    this.#onUp = onUp;
    this.#onDown = onDown;
  }

  connect() {
    this.#up.addEventListener("click", this.#onUp);
    this.#down.addEventListener("click", this.#onDown);
  }

  disconnect() {
    this.#up.removeEventListener("click", this.#onUp);
    this.#down.removeEventListener("click", this.#onDown);
  }

  /** @param {{above: number, below: number, isFar: boolean}} now unread out of sight, and whether the end is far */
  show({ above, below, isFar }) {
    write(this.#up, above > 0 ? `${countOf(above)} unread` : "");
    write(this.#down, below > 0 ? `${countOf(below)} new` : isFar ? "Newest" : "");
  }
}

/** @param {HTMLElement} pill @param {string} text */
function write(pill, text) {
  pill.hidden = !text;
  const label = /** @type {HTMLElement} */ (pill.querySelector('[data-part="text"]'));
  if (label.textContent !== text) label.textContent = text;
}
