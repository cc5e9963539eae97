// @ts-check
/** Owns the line over the box one writes in: which message is being answered or changed. */

import { excerptOf } from "./format.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Quote} Quote */

export class ComposerContext {
  #line;
  #close;
  #room = "";
  /** @type {Map<string, Quote>} what is answered in each room */
  #answered = new Map();
  /** @type {Map<string, {message: Message, text: string}>} what is changed in each room, and how far that got */
  #changed = new Map();

  /** @param {HTMLElement} line @param {() => void} onClose its button was pressed */
  constructor(line, onClose) {
    this.#line = line;
    this.#close = onClose;
  }

  connect() {
    this.#line.querySelector("button")?.addEventListener("click", this.#close);
  }

  disconnect() {
    this.#line.querySelector("button")?.removeEventListener("click", this.#close);
  }

  /** The message that is being changed. */
  get edited() {
    return this.#changed.get(this.#room)?.message ?? null;
  }

  /** The message that is being answered, as the answer will quote it. */
  get quote() {
    return this.#answered.get(this.#room) ?? null;
  }

  /** What had become of the message that is being changed when the room was left. */
  get parked() {
    return this.#changed.get(this.#room)?.text ?? "";
  }

  /** The room is left: what had become of the message that is being changed is kept. @param {string} text */
  park(text) {
    const change = this.#changed.get(this.#room);
    if (change) change.text = text;
  }

  /** Nothing answers or changes this message any more, in no room. @param {string} id */
  forget(id) {
    for (const [room, quote] of this.#answered) if (quote.id === id) this.#answered.delete(room);
    for (const [room, { message }] of this.#changed) if (message.id === id) this.#changed.delete(room);
    this.#show();
  }

  /** @param {string} room */
  open(room) {
    this.#room = room;
    this.#show();
  }

  /** @param {Quote} quote */
  reply(quote) {
    this.#answered.set(this.#room, quote);
    this.#show();
  }

  /** @param {Message} message */
  edit(message) {
    this.#changed.set(this.#room, { message, text: message.text });
    this.#show();
  }

  /** Ends the change, else the answer. @returns {boolean} whether there was one */
  close() {
    const was = this.#changed.delete(this.#room) || this.#answered.delete(this.#room);
    this.#show();
    return was;
  }

  #show() {
    const { edited } = this;
    const about = edited ? quoteOf(edited) : this.quote;
    this.#line.hidden = !about;
    if (!about) return;
    this.#part("context-title").textContent = edited ? "Editing your message" : `Replying to ${about.sender.display_name}`;
    this.#part("context-text").textContent = about.excerpt;
    this.#part("context-close").textContent = edited ? "Leave it as it was" : "Do not reply";
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#line.querySelector(`[data-part="${name}"]`));
  }
}

/** A message as an answer quotes it. @param {Message} message @returns {Quote} */
export const quoteOf = ({ id, n, sender, text }) => ({ id, n, sender, excerpt: excerptOf(text) });
