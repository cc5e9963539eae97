// @ts-check
/**
 * Owns the open room on the screen: which stretch of it is loaded, the pills, the "New" line, what
 * counts as read. The timeline decides what is shown; this decides when it changes.
 */

import { countOf } from "./format.js";

/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

const PAGE = 50;
const FILL_PAGE = 100;
const FLASH_MS = 1_600;
const AGAIN_MS = 3_000; // before a page that could not be had is asked for again

export class RoomView {
  #root;
  #api;
  #rooms;
  #places;
  #outbox;
  #view;
  #scroller;
  #marks;
  #pills;
  /** @type {Room | null} */
  #room = null;
  /** @type {Timeline | null} */
  #timeline = null;
  #isLoading = false;
  #visit = 0;
  #seenN = 0;
  #unreadOnEntry = 0;

  /**
   * @param {HTMLElement} root
   * @param {{
   *   api: import("./api.js").Api, rooms: import("./rooms.js").Rooms,
   *   places: import("./places.js").Places, outbox: import("./outbox.js").Outbox,
   *   view: import("./timeline_view.js").TimelineView, marks: import("./read_marks.js").ReadMarks,
   *   makeScroller: (onMove: () => void) => import("./scroller.js").Scroller,
   * }} with_
   */
  constructor(root, { api, rooms, places, outbox, view, marks, makeScroller }) {
    this.#root = root;
    this.#api = api;
    this.#rooms = rooms;
    this.#places = places;
    this.#outbox = outbox;
    this.#view = view;
    this.#marks = marks;
    this.#scroller = makeScroller(() => this.#moved());
    this.#pills = {
      up: /** @type {HTMLButtonElement} */ (root.querySelector('[data-pill="up"]')),
      down: /** @type {HTMLButtonElement} */ (root.querySelector('[data-pill="down"]')),
    };
  }

  connect() {
    this.#scroller.connect();
    window.addEventListener("focus", this.#attended);
    document.addEventListener("visibilitychange", this.#attended);
    this.#pills.down.addEventListener("click", this.#downClicked);
    this.#pills.up.addEventListener("click", this.#toLine);
    this.#root.querySelector('[data-part="older"]')?.addEventListener("click", this.#olderClicked);
    this.#root.addEventListener("click", this.#clicked);
  }

  disconnect() {
    this.#scroller.disconnect();
    window.removeEventListener("focus", this.#attended);
    document.removeEventListener("visibilitychange", this.#attended);
    this.#pills.down.removeEventListener("click", this.#downClicked);
    this.#pills.up.removeEventListener("click", this.#toLine);
    this.#root.querySelector('[data-part="older"]')?.removeEventListener("click", this.#olderClicked);
    this.#root.removeEventListener("click", this.#clicked);
  }

  get room() {
    return this.#room;
  }

  /** Starts from the page that the server rendered. @param {Room} room @param {import("./types.js").Page} page @param {number} n the message asked for, or 0 */
  adopt(room, page, n) {
    this.#enter(room);
    const timeline = /** @type {Timeline} */ (this.#timeline);
    timeline.reset(page);
    timeline.showUnsent(this.#outbox.of(room.id));
    this.#view.adopt(timeline);
    this.#showStart();
    this.#settle();
    if (n) this.#flash(n);
    else this.#goToStart();
  }

  /** Shows another room: at once when it is remembered, at the place where it was left. @param {Room} room @param {number} n */
  async open(room, n = 0) {
    if (this.#room && this.#timeline?.isLoaded) this.#places.leave(this.#room.id, this.#scroller.place);
    this.#enter(room);
    const timeline = /** @type {Timeline} */ (this.#timeline);
    timeline.showUnsent(this.#outbox.of(room.id));
    this.#view.render(timeline, { quietly: true });
    this.#showStart();
    if (n) {
      await this.goToN(n);
      return;
    }
    const place = this.#places.placeIn(room.id);
    if (timeline.isLoaded && timeline.missing <= FILL_PAGE) {
      if (place && (place !== "bottom" || room.unread === 0)) this.#scroller.goTo(place);
      else this.#goToStart();
      this.#moved();
      return;
    }
    await this.#begin();
  }

  /** No room at all. */
  clear() {
    this.#room = null;
    this.#timeline = null;
    this.#visit += 1;
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
    this.#moveLine(message);
    const wasAtBottom = this.#scroller.isAtBottom;
    this.#scroller.keep(() => {
      timeline.receive(message);
      timeline.showUnsent(this.#outbox.of(message.room));
      timeline.trim(wasAtBottom ? "start" : "end");
      this.#view.render(timeline);
    });
    this.#moved();
  }

  /** An ack: shown at once if it is the next one, else when the log brings it. @param {Message} message */
  stored(message) {
    const timeline = this.#places.timeline(message.room);
    const isKnown = timeline?.has(message.id) ?? false;
    if (isKnown || (timeline?.isLoaded && timeline.missing === 0 && message.n === timeline.lastN + 1)) {
      if (!isKnown) this.received(message);
      this.#outbox.settle(message.id);
    }
  }

  /** What waits to be stored changed. @param {string} room */
  unsentChanged(room) {
    const timeline = this.#places.timeline(room);
    if (!timeline) return;
    timeline.showUnsent(this.#outbox.of(room));
    if (timeline !== this.#timeline) return;
    this.#scroller.keep(() => this.#view.render(timeline));
  }

  /** One wrote something here: to the end, where it stands. */
  async wrote() {
    const timeline = this.#timeline;
    if (!timeline) return;
    timeline.lineAfterN = null;
    await this.toNewest();
  }

  /** The log went on without us. @param {string} room @param {number} headN */
  async reset(room, headN) {
    const timeline = this.#places.timeline(room);
    if (!timeline) return;
    timeline.reaches(headN);
    if (timeline !== this.#timeline) this.#places.forget(room);
    else this.#moved();
  }

  async toNewest() {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (timeline.missing > 0 && !(await this.#load({}))) return;
    this.#view.render(timeline);
    this.#scroller.goTo("bottom");
    this.#moved();
  }

  /** Shows message `n`, wherever in the room's history it is. @param {number} n */
  async goToN(n) {
    const timeline = this.#timeline;
    if (!timeline) return;
    if (!timeline.at(n) && !(await this.#load({ around_n: n }))) return;
    this.#flash(n);
  }

  /** @param {1 | -1} screens */
  page(screens) {
    this.#scroller.page(screens);
  }

  /** Loads the newest page of the open room, as often as it takes. */
  async #begin() {
    const visit = this.#visit;
    if (await this.#load({})) this.#goToStart();
    else window.setTimeout(() => visit === this.#visit && this.#begin(), AGAIN_MS);
  }

  /** @param {Room} room */
  #enter(room) {
    this.#visit += 1;
    this.#isLoading = false;
    this.#room = room;
    this.#timeline = this.#places.open(room.id);
    this.#timeline.lineAfterN = room.unread > 0 ? room.read_n : null;
    this.#seenN = room.read_n;
    this.#unreadOnEntry = room.unread;
  }

  /**
   * Starts the stretch over with another page.
   * @param {Record<string, number>} query @returns {Promise<boolean>} false when it could not be had
   */
  async #load(query) {
    const timeline = /** @type {Timeline} */ (this.#timeline);
    const page = await this.#fetch({ limit: PAGE, ...query });
    if (!page) return false;
    timeline.reset(page);
    if (!("around_n" in query) && timeline.missing > 0) {
      const rest = await this.#fetch({ limit: FILL_PAGE, after_n: timeline.lastN }); // came meanwhile
      if (rest) timeline.append(rest);
      else if (timeline !== this.#timeline) return false;
    }
    timeline.showUnsent(this.#outbox.of(this.#room?.id ?? ""));
    this.#view.render(timeline, { quietly: true });
    this.#settle();
    this.#showStart();
    return true;
  }

  /**
   * One page of the open room; null when it could not be had or the room is no longer open.
   * @param {Record<string, number>} query @returns {Promise<import("./types.js").Page | null>}
   */
  async #fetch(query) {
    const visit = this.#visit;
    this.#isLoading = true;
    this.#root.setAttribute("aria-busy", "true");
    try {
      const page = await this.#api.get(`/rooms/${this.#room?.id}/messages`, query);
      return visit === this.#visit ? page : null;
    } catch {
      window.setTimeout(() => visit === this.#visit && this.#moved(), AGAIN_MS);
      return null;
    } finally {
      if (visit === this.#visit) {
        this.#root.removeAttribute("aria-busy");
        this.#isLoading = false;
      }
    }
  }

  async #loadOlder() {
    const timeline = /** @type {Timeline} */ (this.#timeline);
    const page = await this.#fetch({ limit: PAGE, before_n: timeline.firstN });
    if (!page) return;
    this.#scroller.keep(() => {
      timeline.prepend(page);
      timeline.trim("end");
      this.#view.render(timeline, { quietly: true });
      this.#showStart();
    });
    this.#moved();
  }

  async #loadNewer() {
    const timeline = /** @type {Timeline} */ (this.#timeline);
    const page = await this.#fetch({ limit: FILL_PAGE, after_n: timeline.lastN });
    if (!page) return;
    this.#scroller.keep(
      () => {
        timeline.append(page);
        timeline.trim("start");
        this.#view.render(timeline, { quietly: true });
        this.#showStart();
      },
      { stick: false },
    );
    this.#settle();
    this.#moved();
  }

  /** After every movement and change: fetch what will soon be looked at, mark what was. */
  #moved() {
    const timeline = this.#timeline;
    if (!timeline?.isLoaded) return;
    if (!this.#isLoading) {
      if (timeline.hasBefore && this.#scroller.isNearTop) this.#loadOlder();
      else if (timeline.missing > 0 && this.#scroller.isNearBottom) this.#loadNewer();
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

  /** Puts the "New" line above what arrives while nobody reads. @param {Message} message */
  #moveLine(message) {
    const timeline = /** @type {Timeline} */ (this.#timeline);
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

  #downClicked = async () => {
    await this.toNewest();
    this.#scroller.focus();
  };

  #toLine = async () => {
    const after = this.#timeline?.lineAfterN;
    if (after === null || after === undefined) return;
    if (!this.#timeline?.firstNewN && !(await this.#load({ around_n: after + 1 }))) return;
    this.#scroller.reveal("new");
    this.#moved();
    this.#scroller.focus();
  };

  /** What the log already has needs no sending. */
  #settle() {
    const timeline = /** @type {Timeline} */ (this.#timeline);
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

  #showStart() {
    const hasBefore = this.#timeline?.hasBefore ?? false;
    const isLoaded = this.#timeline?.isLoaded ?? false;
    /** @type {HTMLElement} */ (this.#root.querySelector('[data-part="older"]')).hidden = isLoaded && !hasBefore;
    /** @type {HTMLElement} */ (this.#root.querySelector('[data-part="beginning"]')).hidden = !isLoaded || hasBefore;
  }

  #showPills() {
    const timeline = this.#timeline;
    if (!timeline?.isLoaded) return;
    const newer = this.#scroller.isAtBottom && timeline.missing === 0 ? 0 : timeline.headN - Math.max(this.#seenN, 0);
    const isFar = this.#scroller.isFarFromBottom || timeline.missing > 0;
    write(this.#pills.down, newer > 0 ? `${countOf(newer)} new` : isFar ? "Newest" : "");
    const after = timeline.lineAfterN;
    const isLineAbove = after !== null && after < timeline.firstN - 1;
    write(this.#pills.up, isLineAbove ? `${countOf(this.#unreadOnEntry)} unread` : "");
  }

  /** @param {Event} event */
  #olderClicked = (event) => {
    event.preventDefault();
    if (!this.#isLoading && this.#timeline?.hasBefore) this.#loadOlder();
  };

  /** @param {MouseEvent} event */
  #clicked = (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-action]");
    const row = button && this.#view.rowAround(button);
    if (!button || !row?.unsent) return;
    if (button.getAttribute("data-action") === "retry") this.#outbox.retry(row.unsent.id);
    else this.#outbox.settle(row.unsent.id);
  };
}

/** @param {HTMLElement} pill @param {string} text */
function write(pill, text) {
  pill.hidden = !text;
  const label = /** @type {HTMLElement} */ (pill.querySelector('[data-part="text"]'));
  if (label.textContent !== text) label.textContent = text;
}
