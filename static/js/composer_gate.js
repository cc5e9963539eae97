// @ts-check
/** Owns whether one may write now: says why not, and counts the seconds down. Knows no rule. */

import { waitOf } from "./format.js";

const EVERY_MS = 250; // a second on the screen is never longer than that late

/** @typedef {{closed: string, waitMs: number}} Gate `closed`: why one cannot write here at all, "" when one can */

export class ComposerGate {
  #form;
  #text;
  #send;
  #wait;
  #note;
  #ask;
  #timer = 0;

  /** @param {HTMLFormElement} form @param {() => Gate} ask */
  constructor(form, ask) {
    this.#form = form;
    this.#text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
    this.#send = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    this.#wait = /** @type {HTMLElement} */ (form.querySelector('[data-part="wait"]'));
    this.#note = /** @type {HTMLElement} */ (form.querySelector('[data-part="gate"]'));
    this.#ask = ask;
  }

  connect() {
    this.refresh();
  }

  disconnect() {
    clearTimeout(this.#timer);
  }

  /** @returns {boolean} whether one may send now; when not, a screen reader is told how long to wait */
  pass() {
    const { closed, waitMs } = this.#ask();
    if (waitMs > 0) this.#say("Slow mode: what you wrote stays here until the clock has run down.");
    return !closed && waitMs <= 0;
  }

  refresh() {
    clearTimeout(this.#timer);
    const { closed, waitMs } = this.#ask();
    const waits = !closed && waitMs > 0;
    this.#form.classList.toggle("composer--closed", closed !== "");
    this.#form.classList.toggle("composer--waiting", waits);
    this.#text.disabled = closed !== "";
    this.#text.placeholder = closed || (this.#form.dataset.placeholder ?? this.#text.placeholder);
    this.#send.disabled = closed !== "";
    this.#send.setAttribute("aria-disabled", String(waits));
    this.#wait.textContent = waits ? waitOf(waitMs) : "";
    if (closed) this.#say(closed);
    else if (!waits) this.#say("");
    if (closed || waits) this.#timer = window.setTimeout(() => this.refresh(), EVERY_MS);
  }

  /** @param {string} text */
  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }
}
