// @ts-check
/** Owns how moments are written, in the reader's own zone and language, and texts in one line. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayParts = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const EXCERPT_MAX_CHARS = 140; // as chat/text.py
const count = new Intl.NumberFormat("en");

/** @param {string} at */
export const clockOf = (at) => clock.format(new Date(at));

/** @param {string} at */
export const fullOf = (at) => full.format(new Date(at));

/** @param {number} number */
export const countOf = (number) => count.format(number);

/** The local day of a moment, as YYYY-MM-DD. @param {string} at */
export function dayOf(at) {
  const moment = new Date(at);
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

/** Today, Yesterday, or the day's name. @param {string} at @param {Date} now */
export function dayLabel(at, now = new Date()) {
  const today = dayOf(now.toISOString());
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  const on = dayOf(at);
  if (on === today) return "Today";
  if (on === dayOf(yesterday.toISOString())) return "Yesterday";
  const moment = new Date(at);
  const part = Object.fromEntries(dayParts.formatToParts(moment).map(({ type, value }) => [type, value]));
  const said = `${part.weekday} ${part.day} ${part.month}`;
  return moment.getFullYear() === now.getFullYear() ? said : `${said} ${part.year}`;
}

/** When something ends: with the day when that is not today. @param {string} at @param {Date} now */
export function untilOf(at, now = new Date()) {
  const day = dayLabel(at, now);
  return day === "Today" ? clockOf(at) : `${clockOf(at)} on ${day}`;
}

/** "Ann", "Ann and Bo", "Ann, Bo and Cy". @param {string[]} names */
export function listOf(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/** When somebody was here last, as short as it can be understood. @param {string} at @param {Date} now */
export function lastSeenOf(at, now = new Date()) {
  const minutes = Math.floor((now.getTime() - Date.parse(at)) / 60_000);
  if (minutes < 2) return "here a moment ago";
  if (minutes < 60) return `here ${minutes} minutes ago`;
  const day = dayLabel(at, now);
  return day === "Today" ? `here at ${clockOf(at)}` : `here ${day === "Yesterday" ? "yesterday" : `on ${day}`}`;
}

/** A wait as a clock shows it: 0:07, 12:30, 1:05:00. Never shorter than it is. @param {number} ms */
export function waitOf(ms) {
  const all = Math.max(0, Math.ceil(ms / 1000));
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A message as it is quoted. @param {string} text */
export function excerptOf(text) {
  const line = Array.from(text.replace(/\s+/gu, " ").trim());
  return line.length > EXCERPT_MAX_CHARS ? `${line.slice(0, EXCERPT_MAX_CHARS - 1).join("")}…` : line.join("");
}
