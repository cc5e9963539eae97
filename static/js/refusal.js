// @ts-check
/** Owns the shape in which the server says no, over REST and over the socket alike. */

export class Refusal extends Error {
  /** @param {{code?: string, message?: string, retry_after?: number, fields?: Record<string, string[]>}} error */
  constructor({ code = "unavailable", message = "", retry_after = 0, fields = {} }) {
    super(message || "The server cannot be reached.");
    this.code = code;
    this.retryAfterS = retry_after;
    this.fields = fields;
  }

  /** What to tell a person: the complaints about fields, else the message. */
  get said() {
    return Object.values(this.fields).flat().join(" ") || this.message;
  }

  /** Nothing was refused: no answer came, so the same request may be made again. */
  static unreachable() {
    return new Refusal({ code: "unreachable" });
  }
}
