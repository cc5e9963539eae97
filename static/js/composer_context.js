// @ts-check
/** Owns the line over the box one writes in: which message is being answered or changed. */

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Quote} Quote */

const EXCERPT_MAX_CHARS = 140; // as chat/text.py

export class ComposerContext {
  #line;
  #close;
  #room = "";
  /** @type {Map<string, Message>} what is answered in each room */
  #answered = new Map();
  /** @type {Message | null} */
  #edited = null;

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
    return this.#edited;
  }

  /** The message that is being answered, as the answer will quote it. @returns {Quote | null} */
  get quote() {
    const message = this.#answered.get(this.#room);
    return message ? { id: message.id, n: message.n, sender: message.sender, excerpt: excerptOf(message.text) } : null;
  }

  /** @param {string} id */
  isAbout(id) {
    return (this.#edited ?? this.#answered.get(this.#room))?.id === id;
  }

  /** @param {string} room */
  open(room) {
    this.#room = room;
    this.#show();
  }

  /** @param {Message} message */
  reply(message) {
    this.#answered.set(this.#room, message);
    this.#show();
  }

  /** @param {Message} message */
  edit(message) {
    this.#edited = message;
    this.#show();
  }

  /** Ends the change, else the answer. @returns {boolean} whether there was one */
  close() {
    const was = this.#edited !== null || this.#answered.has(this.#room);
    if (this.#edited) this.#edited = null;
    else this.#answered.delete(this.#room);
    this.#show();
    return was;
  }

  #show() {
    const answered = this.#answered.get(this.#room);
    const message = this.#edited ?? answered;
    this.#line.hidden = !message;
    if (!message) return;
    this.#part("context-title").textContent = this.#edited ? "Editing your message" : `Replying to ${message.sender.display_name}`;
    this.#part("context-text").textContent = excerptOf(message.text);
    this.#part("context-close").textContent = this.#edited ? "Leave it as it was" : "Do not reply";
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#line.querySelector(`[data-part="${name}"]`));
  }
}

/** @param {string} text */
function excerptOf(text) {
  const line = Array.from(text.replace(/\s+/gu, " ").trim());
  return line.length > EXCERPT_MAX_CHARS ? `${line.slice(0, EXCERPT_MAX_CHARS - 1).join("")}…` : line.join("");
}
