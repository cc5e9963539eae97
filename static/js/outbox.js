// @ts-check
/**
 * Owns what was written here and is not stored yet. Sends each room's messages one after another,
 * so that they arrive in the order of writing; the id is made once, so that however often one is
 * sent, one is stored. Survives a reload. Knows no DOM.
 */

import { Refusal } from "./refusal.js";
import { uuid7 } from "./uuid.js";

/** @typedef {import("./types.js").Unsent} Unsent */
/** @typedef {import("./types.js").Message} Message */

const RESEND_WITHIN_MS = 10 * 60_000; // an older one found after a reload waits for a word from its author
const STALLED_AFTER_MS = 30_000; // this long without a connection, it is shown as not sent
const TRIES_MAX = 5; // for refusals that say that later helps
const LATER_MS = 1_000; // when such a refusal does not say how much later

/** Refusals after which the same message can go through in a while. */
const PASSING = new Set(["rate_limited", "unavailable", "slow_mode"]);
const PASSING_WAIT_MAX_MS = 10_000;

export class Outbox {
  /** @type {Unsent[]} */
  #items = [];
  /** @type {Set<string>} rooms with one on its way */
  #busy = new Set();
  /** @type {Map<string, number>} */
  #tries = new Map();
  #stalled = 0; // the timer
  #isConnected = false;
  #send;
  #onChange;
  #onStored;
  #onRefused;
  #onFailed;
  #hurry;
  #storage;
  #prefix;

  /**
   * @param {{
   *   send: (item: Unsent) => Promise<{message: Message}>,
   *   onChange: (room: string) => void,
   *   onStored: (message: Message) => void,
   *   onRefused: (room: string, refusal: Refusal) => void,
   *   onFailed: (room: string, reason: string) => void,
   *   hurry: () => void,
   *   storage: Storage, me: string,
   * }} with_ `hurry`: somebody wants a connection now
   */
  constructor({ send, onChange, onStored, onRefused, onFailed, hurry, storage, me }) {
    this.#send = send;
    this.#hurry = hurry;
    this.#onChange = onChange;
    this.#onStored = onStored;
    this.#onRefused = onRefused;
    this.#onFailed = onFailed;
    this.#storage = storage;
    this.#prefix = `parley:unsent:${me}:`;
    this.#restore();
  }

  /** How many are not stored, and not on their way out of here either. */
  get size() {
    return this.#items.filter((item) => item.state !== "sent").length;
  }

  /** Gives all of them up. */
  clear() {
    for (const { id } of this.#items) this.#drop(id);
    this.#items = [];
  }

  /** @param {string} room */
  of(room) {
    return this.#items.filter((item) => item.room === room);
  }

  /** @param {string} room */
  hasFailed(room) {
    return this.of(room).some((item) => item.state === "failed");
  }

  /** The line is there: everything that waits goes out. */
  connect() {
    this.#isConnected = true;
    clearTimeout(this.#stalled);
    this.#stalled = 0;
    for (const item of this.#items) {
      if (item.state === "failed" && item.reason === NO_CONNECTION) this.#set(item.id, "pending", "");
    }
    for (const room of new Set(this.#items.map((item) => item.room))) this.#pump(room);
  }

  /** The line is gone: what waits goes on waiting, and says so after a while. */
  disconnect() {
    this.#isConnected = false;
    this.#watch();
  }

  /** @param {string} room @param {string} text @param {import("./types.js").Quote | null} reply_to */
  add(room, text, reply_to = null) {
    /** @type {Unsent} */
    const item = { id: uuid7(), room, text, at: new Date().toISOString(), reply_to, state: "pending", reason: "" };
    this.#items.push(item);
    this.#keep(item);
    this.#onChange(room);
    this.#watch();
    this.#pump(room);
  }

  /** Sends a failed one again, under its own id. @param {string} id */
  retry(id) {
    const item = this.#items.find((one) => one.id === id);
    if (!item || item.state !== "failed") return;
    this.#tries.delete(id);
    this.#set(id, "pending", "");
    this.#watch();
    if (this.#isConnected) this.#pump(item.room);
    else this.#hurry();
  }

  /** The room's log has it, or its author gave it up. @param {string} id */
  settle(id) {
    const item = this.#items.find((one) => one.id === id);
    if (!item) return;
    this.#items = this.#items.filter((one) => one.id !== id);
    this.#tries.delete(id);
    this.#drop(id);
    this.#onChange(item.room);
  }

  /** @param {string} room */
  async #pump(room) {
    if (this.#busy.has(room) || !this.#isConnected) return;
    const item = this.#items.find((one) => one.room === room && one.state === "pending");
    if (!item) return;
    this.#busy.add(room);
    let waitMs = 0;
    try {
      const { message } = await this.#send(item);
      this.#set(item.id, "sent", "");
      this.#onStored(message);
    } catch (error) {
      waitMs = this.#refused(item, error instanceof Refusal ? error : new Refusal({ code: "broken", message: String(error) }));
    }
    if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#busy.delete(room);
    if (waitMs >= 0) this.#pump(room);
  }

  /**
   * What a refusal means for the item: it goes on waiting, or it has failed.
   * @param {Unsent} item @param {Refusal} refusal
   * @returns {number} milliseconds until the next try in this room; -1 until there is a line again
   */
  #refused(item, refusal) {
    if (refusal.code === "unreachable") return this.#isConnected ? LATER_MS : -1;
    this.#onRefused(item.room, refusal);
    const tries = (this.#tries.get(item.id) ?? 0) + 1;
    this.#tries.set(item.id, tries);
    const waitMs = (refusal.retryAfterS * 1000 || LATER_MS * tries) + 50;
    if (PASSING.has(refusal.code) && tries < TRIES_MAX && waitMs <= PASSING_WAIT_MAX_MS) return waitMs;
    this.#set(item.id, "failed", `Not sent: ${refusal.said}`);
    return 0;
  }

  /** While there is no line, nothing waits longer than this without a word. */
  #watch() {
    if (this.#isConnected || this.#stalled) return;
    this.#stalled = window.setTimeout(() => {
      this.#stalled = 0;
      for (const item of this.#items) if (item.state === "pending") this.#set(item.id, "failed", NO_CONNECTION);
    }, STALLED_AFTER_MS);
  }

  /** @param {string} id @param {import("./types.js").Sending} state @param {string} reason */
  #set(id, state, reason) {
    const index = this.#items.findIndex((one) => one.id === id);
    if (index < 0) return;
    this.#items[index] = { ...this.#items[index], state, reason };
    const { room } = this.#items[index];
    this.#keep(this.#items[index]);
    this.#onChange(room);
    if (state === "failed") this.#onFailed(room, reason);
  }

  /** One entry for each message: other windows of the same person keep theirs beside. @param {Unsent} item */
  #keep(item) {
    try {
      if (item.state === "sent") this.#storage.removeItem(this.#prefix + item.id);
      else this.#storage.setItem(this.#prefix + item.id, JSON.stringify(item));
    } catch {
      // A full or forbidden storage costs the survival of a reload, not the sending.
    }
  }

  /** @param {string} id */
  #drop(id) {
    this.#storage.removeItem(this.#prefix + id);
  }

  /** @returns {Unsent[]} */
  #kept() {
    try {
      return Object.keys(this.#storage)
        .filter((key) => key.startsWith(this.#prefix))
        .map((key) => JSON.parse(this.#storage.getItem(key) ?? "null"))
        .filter((item) => item !== null)
        .map((item) => ({ reply_to: null, ...item }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    } catch {
      return [];
    }
  }

  #restore() {
    this.#items = this.#kept().map((item) => {
      const isFresh = Date.now() - Date.parse(item.at) < RESEND_WITHIN_MS;
      return isFresh ? item : { ...item, state: "failed", reason: "Not sent when it was written." };
    });
  }
}

const NO_CONNECTION = "Not sent yet: no connection.";
