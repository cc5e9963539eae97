// @ts-check
/**
 * Owns the open room on the screen: which stretch of it is loaded, and where in it one is. The
 * timeline decides what is shown; this decides when it changes.
 */

import { History } from "./history.js";
import { Pills } from "./pills.js";
import { Reading } from "./reading.js";
import { UnsentButtons } from "./unsent_buttons.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

const FLASH_MS = 1_600;

export class RoomView {
  #root;
  #places;
  #outbox;
  #edits;
  #view;
  #scroller;
  #reading;
  #history;
  #pills;
  #unsentButtons;
  #older;
  /** @type {Room | null} */
  #room = null;
  /** @type {Timeline | null} */
  #timeline = null;

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
    this.#places = places;
    this.#outbox = outbox;
    this.#edits = edits;
    this.#view = view;
    this.#reading = new Reading({ rooms, marks });
    this.#scroller = scroller;
    this.#history = new History(api, root);
    this.#pills = new Pills(root, {
      onUp: () => this.#toLine(),
      onDown: () => this.toNewest().then(() => this.#scroller.focus()),
    });
    this.#unsentButtons = new UnsentButtons(root, { rowAround: (element) => view.rowAround(element), outbox, edits, rewrite });
    this.#older = /** @type {HTMLElement} */ (root.querySelector('[data-part="older"]'));
  }

  connect() {
    this.#scroller.connect(() => this.#moved());
    this.#pills.connect();
    this.#unsentButtons.connect();
    window.addEventListener("focus", this.#attended);
    document.addEventListener("visibilitychange", this.#attended);
    this.#older.addEventListener("click", this.#olderWanted);
  }

  disconnect() {
    this.#scroller.disconnect();
    this.#pills.disconnect();
    this.#unsentButtons.disconnect();
    window.removeEventListener("focus", this.#attended);
    document.removeEventListener("visibilitychange", this.#attended);
    this.#older.removeEventListener("click", this.#olderWanted);
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
    if (n) await this.goToN(n);
    else if (!timeline.isLoaded || timeline.missing > this.#history.fillMax) await this.#begin(timeline);
    else if (place && (place !== "bottom" || room.unread === 0)) this.#goBackTo(place);
    else this.#goToStart();
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
    const wasAtBottom = this.#scroller.isAtBottom;
    this.#reading.arrives(timeline, message, wasAtBottom);
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
    if (room === this.#room?.id) this.#history.heard(frame);
    if (!timeline?.change(frame)) return;
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

  /** From this message on, all is unread again. @param {Message} message */
  keepUnread({ room, n }) {
    const timeline = this.#timeline;
    if (!timeline || room !== this.#room?.id) return;
    this.#reading.keepUnread(timeline, n);
    this.#scroller.keep(() => this.#view.render(timeline, { quietly: true }));
  }

  /** One writes something here: to the end of what is loaded, where it stands whether or not the rest can be had. */
  async wrote() {
    if (this.#timeline) this.#reading.wrote(this.#timeline);
    this.#scroller.goTo("bottom");
    await this.toNewest();
    this.#moved();
  }

  /** The log went on without us: what is loaded of it may be something else by now. @param {string} room @param {number} headN */
  reset(room, headN) {
    const timeline = this.#places.timeline(room);
    timeline?.reaches(headN);
    if (!timeline || timeline !== this.#timeline) this.#places.forget(room);
    else if (timeline.isLoaded) this.#renew(timeline);
  }

  async toNewest() {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (timeline.missing > 0) {
      await this.#startOver(timeline, 0, () => this.#goBackTo("bottom"));
      return;
    }
    this.#view.render(timeline);
    this.#goBackTo("bottom");
  }

  /** Shows message `n`, wherever in the room's history it is. @param {number} n */
  async goToN(n) {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (timeline.at(n)) this.#flash(n);
    else if ((await this.#startOver(timeline, n, () => this.#flash(n))) && !timeline.isLoaded) {
      this.#history.later(() => this.goToN(n));
    }
  }

  /** @param {Room} room */
  #enter(room) {
    this.#history.enter(room.id);
    this.#room = room;
    this.#timeline = this.#places.open(room.id);
    this.#timeline.changingId = "";
    this.#timeline.showEdits((id) => this.#edits.of(id));
    this.#reading.enter(this.#timeline, room);
    return this.#timeline;
  }

  /** Loads the newest page of the open room, as often as it takes. @param {Timeline} timeline */
  async #begin(timeline) {
    const isMissed = await this.#startOver(timeline, 0, () => this.#goToStart());
    if (isMissed) this.#history.later(() => this.#begin(timeline));
  }

  /** Loads anew what is being read, and shows what came meanwhile as new. @param {Timeline} timeline */
  async #renew(timeline) {
    const isNews = this.#reading.resume(timeline);
    const { place } = this.#scroller;
    const n = place === "bottom" ? 0 : (timeline.get(place.key)?.n ?? 0);
    const isMissed = await this.#startOver(timeline, n, (left) => (isNews && !n ? this.#goToStart() : this.#goBackTo(left)));
    if (isMissed) this.#history.later(() => this.#renew(timeline));
  }

  /**
   * Starts the stretch over around message `n`, or at the newest page for 0.
   * @param {Timeline} timeline @param {number} n
   * @param {(left: import("./scroller.js").Place) => void} then it is shown now; `left`: where one was reading
   * @returns {Promise<boolean>} whether it could not be had; false too for a room that was left meanwhile
   */
  async #startOver(timeline, n, then) {
    const { visit } = this.#history;
    const isThere = n ? await this.#history.around(timeline, n) : await this.#history.newest(timeline);
    if (visit !== this.#history.visit) return false;
    if (!isThere) return true;
    const left = this.#scroller.place;
    this.#renderAnew(timeline);
    then(left);
    return false;
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
    const { visit } = this.#history;
    const page = await this.#history[end](timeline);
    if (visit !== this.#history.visit) return;
    if (!page) {
      this.#history.later(() => this.#moved());
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
    if (!this.#history.isBusy) {
      if (timeline.hasBefore && this.#scroller.isNearTop) this.#extend(timeline, "older");
      else if (timeline.missing > 0 && this.#scroller.isNearBottom) this.#extend(timeline, "newer");
    }
    if (this.#scroller.isAtBottom && timeline.missing === 0) this.#reading.reachedEnd(timeline);
    this.#showPills();
  }

  #attended = () => this.#moved();

  /** Where reading goes on: at the "New" line if it is in the stretch, else at the end. */
  #goToStart() {
    const line = this.#timeline?.firstNewN ? this.#scroller.reveal("new") : null;
    if (!line) this.#scroller.goTo("bottom");
    this.#moved();
  }

  /** @param {import("./scroller.js").Place} place one that was left; where it is gone, reading goes on as in any room */
  #goBackTo(place) {
    if (this.#scroller.goTo(place)) this.#moved();
    else this.#goToStart();
  }

  async #toLine() {
    const timeline = this.#timeline;
    if (!timeline || timeline.lineAfterN === null) return;
    const show = () => {
      this.#scroller.reveal("new");
      this.#moved();
      this.#scroller.focus();
    };
    if (timeline.firstNewN) show();
    else await this.#startOver(timeline, timeline.lineAfterN + 1, show);
  }

  /** What the log already has needs no sending. @param {Timeline} timeline */
  #settle(timeline) {
    for (const { id } of this.#outbox.of(this.#room?.id ?? "")) if (timeline.has(id)) this.#outbox.settle(id);
  }

  /** @param {number} n */
  #flash(n) {
    const row = this.#scroller.reveal(this.#timeline?.at(n)?.id ?? "");
    if (row) flash(row);
    if (row) this.#moved();
    else this.#goToStart(); // there is no such message, or not any more
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
      above: isLineAbove ? this.#reading.belowLine : 0,
      below: isAtEnd ? 0 : this.#reading.unseen(timeline),
      isFar: this.#scroller.isFarFromBottom || timeline.missing > 0,
    });
  }

  /** @param {MouseEvent} event */
  #olderWanted = (event) => {
    event.preventDefault();
    if (!this.#history.isBusy && this.#timeline?.hasBefore) this.#extend(this.#timeline, "older");
  };
}

/** @param {HTMLElement} row */
function flash(row) {
  row.classList.add("message--flash");
  window.setTimeout(() => row.classList.remove("message--flash"), FLASH_MS);
}
