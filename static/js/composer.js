// @ts-check
/**
 * Owns the box one writes in: Enter sends, it grows with the text, it keeps the room's draft, it says
 * what is being answered or changed, and why it is closed.
 */

import { ComposerContext, quoteOf } from "./composer_context.js";
import { ComposerGate } from "./composer_gate.js";
import { isComposing } from "./keys.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Quote} Quote */

const DRAFT_AFTER_MS = 300;
const WARN_BELOW = 500; // characters left from which the count is shown
const LINES_MAX = 12;

export class Composer {
  #form;
  #text;
  #note;
  #drafts;
  #textMax;
  #on;
  #context;
  #gate;
  #room = "";
  #kept = ""; // the draft as it was read or kept last: what differs was written here
  #draftTimer = 0;
  #touch = matchMedia("(hover: none) and (pointer: coarse)");

  /**
   * @param {HTMLFormElement} form
   * @param {{
   *   drafts: import("./drafts.js").Drafts, textMax: number,
   *   gate: () => import("./composer_gate.js").Gate,
   *   on: {
   *     send: (text: string, quote: Quote | null) => void, typing: () => void, up: () => void,
   *     edit: (message: Message, text: string) => void, emptied: (message: Message) => void,
   *     context: (message: Message | null) => void,
   *   },
   * }} with_ `up`: ArrowUp in an empty box; `emptied`: nothing is left of a message that is edited;
   *   `context`: this message is edited now, or none
   */
  constructor(form, { drafts, textMax, gate, on }) {
    this.#form = form;
    this.#text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
    this.#note = /** @type {HTMLElement} */ (form.querySelector('[data-part="note"]'));
    this.#drafts = drafts;
    this.#textMax = textMax;
    this.#on = on;
    this.#context = new ComposerContext(/** @type {HTMLElement} */ (form.querySelector('[data-part="context"]')), () => {
      this.cancel();
      this.focus();
    });
    this.#gate = new ComposerGate(form, gate);
  }

  connect() {
    this.#text.removeAttribute("maxlength"); // it would cut a long paste silently; we count instead
    this.#text.required = false; // nothing left of a message is a word too: delete it
    this.#form.addEventListener("submit", this.#submitted);
    this.#text.addEventListener("keydown", this.#pressed);
    this.#text.addEventListener("input", this.#typed);
    window.addEventListener("pagehide", this.#keepDraft);
    window.addEventListener("storage", this.#writtenElsewhere);
    this.#context.connect();
    this.#gate.connect();
  }

  disconnect() {
    this.#form.removeEventListener("submit", this.#submitted);
    this.#text.removeEventListener("keydown", this.#pressed);
    this.#text.removeEventListener("input", this.#typed);
    window.removeEventListener("pagehide", this.#keepDraft);
    window.removeEventListener("storage", this.#writtenElsewhere);
    this.#context.disconnect();
    this.#gate.disconnect();
  }

  /** Changes to a room: keeps what is half written in the one before, shows this one's. @param {string} room @param {string} title */
  open(room, title) {
    const early = this.#room ? "" : this.#text.value; // typed while the page was loading, or given back by the server
    this.#context.park(this.#text.value);
    this.#keepDraft();
    this.#room = room;
    this.#form.action = `/rooms/${room}/send/`;
    this.#form.dataset.placeholder = `Message ${title}`;
    /** @type {HTMLElement} */ (this.#form.querySelector('[data-part="label"]')).textContent = `Message ${title}`;
    this.#text.defaultValue = "";
    this.#context.open(room);
    this.#recall();
    if (early && early !== this.#text.value) this.#append(early);
    this.#gate.refresh();
  }

  /** The room's rules or one's own right to write changed, or one wrote. */
  refresh() {
    this.#gate.refresh();
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  get hasFocus() {
    return document.activeElement === this.#text;
  }

  /** What is written next answers this message. @param {Message} message */
  reply(message) {
    if (this.#context.edited) this.cancel();
    this.#context.reply(quoteOf(message));
    this.focus();
  }

  /** Changes a message of one's own; what was half written waits. @param {Message} message @param {string} text */
  edit(message, text = message.text) {
    if (this.#context.edited) this.cancel();
    this.#keepDraft();
    this.#context.edit(message);
    this.#on.context(message);
    this.#write(text);
    this.focus();
  }

  /** Takes back what was sent; what is half written stays before it. @param {string} text @param {Quote | null} quote what it answers */
  takeBack(text, quote) {
    if (this.#context.edited) this.cancel();
    if (quote) this.#context.reply(quote);
    this.#append(text);
    this.#keepDraft();
    this.focus();
  }

  /** Neither answers nor changes anything any more. @returns {boolean} whether it did */
  cancel() {
    const { edited } = this.#context;
    if (!this.#context.close()) return false;
    if (edited) {
      this.#on.context(null);
      this.#recall();
    }
    return true;
  }

  /** A message was deleted: nothing answers or changes it any more. @param {string} id */
  forget(id) {
    if (this.#context.edited?.id === id) this.cancel();
    this.#context.forget(id);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (event.shiftKey || event.altKey || isComposing(event)) return;
    if (event.key === "ArrowUp" && !this.#text.value && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#on.up();
      return;
    }
    if (event.key !== "Enter") return;
    if (this.#touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#form.requestSubmit();
  };

  /** @param {SubmitEvent} event */
  #submitted = (event) => {
    event.preventDefault();
    const text = this.#text.value.replace(/^(\s*\n)+/, "").trimEnd();
    if (!this.#room || this.#over > 0) return;
    const { edited } = this.#context;
    if (edited) this.#finish(edited, text);
    else if (text.trim() && this.#gate.pass()) this.#send(text);
    this.focus();
  };

  /** @param {string} text */
  #send(text) {
    const quote = this.#context.quote;
    this.#context.close();
    this.#write("");
    this.#keepDraft();
    this.#on.send(text, quote);
  }

  /** @param {Message} message @param {string} text */
  #finish(message, text) {
    if (!text.trim()) {
      this.#on.emptied(message);
      return;
    }
    this.cancel();
    if (text !== message.text) this.#on.edit(message, text);
  }

  #typed = () => {
    this.#fit();
    clearTimeout(this.#draftTimer);
    if (this.#context.edited) return;
    this.#draftTimer = window.setTimeout(this.#keepDraft, DRAFT_AFTER_MS);
    if (this.#text.value.trim()) this.#on.typing();
  };

  #keepDraft = () => {
    clearTimeout(this.#draftTimer);
    const text = this.#text.value;
    if (!this.#room || this.#context.edited || text === this.#kept) return;
    this.#kept = text;
    this.#drafts.put(this.#room, text);
  };

  /** The draft was sent or changed in another window: here too, unless one has written here. */
  #writtenElsewhere = () => {
    if (!this.#context.edited && this.#text.value === this.#kept) this.#recall();
  };

  /** Shows what is half written in this room: the change of a message, else the draft. */
  #recall() {
    const { edited } = this.#context;
    this.#kept = this.#drafts.get(this.#room);
    this.#write(edited ? this.#context.parked : this.#kept);
    if (edited) this.#on.context(edited);
  }

  /** @param {string} text */
  #append(text) {
    this.#write([this.#text.value.trimEnd(), text].filter(Boolean).join("\n"));
  }

  /** @param {string} text */
  #write(text) {
    this.#text.value = text;
    this.#fit();
  }

  /** How many characters too many there are; below zero, how many are left. */
  get #over() {
    return Array.from(this.#text.value.trim()).length - this.#textMax;
  }

  #fit() {
    this.#form.classList.toggle("composer--ready", this.#text.value.trim() !== "");
    const isLong = this.#text.value.length > this.#textMax - WARN_BELOW;
    const over = isLong ? this.#over : -this.#textMax;
    this.#form.classList.toggle("composer--over", over > 0);
    this.#note.textContent = !isLong ? "" : over > 0 ? `${over} characters too many` : `${-over} characters left`;
    if (CSS.supports("field-sizing", "content")) return;
    this.#text.rows = 1;
    const line = parseFloat(getComputedStyle(this.#text).lineHeight);
    this.#text.rows = Math.min(LINES_MAX, Math.max(1, Math.floor(this.#text.scrollHeight / line)));
  }
}
