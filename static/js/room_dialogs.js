// @ts-check
/** Owns the dialogs that lead into a room and out of it: create, browse, direct, leave. */

import { Refusal } from "./refusal.js";
import { faceOf } from "./people.js";
import { ResultList } from "./result_list.js";
import { showGlyph } from "./room_list_view.js";
import { titleOf } from "./rooms.js";

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Person} Person */
/** @typedef {Pick<Room, "id" | "kind" | "name" | "topic" | "members_count" | "people"> & {joined: boolean}} Listed a channel as everybody sees it */

/**
 * @typedef {{
 *   api: import("./api.js").Api, dialogs: import("./dialogs.js").Dialogs,
 *   me: Person, entered: (room: Room) => void, go: (room: string) => void,
 * }} Around `entered`: one is in this room now and wants to see it; `go`: as one was before
 */

/** @param {unknown} error */
const saidBy = (error) => (error instanceof Refusal ? error : new Refusal({ message: String(error) }));

/** @param {Around} around */
export function connectCreate({ api, dialogs, entered }) {
  const dialog = dialogs.get("create");
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const complain = (/** @type {Refusal | null} */ refusal) => {
    const fields = refusal?.code === "conflict" ? { name: [refusal.message] } : (refusal?.fields ?? {});
    let isPlaced = false;
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-error]"))) {
      const said = (/** @type {Record<string, string[]>} */ (fields)[place.dataset.error ?? ""] ?? []).join(" ");
      place.textContent = said;
      const input = /** @type {HTMLElement} */ (form.elements.namedItem(place.dataset.error ?? ""));
      input.setAttribute("aria-invalid", String(said !== ""));
      if (said && !isPlaced) input.focus();
      isPlaced ||= said !== "";
    }
    const rest = /** @type {HTMLElement} */ (form.querySelector('[data-part="errors"]'));
    rest.textContent = refusal && !isPlaced ? refusal.said : "";
  };
  dialogs.onOpen("create", () => {
    form.reset();
    complain(null);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { name, topic, kind } = Object.fromEntries(new FormData(form));
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    button.disabled = true;
    try {
      const room = await api.post("/rooms", { name: String(name).trim(), topic: String(topic).trim(), kind });
      dialog.close();
      entered(room);
    } catch (error) {
      complain(saidBy(error));
    } finally {
      button.disabled = false;
    }
  });
}

/** @param {Around} around */
export function connectBrowse({ api, dialogs, entered, go }) {
  const dialog = dialogs.get("browse");
  const list = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="results"]'));
  const note = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="note"]'));
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector('[data-part="q"]'));
  const more = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="more"]'));
  let asked = 0;
  let cursor = "";

  /** @param {Listed} room */
  const join = async (room) => {
    try {
      await api.post(`/rooms/${room.id}/join`);
      const joined = await api.get(`/rooms/${room.id}`);
      dialog.close();
      entered(joined);
    } catch (error) {
      note.textContent = saidBy(error).said;
    }
  };
  /** @param {Listed} room */
  const itemFor = (room) => {
    const item = document.createElement("li");
    item.className = "result";
    const glyph = document.createElement("span");
    glyph.className = "result__glyph";
    showGlyph(glyph, room);
    const text = document.createElement("span");
    text.className = "result__text";
    const name = document.createElement("b");
    name.textContent = room.name;
    const more = document.createElement("span");
    more.className = "field__help";
    more.textContent = [room.topic, `${room.members_count} ${room.members_count === 1 ? "person" : "people"}`]
      .filter(Boolean)
      .join(" · ");
    text.append(name, " ", more);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--small";
    button.textContent = room.joined ? "Open" : "Join";
    button.setAttribute("aria-label", `${button.textContent} ${room.name}`);
    button.addEventListener("click", () => {
      if (!room.joined) {
        join(room);
        return;
      }
      dialog.close();
      go(room.id);
    });
    item.append(glyph, text, button);
    return item;
  };
  /** @param {string} from where the page before ended, "" for the first */
  const ask = async (from) => {
    const turn = ++asked;
    const q = input.value.trim();
    try {
      const page = await api.get("/rooms/public", { q, cursor: from });
      if (turn !== asked) return;
      const items = page.results.map(itemFor);
      if (from) list.append(...items);
      else list.replaceChildren(...items);
      if (from) items[0]?.querySelector("button").focus();
      cursor = page.next_cursor ?? "";
      more.hidden = !cursor;
      note.textContent = cursor || list.children.length ? "" : q ? "No channel by that name." : "No channels yet.";
    } catch (error) {
      if (turn === asked) note.textContent = saidBy(error).said;
    }
  };
  input.addEventListener("input", () => ask(""));
  more.addEventListener("click", () => ask(cursor));
  dialogs.onOpen("browse", () => {
    input.value = "";
    list.replaceChildren();
    more.hidden = true;
    note.textContent = "";
    ask("");
  });
}

/**
 * What finding a person gives: themselves left out, picked by opening the direct room with them.
 * @param {Around} around @param {HTMLDialogElement} dialog
 */
export function peopleFinder({ api, me, entered }, dialog) {
  const note = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="note"]'));
  /** @param {Person} person */
  const write = async (person) => {
    try {
      const room = await api.post("/dms", { user_ids: [person.id] });
      dialog.close();
      entered(room);
    } catch (error) {
      note.textContent = saidBy(error).said;
    }
  };
  return async (/** @type {string} */ q) => {
    /** @type {{results: Person[]}} */
    const { results } = await api.get("/users", { q });
    return results
      .filter((person) => person.id !== me.id)
      .map((person) => ({
        id: person.id,
        glyph: faceOf(person, "small"),
        title: person.display_name,
        note: `@${person.username}`,
        pick: () => write(person),
      }));
  };
}

/** @param {Around} around */
export function connectDirect(around) {
  const dialog = around.dialogs.get("direct");
  const list = new ResultList(dialog, {
    far: peopleFinder(around, dialog),
    none: (q) => (q ? "Nobody by that name." : "Nobody else is here yet."),
  });
  around.dialogs.onOpen("direct", () => list.restart());
}

/**
 * @param {Around} around
 * @param {{openRoom: () => Room | null, left: (room: string) => void}} with_
 */
export function connectLeave({ api, dialogs }, { openRoom, left }) {
  const dialog = dialogs.get("leave");
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-part="${name}"]`));
  /** @type {Room | null} */
  let about = null;
  dialogs.onOpen("leave", () => {
    about = openRoom();
    part("title").textContent = about ? titleOf(about) : "";
    part("warning").textContent =
      about?.kind === "channel" ? "You can come back at any time." : "You can come back only when somebody adds you.";
    part("errors").textContent = "";
  });
  dialog.querySelector('[data-action="leave-room"]')?.addEventListener("click", async () => {
    if (!about) return;
    const { id } = about;
    try {
      await api.post(`/rooms/${id}/leave`);
      dialog.close();
      left(id);
    } catch (error) {
      part("errors").textContent = saidBy(error).said;
    }
  });
}
