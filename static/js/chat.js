// @ts-check
/** Owns putting the parts of the chat page together: who tells whom. Decides nothing itself. */

import { Api } from "./api.js";
import { Badge } from "./badge.js";
import { Banner } from "./banner.js";
import { Calls } from "./calls.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Cursors } from "./cursors.js";
import { Dialogs } from "./dialogs.js";
import { connectInvite } from "./invite_dialog.js";
import { connectJump } from "./jump_dialog.js";
import { Keys } from "./keys.js";
import { connectCases } from "./lazy.js";
import { MemberMenu } from "./member_menu.js";
import { targetOf } from "./message_changes.js";
import { OwnPresence } from "./own_presence.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Places } from "./places.js";
import { Presence } from "./presence.js";
import { connectBrowse, connectCreate, connectDirect, connectLeave } from "./room_dialogs.js";
import { OwnSettings, connectSettings } from "./room_settings.js";
import { RoomListView } from "./room_list_view.js";
import { Rooms, isCalling, titleOf } from "./rooms.js";
import { ServerClock } from "./server_clock.js";
import { Shell } from "./shell.js";
import { Toast } from "./toast.js";

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Pushed} Pushed */

const DRAW_AFTER_MS = 16; // what changes within a frame is drawn together; in a hidden tab too, for its title

/** @template {Element} T @param {string} selector @param {new () => T} [_kind] @returns {T} */
const the = (selector, _kind) => /** @type {T} */ (document.querySelector(selector));
/** @param {string} id */
const template = (id) => /** @type {HTMLTemplateElement} */ (document.getElementById(id));

class Chat {
  /** @type {import("./types.js").State} */
  #state = JSON.parse(document.getElementById("chat-state")?.textContent ?? "");
  #me = this.#state.me;
  #root = the("[data-shell]", HTMLElement);
  #api = new Api(this.#root.dataset.csrfCookie ?? "");
  #people = new People(this.#api);
  #cursors = new Cursors();
  #rooms = new Rooms(this.#me.id, () => this.#roomsChanged());
  #places = new Places(this.#me);
  #badge = new Badge(this.#root.dataset.static ?? "");
  #presence = new Presence({
    watch: (users) => this.#connection.request("presence.watch", { users }),
    onChange: () => this.#presenceChanged(),
  });

  #list = new RoomListView(the("[data-room-lists]", HTMLElement), template("room-template"), this.#presence);
  #shell = new Shell(this.#root);
  #dialogs = new Dialogs().connect();
  #toast = new Toast(the("[data-toast]", HTMLElement));
  #clock = new ServerClock(this.#state.now);
  #isDrawing = false;

  #connection = new Connection({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1/`,
    cursors: this.#cursors,
    wanted: () => this.#places.rooms,
    probeSession: () => this.#api.isSignedIn(),
  });

  #banner = new Banner(the("[data-banner]", HTMLElement), () => this.#connection.retry());

  #conversation = new Conversation(the("[data-room-view]", HTMLElement), {
    me: this.#me,
    textMax: this.#state.text_max,
    api: this.#api,
    rooms: this.#rooms,
    places: this.#places,
    people: this.#people,
    dialogs: this.#dialogs,
    toast: this.#toast,
    clock: this.#clock,
    request: (type, data) => this.#connection.request(type, data),
    hurry: () => this.#connection.retry(),
    unsentChanged: () => this.#roomsChanged(),
  });

  #memberMenu = new MemberMenu(the("[data-member-menu]", HTMLElement), {
    api: this.#api,
    write: (user) => this.#writeTo(user),
    done: (said, isRefusal) => this.#toast.say(said, { isRefusal }),
    clock: this.#clock,
  });

  #own = new OwnSettings(the("[data-panel]", HTMLElement), {
    api: this.#api,
    toast: this.#toast,
    changed: (room, change) => this.#rooms.change(room, change),
  });

  #panel = new Panel(the("[data-panel]", HTMLElement), the('[data-action="panel"]', HTMLButtonElement), {
    api: this.#api,
    people: this.#people,
    me: this.#me.id,
    menu: this.#memberMenu,
    own: this.#own,
    presence: this.#presence,
  });

  #ownPresence = new OwnPresence(
    { button: the("[data-own-presence]", HTMLElement), menu: the("[data-presence-menu]", HTMLElement) },
    {
      me: this.#me.id,
      storage: localStorage,
      say: (state) => this.#connection.request("presence.set", { state }).catch(() => {}),
    },
  );

  #calls = new Calls(the("[data-calls]", HTMLElement), { me: this.#me.id, toast: this.#toast, go: (room, n) => this.#go(room, { n }) });

  #keys = new Keys({
    jump: () => this.#dialogs.open("jump"),
    help: () => this.#dialogs.open("keys"),
    step: (by, onlyUnread) => this.#step(by, onlyUnread),
    page: (screens) => this.#conversation.page(screens),
    write: () => this.#conversation.focus(),
    escape: () => this.#escape(),
  });

  connect() {
    const { rooms, room, page } = this.#state;
    document.cookie = `parley_tz=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; SameSite=Lax`;
    this.#people.learn(this.#me);
    for (const listed of rooms) this.#met(listed);
    this.#rooms.replace(rooms);
    const opened = this.#rooms.get(room);
    if (opened && page) {
      this.#cursors.set(room, page.head_seq);
      this.#shell.showRoom(opened);
      this.#conversation.adopt(opened, page, Number(new URLSearchParams(location.search).get("n")) || 0);
      this.#panel.open(opened);
      history.replaceState({ room }, "", `/rooms/${room}/`);
    }
    this.#conversation.connect();
    this.#panel.connect();
    this.#memberMenu.connect();
    this.#own.connect();
    this.#ownPresence.connect();
    this.#calls.connect();
    this.#keys.connect();
    this.#shell.connect();
    this.#connectDialogs();
    this.#root.addEventListener("click", this.#clicked);
    the('[data-form="logout"]', HTMLFormElement).addEventListener("submit", this.#leaving);
    window.addEventListener("popstate", this.#travelled);
    this.#connection.addEventListener("hello", (event) => this.#greeted(/** @type {CustomEvent} */ (event).detail));
    this.#connection.addEventListener("state", (event) => this.#stateChanged(/** @type {CustomEvent} */ (event).detail));
    this.#connection.addEventListener("event", (event) => this.#pushed(/** @type {CustomEvent} */ (event).detail));
    this.#connection.connect();
    this.#roomsChanged();
    if (opened && !matchMedia("(hover: none)").matches) this.#conversation.focus();
  }

  #connectDialogs() {
    const around = {
      api: this.#api,
      dialogs: this.#dialogs,
      me: this.#me,
      entered: (/** @type {Room} */ room) => this.#entered(room),
      go: (/** @type {string} */ room) => this.#go(room),
    };
    connectCreate(around);
    connectBrowse(around);
    connectDirect(around);
    connectJump(around, {
      rooms: this.#rooms,
      openId: () => this.#conversation.room?.id ?? "",
    });
    const openRoom = () => this.#conversation.room;
    connectSettings(around, { openRoom, changed: (room) => this.#rooms.change(room.id, room) });
    connectCases(around, openRoom);
    connectInvite(around, { openRoom, added: (said) => this.#toast.say(said) });
    connectLeave(around, { openRoom, left: (room) => this.#left(room) });
    the('[data-form="leave"]', HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#dialogs.open("leave");
    });
  }

  /** @param {import("./types.js").Hello} hello */
  #greeted({ rooms }) {
    for (const room of rooms) this.#met(room);
    const open = this.#conversation.room;
    for (const kept of this.#places.rooms) {
      if (!rooms.some((room) => room.id === kept)) this.#places.forget(kept);
    }
    this.#rooms.replace(rooms);
    if (open && !this.#rooms.get(open.id)) this.#gone(open.id);
  }

  /** @param {Parameters<Banner["show"]>[0]} now */
  #stateChanged(now) {
    this.#banner.show(now);
    this.#root.dataset.connection = now.state;
    const isLive = now.state === "live";
    this.#conversation.live(isLive);
    this.#presence.live(isLive);
    if (isLive) this.#ownPresence.live();
  }

  /** @param {Pushed} frame */
  #pushed(frame) {
    const { type, room = "", data } = frame;
    if (targetOf(frame)) {
      this.#conversation.changed(room, frame);
      this.#panel.messageChanged(room, frame);
      return;
    }
    switch (type) {
      case "message.new":
        if (this.#rooms.received(data)) this.#calls.received(data, /** @type {Room} */ (this.#rooms.get(data.room)));
        this.#conversation.received(data);
        return;
      case "room.added":
        this.#met(data);
        this.#rooms.put(data);
        if (!this.#conversation.room) this.#go(data.id);
        return;
      case "room.removed":
        this.#gone(room || data.id);
        return;
      case "room.changed":
        this.#rooms.change(room, data);
        return;
      case "room.reset":
        this.#rooms.change(room, { head_n: data.head_n });
        this.#conversation.reset(room, data.head_n);
        this.#panel.messageChanged(room, frame);
        return;
      case "member.joined":
        this.#rooms.counted(frame, 1);
        return;
      case "member.left":
        if (data.user.id === this.#me.id) this.#gone(room);
        else this.#rooms.counted(frame, -1);
        return;
      case "member.changed":
        if (data.user.id === this.#me.id) this.#rooms.change(room, { role: data.role, muted_until: data.muted_until });
        this.#panel.memberChanged(room, data);
        return;
      case "read.updated": {
        const user = data.user.id ?? data.user;
        if (user === this.#me.id) this.#rooms.read(room, data.n);
        else this.#conversation.seen(room, user, data.n);
        return;
      }
      case "presence":
        this.#presence.heard(data.user.id ?? data.user, data.state);
        return;
      case "typing": {
        const user = data.user.id ?? data.user;
        if (user !== this.#me.id) this.#conversation.typed(room, user);
      }
    }
  }

  /** @param {Room} room */
  #met(room) {
    for (const person of room.people ?? []) this.#people.learn(person);
    if (room.people?.length === 1) this.#presence.follow([room.people[0].id]);
  }

  #presenceChanged() {
    this.#panel.presenceChanged();
    this.#roomsChanged();
  }

  /** The list, the tab and the open room follow the model; once for all that changed together. */
  #roomsChanged() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    window.setTimeout(() => {
      this.#isDrawing = false;
      const openId = this.#conversation.room?.id ?? "";
      const room = this.#rooms.get(openId);
      this.#list.render(this.#rooms, openId, (id) => this.#conversation.hasFailed(id));
      this.#badge.show(room ? titleOf(room) : "Welcome", this.#rooms.waiting);
      this.#shell.showElsewhere(this.#rooms.all.some((other) => other.id !== openId && isCalling(other)));
      if (!room) return;
      this.#shell.showRoom(room, this.#presence.statusIn(room));
      this.#conversation.refresh(room);
      this.#panel.open(room);
    }, DRAW_AFTER_MS);
  }

  /** Opens a room. @param {string} id @param {{n?: number, isBack?: boolean}} [how] */
  #go(id, { n = 0, isBack = false } = {}) {
    const room = this.#rooms.get(id);
    this.#shell.closeSidebar();
    if (!room) return;
    if (id === this.#conversation.room?.id) {
      if (n) this.#conversation.goToN(n);
      else this.#conversation.focus();
      return;
    }
    this.#dialogs.closeAll(); // they are about the room that was open
    if (!isBack) history.pushState({ room: id }, "", `/rooms/${id}/`);
    document.cookie = `parley_room=${id}; path=/; max-age=31536000; SameSite=Lax`;
    this.#shell.showRoom(room, this.#presence.statusIn(room));
    this.#conversation.open(room, n);
    this.#panel.open(room);
    this.#roomsChanged();
    if (!matchMedia("(hover: none)").matches) this.#conversation.focus();
  }

  /** @param {Room} room one we are in now, whether or not the socket said so yet */
  #entered(room) {
    if (!this.#rooms.get(room.id)) {
      this.#met(room);
      this.#rooms.put(room);
      if (!this.#cursors.has(room.id)) this.#cursors.set(room.id, room.head_seq);
    }
    this.#go(room.id);
  }

  /** What is half typed there must not end up in another room, so none is opened. @param {string} id a room we are no longer in */
  #gone(id) {
    this.#places.forget(id);
    this.#cursors.forget(id);
    this.#rooms.remove(id);
    const open = this.#conversation.room;
    if (open?.id !== id) return;
    this.#dialogs.closeAll();
    this.#conversation.clear();
    this.#panel.open(null);
    this.#shell.showWelcome(`You are no longer in ${titleOf(open)}.`);
    history.replaceState({}, "", "/");
  }

  /** @param {string} id a room that one left oneself, whether or not the socket said so yet */
  #left(id) {
    this.#gone(id);
    const next = this.#rooms.listed[0];
    if (next && !this.#conversation.room) this.#go(next.id);
  }

  /** @param {1 | -1} by @param {boolean} onlyUnread */
  #step(by, onlyUnread) {
    const openId = this.#conversation.room?.id;
    const rooms = this.#rooms.listed.filter((room) => room.id === openId || !onlyUnread || isCalling(room));
    const at = rooms.findIndex((room) => room.id === openId);
    const next = rooms[(at + by + rooms.length) % rooms.length];
    if (next) this.#go(next.id);
  }

  #escape() {
    if (this.#shell.closeSidebar()) return;
    if (this.#panel.isOpen && !this.#conversation.isWriting) this.#panel.close();
    else this.#conversation.escape();
  }

  /** @param {string} user */
  async #writeTo(user) {
    await this.#api.post("/dms", { user_ids: [user] }).then(
      (room) => this.#entered(room),
      (refusal) => this.#toast.say(refusal.said, { isRefusal: true }),
    );
  }

  /** Links to rooms and messages open without leaving the page. @param {MouseEvent} event */
  #clicked = (event) => {
    const link = /** @type {Element} */ (event.target).closest("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.defaultPrevented) return;
    const id = /^\/rooms\/([0-9a-f]{24})\/$/.exec(link.pathname)?.[1] ?? (link.pathname === "/" ? this.#conversation.room?.id : "");
    if (!id || !this.#rooms.get(id)) return;
    event.preventDefault();
    this.#go(id, { n: Number(new URLSearchParams(link.search).get("n")) || 0 });
  };

  /** Signing out leaves nothing of what was written on this machine. @param {SubmitEvent} event */
  #leaving = (event) => {
    const count = this.#conversation.unsent;
    const asked = `${count} of your messages could not be sent yet and will be lost. Sign out?`;
    if (count > 0 && !window.confirm(asked)) {
      event.preventDefault();
      return;
    }
    this.#conversation.forgetAll();
  };

  /** @param {PopStateEvent} event */
  #travelled = (event) => {
    if (event.state?.room) this.#go(event.state.room, { isBack: true });
  };
}

new Chat().connect();
