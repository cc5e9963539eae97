// @ts-check
/** Owns what was typed and not sent, per room, over reloads. */

export class Drafts {
  #storage;
  #prefix;

  /** @param {Storage} storage @param {string} me */
  constructor(storage, me) {
    this.#storage = storage;
    this.#prefix = `parley:draft:${me}:`;
  }

  /** @param {string} room */
  get(room) {
    try {
      return this.#storage.getItem(this.#prefix + room) ?? "";
    } catch {
      return "";
    }
  }

  clear() {
    for (const key of Object.keys(this.#storage)) {
      if (key.startsWith(this.#prefix)) this.#storage.removeItem(key);
    }
  }

  /** @param {string} room @param {string} text */
  put(room, text) {
    try {
      if (text.trim()) this.#storage.setItem(this.#prefix + room, text);
      else this.#storage.removeItem(this.#prefix + room);
    } catch {
      // A full or forbidden storage: the draft lives as long as the page.
    }
  }
}
