// @ts-check
/** Owns the buttons at a message, or a change of one, that could not be stored: try again, write it anew, give it up. */

/** @typedef {import("./types.js").MessageRow} MessageRow */

export class UnsentButtons {
  #root;
  #rowAround;
  #outbox;
  #edits;
  #rewrite;

  /**
   * @param {HTMLElement} root
   * @param {{
   *   rowAround: (element: Element) => MessageRow | null,
   *   outbox: import("./outbox.js").Outbox, edits: import("./edits.js").Edits,
   *   rewrite: (row: MessageRow) => void,
   * }} with_ `rewrite`: the text is wanted back
   */
  constructor(root, { rowAround, outbox, edits, rewrite }) {
    this.#root = root;
    this.#rowAround = rowAround;
    this.#outbox = outbox;
    this.#edits = edits;
    this.#rewrite = rewrite;
  }

  connect() {
    this.#root.addEventListener("click", this.#clicked);
  }

  disconnect() {
    this.#root.removeEventListener("click", this.#clicked);
  }

  /** @param {MouseEvent} event */
  #clicked = (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-action]");
    const row = button && this.#rowAround(button);
    if (!button || !row || !(row.unsent ?? row.edit)) return;
    const action = button.getAttribute("data-action");
    if (action === "rewrite") this.#rewrite(row);
    const [waiting, id] = row.unsent ? [this.#outbox, row.unsent.id] : [this.#edits, row.message.id];
    if (action === "retry") waiting.retry(id);
    else waiting.settle(id);
  };
}
