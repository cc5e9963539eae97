// @ts-check
/** Owns the list of rooms in the page: makes it follow the model. */

import { countOf } from "./format.js";
import { faceOf } from "./people.js";
import { showState } from "./presence.js";
import { badgeOf, isCalling, titleOf } from "./rooms.js";

/** @typedef {import("./types.js").Room} Room */

const ICONS = { channel: "hash", group: "lock", direct: "person" };
const COUNTED_MAX = 99;

/** @param {Pick<Room, "kind">} room */
export const iconOf = (room) => ICONS[room.kind] ?? "hash";

/** @param {number} number */
export const shortCount = (number) => (number > COUNTED_MAX ? `${COUNTED_MAX}+` : countOf(number));

/** Puts a room's icon, or the face of the one other person in it. @param {Element} glyph @param {Pick<Room, "kind" | "people">} room */
export function showGlyph(glyph, room) {
  const wanted = room.kind === "direct" && room.people?.length === 1 ? room.people[0].id : iconOf(room);
  const holder = /** @type {HTMLElement} */ (glyph);
  if (holder.dataset.shows === wanted) return;
  holder.dataset.shows = wanted;
  if (wanted !== iconOf(room)) {
    glyph.replaceChildren(faceOf(room.people[0], "small"));
    return;
  }
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${iconsUrl()}#${wanted}`);
  svg.append(use);
  glyph.replaceChildren(svg);
}

function iconsUrl() {
  return document.querySelector("svg use")?.getAttribute("href")?.split("#")[0] ?? "";
}

export class RoomListView {
  #lists;
  #template;
  #presence;
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();
  /** What each row was written from: as long as it is the same, the row is left alone. @type {Map<string, [Room, boolean, string | null, boolean]>} */
  #written = new Map();
  #openId = "";

  /** @param {HTMLElement} lists @param {HTMLTemplateElement} template @param {import("./presence.js").Presence} presence */
  constructor(lists, template, presence) {
    this.#lists = lists;
    this.#template = template;
    this.#presence = presence;
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (lists.querySelectorAll("[data-room]"))) {
      this.#shown.set(element.dataset.room ?? "", element);
    }
  }

  /**
   * @param {import("./rooms.js").Rooms} rooms @param {string} openId
   * @param {(room: string) => boolean} hasFailed whether something written there could not be sent
   */
  render(rooms, openId, hasFailed) {
    const focused = this.#lists.contains(document.activeElement) ? document.activeElement : null;
    this.#renderSection("channels", rooms.named, openId, hasFailed);
    this.#renderSection("direct", rooms.direct, openId, hasFailed);
    for (const [id, element] of this.#shown) {
      if (rooms.get(id)) continue;
      element.remove();
      this.#shown.delete(id);
      this.#written.delete(id);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus({ preventScroll: true }); // it moved
    if (openId !== this.#openId) this.#bringIntoSight(openId);
    this.#openId = openId;
  }

  /** @param {string} id */
  #bringIntoSight(id) {
    const row = this.#shown.get(id)?.getBoundingClientRect();
    const seen = this.#lists.getBoundingClientRect();
    if (row) this.#lists.scrollTop += Math.min(0, row.top - seen.top) + Math.max(0, row.bottom - seen.bottom);
  }

  /** @param {string} name @param {Room[]} rooms @param {string} openId @param {(room: string) => boolean} hasFailed */
  #renderSection(name, rooms, openId, hasFailed) {
    const section = /** @type {HTMLElement} */ (this.#lists.querySelector(`[data-section="${name}"]`));
    const list = /** @type {HTMLElement} */ (section.querySelector("[data-list]"));
    rooms.forEach((room, index) => {
      const element = this.#shown.get(room.id) ?? this.#make(room);
      this.#fill(element, room, openId, hasFailed(room.id));
      if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
    });
    /** @type {HTMLElement} */ (section.querySelector("[data-none]")).hidden = rooms.length > 0;
  }

  /** @param {Room} room */
  #make(room) {
    const copy = /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (copy.firstElementChild);
    element.dataset.room = room.id;
    /** @type {HTMLAnchorElement} */ (element.querySelector("a")).href = `/rooms/${room.id}/`;
    this.#shown.set(room.id, element);
    return element;
  }

  /** @param {HTMLElement} element @param {Room} room @param {string} openId @param {boolean} isFailed */
  #fill(element, room, openId, isFailed) {
    const isOpen = room.id === openId;
    const state = room.kind === "direct" && room.people?.length === 1 ? this.#presence.of(room.people[0].id) : null;
    const written = this.#written.get(room.id);
    if (written && written[0] === room && written[1] === isOpen && written[2] === state && written[3] === isFailed) return;
    this.#written.set(room.id, [room, isOpen, state, isFailed]);
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (element.querySelector(`[data-part="${name}"]`));
    const badge = badgeOf(room);
    element.classList.toggle("room-link--unread", isCalling(room));
    part("pinned").hidden = !room.pinned;
    showGlyph(part("glyph"), room);
    part("name").textContent = titleOf(room);
    showState(part("glyph").querySelector(".avatar"), state);
    part("presence").textContent = state ? `, ${state}` : "";
    part("unread").hidden = room.unread === 0 || badge > 0;
    part("unread-count").textContent = shortCount(room.unread);
    part("failed").hidden = !isFailed;
    part("badge").hidden = badge === 0;
    part("badge-count").textContent = shortCount(badge);
    const link = /** @type {HTMLAnchorElement} */ (element.querySelector("a"));
    if (isOpen) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
