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
  const { message, unsent, follows } = row;
  element.id = `message-${message.id}`;
  element.dataset.row = row.key;
  element.dataset.n = String(message.n);
  element.classList.toggle("message--follows", follows);
  element.classList.toggle("message--mention", message.mentions.includes(me));
  element.classList.toggle("message--deleted", Boolean(message.deleted_at));
  element.classList.toggle("message--pending", unsent?.state === "pending");
  element.classList.toggle("message--failed", unsent?.state === "failed");
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
    this.#fillQuote(element, message);
    this.#fillReactions(element, message);
    if (!message.edited_at || message.deleted_at) part(element, "edited")?.remove();
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
    else if (was.message !== row.message && !row.unsent) return this.make(row);
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
  #fillStored(element, { message, unsent }) {
    const link = /** @type {HTMLAnchorElement} */ (part(element, "link"));
    if (unsent) link.removeAttribute("href");
    else link.href = hrefOf(message);
    this.localise(element, message);
    this.#fillBody(element, message, unsent !== null);
  }

  /** @param {Element} element @param {Message} message @param {boolean} isPlain */
  #fillBody(element, message, isPlain) {
    const body = /** @type {HTMLElement} */ (part(element, "body"));
    body.classList.toggle("message__body--plain", isPlain);
    if (message.deleted_at) body.textContent = "This message was deleted.";
    else if (isPlain) body.textContent = message.text;
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
    const list = /** @type {HTMLElement} */ (part(element, "reactions"));
    if (!message.reactions.length) {
      list.remove();
      return;
    }
    list.replaceChildren(
      ...message.reactions.map(({ emoji, count }) => {
        const item = document.createElement("li");
        item.className = "reaction";
        const number = document.createElement("span");
        number.className = "reaction__count";
        number.textContent = String(count);
        item.append(`${emoji} `, number);
        return item;
      }),
    );
  }

  /** @param {Element} element @param {MessageRow} row */
  #fillState(element, { unsent }) {
    const state = part(element, "state");
    if (!state) return;
    if (!unsent) {
      state.remove();
      return;
    }
    state.hidden = unsent.state === "sent";
    write(element, "state-text", unsent.reason || STATES[unsent.state]);
    for (const button of state.querySelectorAll("button")) button.hidden = unsent.state !== "failed";
  }
}
