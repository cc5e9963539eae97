// @ts-check
/** Owns the rows of the open timeline in the page: makes the DOM follow the model, row by row. */

import { dayLabel } from "./format.js";

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./timeline.js").Timeline} Timeline */

export class TimelineView {
  #log;
  #elements;
  #dayTemplate;
  #newTemplate;
  /** @type {Map<string, {row: Row, element: HTMLElement}>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} log
   * @param {import("./message_element.js").MessageElements} elements
   * @param {{day: HTMLTemplateElement, newLine: HTMLTemplateElement}} templates
   */
  constructor(log, elements, { day, newLine }) {
    this.#log = log;
    this.#elements = elements;
    this.#dayTemplate = day;
    this.#newTemplate = newLine;
  }

  /** Takes over what the server rendered: those rows stay as they are, in the reader's own time. @param {Timeline} timeline */
  adopt(timeline) {
    const rows = new Map(timeline.rows().map((row) => [row.key, row]));
    for (const element of /** @type {HTMLElement[]} */ ([...this.#log.children])) {
      const row = rows.get(element.dataset.row ?? "");
      if (!row) continue;
      if (row.kind === "message") this.#elements.localise(element, row.message);
      this.#shown.set(row.key, { row, element });
    }
    this.render(timeline, { quietly: true });
  }

  /**
   * Shows the timeline as it is now. Rows that stay keep their elements.
   * @param {Timeline} timeline
   * @param {{quietly?: boolean}} [how] quietly: a screen reader is not told (older pages, other rooms)
   */
  render(timeline, { quietly = false } = {}) {
    if (quietly) this.#hush();
    const rows = timeline.rows();
    this.#removeOthers(new Set(rows.map((row) => row.key)));
    /** @type {Map<string, {row: Row, element: HTMLElement}>} */
    const shown = new Map();
    /** @type {Element | null} */
    let place = this.#log.firstElementChild;
    for (const row of rows) {
      const old = this.#shown.get(row.key)?.element;
      const element = this.#elementFor(row);
      if (old && place === old) place = element;
      shown.set(row.key, { row, element });
      if (element === place) place = place.nextElementSibling;
      else this.#log.insertBefore(element, place);
    }
    this.#shown = shown;
  }

  /** @param {string} key */
  elementOf(key) {
    return this.#shown.get(key)?.element ?? null;
  }

  /** The message row of an element inside it. @param {Element} inside */
  rowAround(inside) {
    const key = /** @type {HTMLElement | null} */ (inside.closest("[data-row]"))?.dataset.row ?? "";
    const row = this.#shown.get(key)?.row;
    return row?.kind === "message" ? row : null;
  }

  /** @param {Row} row */
  #elementFor(row) {
    const known = this.#shown.get(row.key);
    if (known) {
      if (row.kind === "day") this.#writeDay(known.element, row);
      if (row.kind !== "message" || known.row.kind !== "message") return known.element;
      const element = this.#elements.update(known.element, known.row, row);
      if (element !== known.element) replace(known.element, element);
      return element;
    }
    if (row.kind === "message") return this.#elements.make(row);
    const template = row.kind === "day" ? this.#dayTemplate : this.#newTemplate;
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (copy.firstElementChild);
    if (row.kind === "day") this.#writeDay(element, row);
    return element;
  }

  /** @param {HTMLElement} element @param {import("./types.js").DayRow} row */
  #writeDay(element, row) {
    const label = dayLabel(row.at);
    if (element.dataset.row === row.key && element.getAttribute("aria-label") === label) return;
    element.dataset.row = row.key;
    element.setAttribute("aria-label", label);
    /** @type {Element} */ (element.querySelector('[data-part="label"]')).textContent = label;
  }

  /** @param {Set<string>} keys */
  #removeOthers(keys) {
    for (const element of /** @type {HTMLElement[]} */ ([...this.#log.children])) {
      const key = element.dataset.row ?? "";
      if (keys.has(key) && this.#shown.get(key)?.element === element) continue;
      element.remove();
      this.#shown.delete(key);
    }
  }

  /** A log that is busy or off announces nothing; it speaks again with the next message. */
  #hush() {
    this.#log.setAttribute("aria-live", "off");
    requestAnimationFrame(() => requestAnimationFrame(() => this.#log.setAttribute("aria-live", "polite")));
  }
}

/** Puts a new element in the place of an old one; the focus stays in the message. @param {HTMLElement} old @param {HTMLElement} element */
function replace(old, element) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const value = focused instanceof HTMLButtonElement ? focused.value : "";
  old.replaceWith(element);
  if (!focused) return;
  const same = value && element.querySelector(`button[value="${CSS.escape(value)}"]`);
  /** @type {HTMLElement} */ (same || element).focus({ preventScroll: true });
}
