// @ts-check
/** Owns Ctrl/Cmd+K: from a few letters to a room or a person. */

import { ResultList } from "./result_list.js";
import { peopleFinder } from "./room_dialogs.js";
import { showGlyph } from "./room_list_view.js";
import { badgeOf, titleOf } from "./rooms.js";

/** @typedef {import("./types.js").Room} Room */

const SHOWN_MAX = 12;

/**
 * How well a name answers what was typed; 0 for not at all. The whole beats the start, the start
 * beats the start of a word, a word beats letters in order.
 * @param {string} name @param {string} q
 */
export function score(name, q) {
  const there = name.toLowerCase();
  const wanted = q.toLowerCase();
  if (!wanted) return 1;
  if (there === wanted) return 6;
  if (there.startsWith(wanted)) return 5;
  if (there.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) return 4;
  if (there.includes(wanted)) return 3;
  let from = 0;
  for (const letter of wanted) {
    from = there.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return 2;
}

/**
 * @param {import("./room_dialogs.js").Around} around
 * @param {{rooms: import("./rooms.js").Rooms, openId: () => string}} with_
 */
export function connectJump(around, { rooms, openId }) {
  const dialog = around.dialogs.get("jump");
  const findPeople = peopleFinder(around, dialog);

  /** @param {Room} room */
  const resultFor = (room) => {
    const glyph = document.createElement("span");
    glyph.className = "result__glyph";
    showGlyph(glyph, room);
    const badge = badgeOf(room);
    return {
      id: room.id,
      glyph,
      title: titleOf(room),
      note: badge ? `${badge} for you` : room.unread ? `${room.unread} unread` : room.topic,
      pick: () => {
        dialog.close();
        around.go(room.id);
      },
    };
  };
  /** What waits comes first, then what fits best, then what was spoken in last. @param {string} q */
  const findRooms = (q) =>
    rooms.all
      .filter((room) => room.id !== openId() || q)
      .map((room) => ({ room, fits: score(titleOf(room), q) }))
      .filter(({ fits }) => fits > 0)
      .sort(
        (a, b) =>
          b.fits - a.fits ||
          badgeOf(b.room) - badgeOf(a.room) ||
          Number(b.room.unread > 0) - Number(a.room.unread > 0) ||
          (b.room.last_message?.at ?? "").localeCompare(a.room.last_message?.at ?? ""),
      )
      .map(({ room }) => room);

  const list = new ResultList(dialog, {
    near: (q) => findRooms(q).slice(0, SHOWN_MAX).map(resultFor),
    far: async (q) => {
      const found = findRooms(q);
      if (!q || found.length >= SHOWN_MAX) return [];
      const inDirect = new Set(found.filter((room) => room.people?.length === 1).map((room) => room.people[0].id));
      const people = await findPeople(q);
      return people.filter((person) => !inDirect.has(person.id)).slice(0, SHOWN_MAX - found.length);
    },
    none: (q) => (q ? "No room or person by that name." : "There is nowhere else to go yet."),
  });
  around.dialogs.onOpen("jump", () => list.restart());
}
