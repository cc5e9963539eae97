// @ts-check
/** Owns the panel beside the room: its topic and the people in it. */

import { countOf, untilOf } from "./format.js";
import { isMuted } from "./message_rights.js";
import { showState } from "./presence.js";
import { faceOf } from "./people.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Member} Member */
/** @typedef {import("./types.js").Room} Room */

const ROLES = { owner: "owner", moderator: "moderator", member: "", guest: "guest" };

export class Panel {
  #element;
  #toggle;
  #api;
  #people;
  #menu;
  #own;
  #presence;
  /** @type {Room | null} */
  #room = null;
  #cursor = "";
  #turn = 0;

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
  }

  disconnect() {
    this.#toggle.removeEventListener("click", this.#toggled);
    this.#element.querySelector('[data-action="panel-close"]')?.removeEventListener("click", this.#toggled);
    this.#part("more").removeEventListener("click", this.#more);
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
    if (this.isOpen && room && (isOther || isGrown)) this.#load();
  }

  /** Somebody's role or right to write changed. @param {string} room */
  membersChanged(room) {
    if (this.isOpen && room === this.#room?.id) this.#load();
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

  #toggled = () => {
    if (this.isOpen) {
      this.close();
      return;
    }
    this.#show(true);
    this.#load();
    /** @type {HTMLElement} */ (this.#element.querySelector('[data-action="panel-close"]')).focus();
  };

  #more = () => this.#load(this.#cursor);

  async #load(cursor = "") {
    const room = this.#room;
    const turn = ++this.#turn;
    if (!room) return;
    this.#part("error").textContent = "";
    try {
      const page = await this.#api.get(`/rooms/${room.id}/members`, { cursor });
      if (turn !== this.#turn) return;
      /** @type {Member[]} */
      const members = page.results;
      for (const { user } of members) this.#people.learn(user);
      const items = members.map((member) => this.#itemFor(member));
      if (cursor) this.#part("people").append(...items);
      else this.#part("people").replaceChildren(...items);
      this.#presence.follow(members.map(({ user }) => user.id).filter((id) => id !== this.me));
      this.presenceChanged();
      this.#cursor = page.next_cursor ?? "";
      this.#part("more").hidden = !this.#cursor;
    } catch (error) {
      if (turn === this.#turn) this.#part("error").textContent = error instanceof Refusal ? error.said : String(error);
    }
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
    const muted = isMuted(member, Date.now()) ? `muted until ${untilOf(member.muted_until ?? "")}` : "";
    note.textContent = muted || (ROLES[/** @type {keyof typeof ROLES} */ (role)] ?? role);
    line.append(faceOf(user, "small"), name, note);
    item.append(line);
    return item;
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#element.querySelector(`[data-part="${name}"]`));
  }
}
