// @ts-check
/**
 * Owns the shapes of the wire and of the page, for the type checker only: nothing imports this at
 * run time. Source: docs/protocol.md.
 *
 * @typedef {{id: string, username: string, display_name: string, avatar: string}} Person
 * @typedef {{id: string, n: number, sender: Person, excerpt: string}} Quote
 * @typedef {{emoji: string, count: number, users: string[]}} Reaction
 * @typedef {{
 *   id: string, room: string, seq: number, n: number, at: string, sender: Person,
 *   text: string, html: string, reply_to: Quote | null, mentions: string[],
 *   edited_at: string | null, deleted_at: string | null, reactions: Reaction[], pinned: boolean,
 * }} Message
 * @typedef {{
 *   id: string, kind: "channel" | "group" | "direct", name: string, topic: string,
 *   head_seq: number, head_n: number, read_n: number, unread: number, mentions: number,
 *   last_message: {at: string} | null, role: string, members_count: number, people: Person[],
 *   archived_at: string | null, muted_until: string | null, notify: string, pinned: boolean,
 *   posting: "everyone" | "moderators", slow_mode_s: number, edit_window_s: number,
 * }} Room
 * @typedef {{user: Person, role: string, muted_until: string | null}} Member
 * @typedef {{
 *   results: Message[], head_n: number, head_seq: number, has_before: boolean, has_after: boolean,
 * }} Page
 * @typedef {{type: string, room?: string, seq?: number, data: any}} Pushed
 * @typedef {{connection_id: string, heartbeat_s: number, rooms: Room[], limits: {text_chars: number}}} Hello
 * @typedef {{me: Person, rooms: Room[], room: string, page: Page | null, text_max: number, now: string}} State
 *
 * @typedef {"pending" | "sent" | "failed"} Sending
 * @typedef {{
 *   id: string, room: string, text: string, at: string, reply_to: Quote | null,
 *   state: Sending, reason: string,
 * }} Unsent
 * @typedef {{id: string, room: string, target: string, text: string, state: Sending, reason: string}} Edit
 *
 * @typedef {{kind: "day", key: string, at: string}} DayRow
 * @typedef {{kind: "new", key: "new"}} NewRow
 * @typedef {{
 *   kind: "message", key: string, message: Message, follows: boolean,
 *   unsent: Unsent | null, edit: Edit | null, isChanging: boolean,
 * }} MessageRow
 * @typedef {DayRow | NewRow | MessageRow} Row
 */

export {};
