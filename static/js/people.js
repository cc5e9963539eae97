// @ts-check
/** Owns who is who: the people met so far, their initials and colours. `chat/pages.py` has the same rules. */

/** @typedef {import("./types.js").Person} Person */

const HUES = 9;

/** Two letters at most: of the first two words, or the first two of a single one. @param {string} name */
export function initials(name) {
  const words = name
    .split(/\s+/u)
    .map((word) => Array.from(word).filter((letter) => /[\p{L}\p{N}]/u.test(letter)))
    .filter((letters) => letters.length);
  if (!words.length) return Array.from(name)[0] ?? "?";
  const letters = words.length > 1 ? [words[0][0], words[1][0]] : words[0].slice(0, 2);
  return letters.join("").toUpperCase();
}

/** One of the colours of a face, always the same for one person. @param {string} id */
export function hue(id) {
  return parseInt(id.slice(-6) || "0", 16) % HUES;
}

/** Makes an avatar show this person. @param {Element} element @param {Person} person */
export function showFace(element, person) {
  element.textContent = initials(person.display_name);
  /** @type {HTMLElement} */ (element).dataset.hue = String(hue(person.id));
}

/** A new avatar. @param {Person} person @param {"" | "small"} size */
export function faceOf(person, size = "") {
  const element = document.createElement("span");
  element.className = size ? `avatar avatar--${size}` : "avatar";
  element.setAttribute("aria-hidden", "true");
  showFace(element, person);
  return element;
}

export class People {
  /** @type {Map<string, Person>} */
  #known = new Map();
  #api;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /** @param {Person} person */
  learn(person) {
    this.#known.set(person.id, person);
  }

  /** @param {string} id */
  get(id) {
    return this.#known.get(id) ?? null;
  }

  /** The person of this id, asked of the server when we never met. @param {string} id @returns {Promise<Person>} */
  async meet(id) {
    const known = this.#known.get(id);
    if (known) return known;
    const person = await this.#api.get(`/users/${id}`);
    this.learn(person);
    return person;
  }
}
