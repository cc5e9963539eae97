// @ts-check
/** Owns the menu of a member of the open room: who they are, and what one can do to them. */

import { untilOf } from "./format.js";
import { isMuted, moderates } from "./message_rights.js";
import { Popup } from "./popup.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Member} Member */
/** @typedef {import("./types.js").Room} Room */

const RANKS = { owner: 3, moderator: 2, member: 1, guest: 0 };

/** @param {{role: string}} one */
const rankOf = ({ role }) => RANKS[/** @type {keyof typeof RANKS} */ (role)] ?? 0;

/**
 * What the asker may do: as in `chat/services/access.py`, the role below one's own.
 * @param {Room} room @param {Member} member
 */
export function membersDeeds(room, member) {
  const may = room.kind !== "direct" && moderates(room) && rankOf(room) > rankOf(member);
  return { write: true, role: room.kind !== "direct" && room.role === "owner", mute: may, remove: may };
}

export class MemberMenu {
  #menu;
  #popup;
  #api;
  #write;
  #done;
  #clock;
  /** @type {{room: Room, member: Member} | null} */
  #about = null;
  #turn = 0;

  /**
   * @param {HTMLElement} menu
   * @param {{
   *   api: import("./api.js").Api, write: (user: string) => void,
   *   done: (said: string, isRefusal: boolean) => void, clock: import("./server_clock.js").ServerClock,
   * }} with_ `done`: what came of it, for a person
   */
  constructor(menu, { api, write, done, clock }) {
    this.#menu = menu;
    this.#popup = new Popup(menu);
    this.#api = api;
    this.#write = write;
    this.#done = done;
    this.#clock = clock;
  }

  connect() {
    this.#popup.connect();
    this.#menu.addEventListener("click", this.#picked);
  }

  disconnect() {
    this.#popup.disconnect();
    this.#menu.removeEventListener("click", this.#picked);
  }

  /** @param {Room} room @param {Member} member @param {Element} beside */
  open(room, member, beside) {
    this.#about = { room, member };
    const { user } = member;
    const may = membersDeeds(room, member);
    const muted = this.mutedSaid(member);
    this.#show("name", user.display_name);
    this.#show("username", [`@${user.username}`, muted].filter(Boolean).join(", "));
    this.#show("status", "");
    for (const button of this.#menu.querySelectorAll("button")) {
      const { may: needs = "write", role } = button.dataset;
      button.hidden = !may[/** @type {keyof typeof may} */ (needs)];
      if (role) button.setAttribute("aria-checked", String(role === member.role));
      if (button.hasAttribute("data-unmute")) button.hidden ||= !muted;
    }
    this.#popup.open(beside.getBoundingClientRect());
    this.#ask(user.id);
  }

  /** Until when they may not write; "" for who may. @param {Member} member */
  mutedSaid(member) {
    return isMuted(member, this.#clock.now()) ? `muted until ${untilOf(member.muted_until ?? "")}` : "";
  }

  /** What they say of themselves. @param {string} user */
  async #ask(user) {
    const turn = ++this.#turn;
    const { status_text: status } = await this.#api.get(`/users/${user}`).catch(() => ({ status_text: "" }));
    if (status && turn === this.#turn && this.#popup.isOpen) this.#popup.grow(() => this.#show("status", status));
  }

  /** @param {string} name @param {string} text */
  #show(name, text) {
    const part = /** @type {HTMLElement} */ (this.#menu.querySelector(`[data-part="${name}"]`));
    part.textContent = text;
    part.hidden = text === "";
  }

  /** The moment in so many seconds, by the server's clock. @param {string} seconds */
  #in(seconds) {
    return new Date(this.#clock.now() + Number(seconds) * 1000).toISOString();
  }

  /** @param {MouseEvent} event */
  #picked = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button || !this.#about) return;
    const { room, member } = this.#about;
    this.#popup.close();
    const name = member.user.display_name;
    const path = `/rooms/${room.id}/members/${member.user.id}`;
    const { role, muteS, ban, banS, deed } = button.dataset;
    if (role) this.#do(this.#api.patch(path, { role }), `${name} is ${role} now.`);
    else if (muteS) {
      this.#do(this.#api.patch(path, { mute_until: this.#in(muteS) }), `${name} is muted.`);
    } else if (button.hasAttribute("data-unmute")) {
      this.#do(this.#api.patch(path, { mute_until: null }), `${name} may write again.`);
    } else if (deed === "remove" && window.confirm(`Remove ${name} from this room?`)) {
      this.#do(this.#api.delete(path), `${name} was removed.`);
    } else if (ban && window.confirm(`Remove ${name} and ban them ${ban}?`)) {
      const until = banS ? `&until=${encodeURIComponent(this.#in(banS))}` : "";
      this.#do(this.#api.delete(`${path}?ban=true${until}`), `${name} is banned ${ban}.`);
    } else if (deed === "write") this.#write(member.user.id);
  };

  /** @param {Promise<unknown>} doing @param {string} said */
  #do(doing, said) {
    doing.then(
      () => this.#done(said, false),
      (error) => this.#done(error instanceof Refusal ? error.said : String(error), true),
    );
  }
}
