// @ts-check
/** Owns telling the server how far one has read: only what was in sight of somebody who is here. */

const GATHER_MS = 250;

export class ReadMarks {
  #mark;
  #timer = 0;
  /** @type {Map<string, number>} */
  #wanted = new Map();

  /** @param {(room: string, n: number) => Promise<unknown>} mark */
  constructor(mark) {
    this.#mark = mark;
  }

  /** Whether somebody is looking at this page. */
  get isAttended() {
    return document.visibilityState === "visible" && document.hasFocus();
  }

  /** @param {string} room @param {number} n */
  reached(room, n) {
    if ((this.#wanted.get(room) ?? 0) >= n) return;
    this.#wanted.set(room, n);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Says what waits; what does not get through waits for the next connection. */
  flush() {
    clearTimeout(this.#timer);
    for (const [room, n] of [...this.#wanted]) {
      this.#mark(room, n).then(
        () => {
          if (this.#wanted.get(room) === n) this.#wanted.delete(room);
        },
        () => {},
      );
    }
  }
}
