// @ts-check
/** Owns telling the server how far one has read: only what was in sight of somebody who is here. */

const EVERY_MS = 400; // the first mark goes out at once, those soon after it together

export class ReadMarks {
  #mark;
  #timer = 0;
  #isResting = false;
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
    if (!this.#isResting) this.flush();
  }

  /** Says what waits; what does not get through waits for the next connection. */
  flush() {
    this.#rest();
    for (const [room, n] of [...this.#wanted]) {
      this.#mark(room, n).then(
        () => {
          if (this.#wanted.get(room) === n) this.#wanted.delete(room);
        },
        () => {},
      );
    }
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#isResting = true;
    const asked = new Map(this.#wanted);
    this.#timer = window.setTimeout(() => {
      this.#isResting = false;
      if ([...this.#wanted].some(([room, n]) => asked.get(room) !== n)) this.flush();
    }, EVERY_MS);
  }
}
