// @ts-check
/** Owns adding people to the open room. */

import { faceOf } from "./people.js";
import { Refusal } from "./refusal.js";
import { ResultList } from "./result_list.js";

/**
 * @param {import("./room_dialogs.js").Around} around
 * @param {{openRoom: () => import("./types.js").Room | null, added: (said: string) => void}} with_
 */
export function connectInvite({ api, dialogs, me }, { openRoom, added }) {
  const dialog = dialogs.get("invite");
  const note = /** @type {HTMLElement} */ (dialog.querySelector('[data-part="note"]'));
  let about = "";
  /** @param {import("./types.js").Person} person */
  const add = async (person) => {
    try {
      await api.post(`/rooms/${about}/members`, { user_ids: [person.id] });
      dialog.close();
      added(`${person.display_name} is in this room now.`);
    } catch (error) {
      note.textContent = error instanceof Refusal ? error.said : String(error);
    }
  };
  const list = new ResultList(dialog, {
    far: async (q) => {
      /** @type {{results: import("./types.js").Person[]}} */
      const { results } = await api.get("/users", { q });
      return results
        .filter(({ id }) => id !== me.id)
        .map((person) => ({
          id: person.id,
          glyph: faceOf(person, "small"),
          title: person.display_name,
          note: `@${person.username}`,
          pick: () => add(person),
        }));
    },
    none: (q) => (q ? "Nobody by that name." : "Nobody else is here yet."),
  });
  dialogs.onOpen("invite", () => {
    about = openRoom()?.id ?? "";
    list.restart();
  });
}
