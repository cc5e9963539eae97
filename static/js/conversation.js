// @ts-check
/**
 * Owns putting together what belongs to the open room: its timeline, the box one writes in, what is
 * on its way, what can be done to a message. Knows neither the list of rooms nor how to get there.
 */

import { Composer } from "./composer.js";
import { Drafts } from "./drafts.js";
import { Edits } from "./edits.js";
import { untilOf } from "./format.js";
import { MentionList } from "./mention_list.js";
import { Mentionable } from "./mentionable.js";
import { targetOf } from "./message_changes.js";
import { MessageDeeds } from "./message_deeds.js";
import { MessageElements } from "./message_element.js";
import { MessageFocus } from "./message_focus.js";
import { MessageMenu } from "./message_menu.js";
import { closedBecause, deedsFor } from "./message_rights.js";
import { Outbox } from "./outbox.js";
import { ReadMarks } from "./read_marks.js";
import { RoomView } from "./room_view.js";
import { titleOf } from "./rooms.js";
import { Scroller } from "./scroller.js";
import { SeenBy } from "./seen_by.js";
import { SlowMode } from "./slow_mode.js";
import { TimelineView } from "./timeline_view.js";
import { Typing } from "./typing.js";

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

const CLOSED = {
  archived: () => "This room is archived: nobody writes here any more.",
  muted: (/** @type {Room} */ { muted_until }) => `You are muted here until ${untilOf(muted_until ?? "")}.`,
  moderators: () => "Only moderators write in this room.",
};

/**
 * What it needs of the rest of the page.
 * @typedef {{
 *   me: import("./types.js").Person, textMax: number, api: import("./api.js").Api,
 *   rooms: import("./rooms.js").Rooms, places: import("./places.js").Places,
 *   people: import("./people.js").People, dialogs: import("./dialogs.js").Dialogs,
 *   toast: import("./toast.js").Toast, clock: import("./server_clock.js").ServerClock,
 *   request: (type: string, data: object) => Promise<any>, hurry: () => void,
 *   unsentChanged: () => void,
 * }} House
 */

export class Conversation {
  #house;
  #slowMode = new SlowMode();
  #outbox;
  #edits;
  #marks;
  #scroller;
  #view;
  #typing;
  #drafts;
  #composer;
  #mentions;
  #deeds;
  #menu;
  #focus;
  #seenBy;

  /** @param {HTMLElement} root @param {House} house */
  constructor(root, house) {
    this.#house = house;
    const { me, api, rooms, places, people, dialogs, toast, request } = house;
    const the = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));
    this.#outbox = new Outbox({
      me: me.id,
      storage: localStorage,
      send: ({ room, id, text, reply_to }) =>
        request("message.send", { room, id, text, ...(reply_to ? { reply_to: reply_to.id } : {}) }),
      onChange: (room) => {
        this.#view.unsentChanged(room);
        house.unsentChanged();
      },
      onStored: (message) => {
        this.#learn(message);
        this.#view.stored(message);
      },
      onRefused: (room, refusal) => this.#refused(room, refusal),
      onFailed: (room, reason) => this.#failed(room, reason),
      hurry: house.hurry,
    });
    this.#edits = new Edits({
      send: ({ room, id, target, text }) => request("message.edit", { room, id, target, text }),
      onChange: (room) => {
        this.#view.editsChanged(room);
        house.unsentChanged();
      },
      onFailed: (room, reason) => this.#failed(room, reason),
    });
    this.#marks = new ReadMarks(async (room, n) => {
      const { read_n } = await request("read.mark", { room, n });
      rooms.read(room, read_n);
    });
    this.#scroller = new Scroller(the("scroller"), the("log"));
    this.#view = new RoomView(root, {
      api,
      rooms,
      places,
      outbox: this.#outbox,
      edits: this.#edits,
      marks: this.#marks,
      view: new TimelineView(the("log"), new MessageElements(template("message-template"), me.id), {
        day: template("day-template"),
        newLine: template("new-line-template"),
      }),
      scroller: this.#scroller,
      rewrite: ({ message, unsent, edit }) => {
        if (edit) this.#composer.edit(message, edit.text);
        else if (unsent) this.#composer.takeBack(unsent.text, unsent.reply_to);
      },
    });
    this.#typing = new Typing(the("typing"), {
      say: (room) => request("typing.start", { room }).catch(() => {}),
      nameOf: async (user) => (await people.meet(user)).display_name,
    });
    const mentionable = new Mentionable({ api, me: me.id });
    const form = /** @type {HTMLFormElement} */ (the("composer"));
    this.#mentions = new MentionList(form, (q) => mentionable.find(this.room, q));
    this.#drafts = new Drafts(localStorage, me.id);
    this.#composer = new Composer(form, {
      drafts: this.#drafts,
      textMax: house.textMax,
      gate: () => this.#gate(),
      on: {
        typing: () => this.#typing.typed(),
        send: (text, quote) => this.#send(text, quote),
        edit: ({ id, room }, text) => this.#edits.submit(room, id, text),
        emptied: (message) => this.#deeds.do("delete", message),
        context: (message) => this.#view.markChanging(message?.id ?? ""),
        up: () => this.#editNewest(),
      },
    });
    this.#deeds = new MessageDeeds({
      ...{ me: me.id, api, dialogs, request, composer: this.#composer, toast },
      keepUnread: (message) => this.#view.keepUnread(message),
    });
    this.#menu = new MessageMenu(root, {
      messageAround: (element) => this.#view.messageAround(element),
      deedsFor: (message) => this.#deedsFor(message),
      act: (deed, message) => this.#deeds.do(deed, message),
      react: (message, emoji) => this.#deeds.react(message, emoji),
      nameOf: async (user) => (user === me.id ? "you" : (await people.meet(user)).display_name),
    });
    this.#focus = new MessageFocus(the("scroller"), the("log"));
    this.#seenBy = new SeenBy(the("seen"), async (user) => (await people.meet(user)).display_name);
  }

  connect() {
    this.#view.connect();
    this.#composer.connect();
    this.#mentions.connect();
    this.#menu.connect();
    this.#focus.connect();
  }

  disconnect() {
    this.#view.disconnect();
    this.#composer.disconnect();
    this.#mentions.disconnect();
    this.#menu.disconnect();
    this.#focus.disconnect();
  }

  /** The open room. */
  get room() {
    return this.#view.room;
  }

  /** How many messages would be lost with this page's storage. */
  get unsent() {
    return this.#outbox.size;
  }

  /** Whether something written in a room could not be sent. @param {string} room */
  hasFailed(room) {
    return this.#outbox.hasFailed(room) || this.#edits.hasFailed(room);
  }

  /** Starts from the page that the server rendered. @param {Room} room @param {import("./types.js").Page} page @param {number} n */
  adopt(room, page, n) {
    for (const message of page.results) this.#learn(message);
    this.#view.adopt(room, page, n);
    this.#opened(room);
  }

  /** @param {Room} room @param {number} n the message to show, or 0 */
  open(room, n) {
    this.#menu.close();
    this.#view.open(room, n).then(() => {
      const mine = this.#view.newest(({ sender }) => sender.id === this.#house.me.id);
      if (mine) this.#learn(mine);
      this.#showSeen();
    });
    this.#opened(room);
    this.#showSeen();
  }

  clear() {
    this.#view.clear();
  }

  /** The open room is something else now. @param {Room} room */
  refresh(room) {
    this.#view.refresh(room);
    this.#composer.refresh();
  }

  /** @param {number} n */
  goToN(n) {
    this.#view.goToN(n);
  }

  /** @param {1 | -1} screens */
  page(screens) {
    this.#scroller.page(screens);
  }

  focus() {
    this.#composer.focus();
  }

  get isWriting() {
    return this.#composer.hasFocus;
  }

  /** Esc: ends what is being answered or changed, else leads to the newest message. */
  escape() {
    const isAmongMessages = document.activeElement?.closest("[data-scroller]");
    if (this.#composer.cancel()) this.#composer.focus();
    else {
      if (isAmongMessages) this.#composer.focus();
      this.#view.toNewest();
    }
  }

  /** @param {boolean} isLive whether there is a connection */
  live(isLive) {
    if (isLive) {
      this.#outbox.connect();
      this.#marks.flush();
    } else {
      this.#outbox.disconnect();
    }
  }

  /** The log went on without us. @param {string} room @param {number} headN */
  reset(room, headN) {
    this.#view.reset(room, headN);
  }

  /** @param {string} room @param {string} user */
  typed(room, user) {
    this.#typing.started(room, user);
  }

  /** A new message of any room. @param {Message} message */
  received(message) {
    this.#typing.stopped(message.room, message.sender.id);
    this.#learn(message);
    this.#view.received(message);
    this.#outbox.settle(message.id);
    if (message.room === this.room?.id) this.#showSeen();
  }

  /** Somebody else has read so far. @param {string} room @param {string} user @param {number} n */
  seen(room, user, n) {
    this.#seenBy.heard(room, user, n);
    if (room === this.room?.id) this.#showSeen();
  }

  /** Something happened to a message of any room. @param {string} room @param {import("./types.js").Pushed} frame */
  changed(room, frame) {
    const target = targetOf(frame);
    if (frame.type === "message.edited" || frame.type === "message.deleted") this.#edits.settle(target);
    this.#view.changed(room, frame);
    if (frame.type === "message.deleted") this.#composer.forget(target);
  }

  /** Signing out leaves nothing of what was written on this machine. */
  forgetAll() {
    this.#composer.disconnect();
    this.#mentions.disconnect();
    this.#outbox.clear();
    this.#drafts.clear();
  }

  #showSeen() {
    const last = this.#view.newest(() => true);
    const isMine = last?.sender.id === this.#house.me.id && last.n >= (this.room?.head_n ?? 0);
    this.#seenBy.show(this.room, isMine && last ? last.n : 0);
  }

  /** @param {Room} room */
  #opened(room) {
    this.#composer.open(room.id, titleOf(room));
    this.#mentions.close();
    this.#typing.open(room.id);
  }

  /** @param {string} text @param {import("./types.js").Quote | null} quote */
  #send(text, quote) {
    const room = this.room;
    if (!room) return;
    this.#typing.sent();
    this.#view.wrote();
    this.#slowMode.sends(room.id, this.#house.clock.now());
    this.#outbox.add(room.id, text, quote);
    this.#composer.refresh();
  }

  /** @param {Message} message */
  #learn(message) {
    this.#house.people.learn(message.sender);
    if (message.sender.id !== this.#house.me.id) return;
    this.#slowMode.wrote(message);
    if (message.room === this.room?.id) this.#composer.refresh();
  }

  /** @param {string} room @param {import("./refusal.js").Refusal} refusal */
  #refused(room, { code, retryAfterS }) {
    this.#slowMode.refused(room, code === "slow_mode" ? this.#house.clock.now() + retryAfterS * 1000 : 0);
    this.#composer.refresh();
  }

  /** In the open room it turns red; of another one it has to be said. @param {string} id @param {string} reason */
  #failed(id, reason) {
    const room = this.#house.rooms.get(id);
    if (room && id !== this.room?.id) this.#house.toast.say(`${titleOf(room)}: ${reason}`, { isRefusal: true });
  }

  /** @returns {import("./composer_gate.js").Gate} */
  #gate() {
    const room = this.room;
    if (!room) return { closed: "", waitMs: 0 };
    const now = this.#house.clock.now();
    const closed = closedBecause(room, now);
    return { closed: closed ? CLOSED[closed](room) : "", waitMs: this.#slowMode.waitMs(room, now) };
  }

  /** @param {Message} message */
  #deedsFor(message) {
    const room = this.room;
    return room ? deedsFor(message, room, this.#house.me.id, this.#house.clock.now()) : [];
  }

  /** ArrowUp in an empty box: the last one may be changed. */
  #editNewest() {
    const mine = this.#view.newest((message) => this.#deedsFor(message).includes("edit"));
    if (mine) this.#composer.edit(mine);
  }
}

/** @param {string} id */
const template = (id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));
