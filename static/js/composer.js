// @ts-check
/** Owns the box one writes in: Enter sends, it grows with the text, it keeps the room's draft. */

const DRAFT_AFTER_MS = 300;
const WARN_BELOW = 500; // characters left from which the count is shown
const LINES_MAX = 12;

export class Composer {
  #form;
  #text;
  #note;
  #drafts;
  #textMax;
  #onSend;
  #onTyping;
  #room = "";
  #draftTimer = 0;
  #touch = matchMedia("(hover: none) and (pointer: coarse)");

  /**
   * @param {HTMLFormElement} form
   * @param {{
   *   drafts: import("./drafts.js").Drafts, textMax: number,
   *   onSend: (text: string) => void, onTyping: () => void,
   * }} with_
   */
  constructor(form, { drafts, textMax, onSend, onTyping }) {
    this.#form = form;
    this.#text = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
    this.#note = /** @type {HTMLElement} */ (form.querySelector('[data-part="note"]'));
    this.#drafts = drafts;
    this.#textMax = textMax;
    this.#onSend = onSend;
    this.#onTyping = onTyping;
  }

  connect() {
    this.#text.removeAttribute("maxlength"); // it would cut a long paste silently; we count instead
    this.#form.addEventListener("submit", this.#submitted);
    this.#text.addEventListener("keydown", this.#pressed);
    this.#text.addEventListener("input", this.#typed);
    window.addEventListener("pagehide", this.#keepDraft);
  }

  disconnect() {
    this.#form.removeEventListener("submit", this.#submitted);
    this.#text.removeEventListener("keydown", this.#pressed);
    this.#text.removeEventListener("input", this.#typed);
    window.removeEventListener("pagehide", this.#keepDraft);
  }

  /** Changes to a room: keeps the draft of the one before, shows this one's. @param {string} room @param {string} title */
  open(room, title) {
    this.#keepDraft();
    this.#room = room;
    this.#form.action = `/rooms/${room}/send/`;
    this.#text.placeholder = `Message ${title}`;
    /** @type {HTMLElement} */ (this.#form.querySelector('[data-part="label"]')).textContent = `Message ${title}`;
    this.#text.value = this.#drafts.get(room) || this.#text.defaultValue;
    this.#text.defaultValue = "";
    this.#fit();
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  get hasFocus() {
    return document.activeElement === this.#text;
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    if (this.#touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#form.requestSubmit();
  };

  /** @param {SubmitEvent} event */
  #submitted = (event) => {
    event.preventDefault();
    const text = this.#text.value.replace(/^(\s*\n)+/, "").trimEnd();
    if (!text.trim() || !this.#room || this.#over > 0) return;
    this.#text.value = "";
    this.#fit();
    this.#keepDraft();
    this.#onSend(text);
    this.focus();
  };

  #typed = () => {
    this.#fit();
    clearTimeout(this.#draftTimer);
    this.#draftTimer = window.setTimeout(this.#keepDraft, DRAFT_AFTER_MS);
    if (this.#text.value.trim()) this.#onTyping();
  };

  #keepDraft = () => {
    clearTimeout(this.#draftTimer);
    if (this.#room) this.#drafts.put(this.#room, this.#text.value);
  };

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
