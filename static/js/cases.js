// @ts-check
/** Owns the dialog of those who moderate a room: what waits to be looked at, and who may not come back. */

import { clockOf, dayLabel, untilOf } from "./format.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {{id: string, at: string, sender: Person, text: string, pattern: string}} Held */
/** @typedef {{user: Person, by: Person, until: string | null, reason: string}} Ban */

export class Cases {
  #part;
  #api;
  #turn = 0;

  /** @param {HTMLElement} dialog @param {import("./api.js").Api} api */
  constructor(dialog, api) {
    this.#part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-part="${name}"]`));
    this.#api = api;
  }

  /** @param {string} room one that the asker moderates */
  async show(room) {
    const turn = ++this.#turn;
    const path = `/rooms/${room}`;
    this.#part("cases").hidden = true;
    this.#part("errors").textContent = "";
    this.#part("note").textContent = "Loading…";
    try {
      const [held, bans] = await Promise.all([this.#api.get(`${path}/held`), this.#api.get(`${path}/bans`)]);
      if (turn !== this.#turn) return;
      this.#fill("held", held.results.map((/** @type {Held} */ one) => this.#itemForHeld(`${path}/held/${one.id}`, one)));
      this.#fill("bans", bans.results.map((/** @type {Ban} */ ban) => this.#itemForBan(`${path}/bans/${ban.user.id}`, ban)));
      this.#part("note").textContent = "";
      this.#part("cases").hidden = false;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#part("note").textContent = "";
      this.#complain(error);
    }
  }

  /** @param {"held" | "bans"} list @param {HTMLElement[]} items */
  #fill(list, items) {
    this.#part(list).replaceChildren(...items);
    this.#part(`no-${list}`).hidden = items.length > 0;
  }

  /** @param {string} path @param {Held} held */
  #itemForHeld(path, { sender, at, text, pattern }) {
    const decide = (/** @type {boolean} */ release) => () => this.#api.post(path, { release });
    return this.#itemFor({
      list: "held", person: sender, said: text, note: `${dayLabel(at)} ${clockOf(at)} · held for “${pattern}”`,
      deeds: { "Let it in": decide(true), Reject: decide(false) },
    });
  }

  /** @param {string} path @param {Ban} ban */
  #itemForBan(path, { user, by, until, reason }) {
    const lasts = until ? `Until ${untilOf(until)}` : "For good";
    return this.#itemFor({
      list: "bans", person: user, said: reason, note: `${lasts} · by ${by.display_name}`,
      deeds: { "Let them back": () => this.#api.delete(path) },
    });
  }

  /** @param {{list: "held" | "bans", person: Person, said: string, note: string, deeds: Record<string, () => Promise<unknown>>}} of */
  #itemFor({ list, person, said, note, deeds }) {
    const item = document.createElement("li");
    item.className = "case";
    const who = document.createElement("b");
    who.textContent = person.display_name;
    const about = document.createElement("span");
    about.className = "field__help";
    about.textContent = ` @${person.username} · ${note}`;
    const text = document.createElement("p");
    text.className = "case__said";
    text.textContent = said;
    const actions = document.createElement("p");
    actions.className = "case__deeds";
    for (const [name, act] of Object.entries(deeds)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button--small";
      button.textContent = name;
      button.setAttribute("aria-label", `${name}: ${person.display_name}`);
      button.addEventListener("click", () => this.#do(item, list, act));
      actions.append(button);
    }
    item.append(who, about, text, actions);
    return item;
  }

  /** @param {HTMLElement} item @param {"held" | "bans"} list @param {() => Promise<unknown>} act */
  async #do(item, list, act) {
    const buttons = item.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    this.#part("errors").textContent = "";
    try {
      await act();
      const next = /** @type {HTMLElement} */ (item.nextElementSibling ?? item.previousElementSibling ?? this.#part("title"));
      item.remove();
      this.#part(`no-${list}`).hidden = this.#part(list).childElementCount > 0;
      (next.querySelector("button") ?? next).focus();
    } catch (error) {
      for (const button of buttons) button.disabled = false;
      this.#complain(error);
    }
  }

  /** @param {unknown} error */
  #complain(error) {
    this.#part("errors").textContent = error instanceof Refusal ? error.said : String(error);
  }
}
