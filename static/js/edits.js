// @ts-check
/**
 * Owns changes of one's own messages that the log has not brought yet: shown at once, grey until
 * they are stored, red when refused. The id is made once, so that a retry is the same edit. Knows
 * no DOM.
 */

import { Refusal } from "./refusal.js";
import { uuid7 } from "./uuid.js";

/** @typedef {import("./types.js").Edit} Edit */

export class Edits {
  /** @type {Map<string, Edit>} by the message that they change */
  #edits = new Map();
  #send;
  #onChange;
  #onFailed;

  /**
   * @param {{
   *   send: (edit: Edit) => Promise<unknown>, onChange: (room: string) => void,
   *   onFailed: (room: string, reason: string) => void,
   * }} with_
   */
  constructor({ send, onChange, onFailed }) {
    this.#send = send;
    this.#onChange = onChange;
    this.#onFailed = onFailed;
  }

  /** @param {string} target */
  of(target) {
    return this.#edits.get(target) ?? null;
  }

  /** @param {string} room */
  hasFailed(room) {
    return [...this.#edits.values()].some((edit) => edit.room === room && edit.state === "failed");
  }

  /** @param {string} room @param {string} target @param {string} text */
  submit(room, target, text) {
    this.#go({ id: uuid7(), room, target, text, state: "pending", reason: "" });
  }

  /** @param {string} target */
  retry(target) {
    const edit = this.#edits.get(target);
    if (edit?.state === "failed") this.#go({ ...edit, state: "pending", reason: "" });
  }

  /** The log brought it, or its author gave it up. @param {string} target */
  settle(target) {
    const edit = this.#edits.get(target);
    if (!edit) return;
    this.#edits.delete(target);
    this.#onChange(edit.room);
  }

  /** @param {Edit} edit */
  async #go(edit) {
    this.#put(edit);
    try {
      await this.#send(edit);
      this.#become(edit, "sent", "");
    } catch (error) {
      const said = error instanceof Refusal ? error.said : String(error);
      this.#become(edit, "failed", `Not edited: ${said}`);
    }
  }

  /** @param {Edit} edit @param {import("./types.js").Sending} state @param {string} reason */
  #become(edit, state, reason) {
    if (this.#edits.get(edit.target)?.id !== edit.id) return;
    this.#put({ ...edit, state, reason });
    if (state === "failed") this.#onFailed(edit.room, reason);
  }

  /** @param {Edit} edit */
  #put(edit) {
    this.#edits.set(edit.target, edit);
    this.#onChange(edit.room);
  }
}
