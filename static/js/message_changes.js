// @ts-check
/** Owns what later events do to a message that is shown: edits, deletion, reactions, pins. Pure. */

import { excerptOf } from "./format.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Pushed} Pushed */

/** @type {Record<string, (message: Message, data: any) => Message>} */
const CHANGES = {
  "message.edited": (message, edited) => ({ ...edited, reactions: withKnown(edited.reactions, message.reactions) }),
  "message.deleted": (message, { deleted_at }) => ({
    ...message, text: "", html: "", reply_to: null, mentions: [], reactions: [], pinned: false,
    deleted_at: deleted_at ?? message.at,
  }),
  "message.pinned": (message) => ({ ...message, pinned: true }),
  "message.unpinned": (message) => ({ ...message, pinned: false }),
  "reaction.added": (message, { emoji, user }) => ({
    ...message,
    reactions: withReaction(message.reactions, emoji, user),
  }),
  "reaction.removed": (message, { emoji, user }) => ({
    ...message,
    reactions: withoutReaction(message.reactions, emoji, user),
  }),
};

/** Which message an event changes, "" for none. @param {Pushed} frame */
export function targetOf({ type, data }) {
  return type in CHANGES ? (data.target ?? data.id) : "";
}

/** The message after the event; the same object when it neither is about it nor about what it quotes. @param {Message} message @param {Pushed} frame */
export function changed(message, frame) {
  const { type, data } = frame;
  const target = targetOf(frame);
  if (message.id === target) return CHANGES[type](message, data);
  const quote = message.reply_to;
  if (!quote || quote.id !== target || !["message.edited", "message.deleted"].includes(type)) return message;
  return { ...message, reply_to: { ...quote, excerpt: excerptOf(data.text ?? "") } };
}

/**
 * A message names but the first of many who reacted so: whoever is known to be among the others stays so.
 * @param {Message["reactions"]} reactions @param {Message["reactions"]} before
 */
function withKnown(reactions, before) {
  return reactions.map((reaction) => {
    const known = before.find(({ emoji }) => emoji === reaction.emoji)?.users ?? [];
    const isWhole = reaction.users.length === reaction.count;
    return isWhole ? reaction : { ...reaction, users: [...new Set([...reaction.users, ...known])] };
  });
}

/** @param {Message["reactions"]} reactions @param {string} emoji @param {string} user */
function withReaction(reactions, emoji, user) {
  const known = reactions.find((reaction) => reaction.emoji === emoji);
  if (!known) return [...reactions, { emoji, count: 1, users: [user] }];
  if (known.users.includes(user)) return reactions;
  const more = { ...known, count: known.count + 1, users: [...known.users, user] };
  return reactions.map((reaction) => (reaction === known ? more : reaction));
}

/** @param {Message["reactions"]} reactions @param {string} emoji @param {string} user */
function withoutReaction(reactions, emoji, user) {
  return reactions
    .map((reaction) =>
      reaction.emoji === emoji
        ? { ...reaction, count: reaction.count - 1, users: reaction.users.filter((one) => one !== user) }
        : reaction,
    )
    .filter((reaction) => reaction.count > 0);
}
