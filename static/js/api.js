// @ts-check
/** Owns REST: the session cookie, the CSRF header, one shape of refusal. */

import { Refusal } from "./refusal.js";

const BASE = "/api/v1";
const WITHIN_MS = 15_000;

export class Api {
  #csrfCookie;

  /** @param {string} csrfCookie its name */
  constructor(csrfCookie) {
    this.#csrfCookie = csrfCookie;
  }

  /** @param {string} path @param {Record<string, string | number>} [query] */
  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== "");
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#call("GET", search.size ? `${path}?${search}` : path);
  }

  /** @param {string} path @param {object} [body] */
  post(path, body = {}) {
    return this.#call("POST", path, body);
  }

  /** @param {string} path @param {object} body */
  patch(path, body) {
    return this.#call("PATCH", path, body);
  }

  /** @param {string} path @param {object} body */
  put(path, body) {
    return this.#call("PUT", path, body);
  }

  /** @param {string} path */
  delete(path) {
    return this.#call("DELETE", path, {});
  }

  /** False only when the server says that nobody is signed in here. */
  async isSignedIn() {
    try {
      await this.get("/me");
    } catch (error) {
      return !(error instanceof Refusal && ["unauthenticated", "token_expired"].includes(error.code));
    }
    return true;
  }

  /**
   * @param {string} method @param {string} path @param {object} [body]
   * @returns {Promise<any>}
   */
  async #call(method, path, body) {
    /** @type {Response} */
    let response;
    try {
      response = await fetch(BASE + path, {
        method,
        credentials: "same-origin",
        headers: {
          Accept: "application/json",
          ...(body ? { "Content-Type": "application/json", "X-CSRFToken": this.#csrfToken() } : {}),
        },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(WITHIN_MS),
      });
    } catch {
      throw Refusal.unreachable();
    }
    const text = await response.text().catch(() => "");
    const answer = text && response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null;
    if (response.ok) return answer;
    throw new Refusal(answer?.error ?? {});
  }

  #csrfToken() {
    const start = `${this.#csrfCookie}=`;
    const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(start));
    return found ? decodeURIComponent(found.slice(start.length)) : "";
  }
}
