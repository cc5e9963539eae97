// @ts-check
/** Owns parts of the page that few ever open: brought when they are first wanted, once. */

/**
 * @template T
 * @param {() => Promise<T>} bring
 * @returns {() => Promise<T>} asks again after it could not be had
 */
export function lazily(bring) {
  /** @type {Promise<T> | null} */
  let brought = null;
  return () => {
    brought ??= bring().catch((error) => {
      brought = null;
      throw error;
    });
    return brought;
  };
}

/**
 * The dialog of those who moderate.
 * @param {{api: import("./api.js").Api, dialogs: import("./dialogs.js").Dialogs}} around
 * @param {() => import("./types.js").Room | null} openRoom
 */
export function connectCases({ api, dialogs }, openRoom) {
  const cases = lazily(async () => new (await import("./cases.js")).Cases(dialogs.get("moderation"), api));
  dialogs.onOpen("moderation", (dialog) => {
    const room = openRoom();
    const errors = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="errors"]'));
    cases().then((shown) => room && shown.show(room.id), (error) => (errors.textContent = String(error)));
  });
}
