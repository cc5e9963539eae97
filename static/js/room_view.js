// @ts-check
/**
 * Owns the open room on the screen: which stretch of it is loaded, the "New" line, what counts as
 * read. The timeline decides what is shown; this decides when it changes.
 */

import { History } from "./history.js";
import { changed, targetOf } from "./message_changes.js";
import { Pills } from "./pills.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

const FLASH_MS = 1_600;
const AGAIN_MS = 3_000; // before a page that could not be had is asked for again

export class RoomView {
  #root;
  #rooms;
  #places;
  #outbox;
  #edits;
  #rewrite;
  #view;
  #scroller;
  #marks;
  #history;
  #pills;
  #older;
  /** @type {Room | null} */
  #room = null;
  /** @type {Timeline | null} */
  #timeline = null;
  #seenN = 0;
  #unreadOnEntry = 0;

  /**
   * @param {HTMLElement} root
   * @param {{
   *   api: import("./api.js").Api, rooms: import("./rooms.js").Rooms,
   *   places: import("./places.js").Places, outbox: import("./outbox.js").Outbox,
   *   view: import("./timeline_view.js").TimelineView, marks: import("./read_marks.js").ReadMarks,
   *   scroller: import("./scroller.js").Scroller, edits: import("./edits.js").Edits,
   *   rewrite: (row: import("./types.js").MessageRow) => void,
   * }} with_ `rewrite`: the text of a message that failed is wanted back
   */
  constructor(root, { api, rooms, places, outbox, edits, view, marks, scroller, rewrite }) {
    this.#root = root;
    this.#rooms = rooms;
    this.#places = places;
    this.#outbox = outbox;
    this.#edits = edits;
    this.#rewrite = rewrite;
    this.#view = view;
    this.#marks = marks;
    this.#scroller = scroller;
    this.#history = new History(api, root);
    this.#pills = new Pills(root, {
      onUp: () => this.#toLine(),
      onDown: () => this.toNewest().then(() => this.#scroller.focus()),
    });
    this.#older = /** @type {HTMLElement} */ (root.querySelector('[data-part="older"]'));
  }

  connect() {
    this.#scroller.connect(() => this.#moved());
    this.#pills.connect();
    window.addEventListener("focus", this.#attended);
    document.addEventListener("visibilitychange", this.#attended);
    this.#root.addEventListener("click", this.#clicked);
  }

  disconnect() {
    this.#scroller.disconnect();
    this.#pills.disconnect();
    window.removeEventListener("focus", this.#attended);
    document.removeEventListener("visibilitychange", this.#attended);
    this.#root.removeEventListener("click", this.#clicked);
  }

  get room() {
    return this.#room;
  }

  /**
   * Starts from the page that the server rendered.
   * @param {Room} room @param {import("./types.js").Page} page @param {number} n the message asked for, or 0
   */
  adopt(room, page, n) {
    const timeline = this.#enter(room);
    timeline.reset(page);
    timeline.showUnsent(this.#outbox.of(room.id));
    this.#view.adopt(timeline);
    this.#settle(timeline);
    this.#showStart(timeline);
    if (n) this.#flash(n);
    else this.#goToStart();
  }

  /** Shows another room: at once when it is remembered, at the place where it was left. @param {Room} room @param {number} n */
  async open(room, n = 0) {
    if (this.#room && this.#timeline?.isLoaded) this.#places.leave(this.#room.id, this.#scroller.place);
    const timeline = this.#enter(room);
    const place = this.#places.placeIn(room.id);
    this.#renderAnew(timeline);
    if (n) {
      await this.goToN(n);
    } else if (!timeline.isLoaded || timeline.missing > this.#history.fillMax) {
      await this.#begin(timeline);
    } else if (place && (place !== "bottom" || room.unread === 0)) {
      this.#scroller.goTo(place);
      this.#moved();
    } else {
      this.#goToStart();
    }
  }

  /** No room at all. */
  clear() {
    this.#room = null;
    this.#timeline = null;
    this.#history.enter("");
  }

  /** The open room's title, topic or counts changed. @param {Room} room */
  refresh(room) {
    this.#room = room;
    this.#showPills();
  }

  /** A message of any room's log. @param {Message} message */
  received(message) {
    const timeline = this.#places.timeline(message.room);
    if (!timeline) return;
    if (timeline !== this.#timeline) {
      timeline.receive(message);
      timeline.trim("start");
      return;
    }
    this.#moveLine(timeline, message);
    const wasAtBottom = this.#scroller.isAtBottom;
    this.#scroller.keep(() => {
      timeline.receive(message);
      timeline.showUnsent(this.#outbox.of(message.room));
      timeline.trim(wasAtBottom ? "start" : "end");
      this.#view.render(timeline, { quietly: message.sender.id === timeline.me.id });
    });
    this.#moved();
  }

  /** An event that changes a message of any room; only a new text is news to a screen reader. @param {string} room @param {import("./types.js").Pushed} frame */
  changed(room, frame) {
    const timeline = this.#places.timeline(room);
    if (!timeline?.change(targetOf(frame), (message) => changed(message, frame))) return;
    const quietly = frame.type !== "message.edited";
    if (timeline === this.#timeline) this.#scroller.keep(() => this.#view.render(timeline, { quietly }));
  }

  /** A change of a message waits to be stored, or does not any more. @param {string} room */
  editsChanged(room) {
    const timeline = this.#places.timeline(room);
    if (timeline && timeline === this.#timeline) this.#scroller.keep(() => this.#view.render(timeline));
  }

  /** This message of the open room is being changed by its author; "" for none. @param {string} id */
  markChanging(id) {
    const timeline = this.#timeline;
    if (!timeline) return;
    timeline.changingId = id;
    this.#scroller.keep(() => this.#view.render(timeline, { quietly: true }));
  }

  /** The stored message that an element of the open room is inside of. @param {Element} element */
  messageAround(element) {
    const row = this.#view.rowAround(element);
    return row && !row.unsent ? row.message : null;
  }

  /** The newest message of the open room that passes. @param {(message: Message) => boolean} passes */
  newest(passes) {
    return this.#timeline?.newest(passes) ?? null;
  }

  /** An ack: shown at once if it is the next one, else when the log brings it. @param {Message} message */
  stored(message) {
    const timeline = this.#places.timeline(message.room);
    if (!timeline) return;
    const isNext = timeline.isLoaded && timeline.missing === 0 && message.n === timeline.lastN + 1;
    if (isNext) this.received(message);
    if (timeline.has(message.id)) this.#outbox.settle(message.id);
  }

  /** What waits to be stored changed. @param {string} room */
  unsentChanged(room) {
    const timeline = this.#places.timeline(room);
    if (!timeline) return;
    const unsent = this.#outbox.of(room);
    const quietly = !unsent.some(({ state }) => state === "failed"); // what one writes oneself is no news
    timeline.showUnsent(unsent);
    if (timeline === this.#timeline) this.#scroller.keep(() => this.#view.render(timeline, { quietly }));
  }

  /** One writes something here: to the end of what is loaded, where it stands whether or not the rest can be had. */
  async wrote() {
    if (this.#timeline) this.#timeline.lineAfterN = null;
    this.#scroller.goTo("bottom");
    await this.toNewest();
    this.#moved();
  }

  /** The log went on without us. @param {string} room @param {number} headN */
  reset(room, headN) {
    const timeline = this.#places.timeline(room);
    timeline?.reaches(headN);
    if (timeline !== this.#timeline) this.#places.forget(room);
    else this.#moved();
  }

  async toNewest() {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (timeline.missing > 0) {
      if (!(await this.#history.newest(timeline))) return;
      this.#renderAnew(timeline);
    } else {
      this.#view.render(timeline);
    }
    this.#scroller.goTo("bottom");
    this.#moved();
  }

  /** Shows message `n`, wherever in the room's history it is. @param {number} n */
  async goToN(n) {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (!timeline.at(n)) {
      if (!(await this.#history.around(timeline, n))) return;
      this.#renderAnew(timeline);
    }
    this.#flash(n);
  }

  /** @param {Room} room */
  #enter(room) {
    this.#history.enter(room.id);
    this.#room = room;
    this.#timeline = this.#places.open(room.id);
    this.#timeline.changingId = "";
    this.#timeline.showEdits((id) => this.#edits.of(id));
    this.#timeline.lineAfterN = room.unread > 0 ? room.read_n : null;
    this.#seenN = room.read_n;
    this.#unreadOnEntry = room.unread;
    return this.#timeline;
  }

  /** Loads the newest page of the open room, as often as it takes. @param {Timeline} timeline */
  async #begin(timeline) {
    if (await this.#history.newest(timeline)) {
      this.#renderAnew(timeline);
      this.#goToStart();
    } else if (timeline === this.#timeline) {
      this.#history.later(AGAIN_MS, () => this.#begin(timeline));
    }
  }

  /** The stretch began anew: all of it is shown, and none of it announced. @param {Timeline} timeline */
  #renderAnew(timeline) {
    timeline.showUnsent(this.#outbox.of(this.#room?.id ?? ""));
    this.#view.render(timeline, { quietly: true });
    this.#settle(timeline);
    this.#showStart(timeline);
  }

  /** @param {Timeline} timeline @param {"older" | "newer"} end */
  async #extend(timeline, end) {
    const page = await this.#history[end](timeline);
    if (timeline !== this.#timeline) return;
    if (!page) {
      this.#history.later(AGAIN_MS, () => this.#moved());
      return;
    }
    const change = () => {
      if (end === "older") timeline.prepend(page);
      else timeline.append(page);
      timeline.trim(end === "older" ? "end" : "start");
      this.#view.render(timeline, { quietly: true });
      this.#showStart(timeline);
    };
    this.#scroller.keep(change, { stick: false });
    this.#settle(timeline);
    this.#moved();
  }

  /** After every movement and change: fetch what will soon be looked at, mark what was. */
  #moved() {
    const timeline = this.#timeline;
    if (!timeline?.isLoaded) return;
    if (!this.#history.isLoading) {
      if (timeline.hasBefore && this.#scroller.isNearTop) this.#extend(timeline, "older");
      else if (timeline.missing > 0 && this.#scroller.isNearBottom) this.#extend(timeline, "newer");
    }
    if (this.#scroller.isAtBottom && timeline.missing === 0) this.#reachedEnd(timeline);
    this.#showPills();
  }

  /** @param {Timeline} timeline */
  #reachedEnd(timeline) {
    this.#seenN = Math.max(this.#seenN, timeline.lastN);
    const room = this.#room;
    if (!room || !this.#marks.isAttended || timeline.lastN <= room.read_n) return;
    this.#marks.reached(room.id, timeline.lastN);
    this.#rooms.read(room.id, timeline.lastN);
  }

  #attended = () => this.#moved();

  /** Puts the "New" line above what arrives while nobody reads. @param {Timeline} timeline @param {Message} message */
  #moveLine(timeline, message) {
    if (message.sender.id === timeline.me.id || message.n <= timeline.lastN) return;
    const isRead = this.#marks.isAttended && this.#scroller.isAtBottom && timeline.missing === 0;
    if (!isRead && this.#room && this.#room.read_n >= message.n - 1) timeline.lineAfterN = message.n - 1;
  }

  /** Where reading goes on: at the "New" line if it is in the stretch, else at the end. */
  #goToStart() {
    const line = this.#timeline?.firstNewN ? this.#scroller.reveal("new") : null;
    if (!line) this.#scroller.goTo("bottom");
    this.#moved();
  }

  async #toLine() {
    const timeline = this.#timeline;
    if (!timeline || timeline.lineAfterN === null) return;
    if (!timeline.firstNewN) {
      if (!(await this.#history.around(timeline, timeline.lineAfterN + 1))) return;
      this.#renderAnew(timeline);
    }
    this.#scroller.reveal("new");
    this.#moved();
    this.#scroller.focus();
  }

  /** What the log already has needs no sending. @param {Timeline} timeline */
  #settle(timeline) {
    for (const { id } of this.#outbox.of(this.#room?.id ?? "")) if (timeline.has(id)) this.#outbox.settle(id);
  }

  /** @param {number} n */
  #flash(n) {
    const message = this.#timeline?.at(n);
    const row = message && this.#scroller.reveal(message.id);
    if (!row) return;
    row.classList.add("message--flash");
    window.setTimeout(() => row.classList.remove("message--flash"), FLASH_MS);
    this.#moved();
  }

  /** @param {Timeline} timeline */
  #showStart({ isLoaded, hasBefore }) {
    this.#older.hidden = isLoaded && !hasBefore;
    /** @type {HTMLElement} */ (this.#root.querySelector('[data-part="beginning"]')).hidden = !isLoaded || hasBefore;
  }

  #showPills() {
    const timeline = this.#timeline;
    if (!timeline?.isLoaded) return;
    const isAtEnd = this.#scroller.isAtBottom && timeline.missing === 0;
    const isLineAbove = timeline.lineAfterN !== null && timeline.lineAfterN < timeline.firstN - 1;
    this.#pills.show({
      above: isLineAbove ? this.#unreadOnEntry : 0,
      below: isAtEnd ? 0 : timeline.headN - this.#seenN,
      isFar: this.#scroller.isFarFromBottom || timeline.missing > 0,
    });
  }

  /** @param {MouseEvent} event */
  #clicked = (event) => {
    const target = /** @type {Element} */ (event.target);
    if (this.#older.contains(target)) {
      event.preventDefault();
      if (!this.#history.isLoading && this.#timeline?.hasBefore) this.#extend(this.#timeline, "older");
      return;
    }
    const button = target.closest("[data-action]");
    const row = button && this.#view.rowAround(button);
    if (!button || !row || !(row.unsent ?? row.edit)) return;
    const action = button.getAttribute("data-action");
    if (action === "rewrite") this.#rewrite(row);
    const [waiting, id] = row.unsent ? [this.#outbox, row.unsent.id] : [this.#edits, row.message.id];
    if (action === "retry") waiting.retry(id);
    else waiting.settle(id);
  };
}
