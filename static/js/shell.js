// @ts-check
/** Owns the frame of the chat page: the head of the open room, the list that slides in on a narrow screen. */

import { countOf } from "./format.js";
import { showGlyph } from "./room_list_view.js";
import { titleOf } from "./rooms.js";

export class Shell {
  #root;
  #sidebar;
  #main;
  #toggle;
  #narrow = matchMedia("(max-width: 45rem)");

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#sidebar = /** @type {HTMLElement} */ (root.querySelector("[data-sidebar]"));
    this.#main = /** @type {HTMLElement} */ (root.querySelector("[data-room-view]"));
    this.#toggle = /** @type {HTMLButtonElement} */ (root.querySelector('[data-action="sidebar"]'));
  }

  connect() {
    this.#root.addEventListener("click", this.#clicked);
    this.#narrow.addEventListener("change", this.#resized);
    if (/Mac|iPhone|iPad/.test(navigator.platform)) {
      for (const key of document.querySelectorAll('[data-part="mod"]')) key.textContent = "⌘";
      for (const key of document.querySelectorAll('[data-part="jump-key"]')) key.textContent = "⌘ K";
    }
  }

  disconnect() {
    this.#root.removeEventListener("click", this.#clicked);
    this.#narrow.removeEventListener("change", this.#resized);
  }

  /** @param {import("./types.js").Room} room @param {string} status of the one other person in a direct room */
  showRoom(room, status = "") {
    this.#showOpen(true);
    for (const place of this.#main.querySelectorAll('[data-part="title"]')) place.textContent = titleOf(room);
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (this.#main.querySelector(`.room-head [data-part="${name}"]`));
    part("topic").textContent = room.topic || status;
    part("members-count").textContent = countOf(room.members_count);
    showGlyph(part("glyph"), room);
  }

  /** No room is open any more. @param {string} said why */
  showWelcome(said) {
    this.#showOpen(false);
    /** @type {HTMLElement} */ (this.#main.querySelector('[data-part="welcome"]')).textContent = said;
    this.#main.focus({ preventScroll: true });
  }

  /** Whether something waits in a room that is not open: on a narrow screen the list is out of sight. @param {boolean} waits */
  showElsewhere(waits) {
    /** @type {HTMLElement} */ (this.#root.querySelector("[data-elsewhere]")).hidden = !waits;
  }

  /** @returns {boolean} whether it was open */
  closeSidebar() {
    if (!this.#isOpen) return false;
    this.#set(false);
    return true;
  }

  get #isOpen() {
    return this.#root.classList.contains("shell--rooms");
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    this.#root.classList.toggle("shell--rooms", isOpen);
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
    this.#main.inert = isOpen;
    if (isOpen) {
      const link = this.#sidebar.querySelector('[aria-current="page"]') ?? this.#sidebar.querySelector("a, button");
      /** @type {HTMLElement | null} */ (link)?.focus();
    } else if (this.#sidebar.contains(document.activeElement)) {
      this.#toggle.focus();
    }
  }

  #resized = () => {
    if (!this.#narrow.matches) this.closeSidebar();
  };

  /** @param {boolean} hasRoom */
  #showOpen(hasRoom) {
    /** @type {HTMLElement} */ (this.#main.querySelector("[data-welcome]")).hidden = hasRoom;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (this.#main.querySelectorAll("[data-open-room]"))) {
      part.hidden = !hasRoom;
    }
  }

  /** @param {MouseEvent} event */
  #clicked = (event) => {
    const target = /** @type {Element} */ (event.target);
    const link = target.closest("[data-log] a[href^=http]");
    if (link instanceof HTMLAnchorElement && link.origin !== location.origin) link.target = "_blank"; // the chat stays open
    if (target.closest('[data-action="sidebar"]')) this.#set(!this.#isOpen);
    else if (target.closest('[data-action="sidebar-close"]')) this.closeSidebar();
    else if (target.closest("[data-open]")) this.closeSidebar();
  };
}
