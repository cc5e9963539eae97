// @ts-check
/**
 * Owns the ways to what one can do to a message: tools beside the one under the pointer or in focus,
 * its menu, the palette of reactions. What is done, somebody else does.
 */

import { listOf } from "./format.js";
import { Popup } from "./popup.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./message_rights.js").Deed} Deed */

const NAMED_MAX = 8; // people of a reaction that are called by name

export class MessageMenu {
  #box;
  #log;
  #tools;
  #menu;
  #palette;
  #menuPopup;
  #palettePopup;
  #messageAround;
  #deedsFor;
  #act;
  #react;
  #nameOf;
  #sizes = new ResizeObserver(() => this.#place());
  /** @type {HTMLElement | null} the message that the tools stand at */
  #beside = null;
  /** @type {Message | null} the message that a menu is open for */
  #message = null;

  /**
   * @param {HTMLElement} root holds the conversation and, beside its log, tools, menu and palette
   * @param {{
   *   messageAround: (element: Element) => Message | null, deedsFor: (message: Message) => Deed[],
   *   act: (deed: Deed, message: Message) => void, react: (message: Message, emoji: string) => void,
   *   nameOf: (user: string) => Promise<string>,
   * }} with_
   */
  constructor(root, { messageAround, deedsFor, act, react, nameOf }) {
    const the = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));
    this.#box = the("scroller");
    this.#log = the("log");
    this.#tools = the("message-tools");
    this.#menu = the("message-menu");
    this.#palette = the("palette");
    this.#menuPopup = new Popup(this.#menu);
    this.#palettePopup = new Popup(this.#palette);
    this.#messageAround = messageAround;
    this.#deedsFor = deedsFor;
    this.#act = act;
    this.#react = react;
    this.#nameOf = nameOf;
  }

  connect() {
    this.#menuPopup.connect(this.#closed);
    this.#palettePopup.connect(this.#closed);
    this.#log.addEventListener("pointerover", this.#pointed);
    this.#log.addEventListener("focusin", this.#focused);
    this.#log.addEventListener("keydown", this.#pressed);
    this.#log.addEventListener("click", this.#clicked);
    this.#log.addEventListener("contextmenu", this.#held);
    this.#log.addEventListener("submit", this.#submitted);
    this.#box.addEventListener("pointerleave", this.#left);
    this.#box.addEventListener("focusout", this.#left);
    this.#tools.addEventListener("pointerdown", this.#kept);
    this.#tools.addEventListener("click", this.#picked);
    this.#menu.addEventListener("click", this.#picked);
    this.#palette.addEventListener("click", this.#picked);
    this.#palette.addEventListener("submit", this.#typed);
    this.#sizes.observe(this.#log);
  }

  disconnect() {
    this.#menuPopup.disconnect();
    this.#palettePopup.disconnect();
    this.#log.removeEventListener("pointerover", this.#pointed);
    this.#log.removeEventListener("focusin", this.#focused);
    this.#log.removeEventListener("keydown", this.#pressed);
    this.#log.removeEventListener("click", this.#clicked);
    this.#log.removeEventListener("contextmenu", this.#held);
    this.#log.removeEventListener("submit", this.#submitted);
    this.#box.removeEventListener("pointerleave", this.#left);
    this.#box.removeEventListener("focusout", this.#left);
    this.#tools.removeEventListener("pointerdown", this.#kept);
    this.#tools.removeEventListener("click", this.#picked);
    this.#menu.removeEventListener("click", this.#picked);
    this.#palette.removeEventListener("click", this.#picked);
    this.#palette.removeEventListener("submit", this.#typed);
    this.#sizes.disconnect();
  }

  close() {
    this.#menuPopup.close();
    this.#palettePopup.close();
    this.#show(null);
  }

  get #isOpen() {
    return this.#menuPopup.isOpen || this.#palettePopup.isOpen;
  }

  // --- the tools ---

  /** @param {HTMLElement | null} element */
  #show(element) {
    if (this.#isOpen) return;
    const message = element && this.#messageAround(element);
    if (this.#beside !== element) this.#beside?.classList.remove("message--active");
    this.#beside = message ? element : null;
    this.#tools.hidden = !message;
    if (!message) return;
    this.#offer(this.#tools, message);
    this.#place();
  }

  #place() {
    if (!this.#beside) return;
    if (!this.#beside.isConnected) {
      const again = document.getElementById(this.#beside.id);
      this.#beside = null;
      this.#show(again);
      return;
    }
    this.#beside.classList.add("message--active");
    this.#tools.style.setProperty("--y", `${this.#beside.offsetTop}px`);
  }

  /** Shows of the buttons in `holder` those of what may be done. @param {HTMLElement} holder @param {Message} message */
  #offer(holder, message) {
    const deeds = this.#deedsFor(message);
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (holder.querySelectorAll("[data-deed]"))) {
      button.hidden = !deeds.includes(/** @type {Deed} */ (button.dataset.deed));
    }
    for (const group of /** @type {NodeListOf<HTMLElement>} */ (holder.querySelectorAll("[data-quick]"))) {
      group.hidden = !deeds.includes("react");
    }
  }

  /** @param {PointerEvent} event */
  #pointed = (event) => {
    this.#nameReaction(event);
    if (event.pointerType !== "touch") this.#show(messageOf(event.target));
  };

  /** @param {FocusEvent} event */
  #focused = (event) => {
    this.#nameReaction(event);
    if (/** @type {Element} */ (event.target).matches(":focus-visible")) this.#show(messageOf(event.target));
  };

  /** @param {Event} event */
  #left = (event) => {
    const to = /** @type {PointerEvent | FocusEvent} */ (event).relatedTarget;
    if (!(to instanceof Node && this.#box.contains(to))) this.#show(null);
  };

  /** The browser says so late: the pointer and the focus may have gone on by then, and nothing more will tell of them. */
  #closed = () => {
    const focused = document.activeElement?.matches(":focus-visible") ? messageOf(document.activeElement) : null;
    this.#show(/** @type {HTMLElement | null} */ (this.#log.querySelector(".message:hover")) ?? focused);
  };

  /** A click on the tools leaves the focus where it is. @param {Event} event */
  #kept = (event) => event.preventDefault();

  // --- the menu ---

  /** @param {HTMLElement} element the message @param {import("./popup.js").Box} beside */
  #openMenu(element, beside) {
    const message = this.#messageAround(element);
    if (!message) return;
    this.#show(element);
    this.#message = message;
    this.#offer(this.#menu, message);
    this.#menuPopup.open(beside);
  }

  /** @param {import("./popup.js").Box} beside */
  #openPalette(beside) {
    const input = /** @type {HTMLInputElement} */ (this.#palette.querySelector("input"));
    input.value = "";
    input.setCustomValidity("");
    this.#palettePopup.open(beside);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    const element = messageOf(event.target);
    if (!element) return;
    const isOnMessage = event.target === element;
    const isMenuKey = event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!isMenuKey && event.key !== "." && !(isOnMessage && event.key === "Enter")) return;
    event.preventDefault();
    const { right, top } = element.getBoundingClientRect();
    this.#openMenu(element, { left: right, right: right - 16, top, bottom: top + 24 });
  };

  /** A long press on a touch screen; a mouse keeps the browser's own menu. @param {Event} event */
  #held = (event) => {
    const { pointerType, clientX, clientY } = /** @type {PointerEvent} */ (event);
    const element = messageOf(event.target);
    if (!element || pointerType !== "touch" || /** @type {Element} */ (event.target).closest("a, button")) return;
    event.preventDefault();
    this.#openMenu(element, { left: clientX, right: clientX, top: clientY, bottom: clientY });
  };

  /** @param {MouseEvent} event */
  #clicked = (event) => {
    const more = /** @type {Element} */ (event.target).closest('[data-part="more"]');
    const element = messageOf(event.target);
    if (!more || !element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#openMenu(element, more.getBoundingClientRect());
  };

  /** A reaction that is there already, taken part in or not. @param {SubmitEvent} event */
  #submitted = (event) => {
    const element = messageOf(event.target);
    const message = element && this.#messageAround(element);
    const emoji = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value;
    event.preventDefault();
    if (message && emoji) this.#react(message, emoji);
  };

  /** Something in the tools, the menu or the palette. @param {MouseEvent} event */
  #picked = (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    const holder = /** @type {HTMLElement} */ (event.currentTarget);
    if (!button || button.type === "submit") return;
    const message = holder === this.#tools ? this.#beside && this.#messageAround(this.#beside) : this.#message;
    if (!message) return;
    const { deed, emoji } = button.dataset;
    const beside = button.getBoundingClientRect();
    if (button.hasAttribute("data-more") && this.#beside) {
      this.#openMenu(this.#beside, beside);
      return;
    }
    this.#message = message;
    if (deed === "react") {
      const place = this.#beside?.getBoundingClientRect() ?? beside;
      this.#menuPopup.close();
      this.#openPalette(holder === this.#tools ? beside : { ...beside, left: beside.left, right: beside.right, top: place.top, bottom: place.top + 24 });
      return;
    }
    this.#menuPopup.close();
    this.#palettePopup.close();
    if (emoji) this.#react(message, emoji);
    else if (deed) this.#act(/** @type {Deed} */ (deed), message);
  };

  /** Any other emoji. @param {SubmitEvent} event */
  #typed = (event) => {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.#palette.querySelector("input"));
    const emoji = input.value.trim();
    if (!emoji || !this.#message) return;
    this.#palettePopup.close();
    this.#react(this.#message, emoji);
  };

  /** Says who reacted so, once somebody wants to know. @param {Event} event */
  async #nameReaction({ target }) {
    const button = /** @type {HTMLButtonElement | null} */ (/** @type {Element} */ (target).closest(".reaction"));
    const message = button && this.#messageAround(button);
    const reaction = message?.reactions.find(({ emoji }) => emoji === button?.value);
    if (!button || !reaction) return;
    const nobody = /** @type {string[]} */ ([]);
    const names = await Promise.all(reaction.users.slice(0, NAMED_MAX).map(this.#nameOf)).catch(() => nobody);
    const others = reaction.count - names.length;
    if (others) names.push(others === 1 ? "one other" : `${others} others`);
    button.title = listOf(names);
  }
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function messageOf(target) {
  return target instanceof Element ? target.closest(".message") : null;
}
