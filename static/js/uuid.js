// @ts-check
/** Owns the ids of what this browser sends. */

/**
 * A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then chance, so later ids sort later.
 * @param {number} now milliseconds since 1970
 * @param {(bytes: Uint8Array) => Uint8Array} fill puts random bytes into the array
 */
export function uuid7(now = Date.now(), fill = (bytes) => crypto.getRandomValues(bytes)) {
  const bytes = fill(new Uint8Array(16));
  for (let i = 5, left = now; i >= 0; i -= 1, left = Math.floor(left / 256)) bytes[i] = left % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
