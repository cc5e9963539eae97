// @ts-check
/** Owns the settings of the open room: what owners and moderators set for all, what one sets for oneself. */

import { moderates } from "./message_rights.js";
import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Room} Room */

/**
 * @param {import("./room_dialogs.js").Around} around
 * @param {{openRoom: () => Room | null, changed: (room: Room) => void}} with_
 */
export function connectSettings({ api, dialogs }, { openRoom, changed }) {
  const dialog = dialogs.get("settings");
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const errors = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="errors"]'));
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
  /** The room as the form was filled with it. @type {Room | null} */
  let about = null;
  dialogs.onOpen("settings", () => {
    const room = openRoom();
    about = room;
    if (!room) return;
    field("name").value = room.name;
    field("topic").value = room.topic;
    field("posting").value = room.posting;
    choose(/** @type {HTMLSelectElement} */ (field("slow_mode_s")), room.slow_mode_s);
    choose(/** @type {HTMLSelectElement} */ (field("edit_window_s")), room.edit_window_s);
    const archived = /** @type {HTMLInputElement} */ (field("archived"));
    archived.checked = room.archived_at !== null;
    /** @type {HTMLElement} */ (archived.closest("label")).hidden = room.role !== "owner";
    errors.textContent = "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!about) return;
    const wanted = {
      name: field("name").value.trim(),
      topic: field("topic").value.trim(),
      posting: field("posting").value,
      slow_mode_s: Number(field("slow_mode_s").value),
      edit_window_s: Number(field("edit_window_s").value),
      archived: /** @type {HTMLInputElement} */ (field("archived")).checked,
    };
    const is = { ...about, archived: about.archived_at !== null };
    const different = Object.entries(wanted).filter(([name, value]) => is[/** @type {keyof typeof wanted} */ (name)] !== value);
    try {
      if (different.length) changed(await api.patch(`/rooms/${about.id}`, Object.fromEntries(different)));
      dialog.close();
    } catch (error) {
      errors.textContent = error instanceof Refusal ? error.said : String(error);
    }
  });
}

/** A value that is not among the choices becomes one: it was set elsewhere. @param {HTMLSelectElement} select @param {number} value */
function choose(select, value) {
  const known = [...select.options].some((option) => Number(option.value) === value);
  if (!known) select.add(new Option(`${value} seconds`, String(value)));
  select.value = String(value);
}

/** What one sets in the panel for oneself in the open room. */
export class OwnSettings {
  #notify;
  #pinned;
  #for;
  #api;
  #toast;
  #changed;
  /** @type {Room | null} */
  #room = null;
  /** What is being saved, by room: it is shown already. @type {Map<string, {notify?: string, pinned?: boolean}>} */
  #unsaved = new Map();

  /**
   * @param {HTMLElement} panel
   * @param {{
   *   api: import("./api.js").Api, toast: import("./toast.js").Toast,
   *   changed: (room: string, change: {notify?: string, pinned?: boolean}) => void,
   * }} with_
   */
  constructor(panel, { api, toast, changed }) {
    this.#notify = /** @type {HTMLSelectElement} */ (panel.querySelector('[name="notify"]'));
    this.#pinned = /** @type {HTMLInputElement} */ (panel.querySelector('[name="pinned"]'));
    this.#for = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll("[data-for]"));
    this.#api = api;
    this.#toast = toast;
    this.#changed = changed;
  }

  connect() {
    this.#notify.addEventListener("change", this.#notifyChanged);
    this.#pinned.addEventListener("change", this.#pinnedChanged);
  }

  disconnect() {
    this.#notify.removeEventListener("change", this.#notifyChanged);
    this.#pinned.removeEventListener("change", this.#pinnedChanged);
  }

  /** @param {Room} room */
  show(room) {
    this.#room = room;
    const own = { ...room, ...this.#unsaved.get(room.id) };
    this.#notify.value = own.notify;
    this.#pinned.checked = own.pinned;
    const may = {
      moderators: room.kind !== "direct" && moderates(room),
      inviters: !room.archived_at && (room.kind === "channel" || (room.kind === "group" && moderates(room))),
      leavers: room.kind !== "direct",
    };
    for (const element of this.#for) element.hidden = !may[/** @type {keyof typeof may} */ (element.dataset.for)];
  }

  #notifyChanged = () => this.#save({ notify: this.#notify.value });

  #pinnedChanged = () => this.#save({ pinned: this.#pinned.checked });

  /** @param {{notify?: string, pinned?: boolean}} change */
  async #save(change) {
    const room = this.#room;
    if (!room) return;
    const unsaved = { ...this.#unsaved.get(room.id), ...change };
    this.#unsaved.set(room.id, unsaved);
    const refusal = await this.#api.patch(`/rooms/${room.id}/me`, change).then(() => null, (error) => error);
    if (!refusal) this.#changed(room.id, change);
    if (this.#unsaved.get(room.id) === unsaved) this.#unsaved.delete(room.id); // else another is on its way
    if (!refusal) return;
    this.#toast.say(refusal instanceof Refusal ? refusal.said : String(refusal), { isRefusal: true });
    if (this.#room) this.show(this.#room);
  }
}
