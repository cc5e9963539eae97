// @ts-check
/** Owns doing what was chosen in a message's menu, and saying when it was refused. */

import { connectDelete, connectReport } from "./message_dialogs.js";
import { Refusal } from "./refusal.js";
import { uuid7 } from "./uuid.js";

/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./message_rights.js").Deed} Deed */

export class MessageDeeds {
  #me;
  #api;
  #keepUnread;
  #request;
  #composer;
  #toast;
  #askDelete;
  #askReport;

  /**
   * @param {{
   *   me: string, api: import("./api.js").Api, dialogs: import("./dialogs.js").Dialogs,
   *   request: (type: string, data: object) => Promise<unknown>,
   *   composer: import("./composer.js").Composer, toast: import("./toast.js").Toast,
   *   keepUnread: (message: Message) => void,
   * }} with_ `keepUnread`: the server has it as unread from this one on
   */
  constructor({ me, api, dialogs, request, composer, toast, keepUnread }) {
    this.#me = me;
    this.#api = api;
    this.#keepUnread = keepUnread;
    this.#request = request;
    this.#composer = composer;
    this.#toast = toast;
    this.#askDelete = connectDelete(dialogs, async (message) => {
      await this.#change("message.delete", message);
    });
    this.#askReport = connectReport(dialogs, async ({ room, id }, said) => {
      await api.post(`/rooms/${room}/messages/${id}/report`, said);
      toast.say("Thank you. A moderator will look at it.");
    });
  }

  /** @param {Deed} deed @param {Message} message */
  do(deed, message) {
    switch (deed) {
      case "reply":
        this.#composer.reply(message);
        return;
      case "edit":
        this.#composer.edit(message);
        return;
      case "pin":
      case "unpin":
        this.#tell(this.#change(`message.${deed}`, message));
        return;
      case "copy":
        this.#copy(message.text, "The text is copied.");
        return;
      case "link":
        this.#copy(`${location.origin}/rooms/${message.room}/?n=${message.n}`, "The link is copied.");
        return;
      case "unread": {
        const path = `/rooms/${message.room}/read`;
        this.#tell(this.#api.put(path, { n: message.n - 1, force: true }).then(() => this.#keepUnread(message)));
        return;
      }
      case "report":
        this.#askReport(message);
        return;
      case "delete":
        this.#askDelete(message);
    }
  }

  /** Reacts so, or takes it back. @param {Message} message @param {string} emoji */
  react(message, emoji) {
    const isMine = message.reactions.some((one) => one.emoji === emoji && one.users.includes(this.#me));
    this.#tell(this.#change(isMine ? "reaction.remove" : "reaction.add", message, { emoji }));
  }

  /** @param {string} type @param {Message} message @param {object} [more] */
  #change(type, { room, id }, more = {}) {
    return this.#request(type, { room, id: uuid7(), target: id, ...more });
  }

  /** @param {Promise<unknown>} doing */
  #tell(doing) {
    doing.catch((error) => this.#toast.say(error instanceof Refusal ? error.said : String(error), { isRefusal: true }));
  }

  /** @param {string} text @param {string} done */
  async #copy(text, done) {
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else copyByHand(text);
      this.#toast.say(done);
    } catch {
      this.#toast.say("The browser does not let this page copy.", { isRefusal: true });
    }
  }
}

/** Over plain HTTP there is no clipboard for scripts, but the command of the menu works. @param {string} text */
function copyByHand(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  if (!isCopied) throw new Error("refused");
}
