// @ts-check
/**
 * Owns what opens beside something and goes by itself: a menu, a palette. The browser's popover
 * closes it by Esc or a click elsewhere and gives the focus back.
 */

const EDGE_PX = 8; // how near it may come to the edge of the window
const GAP_PX = 4; // between it and what it belongs to

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */

export class Popup {
  #element;
  #onClose = () => {};

  /** @param {HTMLElement} element with the attribute `popover` */
  constructor(element) {
    this.#element = element;
  }

  connect(onClose = () => {}) {
    this.#onClose = onClose;
    this.#element.addEventListener("keydown", this.#pressed);
    this.#element.addEventListener("toggle", this.#toggled);
  }

  disconnect() {
    this.#element.removeEventListener("keydown", this.#pressed);
    this.#element.removeEventListener("toggle", this.#toggled);
  }

  get isOpen() {
    return this.#element.matches(":popover-open");
  }

  /** @param {Box} beside @param {{focus?: boolean}} [how] focus: go to its first control */
  open(beside, { focus = true } = {}) {
    if (!this.isOpen) this.#element.showPopover();
    this.#place(beside);
    if (focus) this.#controls[0]?.focus();
  }

  /** Adds to its top: what is below, perhaps under a finger already, stays where it is. @param {() => void} change */
  grow(change) {
    const { top, height } = this.#element.getBoundingClientRect();
    change();
    const y = top - (this.#element.getBoundingClientRect().height - height);
    this.#element.style.setProperty("--y", `${Math.round(Math.max(EDGE_PX, y))}px`);
  }

  close() {
    if (this.isOpen) this.#element.hidePopover();
  }

  get #controls() {
    const all = /** @type {NodeListOf<HTMLElement>} */ (this.#element.querySelectorAll("button, input, a"));
    return [...all].filter((control) => control.checkVisibility());
  }

  /** Below if there is room, else above; `menu.css` puts it elsewhere on a narrow screen. @param {Box} beside */
  #place({ right, top, bottom }) {
    const { width, height } = this.#element.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const isRoomBelow = bottom + GAP_PX + height <= clientHeight - EDGE_PX;
    const wantedY = isRoomBelow ? bottom + GAP_PX : top - GAP_PX - height;
    const x = Math.max(EDGE_PX, Math.min(right - width, clientWidth - width - EDGE_PX));
    const y = Math.max(EDGE_PX, Math.min(wantedY, clientHeight - height - EDGE_PX));
    this.#element.style.setProperty("--x", `${Math.round(x)}px`);
    this.#element.style.setProperty("--y", `${Math.round(y)}px`);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    const next = this.#neighbour(event);
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  /** Where an arrow leads: along the line, or to the nearest one in the line above or below. @param {KeyboardEvent} event */
  #neighbour({ key, target }) {
    const from = /** @type {HTMLElement} */ (target);
    const controls = this.#controls;
    const at = controls.indexOf(from);
    if (at < 0 || (from instanceof HTMLInputElement && !["ArrowUp", "ArrowDown"].includes(key))) return null;
    switch (key) {
      case "ArrowRight":
        return controls[(at + 1) % controls.length];
      case "ArrowLeft":
        return controls[(at - 1 + controls.length) % controls.length];
      case "Home":
        return controls[0];
      case "End":
        return controls[controls.length - 1];
      case "ArrowDown":
        return nearest(from, controls, 1) ?? controls[0];
      case "ArrowUp":
        return nearest(from, controls, -1) ?? controls[controls.length - 1];
      default:
        return null;
    }
  }

  /** @param {Event} event */
  #toggled = (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "closed") this.#onClose();
  };
}

/** @param {HTMLElement} from @param {HTMLElement[]} controls @param {1 | -1} way */
function nearest(from, controls, way) {
  const here = from.getBoundingClientRect();
  const beyond = controls
    .map((control) => ({ control, box: control.getBoundingClientRect() }))
    .filter(({ box }) => way * (box.top - here.top) > here.height / 2)
    .sort((a, b) => way * (a.box.top - b.box.top) || Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left));
  return beyond[0]?.control ?? null;
}
