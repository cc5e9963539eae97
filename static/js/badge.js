// @ts-check
/** Owns the tab: its title and its icon say what waits. */

const ICONS = { none: "favicon.svg", unread: "favicon-unread.svg", forMe: "favicon-mention.svg" };

export class Badge {
  #link = /** @type {HTMLLinkElement} */ (document.querySelector("[data-favicon]"));
  #base;

  /** @param {string} staticUrl */
  constructor(staticUrl) {
    this.#base = `${staticUrl}img/`;
  }

  /** @param {string} title of the open room @param {{forMe: number, isUnread: boolean}} waiting */
  show(title, { forMe, isUnread }) {
    const start = forMe ? `(${forMe}) ` : isUnread ? "• " : "";
    document.title = `${start}${title} · Parley`;
    const href = this.#base + (forMe ? ICONS.forMe : isUnread ? ICONS.unread : ICONS.none);
    if (this.#link.getAttribute("href") !== href) this.#link.setAttribute("href", href);
  }
}
