// @ts-check
/**
 * Owns staying connected: dial, hello, resume, notice silence and holes, come back. Hands on each
 * event of a room once and in order. Knows what no event means.
 */

import { Cursors } from "./cursors.js";
import { finalFor, waitMs } from "./reconnect.js";
import { Refusal } from "./refusal.js";
import { Socket } from "./socket.js";

const HELLO_WITHIN_MS = 12_000; // the server itself gives up on a stranger after 10 s
const PROBE_WITHIN_MS = 4_000;
const SILENCE_GRACE_MS = 10_000; // on top of the server's heartbeat
const HOLE_GRACE_MS = 6_000; // the server mends its own holes within 5 s
const ASK_EVERY = 3; // failed handshakes, until REST is asked whether the session still stands
const STEADY_AFTER_MS = 10_000; // alive this long, the next loss starts from the shortest wait

/** The frames that are part of a room's log and carry its seq. */
const LOGGED = new Set([
  "message.new", "message.edited", "message.deleted", "reaction.added", "reaction.removed",
  "message.pinned", "message.unpinned", "member.joined", "member.left", "member.changed",
  "room.changed",
]);

/** @typedef {"connecting" | "live" | "waiting" | "final"} State */

export class Connection extends EventTarget {
  #url;
  #cursors;
  #wanted;
  #probeSession;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {State} */
  #state = "waiting";
  #attempt = 0;
  #heardHello = false;
  #heartbeatMs = 25_000;
  #returnAfterMs = -1;
  #timers = { dial: 0, hello: 0, silence: 0, hole: 0, steady: 0 };

  /**
   * @param {{
   *   url: string, cursors: Cursors,
   *   wanted: () => string[],
   *   probeSession: () => Promise<boolean>,
   * }} from `wanted`: the rooms whose missed events are needed one by one;
   *   `probeSession`: false when the session has certainly ended
   */
  constructor({ url, cursors, wanted, probeSession }) {
    super();
    this.#url = url;
    this.#cursors = cursors;
    this.#wanted = wanted;
    this.#probeSession = probeSession;
  }

  get state() {
    return this.#state;
  }

  connect() {
    window.addEventListener("online", this.#hurry);
    window.addEventListener("pageshow", this.#shown);
    document.addEventListener("visibilitychange", this.#looked);
    this.#dial();
  }

  disconnect() {
    window.removeEventListener("online", this.#hurry);
    window.removeEventListener("pageshow", this.#shown);
    document.removeEventListener("visibilitychange", this.#looked);
    this.#drop();
  }

  /** Says one thing. Rejects with a Refusal at once while not live. @param {string} type @param {object} data */
  request(type, data) {
    if (this.#state !== "live" || !this.#socket) return Promise.reject(Refusal.unreachable());
    return this.#socket.request(type, data);
  }

  /** Tries now instead of when the wait is over. */
  retry() {
    if (this.#state === "waiting" || this.#state === "final") this.#dial();
  }

  #dial() {
    this.#drop();
    this.#heardHello = false;
    this.#returnAfterMs = -1;
    this.#enter("connecting");
    this.#socket = new Socket(this.#url, {
      onPush: (frame) => this.#pushed(frame),
      onClose: (code) => this.#closed(code),
      onMute: () => this.#lost(),
    });
    this.#timers.hello = window.setTimeout(() => this.#lost(), HELLO_WITHIN_MS);
  }

  /** @param {import("./types.js").Pushed} frame */
  #pushed(frame) {
    this.#listen();
    switch (frame.type) {
      case "hello":
        this.#greeted(frame.data);
        return;
      case "heartbeat":
        this.#compare(frame.data.heads);
        return;
      case "reconnect":
        this.#returnAfterMs = frame.data.after_ms;
        return;
      case "room.reset":
      case "room.added":
        this.#cursors.set(frame.room ?? frame.data.id, frame.data.head_seq);
        break;
      case "room.removed":
        this.#cursors.forget(frame.room ?? frame.data.id);
        break;
    }
    if (LOGGED.has(frame.type) && frame.room && frame.seq) {
      const found = this.#cursors.take(frame.room, frame.seq);
      if (found === "hole") this.#lost();
      if (found !== "next") return;
    }
    this.dispatchEvent(new CustomEvent("event", { detail: frame }));
  }

  /** @param {import("./types.js").Hello} hello */
  async #greeted(hello) {
    clearTimeout(this.#timers.hello);
    this.#heardHello = true;
    this.#heartbeatMs = hello.heartbeat_s * 1000;
    const socket = /** @type {Socket} */ (this.#socket);
    const behind = this.#wanted().filter((room) => this.#cursors.has(room));
    const rooms = Object.fromEntries(behind.map((room) => [room, this.#cursors.at(room)]));
    for (const room of hello.rooms) {
      if (!(room.id in rooms)) this.#cursors.set(room.id, room.head_seq);
    }
    this.dispatchEvent(new CustomEvent("hello", { detail: hello }));
    try {
      await socket.request("resume", { rooms });
    } catch {
      if (socket === this.#socket) this.#lost();
      return;
    }
    if (socket !== this.#socket) return;
    this.#timers.steady = window.setTimeout(() => (this.#attempt = 0), STEADY_AFTER_MS);
    this.#enter("live");
  }

  /** A head that we do not reach in good time is an event that got lost on its way. @param {Record<string, number>} heads */
  #compare(heads) {
    clearTimeout(this.#timers.hole);
    if (!this.#cursors.isBehind(heads)) return;
    this.#timers.hole = window.setTimeout(() => {
      if (this.#cursors.isBehind(heads)) this.#lost();
    }, HOLE_GRACE_MS);
  }

  #listen() {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = window.setTimeout(() => this.#lost(), this.#heartbeatMs + SILENCE_GRACE_MS);
  }

  /** @param {number} code */
  #closed(code) {
    const final = finalFor(code);
    if (final) {
      this.#drop();
      this.#enter("final", final);
      return;
    }
    this.#lost();
  }

  #lost() {
    const announcedMs = this.#returnAfterMs;
    const wasKnown = this.#heardHello;
    this.#drop();
    const inMs = announcedMs >= 0 ? announcedMs : waitMs(this.#attempt++, Math.random());
    this.#timers.dial = window.setTimeout(() => this.#dial(), inMs);
    this.#enter("waiting", { inMs });
    if (!wasKnown && this.#attempt % ASK_EVERY === 0) this.#askWhoWeAre();
  }

  /** A handshake refused for want of a session looks like a dead server; only REST can tell. */
  async #askWhoWeAre() {
    if (await this.#probeSession()) return;
    if (this.#state === "live") return;
    this.#closed(4401);
  }

  #hurry = () => this.retry();

  /** @param {PageTransitionEvent} event */
  #shown = (event) => {
    if (event.persisted && this.#state !== "final") this.#dial();
  };

  #looked = () => {
    if (document.visibilityState !== "visible") return;
    if (this.#state === "waiting") this.retry();
    else if (this.#state === "live") this.#socket?.request("ping", {}, PROBE_WITHIN_MS).catch(() => {});
  };

  #drop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#socket?.disconnect();
    this.#socket = null;
  }

  /** @param {State} state @param {object} [detail] */
  #enter(state, detail = {}) {
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, ...detail } }));
  }
}
