// @ts-check
/** Owns a list one searches and picks from with the keyboard: a combobox and its listbox. */

import { Refusal } from "./refusal.js";

const ASK_AFTER_MS = 120;

/** @typedef {{id: string, glyph: Element | null, title: string, note: string, pick: () => void}} Result */

export class ResultList {
  #input;
  #list;
  #note;
  #find;
  #none;
  #timer = 0;
  #asked = 0;
  /** @type {Result[]} */
  #results = [];
  #chosen = 0;

  /**
   * @param {HTMLElement} root holds the parts q, results and note
   * @param {{
   *   find: (q: string) => Array<Result> | Promise<Array<Result>>,
   *   none: (q: string) => string,
   * }} with_ `find` may give what is at hand at once and the rest by a promise
   */
  constructor(root, { find, none }) {
    this.#input = /** @type {HTMLInputElement} */ (root.querySelector('[data-part="q"]'));
    this.#list = /** @type {HTMLElement} */ (root.querySelector('[data-part="results"]'));
    this.#note = /** @type {HTMLElement} */ (root.querySelector('[data-part="note"]'));
    this.#find = find;
    this.#none = none;
    this.#input.addEventListener("input", () => this.#later());
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Empties the box and finds for nothing typed. */
  restart() {
    this.#input.value = "";
    this.#show([], "");
    this.#ask();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(), ASK_AFTER_MS);
  }

  async #ask() {
    const asked = ++this.#asked;
    const q = this.#input.value.trim();
    try {
      const results = await this.#find(q);
      if (asked === this.#asked) this.#show(results, results.length ? "" : this.#none(q));
    } catch (error) {
      if (asked === this.#asked) this.#show([], error instanceof Refusal ? error.said : String(error));
    }
  }

  /** @param {Result[]} results @param {string} note */
  #show(results, note) {
    this.#results = results;
    this.#list.replaceChildren(...results.map((result, index) => this.#optionFor(result, index)));
    this.#note.textContent = note;
    this.#choose(0);
  }

  /** @param {Result} result @param {number} index */
  #optionFor({ glyph, title, note }, index) {
    const option = document.createElement("li");
    option.className = "result result--option";
    option.id = `${this.#list.id}-${index}`;
    option.setAttribute("role", "option");
    option.dataset.index = String(index);
    const text = document.createElement("span");
    text.className = "result__text";
    const name = document.createElement("b");
    name.textContent = title;
    const more = document.createElement("span");
    more.className = "field__help";
    more.textContent = note;
    text.append(name, " ", more);
    if (glyph) option.append(glyph);
    option.append(text);
    return option;
  }

  /** @param {number} index */
  #choose(index) {
    this.#chosen = Math.max(0, Math.min(this.#results.length - 1, index));
    [...this.#list.children].forEach((option, at) => {
      const isChosen = at === this.#chosen;
      option.setAttribute("aria-selected", String(isChosen));
      if (isChosen) option.scrollIntoView({ block: "nearest" });
    });
    const chosen = this.#list.children[this.#chosen];
    if (chosen) this.#input.setAttribute("aria-activedescendant", chosen.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step) this.#choose(this.#chosen + step);
    else if (event.key === "Enter") this.#results[this.#chosen]?.pick();
    else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const option = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-index]"));
    if (option) this.#results[Number(option.dataset.index)]?.pick();
  }
}
