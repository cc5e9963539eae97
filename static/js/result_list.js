// @ts-check
/** Owns a list one searches and picks from with the keyboard: a combobox and its listbox. */

import { isComposing } from "./keys.js";
import { Refusal } from "./refusal.js";

const ASK_AFTER_MS = 120;

/** @typedef {{id: string, glyph: Element | null, title: string, note: string, pick: () => void}} Result */

export class ResultList {
  #input;
  #list;
  #note;
  #near;
  #far;
  #none;
  #timer = 0;
  #turn = 0;
  #isSettled = true;
  #isPicked = false;
  /** @type {Result[]} */
  #results = [];
  #chosen = 0;

  /**
   * @param {HTMLElement} root holds the parts q, results and note
   * @param {{
   *   near?: (q: string) => Result[], far: (q: string) => Promise<Result[]>,
   *   none: (q: string) => string,
   * }} with_ `near` is at hand at once, `far` has to be asked for
   */
  constructor(root, { near = () => [], far, none }) {
    this.#input = /** @type {HTMLInputElement} */ (root.querySelector('[data-part="q"]'));
    this.#list = /** @type {HTMLElement} */ (root.querySelector('[data-part="results"]'));
    this.#note = /** @type {HTMLElement} */ (root.querySelector('[data-part="note"]'));
    this.#near = near;
    this.#far = far;
    this.#none = none;
    this.#input.addEventListener("input", () => this.#typed(ASK_AFTER_MS));
    this.#input.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Empties the box and finds for nothing typed. */
  restart() {
    this.#input.value = "";
    this.#typed(0);
  }

  /** @param {number} askAfterMs */
  #typed(askAfterMs) {
    const turn = ++this.#turn;
    const q = this.#input.value.trim();
    const near = this.#near(q);
    this.#isSettled = false;
    this.#isPicked = false;
    this.#chosen = 0;
    this.#show(near, "");
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(q, near, turn), askAfterMs);
  }

  /** @param {string} q @param {Result[]} near @param {number} turn */
  async #ask(q, near, turn) {
    let note = "";
    /** @type {Result[]} */
    let far = [];
    try {
      far = await this.#far(q);
    } catch (error) {
      note = error instanceof Refusal ? error.said : String(error);
    }
    if (turn !== this.#turn) return;
    const results = [...near, ...far];
    this.#isSettled = true;
    this.#show(results, results.length ? "" : note || this.#none(q));
    if (this.#isPicked) results[0]?.pick();
  }

  /** @param {Result[]} results @param {string} note */
  #show(results, note) {
    this.#results = results;
    this.#list.replaceChildren(...results.map((result, index) => optionOf(result, index, this.#list.id)));
    this.#note.textContent = note;
    this.#choose(this.#chosen);
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
    if (isComposing(event)) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step) this.#choose(this.#chosen + step);
    else if (event.key === "Enter") this.#pick();
    else return;
    event.preventDefault();
  }

  /** Enter pressed faster than the server answers picks what it will answer. */
  #pick() {
    if (this.#results.length) this.#results[this.#chosen].pick();
    else if (!this.#isSettled) this.#isPicked = true;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const option = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-index]"));
    if (option) this.#results[Number(option.dataset.index)]?.pick();
  }
}

/** A line of a listbox. @param {Omit<Result, "id" | "pick">} result @param {number} index @param {string} listId */
export function optionOf({ glyph, title, note }, index, listId) {
  const option = document.createElement("li");
  option.className = "result result--option";
  option.id = `${listId}-${index}`;
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
