// @ts-check
/** Owns how one is seen oneself: online, away or invisible by choice, away by itself after a while. */

import { Popup } from "./popup.js";
import { showState } from "./presence.js";

const IDLE_AFTER_MS = 10 * 60_000; // nothing touched for this long is being away
const STATES = { online: "Online", away: "Away", invisible: "Invisible" };

/** @typedef {keyof typeof STATES} Own */

export class OwnPresence {
  #button;
  #menu;
  #popup;
  #storage;
  #key;
  #say;
  /** @type {Own} */
  #chosen = "online";
  #isIdle = false;
  #timer = 0;
  #touchedAt = 0;

  /**
   * @param {{button: HTMLElement, menu: HTMLElement}} parts
   * @param {{me: string, storage: Storage, say: (state: Own) => void}} with_
   */
  constructor({ button, menu }, { me, storage, say }) {
    this.#button = button;
    this.#menu = menu;
    this.#popup = new Popup(menu);
    this.#storage = storage;
    this.#key = `parley:presence:${me}`;
    this.#say = say;
  }

  connect() {
    this.#chosen = this.#kept();
    this.#popup.connect();
    this.#button.addEventListener("click", this.#opened);
    this.#menu.addEventListener("click", this.#picked);
    window.addEventListener("storage", this.#chosenElsewhere);
    for (const touch of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(touch, this.#touched, { passive: true });
    this.#wait();
    this.#show();
  }

  disconnect() {
    this.#popup.disconnect();
    this.#button.removeEventListener("click", this.#opened);
    this.#menu.removeEventListener("click", this.#picked);
    window.removeEventListener("storage", this.#chosenElsewhere);
    for (const touch of ["pointermove", "pointerdown", "keydown"]) document.removeEventListener(touch, this.#touched);
    clearTimeout(this.#timer);
  }

  /** A new connection counts as online until it is told otherwise. */
  live() {
    if (this.#state !== "online") this.#say(this.#state);
  }

  /** @returns {Own} */
  get #state() {
    return this.#chosen === "online" && this.#isIdle ? "away" : this.#chosen;
  }

  #opened = () => {
    for (const button of this.#menu.querySelectorAll("[data-state]")) {
      button.setAttribute("aria-checked", String(button.getAttribute("data-state") === this.#chosen));
    }
    this.#popup.open(this.#button.getBoundingClientRect());
  };

  /** @param {MouseEvent} event */
  #picked = (event) => {
    const state = /** @type {Element} */ (event.target).closest("button")?.dataset.state;
    if (!state) return;
    this.#popup.close();
    this.#chosen = /** @type {Own} */ (state);
    try {
      this.#storage.setItem(this.#key, state);
    } catch {
      // A full or forbidden storage: the choice lives as long as the page.
    }
    this.#say(this.#state);
    this.#show();
  };

  /** The server goes by each connection: another window's choice is said over this one's as well. @param {StorageEvent} event */
  #chosenElsewhere = ({ key }) => {
    if (key !== this.#key) return;
    this.#chosen = this.#kept();
    this.#say(this.#state);
    this.#show();
  };

  #touched = () => {
    const now = performance.now();
    if (!this.#isIdle && now - this.#touchedAt < 1_000) return; // a pointer moves a hundred times a second
    this.#touchedAt = now;
    if (this.#isIdle) this.#become(false);
    this.#wait();
  };

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#become(true), IDLE_AFTER_MS);
  }

  /** @param {boolean} isIdle */
  #become(isIdle) {
    this.#isIdle = isIdle;
    if (this.#chosen !== "online") return;
    this.#say(this.#state);
    this.#show();
  }

  #show() {
    const state = this.#state;
    showState(this.#button.querySelector(".avatar"), state === "invisible" ? "offline" : state);
    /** @type {HTMLElement} */ (this.#button.querySelector('[data-part="state"]')).textContent = STATES[state];
  }

  /** @returns {Own} */
  #kept() {
    try {
      const kept = this.#storage.getItem(this.#key) ?? "";
      return kept in STATES ? /** @type {Own} */ (kept) : "online";
    } catch {
      return "online";
    }
  }
}
