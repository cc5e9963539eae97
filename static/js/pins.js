// @ts-check
/** Owns the list of what is pinned in the open room: each a link to where it stands. */

import { quoteOf } from "./composer_context.js";
import { clockOf, dayLabel } from "./format.js";
import { targetOf } from "./message_changes.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Message} Message */

const SHOWN = 3; // the newest; one asks for the others
const CHANGING = ["message.unpinned", "message.edited", "message.deleted"];

export class Pins {
  #section;
  #list;
  #all;
  #error;
  #api;
  #room = "";
  #turn = 0;
  #isLoading = false;
  #isWhole = false;

  /** @param {HTMLElement} section @param {import("./api.js").Api} api */
  constructor(section, api) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (section.querySelector(`[data-part="${name}"]`));
    this.#section = section;
    this.#list = part("pins-list");
    this.#all = part("pins-all");
    this.#error = part("pins-error");
    this.#api = api;
    this.#all.addEventListener("click", this.#unfolded);
  }

  /** @param {string} room */
  async show(room) {
    const turn = ++this.#turn;
    if (room !== this.#room) this.#draw([], 0);
    this.#room = room;
    this.#isLoading = true;
    let said = "";
    try {
      /** @type {{results: Message[], low_n: number}} */
      const { results, low_n } = await this.#api.get(`/rooms/${room}/pins`);
      if (turn === this.#turn) this.#draw(results, low_n);
    } catch (error) {
      said = error instanceof Refusal ? error.said : String(error);
    }
    if (turn !== this.#turn) return;
    this.#isLoading = false;
    this.#error.textContent = said;
    if (said) this.#section.hidden = false;
  }

  /** Something happened in the room that is shown. @param {import("./types.js").Pushed} frame */
  changed(frame) {
    const isListed = this.#isLoading || this.#linkTo(targetOf(frame)) !== null;
    const isRenewed = frame.type === "message.pinned" || frame.type === "room.reset";
    if (isRenewed || (isListed && CHANGING.includes(frame.type))) this.show(this.#room);
  }

  /** @param {Message[]} messages @param {number} lowN those up to there stand in no conversation any more */
  #draw(messages, lowN) {
    if (!messages.length) this.#isWhole = false;
    const focused = this.#list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    this.#list.replaceChildren(...messages.map((message) => itemFor(message, message.n > lowN)));
    this.#section.hidden = !messages.length;
    this.#all.textContent = `Show all ${messages.length}`;
    this.#fold();
    if (focused) (this.#linkTo(focused.dataset.message ?? "") ?? this.#list.querySelector("a"))?.focus({ preventScroll: true });
  }

  #fold() {
    const items = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    for (const item of items.slice(SHOWN)) item.hidden = !this.#isWhole;
    this.#all.hidden = this.#isWhole || items.length <= SHOWN;
  }

  #unfolded = () => {
    this.#isWhole = true;
    this.#fold();
    this.#list.querySelectorAll("a")[SHOWN]?.focus();
  };

  /** @param {string} message @returns {HTMLElement | null} */
  #linkTo(message) {
    return this.#list.querySelector(`[data-message="${CSS.escape(message)}"]`);
  }
}

/** @param {Message} message @param {boolean} isInPlace */
function itemFor(message, isInPlace) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.className = "pin";
  link.dataset.message = message.id;
  link.href = `/rooms/${message.room}/${isInPlace ? `?n=${message.n}` : `messages/${message.id}/`}`;
  const author = document.createElement("b");
  author.textContent = message.sender.display_name;
  const at = document.createElement("span");
  at.className = "pin__at";
  at.textContent = `${dayLabel(message.at)} ${clockOf(message.at)}`;
  const text = document.createElement("span");
  text.className = "pin__text";
  text.textContent = quoteOf(message).excerpt;
  link.append(author, " ", at, " ", text);
  item.append(link);
  return item;
}
