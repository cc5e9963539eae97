// @ts-check
/** Owns the line that says when the connection is away. It covers nothing and asks nothing. */

const SHOW_AFTER_MS = 400; // a shorter break goes unseen
const FIRST_SHOW_AFTER_MS = 2_500; // the first connection of a page may take its time

const ACTIONS = {
  "": { label: "", run: () => {} },
  reload: { label: "Reload", run: () => location.reload() },
  "sign-in": { label: "Sign in", run: () => location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname)}`) },
};

export class Banner {
  #element;
  #text;
  #button;
  #retry;
  #wasLive = false;
  #timer = 0;
  #run = () => {};

  /** @param {HTMLElement} element @param {() => void} retry tries to connect now */
  constructor(element, retry) {
    this.#element = element;
    this.#text = /** @type {HTMLElement} */ (element.querySelector('[data-part="text"]'));
    this.#button = /** @type {HTMLButtonElement} */ (element.querySelector('[data-part="action"]'));
    this.#retry = retry;
    this.#button.addEventListener("click", () => this.#run());
  }

  /** @param {{state: import("./connection.js").State, reason?: string, action?: string, inMs?: number}} now */
  show({ state, reason = "", action = "" }) {
    switch (state) {
      case "live":
        this.#wasLive = true;
        this.#hide();
        return;
      case "final":
        this.#say(reason, action);
        return;
      case "connecting":
      case "waiting":
        this.#soon();
    }
  }

  #soon() {
    if (this.#timer) return;
    const afterMs = this.#wasLive ? SHOW_AFTER_MS : FIRST_SHOW_AFTER_MS;
    this.#timer = window.setTimeout(() => {
      const away = navigator.onLine ? "Reconnecting…" : "You are offline. What you write waits here.";
      this.#say(this.#wasLive ? away : "Connecting…", "retry");
    }, afterMs);
  }

  /** @param {string} text @param {string} action */
  #say(text, action) {
    clearTimeout(this.#timer);
    this.#timer = -1;
    const { label, run } =
      action === "retry" ? { label: "Try now", run: this.#retry } : ACTIONS[/** @type {keyof typeof ACTIONS} */ (action)];
    this.#element.hidden = false;
    this.#text.textContent = text;
    this.#button.textContent = label;
    this.#button.hidden = !label;
    this.#run = run;
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#element.hidden = true;
    this.#text.textContent = "";
  }
}
