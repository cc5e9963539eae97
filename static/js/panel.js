// @ts-check
/** Owns the panel beside the room: its topic, what is pinned and the people in it. */

import { countOf } from "./format.js";
import { lazily } from "./lazy.js";
import { showState } from "./presence.js";
import { faceOf } from "./people.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Member} Member */
/** @typedef {import("./types.js").Room} Room */

const LOAD_EVERY_MS = 1_000; // not more often, however many come and go
const ROLES = { owner: "owner", moderator: "moderator", member: "", guest: "guest" };

export class Panel {
  #element;
  #toggle;
  #api;
  #people;
  #menu;
  #own;
  #presence;
  #pins = lazily(async () => new (await import("./pins.js")).Pins(this.#part("pins"), this.#api));
  /** @type {Room | null} */
  #room = null;
  #cursor = "";
  #turn = 0;
  #timer = 0;
  #loadedAt = -LOAD_EVERY_MS;
  #covers = matchMedia("(max-width: 64rem)"); // as in panel.css: it lies over the conversation

  /**
   * @param {HTMLElement} element @param {HTMLButtonElement} toggle
   * @param {{
   *   api: import("./api.js").Api, people: import("./people.js").People,
   *   menu: import("./member_menu.js").MemberMenu, own: import("./room_settings.js").OwnSettings,
   *   presence: import("./presence.js").Presence, me: string,
   * }} with_
   */
  constructor(element, toggle, { api, people, menu, own, presence, me }) {
    this.#element = element;
    this.#toggle = toggle;
    this.#api = api;
    this.#people = people;
    this.#menu = menu;
    this.#own = own;
    this.#presence = presence;
    this.me = me;
  }

  connect() {
    this.#toggle.addEventListener("click", this.#toggled);
    this.#element.querySelector('[data-action="panel-close"]')?.addEventListener("click", this.#toggled);
    this.#part("more").addEventListener("click", this.#more);
    document.addEventListener("focusin", this.#wentElsewhere);
    document.addEventListener("click", this.#wentElsewhere);
    this.#part("pins").addEventListener("click", this.#jumped);
  }

  disconnect() {
    this.#toggle.removeEventListener("click", this.#toggled);
    this.#element.querySelector('[data-action="panel-close"]')?.removeEventListener("click", this.#toggled);
    this.#part("more").removeEventListener("click", this.#more);
    document.removeEventListener("focusin", this.#wentElsewhere);
    document.removeEventListener("click", this.#wentElsewhere);
    this.#part("pins").removeEventListener("click", this.#jumped);
    clearTimeout(this.#timer);
  }

  get isOpen() {
    return !this.#element.hidden;
  }

  /** @param {Room | null} room */
  open(room) {
    const isOther = room?.id !== this.#room?.id;
    const isGrown = room?.members_count !== this.#room?.members_count;
    this.#room = room;
    if (isOther) this.#clear();
    if (!room) this.#show(false);
    this.#part("topic").textContent = room?.topic || "";
    this.#part("count").textContent = room ? countOf(room.members_count) : "";
    if (room) this.#own.show(room);
    if (!this.isOpen || !room) return;
    if (isOther) this.#showPins();
    if (isOther) this.#load();
    else if (isGrown) this.#loadSoon();
  }

  /** Somebody's role or right to write changed. @param {string} room @param {Member} member */
  memberChanged(room, member) {
    const item = this.#lineOf(member.user.id)?.parentElement;
    if (room === this.#room?.id && item) this.#redraw(() => item.replaceWith(this.#itemFor(member)));
  }

  /** Something happened to a message of any room. @param {string} room @param {import("./types.js").Pushed} frame */
  messageChanged(room, frame) {
    if (this.isOpen && room === this.#room?.id) this.#pins().then((pins) => pins.changed(frame), this.#failed);
  }

  /** Somebody came or went. */
  presenceChanged() {
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (this.#part("people").querySelectorAll("[data-user]"))) {
      const state = this.#presence.of(line.dataset.user ?? "");
      showState(line.querySelector(".avatar"), state);
      /** @type {HTMLElement} */ (line.querySelector(".visually-hidden")).textContent = state ? `, ${state}` : "";
    }
  }

  close() {
    if (!this.isOpen) return;
    this.#show(false);
    this.#toggle.focus();
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#element.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
  }

  /** Whoever is listed is in the room that is shown: what one does to them is done there. */
  #clear() {
    this.#turn += 1;
    this.#part("people").replaceChildren();
    this.#part("more").hidden = true;
    this.#part("error").textContent = "";
  }

  /** Nobody uses the conversation behind it without seeing where they are. @param {Event} event */
  #wentElsewhere = ({ target }) => {
    if (!this.isOpen || !this.#covers.matches || !(target instanceof Element)) return;
    if (target.closest("[data-room-view]") && !this.#toggle.contains(target)) this.#show(false);
  };

  #toggled = () => {
    if (this.isOpen) {
      this.close();
      return;
    }
    this.#show(true);
    this.#showPins();
    this.#load();
    /** @type {HTMLElement} */ (this.#element.querySelector('[data-action="panel-close"]')).focus();
  };

  /** What one is led to must be in sight. @param {Event} event */
  #jumped = ({ target }) => {
    if (this.#covers.matches && /** @type {Element} */ (target).closest("a")) this.close();
  };

  #showPins() {
    this.#pins().then((pins) => this.#room && pins.show(this.#room.id), this.#failed);
  }

  /** @param {unknown} error */
  #failed = (error) => {
    this.#part("error").textContent = error instanceof Refusal ? error.said : String(error);
  };

  #more = () => this.#load(this.#cursor);

  #loadSoon() {
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, this.#loadedAt + LOAD_EVERY_MS - performance.now());
    this.#timer = window.setTimeout(() => this.isOpen && this.#load(), waitMs);
  }

  /** Another page of people, or from the start as many as are shown. @param {string} [after] */
  async #load(after = "") {
    const room = this.#room;
    const turn = ++this.#turn;
    if (!room) return;
    this.#part("error").textContent = "";
    this.#loadedAt = performance.now();
    const list = this.#part("people");
    const wanted = after ? 0 : list.childElementCount;
    try {
      /** @type {Member[]} */
      const members = [];
      let cursor = after;
      do {
        const page = await this.#api.get(`/rooms/${room.id}/members`, { cursor });
        if (turn !== this.#turn) return;
        members.push(...page.results);
        cursor = page.next_cursor ?? "";
      } while (cursor && members.length < wanted);
      for (const { user } of members) this.#people.learn(user);
      this.#presence.follow(members.map(({ user }) => user.id).filter((id) => id !== this.me));
      const items = members.map((member) => this.#itemFor(member));
      this.#redraw(() => (after ? list.append(...items) : list.replaceChildren(...items)));
      this.#cursor = cursor;
      this.#part("more").hidden = !cursor;
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  /** Changes the list: the focus stays at the person it is at, or beside who is gone. @param {() => void} change */
  #redraw(change) {
    const list = this.#part("people");
    const focused = list.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    const at = focused ? [...list.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (focused)) : -1;
    change();
    this.presenceChanged();
    if (!focused || focused.isConnected) return;
    const lines = list.querySelectorAll("button");
    (this.#lineOf(focused.dataset.user ?? "") ?? lines[Math.min(at, lines.length - 1)])?.focus({ preventScroll: true });
  }

  /** @param {string} user @returns {HTMLElement | null} */
  #lineOf(user) {
    return this.#part("people").querySelector(`[data-user="${CSS.escape(user)}"]`);
  }

  /** @param {Member} member */
  #itemFor(member) {
    const { user, role } = member;
    const item = document.createElement("li");
    const isMe = user.id === this.me;
    const line = document.createElement(isMe ? "span" : "button");
    line.className = "person";
    if (line instanceof HTMLButtonElement) {
      line.type = "button";
      line.title = user.display_name;
      line.setAttribute("aria-haspopup", "menu");
      line.addEventListener("click", () => this.#room && this.#menu.open(this.#room, member, line));
    }
    const name = document.createElement("span");
    name.className = "person__name";
    name.textContent = isMe ? `${user.display_name} (you)` : user.display_name;
    const state = document.createElement("span");
    state.className = "visually-hidden";
    name.append(state);
    line.dataset.user = user.id;
    const note = document.createElement("span");
    note.className = "person__note";
    note.textContent = this.#menu.mutedSaid(member) || (ROLES[/** @type {keyof typeof ROLES} */ (role)] ?? role);
    line.append(faceOf(user, "small"), name, note);
    item.append(line);
    return item;
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#element.querySelector(`[data-part="${name}"]`));
  }
}
