// @ts-check
/** Owns completing a name after an @ in the box one writes in: a few people above it, picked by keys or a click. */

import { isComposing } from "./keys.js";
import { faceOf } from "./people.js";
import { optionOf } from "./result_list.js";

/** @typedef {import("./types.js").Person} Person */

const ASK_AFTER_MS = 100;
/** A name that has begun just before the caret; where one may begin, `chat/text.py` says. */
const BEGUN = /(?<![\w@.])@([A-Za-z0-9._-]{0,32})$/;

export class MentionList {
  #text;
  #list;
  #find;
  /** @type {Person[]} */
  #people = [];
  #chosen = 0;
  #timer = 0;
  #turn = 0;

  /** @param {HTMLFormElement} form @param {(q: string) => Promise<Person[]>} find best first, in whose name `q` is */
  constructor(form, find) {
    this.#text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
    this.#list = /** @type {HTMLElement} */ (form.querySelector('[data-part="mentions"]'));
    this.#find = find;
  }

  connect() {
    this.#text.addEventListener("input", this.#typed);
    this.#text.addEventListener("keydown", this.#pressed, { capture: true });
    this.#text.addEventListener("blur", this.close);
    this.#list.addEventListener("pointerdown", this.#clicked);
  }

  disconnect() {
    this.#text.removeEventListener("input", this.#typed);
    this.#text.removeEventListener("keydown", this.#pressed, { capture: true });
    this.#text.removeEventListener("blur", this.close);
    this.#list.removeEventListener("pointerdown", this.#clicked);
    this.close();
  }

  close = () => {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#show([]);
  };

  /** What has been typed of a name, "" for an @ alone; null where none has begun. */
  get #begun() {
    const { selectionStart, selectionEnd, value } = this.#text;
    return selectionStart === selectionEnd ? (BEGUN.exec(value.slice(0, selectionStart))?.[1] ?? null) : null;
  }

  #typed = () => {
    const turn = ++this.#turn;
    const begun = this.#begun;
    clearTimeout(this.#timer);
    if (begun === null) this.#show([]);
    else this.#timer = window.setTimeout(() => this.#ask(begun, turn), ASK_AFTER_MS);
  };

  /** @param {string} begun @param {number} turn */
  async #ask(begun, turn) {
    const people = await this.#find(begun).catch(() => []); // one goes on typing without
    if (turn === this.#turn) this.#show(people);
  }

  /** @param {Person[]} people */
  #show(people) {
    this.#people = people;
    this.#list.replaceChildren(
      ...people.map((person, index) =>
        optionOf({ glyph: faceOf(person, "small"), title: person.display_name, note: `@${person.username}` }, index, this.#list.id),
      ),
    );
    this.#list.hidden = !people.length;
    this.#choose(0);
  }

  /** @param {number} index */
  #choose(index) {
    const count = this.#people.length;
    this.#chosen = count ? (index + count) % count : 0;
    [...this.#list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#chosen)));
    const chosen = this.#list.children[this.#chosen];
    if (chosen) this.#text.setAttribute("aria-activedescendant", chosen.id);
    else this.#text.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  /** Before the box sees the key: what is meant for the list is not for it. @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (!this.#people.length || isComposing(event) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") this.#choose(this.#chosen + (key === "ArrowDown" ? 1 : -1));
    else if (key === "Escape") this.close();
    else if (key === "Tab" || (key === "Enter" && !this.#isWhole)) this.#pick(this.#people[this.#chosen]);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  /** Whether the name is typed already: Enter sends then. */
  get #isWhole() {
    return this.#people[this.#chosen].username.toLowerCase() === this.#begun?.toLowerCase();
  }

  /** @param {PointerEvent} event */
  #clicked = (event) => {
    event.preventDefault(); // the box keeps the focus
    const option = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-index]"));
    if (option) this.#pick(this.#people[Number(option.dataset.index)]);
  };

  /** @param {Person} person */
  #pick({ username }) {
    const end = this.#text.selectionStart;
    const begun = this.#begun;
    if (begun === null) return;
    this.#text.setRangeText(`@${username} `, end - begun.length - 1, end, "end");
    this.#text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
