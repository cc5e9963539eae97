// @ts-check
/** Owns the keys that work anywhere on the page. The list that `?` shows is `_dialogs.html`. */

/**
 * @typedef {{
 *   jump: () => void, help: () => void, escape: () => void, write: () => void,
 *   step: (by: 1 | -1, onlyUnread: boolean) => void, page: (screens: 1 | -1) => void,
 * }} Doings
 */

/** Whether typing goes into something already. @param {EventTarget | null} target */
function isField(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/**
 * Whether a key goes to an input method. Safari says so of the Enter that ends a word only by its
 * code: it sends it after `compositionend` (https://bugs.webkit.org/show_bug.cgi?id=165004).
 * @param {KeyboardEvent} event
 */
export const isComposing = ({ isComposing: is, keyCode }) => is || keyCode === 229;

export class Keys {
  #doings;

  /** @param {Doings} doings */
  constructor(doings) {
    this.#doings = doings;
  }

  connect() {
    document.addEventListener("keydown", this.#pressed);
  }

  disconnect() {
    document.removeEventListener("keydown", this.#pressed);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (isComposing(event) || event.defaultPrevented) return;
    if (document.querySelector("dialog[open], :popover-open")) return;
    const doing = this.#doingFor(event);
    if (!doing) return;
    if (doing !== this.#doings.write) event.preventDefault();
    doing();
  };

  /** @param {KeyboardEvent} event @returns {(() => void) | null} */
  #doingFor(event) {
    const { key, altKey, shiftKey, target } = event;
    const mod = event.ctrlKey || event.metaKey;
    const doings = this.#doings;
    if (mod && !altKey && !shiftKey && key.toLowerCase() === "k") return doings.jump;
    if (mod) return null;
    if (altKey && key === "ArrowUp") return () => doings.step(-1, shiftKey);
    if (altKey && key === "ArrowDown") return () => doings.step(1, shiftKey);
    if (altKey) return null;
    if (key === "Escape") return doings.escape;
    if (key === "PageUp" && isField(target)) return () => doings.page(-1);
    if (key === "PageDown" && isField(target)) return () => doings.page(1);
    if (isField(target)) return null;
    if (key === "?") return doings.help;
    const isText = key.length === 1 && key !== " ";
    return isText && !(target instanceof HTMLButtonElement) ? doings.write : null;
  }
}
