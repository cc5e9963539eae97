// @ts-check
/** Owns calling somebody who looks elsewhere: the browser's notifications, for whoever asked for them here. */

import { titleOf } from "./rooms.js";

const TEXT_MAX = 140; // characters that are shown: the beginning of a message

/** @typedef {import("./types.js").Room} Room */
/** @typedef {import("./types.js").Message} Message */

export class Calls {
  #item;
  #me;
  #storage;
  #key;
  #toast;
  #go;
  /** The one that is shown of each room. @type {Map<string, Notification>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} item of a menu, checked while calls are on
   * @param {{me: string, toast: import("./toast.js").Toast, go: (room: string, n: number) => void, storage?: Storage}} with_
   */
  constructor(item, { me, toast, go, storage = localStorage }) {
    this.#item = item;
    this.#me = me;
    this.#storage = storage;
    this.#key = `parley:calls:${me}`;
    this.#toast = toast;
    this.#go = go;
  }

  connect() {
    this.#item.hidden = !("Notification" in globalThis);
    this.#item.addEventListener("click", this.#switched);
    window.addEventListener("focus", this.#attended);
    this.#show();
  }

  disconnect() {
    this.#item.removeEventListener("click", this.#switched);
    window.removeEventListener("focus", this.#attended);
    this.#attended();
  }

  /** @param {Message} message one that was not counted yet @param {Room} room */
  received(message, room) {
    if (!this.#isOn || document.hasFocus() || message.sender.id === this.#me || !this.#isCalled(message, room)) return;
    const who = message.sender.display_name;
    try {
      // One of a room stands for all of it, also those of other windows.
      const call = new Notification(room.kind === "direct" ? who : `${who} in ${titleOf(room)}`, {
        body: message.text.slice(0, TEXT_MAX),
        tag: `parley:${room.id}`,
      });
      call.addEventListener("click", () => {
        window.focus();
        this.#go(room.id, message.n);
        call.close();
      });
      this.#shown.set(room.id, call);
    } catch {
      this.#item.hidden = true; // a browser that shows them to service workers only
    }
  }

  /** @param {Message} message @param {Room} room */
  #isCalled(message, room) {
    if (room.notify === "none") return false;
    return room.notify === "all" || room.kind === "direct" || message.mentions.includes(this.#me);
  }

  get #isOn() {
    return "Notification" in globalThis && Notification.permission === "granted" && this.#kept() === "on";
  }

  #switched = async () => {
    const wanted = this.#isOn ? "off" : "on";
    if (wanted === "on" && (await Notification.requestPermission()) !== "granted") {
      this.#refused("This browser shows no notifications of this page: its settings forbid it, or the page needs https.");
      return;
    }
    try {
      this.#storage.setItem(this.#key, wanted);
    } catch {
      this.#refused("This browser keeps nothing for this page, so notifications stay off.");
    }
    this.#show();
  };

  #attended = () => {
    for (const call of this.#shown.values()) call.close();
    this.#shown.clear();
  };

  /** @param {string} text */
  #refused(text) {
    this.#toast.say(text, { isRefusal: true });
  }

  #show() {
    this.#item.setAttribute("aria-checked", String(this.#isOn));
  }

  #kept() {
    try {
      return this.#storage.getItem(this.#key);
    } catch {
      return null;
    }
  }
}
