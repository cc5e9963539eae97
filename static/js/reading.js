// @ts-check
/** Owns how far the open room has been read: where its "New" line stands, and what is marked as read. */

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

export class Reading {
  #rooms;
  #marks;
  #room = "";
  #seenN = 0;
  #belowLine = 0;
  #isHeld = false;

  /** @param {{rooms: import("./rooms.js").Rooms, marks: import("./read_marks.js").ReadMarks}} with_ */
  constructor({ rooms, marks }) {
    this.#rooms = rooms;
    this.#marks = marks;
  }

  /** How many were unread when the line was drawn. */
  get belowLine() {
    return this.#belowLine;
  }

  /** How many came that nobody here has had in sight. @param {Timeline} timeline */
  unseen(timeline) {
    return timeline.headN - this.#seenN;
  }

  /** @param {Timeline} timeline @param {Room} room */
  enter(timeline, room) {
    this.#room = room.id;
    this.#seenN = room.read_n;
    this.#isHeld = false;
    this.#drawLine(timeline, room);
  }

  /** The log went on without us: the line stands above what came meanwhile. @param {Timeline} timeline @returns {boolean} whether anything did */
  resume(timeline) {
    const room = this.#rooms.get(this.#room);
    if (!room?.unread || room.read_n <= (timeline.lineAfterN ?? -1)) return false;
    this.#drawLine(timeline, room);
    return true;
  }

  /** The line stands above what arrives while nobody reads. @param {Timeline} timeline @param {Message} message @param {boolean} isAtEnd whether its place is in sight */
  arrives(timeline, message, isAtEnd) {
    if (message.sender.id === timeline.me.id || message.n <= timeline.lastN) return;
    const room = this.#rooms.get(this.#room);
    const isRead = this.#marks.isAttended && isAtEnd && timeline.missing === 0;
    if (!isRead && room && room.read_n >= message.n - 1) timeline.lineAfterN = message.n - 1;
  }

  /** Message `n` and what follows are unread again: in sight or not, until the room is left or one writes. @param {Timeline} timeline @param {number} n */
  keepUnread(timeline, n) {
    this.#isHeld = true;
    this.#rooms.read(this.#room, n - 1);
    const room = this.#rooms.get(this.#room);
    if (room) this.#drawLine(timeline, room);
  }

  /** @param {Timeline} timeline */
  wrote(timeline) {
    this.#isHeld = false;
    timeline.lineAfterN = null;
  }

  /** The end is in sight. @param {Timeline} timeline */
  reachedEnd(timeline) {
    this.#seenN = Math.max(this.#seenN, timeline.lastN);
    const room = this.#rooms.get(this.#room);
    if (!room || this.#isHeld || !this.#marks.isAttended || timeline.lastN <= room.read_n) return;
    this.#marks.reached(room.id, timeline.lastN);
    this.#rooms.read(room.id, timeline.lastN);
  }

  /** @param {Timeline} timeline @param {Room} room */
  #drawLine(timeline, { read_n, unread }) {
    timeline.lineAfterN = unread > 0 ? read_n : null;
    this.#belowLine = unread;
  }
}
