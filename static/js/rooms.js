// @ts-check
/** Owns the rooms one is in and what is unread in each. Pure: told of events, it keeps count. */

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Pushed} Pushed */

/** What a room is called: its name, or the people in it. @param {Pick<Room, "name" | "people">} room */
export function titleOf(room) {
  return room.name || (room.people ?? []).map((person) => person.display_name).join(", ") || "Just you";
}

/** What counts as being for oneself: every direct message, elsewhere each mention. @param {Room} room */
export function badgeOf(room) {
  if (room.notify === "none") return 0;
  return room.kind === "direct" ? room.unread : room.mentions;
}

/** Whether what is unread here calls for attention: as much of it as one wants to be called for. @param {Room} room */
export const isCalling = (room) => (room.notify === "all" ? room.unread : badgeOf(room)) > 0;

export class Rooms {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  #me;
  #onChange;

  /** @param {string} me @param {() => void} onChange */
  constructor(me, onChange) {
    this.#me = me;
    this.#onChange = onChange;
  }

  /** @param {string} id */
  get(id) {
    return this.#rooms.get(id) ?? null;
  }

  get all() {
    return [...this.#rooms.values()];
  }

  /** In the order of the list: channels and groups by name, then direct rooms by who spoke last; of each, pinned ones first. */
  get listed() {
    return [...this.named, ...this.direct];
  }

  get named() {
    const named = this.all.filter((room) => room.kind !== "direct");
    return sorted(named, (room) => `${room.pinned ? 0 : 1}${titleOf(room).toLowerCase()}\u0000${room.id}`);
  }

  get direct() {
    const direct = this.all.filter((room) => room.kind === "direct");
    return sorted(direct, (room) => `${room.pinned ? 1 : 0}${room.last_message?.at ?? ""}\u0000${room.id}`).reverse();
  }

  /** How much waits: messages and mentions for oneself, and whether anything else is unread. */
  get waiting() {
    return {
      forMe: this.all.reduce((sum, room) => sum + badgeOf(room), 0),
      isUnread: this.all.some(isCalling),
    };
  }

  /** Exactly these rooms, as the server lists them. @param {Room[]} rooms */
  replace(rooms) {
    this.#rooms = new Map(rooms.map((room) => [room.id, room]));
    this.#onChange();
  }

  /** @param {Room} room */
  put(room) {
    this.#rooms.set(room.id, room);
    this.#onChange();
  }

  /** @param {string} id */
  remove(id) {
    this.#rooms.delete(id);
    this.#onChange();
  }

  /** @param {string} id @param {Partial<Room>} change */
  change(id, change) {
    const room = this.#rooms.get(id);
    if (!room) return;
    this.#rooms.set(id, { ...room, ...change });
    this.#onChange();
  }

  /** Somebody came or went; whom the server had counted when it listed the room changes nothing. @param {Pushed} frame @param {1 | -1} by */
  counted({ room: id = "", seq = 0 }, by) {
    const room = this.#rooms.get(id);
    if (room && seq > room.head_seq) this.change(id, { members_count: room.members_count + by });
  }

  /** A message of a room's log; one that was counted already changes nothing. Whether it is new. @param {Message} message */
  received(message) {
    const room = this.#rooms.get(message.room);
    if (!room || message.n <= room.head_n) return false;
    const isOwn = message.sender.id === this.#me;
    const read_n = isOwn && room.unread === 0 ? message.n : room.read_n;
    const isForMe = !isOwn && message.mentions.includes(this.#me);
    this.change(room.id, {
      head_n: message.n,
      read_n,
      unread: message.n - read_n,
      mentions: room.mentions + (isForMe ? 1 : 0),
      last_message: { at: message.at },
    });
    return true;
  }

  /** Reading got as far as `n`, here or on another screen of the same person. @param {string} id @param {number} n */
  read(id, n) {
    const room = this.#rooms.get(id);
    if (!room || n === room.read_n) return;
    const unread = Math.max(0, room.head_n - n);
    this.change(id, { read_n: n, unread, mentions: unread === 0 ? 0 : Math.min(room.mentions, unread) });
  }
}

/** @param {Room[]} rooms @param {(room: Room) => string} keyOf @returns {Room[]} */
function sorted(rooms, keyOf) {
  const keyed = rooms.map((room) => ({ room, key: keyOf(room) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ room }) => room);
}
