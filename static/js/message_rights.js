// @ts-check
/**
 * Owns what one may do in a room and to a message. Pure. The server decides; this leaves out what it
 * would refuse. `chat/pages.py` has the same rules for pages without scripts.
 */

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {"react" | "reply" | "edit" | "pin" | "unpin" | "copy" | "link" | "unread" | "report" | "delete"} Deed */
/** @typedef {"archived" | "muted" | "moderators"} Closed */

/** @param {Pick<Room, "role">} room */
export const moderates = ({ role }) => role === "owner" || role === "moderator";

/** @param {Pick<Room, "muted_until">} room @param {number} now */
export const isMuted = ({ muted_until }, now) => muted_until !== null && Date.parse(muted_until) > now;

/** Why one may not write here, null when one may. @param {Room} room @param {number} now @returns {Closed | null} */
export function closedBecause(room, now) {
  if (room.archived_at) return "archived";
  if (isMuted(room, now)) return "muted";
  return room.posting === "moderators" && !moderates(room) ? "moderators" : null;
}

/**
 * What one may do to a message, in the order of the menu.
 * @param {Message} message @param {Room} room @param {string} me @param {number} now
 * @returns {Deed[]}
 */
export function deedsFor(message, room, me, now) {
  if (message.deleted_at) return ["link"];
  const isOwn = message.sender.id === me;
  const maySpeak = !room.archived_at && !isMuted(room, now);
  const mayWrite = closedBecause(room, now) === null;
  const isFresh = !room.edit_window_s || now - Date.parse(message.at) <= room.edit_window_s * 1000;
  const mayPin = !room.archived_at && (room.kind === "direct" || moderates(room));
  /** @type {[Deed, boolean][]} */
  const deeds = [
    ["react", maySpeak],
    ["reply", mayWrite],
    ["edit", isOwn && mayWrite && isFresh],
    [message.pinned ? "unpin" : "pin", mayPin],
    ["copy", true],
    ["link", true],
    ["unread", !isOwn],
    ["report", !isOwn],
    ["delete", isOwn || moderates(room)],
  ];
  return deeds.filter(([, may]) => may).map(([deed]) => deed);
}
