// @ts-check
/** Owns opening and closing the page's dialogs, and where the focus goes. Knows not what is in them. */

export class Dialogs {
  /** @type {Map<string, HTMLDialogElement>} */
  #dialogs = new Map();
  /** @type {Map<string, (dialog: HTMLDialogElement) => void>} */
  #onOpen = new Map();

  connect() {
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("[data-dialog]"))) {
      this.#dialogs.set(dialog.dataset.dialog ?? "", dialog);
      dialog.addEventListener("click", (event) => {
        const target = /** @type {Element} */ (event.target);
        if (isBeside(dialog, event) || target.closest('[data-action="close-dialog"]')) dialog.close();
      });
    }
    document.addEventListener("click", this.#clicked);
    return this;
  }

  disconnect() {
    document.removeEventListener("click", this.#clicked);
  }

  /** @param {string} name */
  get(name) {
    return /** @type {HTMLDialogElement} */ (this.#dialogs.get(name));
  }

  /** @param {string} name @param {(dialog: HTMLDialogElement) => void} prepare called each time before it opens */
  onOpen(name, prepare) {
    this.#onOpen.set(name, prepare);
  }

  /** @param {string} name */
  open(name) {
    const dialog = this.get(name);
    if (dialog.open) return;
    this.closeAll();
    this.#onOpen.get(name)?.(dialog);
    dialog.showModal();
    const first = dialog.querySelector("[data-autofocus]");
    if (first instanceof HTMLElement) first.focus();
  }

  closeAll() {
    for (const dialog of this.#dialogs.values()) if (dialog.open) dialog.close();
  }

  /** A link that has a dialog opens it; with a modifier key it stays a link. @param {MouseEvent} event */
  #clicked = (event) => {
    const opener = /** @type {Element} */ (event.target).closest("[data-open]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.open(opener.getAttribute("data-open") ?? "");
  };
}

/** Whether a click met the backdrop, not the dialog. @param {HTMLDialogElement} dialog @param {MouseEvent} event */
function isBeside(dialog, { target, clientX, clientY }) {
  if (target !== dialog) return false;
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
