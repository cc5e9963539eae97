// @ts-check
/**
 * Owns the element of one message: made from <template id="message-template">, which the server
 * renders from the same `_message.html` as its own messages. Only here does the server's sanitised
 * HTML enter the page.
 */

import { clockOf, fullOf } from "./format.js";
import { showFace } from "./people.js";

/** @typedef {import("./types.js").MessageRow} MessageRow */
/** @typedef {import("./types.js").Message} Message */

const STATES = { pending: "Sending…", sent: "", failed: "Not sent." };

/** @param {Element} element @param {string} name */
const part = (element, name) => /** @type {HTMLElement | null} */ (element.querySelector(`[data-part="${name}"]`));

/** @param {Element} element @param {string} name @param {string} text */
function write(element, name, text) {
  const found = part(element, name);
  if (found) found.textContent = text;
}

/** Numbers and times that scripts and styles read. @param {HTMLElement} element @param {MessageRow} row @param {string} me */
function mark(element, row, me) {
  const { message, follows } = row;
  const state = (row.unsent ?? row.edit)?.state;
  element.id = `message-${message.id}`;
  element.dataset.row = row.key;
  element.dataset.n = String(message.n);
  element.classList.toggle("message--follows", follows);
  element.classList.toggle("message--mention", message.mentions.includes(me));
  element.classList.toggle("message--deleted", Boolean(message.deleted_at));
  element.classList.toggle("message--pinned", message.pinned);
  element.classList.toggle("message--changing", row.isChanging);
  element.classList.toggle("message--pending", state === "pending");
  element.classList.toggle("message--failed", state === "failed");
}

/** @param {Message} message */
const hrefOf = (message, n = message.n) => `/rooms/${message.room}/?n=${n}`;

export class MessageElements {
  #template;
  #me;

  /** @param {HTMLTemplateElement} template @param {string} me */
  constructor(template, me) {
    this.#template = template;
    this.#me = me;
  }

  /** @param {MessageRow} row @returns {HTMLElement} */
  make(row) {
    const copy = /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (copy.firstElementChild);
    const { message } = row;
    showFace(/** @type {Element} */ (element.querySelector(".avatar")), message.sender);
    write(element, "author", message.sender.display_name);
    part(element, "author")?.setAttribute("title", `@${message.sender.username}`);
    this.#fillQuote(element, message);
    this.#fillReactions(element, message);
    if (!message.edited_at || message.deleted_at) part(element, "edited")?.remove();
    if (!message.pinned) part(element, "pinned")?.remove();
    this.#fillStored(element, row);
    this.#fillState(element, row);
    mark(element, row, this.#me);
    return element;
  }

  /**
   * Makes an element that is in place show the row as it is now: it keeps focus and selection
   * where nothing changed.
   * @param {HTMLElement} element @param {MessageRow} was @param {MessageRow} row
   * @returns {HTMLElement} the element to have there: the same, or a new one
   */
  update(element, was, row) {
    if (was.unsent && !row.unsent) this.#fillStored(element, row);
    else if ((was.message !== row.message || was.edit !== row.edit) && !row.unsent) return this.make(row);
    if (was.unsent?.state !== row.unsent?.state || was.unsent?.reason !== row.unsent?.reason) {
      this.#fillState(element, row);
    }
    mark(element, row, this.#me);
    return element;
  }

  /** Writes the times in the reader's way. @param {Element} element @param {Message} message */
  localise(element, message) {
    const time = /** @type {HTMLTimeElement} */ (part(element, "time"));
    time.dateTime = message.at;
    time.textContent = clockOf(message.at);
    time.title = fullOf(message.at);
  }

  /** The parts that change when a message has been stored. @param {Element} element @param {MessageRow} row */
  #fillStored(element, { message, unsent, edit }) {
    const link = /** @type {HTMLAnchorElement} */ (part(element, "link"));
    const more = /** @type {HTMLAnchorElement} */ (part(element, "more"));
    more.hidden = unsent !== null;
    if (unsent) link.removeAttribute("href");
    else {
      link.href = hrefOf(message);
      more.href = `/rooms/${message.room}/messages/${message.id}/`;
    }
    this.localise(element, message);
    this.#fillBody(element, message, unsent ? message.text : edit ? edit.text : null);
  }

  /** @param {Element} element @param {Message} message @param {string | null} typed what waits to be stored, as it was typed */
  #fillBody(element, message, typed) {
    const body = /** @type {HTMLElement} */ (part(element, "body"));
    const isPlain = typed !== null && !message.deleted_at;
    body.classList.toggle("message__body--plain", isPlain);
    if (message.deleted_at) body.textContent = "This message was deleted.";
    else if (isPlain) body.textContent = typed;
    else body.innerHTML = message.html;
  }

  /** @param {Element} element @param {Message} message */
  #fillQuote(element, message) {
    const quote = /** @type {HTMLAnchorElement} */ (part(element, "quote"));
    if (!message.reply_to) {
      quote.remove();
      return;
    }
    quote.href = hrefOf(message, message.reply_to.n);
    write(element, "quote-author", message.reply_to.sender.display_name);
    write(element, "quote-text", message.reply_to.excerpt || "A deleted message");
  }

  /** @param {Element} element @param {Message} message */
  #fillReactions(element, message) {
    const form = /** @type {HTMLFormElement} */ (part(element, "reactions"));
    if (!message.reactions.length) {
      form.remove();
      return;
    }
    form.action = `/rooms/${message.room}/messages/${message.id}/react/`;
    /** @type {Element} */ (form.querySelector("ul")).replaceChildren(
      ...message.reactions.map(({ emoji, count, users }) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.className = "reaction";
        button.name = "emoji";
        button.value = emoji;
        button.setAttribute("aria-pressed", String(users.includes(this.#me)));
        const number = document.createElement("span");
        number.className = "reaction__count";
        number.textContent = String(count);
        button.append(`${emoji} `, number);
        item.append(button);
        return item;
      }),
    );
  }

  /** @param {Element} element @param {MessageRow} row */
  #fillState(element, { unsent, edit }) {
    const state = part(element, "state");
    if (!state) return;
    const waiting = unsent ?? edit;
    if (!waiting) {
      state.remove();
      return;
    }
    state.hidden = waiting.state === "sent";
    write(element, "state-text", waiting.reason || STATES[waiting.state]);
    for (const button of state.querySelectorAll("button")) button.hidden = waiting.state !== "failed";
  }
}
