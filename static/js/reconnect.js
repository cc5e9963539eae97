// @ts-check
/** Owns when to come back after a connection ended, and when not to. Pure. */

const FIRST_MS = 500;
const LAST_MS = 20_000;

/**
 * Full jitter: anything from nothing to a ceiling that doubles, so that a thousand browsers that
 * lost one server do not return in one wave.
 * @param {number} attempt 0 for the first try after a loss
 * @param {number} chance 0 up to 1
 */
export function waitMs(attempt, chance) {
  return Math.round(chance * Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)));
}

/** Why some closes are final. Source: docs/protocol.md, "Close codes". */
const FINAL = new Map([
  [4400, { reason: "This page and the server do not understand each other.", action: "reload" }],
  [4401, { reason: "You have been signed out.", action: "sign-in" }],
  [4403, { reason: "This account has been suspended.", action: "" }],
  [4409, { reason: "Parley is open in too many windows. Close some of them.", action: "retry" }],
]);

/** What to say and offer when a close is final; null when the way is to try again. @param {number} code */
export function finalFor(code) {
  return FINAL.get(code) ?? null;
}
