// @ts-check
/** Owns going from message to message by the arrow keys. Knows not what can be done to one. */

export class MessageFocus {
  #box;
  #log;

  /** @param {HTMLElement} box what scrolls @param {HTMLElement} log */
  constructor(box, log) {
    this.#box = box;
    this.#log = log;
  }

  connect() {
    this.#box.addEventListener("keydown", this.#pressed);
  }

  disconnect() {
    this.#box.removeEventListener("keydown", this.#pressed);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const next = this.#next(/** @type {Element} */ (event.target), event.key === "ArrowUp" ? -1 : 1);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  /** @param {Element} from @param {1 | -1} way @returns {HTMLElement | undefined} */
  #next(from, way) {
    const messages = /** @type {HTMLElement[]} */ ([...this.#log.querySelectorAll(".message")]);
    const at = messages.findIndex((message) => message.contains(from));
    if (at >= 0) return messages[at + way];
    const { top, bottom } = this.#box.getBoundingClientRect();
    const seen = messages.filter((message) => {
      const box = message.getBoundingClientRect();
      return box.bottom > top && box.top < bottom;
    });
    return way < 0 ? seen.at(-1) : seen[0];
  }
}
