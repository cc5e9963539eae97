// @ts-check
/** Owns the dialogs about one message: delete it, report it. */

import { Refusal } from "./refusal.js";

/** @typedef {import("./types.js").Message} Message */

/**
 * A dialog with a form, for one message at a time.
 * @param {import("./dialogs.js").Dialogs} dialogs @param {string} name
 * @param {(message: Message, given: Record<string, string>) => Promise<void>} act rejects with why it was not done
 * @returns {(message: Message) => void} opens it
 */
function connectDialog(dialogs, name, act) {
  const dialog = dialogs.get(name);
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const part = (/** @type {string} */ which) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-part="${which}"]`));
  /** @type {Message | null} */
  let about = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!about) return;
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    const given = Object.fromEntries([...new FormData(form)].map(([field, value]) => [field, String(value)]));
    button.disabled = true;
    try {
      await act(about, given);
      dialog.close();
      // The message may have been drawn anew meanwhile: then there is nothing to give the focus back to.
      const focused = document.activeElement;
      if (focused !== document.body && !dialog.contains(focused)) return;
      document.getElementById(`message-${about.id}`)?.focus({ preventScroll: true });
    } catch (error) {
      part("errors").textContent = error instanceof Refusal ? error.said : String(error);
    } finally {
      button.disabled = false;
    }
  });
  return (message) => {
    about = message;
    form.reset();
    part("errors").textContent = "";
    part("author").textContent = message.sender.display_name;
    part("text").textContent = message.text;
    dialogs.open(name);
  };
}

/** @param {import("./dialogs.js").Dialogs} dialogs @param {(message: Message) => Promise<void>} remove */
export const connectDelete = (dialogs, remove) => connectDialog(dialogs, "delete", remove);

/**
 * @param {import("./dialogs.js").Dialogs} dialogs
 * @param {(message: Message, said: {reason: string, comment: string}) => Promise<void>} report
 */
export const connectReport = (dialogs, report) =>
  connectDialog(dialogs, "report", (message, { reason, comment }) => report(message, { reason, comment }));
