// @ts-check
/**
 * Owns what is shown of one room and in which order. Pure: no DOM, no socket, no clock.
 *
 * It holds one unbroken stretch of the room's messages (n, n+1, …), possibly short of the newest
 * (`missing` > 0), and behind it what this browser has not got stored yet. `chat/pages.py` has the
 * same rules for grouping and dividers.
 */

import { dayOf } from "./format.js";
import { changed } from "./message_changes.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Unsent} Unsent */
/** @typedef {import("./types.js").Edit} Edit */
/** @typedef {import("./types.js").Row} Row */

const FOLLOWS_WITHIN_MS = 5 * 60_000;
/** More messages than this are not kept: the far end is let go and fetched again when wanted. */
export const STRETCH_MAX = 500;

export class Timeline {
  /** @type {Message[]} */
  #stretch = [];
  /** @type {Map<string, Message>} */
  #byId = new Map();
  /** @type {Unsent[]} */
  #unsent = [];
  /** @type {(id: string) => Edit | null} */
  #editOf = () => null;
  #headN = 0;
  #emptyAtN = 0;
  #hasBefore = false;
  #loaded = false;

  /** The message that its author is changing, "" for none. */
  changingId = "";

  /** The "New" line stands above the first message of somebody else past this n. @type {number | null} */
  lineAfterN = null;

  /** @param {import("./types.js").Person} me */
  constructor(me) {
    this.me = me;
  }

  get isLoaded() {
    return this.#loaded;
  }

  get firstN() {
    return this.#stretch[0]?.n ?? this.#emptyAtN + 1;
  }

  get lastN() {
    return this.#stretch.at(-1)?.n ?? this.#emptyAtN;
  }

  get headN() {
    return this.#headN;
  }

  get size() {
    return this.#stretch.length;
  }

  get hasBefore() {
    return this.#hasBefore;
  }

  /** How many messages newer than the stretch the room is known to have. */
  get missing() {
    return this.#headN - this.lastN;
  }

  /** @param {string} id */
  has(id) {
    return this.#byId.has(id);
  }

  /** @param {number} n */
  at(n) {
    return this.#stretch[n - this.firstN] ?? null;
  }

  /** Starts over with one page. @param {import("./types.js").Page} page */
  reset(page) {
    this.#stretch = [];
    this.#byId.clear();
    this.#emptyAtN = page.head_n;
    for (const message of page.results) this.#keep(message);
    this.#headN = Math.max(this.#headN, page.head_n, this.lastN);
    this.#hasBefore = page.has_before;
    this.#loaded = true;
  }

  /** Puts an older page before the stretch; one that does not join it is left out. @param {import("./types.js").Page} page */
  prepend(page) {
    const older = page.results.filter((message) => message.n < this.firstN);
    if (older.length && older[older.length - 1].n !== this.firstN - 1) return;
    this.#stretch = [...older, ...this.#stretch];
    for (const message of older) this.#byId.set(message.id, message);
    this.#hasBefore = page.has_before;
  }

  /** Puts a newer page after the stretch. @param {import("./types.js").Page} page */
  append(page) {
    for (const message of page.results) {
      if (message.n === this.lastN + 1) this.#keep(message);
    }
    this.#headN = Math.max(this.#headN, page.head_n);
  }

  /**
   * One message from the room's log, or from an ack.
   * @param {Message} message
   * @returns {"added" | "known" | "apart"} apart: it does not join the stretch; the room is only
   *   known to reach that far
   */
  receive(message) {
    this.#headN = Math.max(this.#headN, message.n);
    if (this.#byId.has(message.id) || message.n <= this.lastN) return "known";
    if (!this.#loaded || message.n !== this.lastN + 1) return "apart";
    this.#keep(message);
    return "added";
  }

  /**
   * Something happened to a message of the room: it is changed, and so are the quotes of it.
   * @param {import("./types.js").Pushed} frame
   * @returns {boolean} whether anything here is something else now
   */
  change(frame) {
    let isDifferent = false;
    this.#stretch.forEach((old, at) => {
      const message = changed(old, frame);
      if (message === old) return;
      this.#stretch[at] = message;
      this.#byId.set(message.id, message);
      isDifferent = true;
    });
    return isDifferent;
  }

  /** The log went on without us as far as this. @param {number} headN */
  reaches(headN) {
    this.#headN = Math.max(this.#headN, headN);
  }

  /** What waits to be stored, in the order of sending. @param {Unsent[]} unsent */
  showUnsent(unsent) {
    this.#unsent = unsent;
  }

  /** Changes of messages that wait to be stored. @param {(id: string) => Edit | null} editOf */
  showEdits(editOf) {
    this.#editOf = editOf;
  }

  /** The newest message that passes. @param {(message: Message) => boolean} passes */
  newest(passes) {
    return this.#stretch.findLast(passes) ?? null;
  }

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id) ?? null;
  }

  /** Lets go of messages beyond the bound at the end that is not being read. @param {"start" | "end"} end */
  trim(end) {
    const over = this.#stretch.length - STRETCH_MAX;
    if (over <= 0) return;
    const gone = end === "start" ? this.#stretch.splice(0, over) : this.#stretch.splice(-over);
    for (const message of gone) this.#byId.delete(message.id);
    if (end === "start") this.#hasBefore = true;
  }

  /** The n of the first message of somebody else past the line, 0 without one. */
  get firstNewN() {
    const after = this.lineAfterN;
    if (after === null || after < this.firstN - 1) return 0;
    return this.#stretch.find((message) => message.n > after && message.sender.id !== this.me.id)?.n ?? 0;
  }

  /** Everything to show, top to bottom. @returns {Row[]} */
  rows() {
    /** @type {Row[]} */
    const rows = [];
    const newN = this.firstNewN;
    /** @type {Message | null} */
    let before = null;
    /** @type {Message | null} the last one with its author's name over it */
    let head = null;
    let beforeDay = "";
    /** @param {Message} message @param {Unsent | null} unsent */
    const add = (message, unsent) => {
      const day = dayOf(message.at);
      const isNewDay = day !== beforeDay;
      if (isNewDay) rows.push({ kind: "day", key: `day-${day}`, at: message.at });
      const isNew = newN > 0 && message.n === newN;
      if (isNew) rows.push({ kind: "new", key: "new" });
      const follows = !isNewDay && !isNew && doesFollow(before, head, message);
      const edit = unsent ? null : this.#editOf(message.id);
      const isChanging = message.id === this.changingId;
      rows.push({ kind: "message", key: message.id, message, follows, unsent, edit, isChanging });
      before = message;
      if (!follows) head = message;
      beforeDay = day;
    };
    for (const message of this.#stretch) add(message, null);
    for (const unsent of this.#unsent) {
      if (!this.#byId.has(unsent.id)) add(this.#sketch(unsent), unsent);
    }
    return rows;
  }

  /** @param {Message} message */
  #keep(message) {
    this.#stretch.push(message);
    this.#byId.set(message.id, message);
  }

  /** What an unsent message will look like. @param {Unsent} unsent @returns {Message} */
  #sketch({ id, room, text, at, reply_to }) {
    return {
      id, room, seq: 0, n: 0, at, sender: this.me, text, html: "", reply_to, mentions: [],
      edited_at: null, deleted_at: null, reactions: [], pinned: false,
    };
  }
}

/**
 * Whether a message stands below the name that is there already.
 * @param {Message | null} before @param {Message | null} head @param {Message} message
 */
function doesFollow(before, head, message) {
  return (
    before !== null &&
    head !== null &&
    before.sender.id === message.sender.id &&
    !message.reply_to &&
    !before.deleted_at &&
    Date.parse(message.at) - Date.parse(head.at) < FOLLOWS_WITHIN_MS
  );
}
