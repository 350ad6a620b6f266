// @ts-check
/**
 * What can be typed at a kiosk, and is it whole? Tickets, codes and telephone numbers; pure.
 */

/** The alphabet of codes: no look-alikes (`scheduling/codes.py`). */
export const CODE_KEYS = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
export const TICKET_KEYS = "1234567890-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
export const PHONE_KEYS = "123456789+0";
export const TICKET_CODE = 6;
export const APPOINTMENT_CODE = 8;
export const LONGEST_TICKET = 12;
export const LONGEST_PHONE = 16;
const PHONE = /^\+?\d{5,15}$/;
const TICKET = /^[A-Z]{1,2}\d{3,4}(-\d{1,3})?$/;

/**
 * What was typed, in capitals, without what cannot be in it, and no longer than it can be.
 * @param {string} text
 * @param {string} keys
 * @param {number} longest
 */
export function onlyKeys(text, keys, longest) {
  return [...text.toUpperCase()]
    .filter((letter) => keys.includes(letter))
    .slice(0, longest)
    .join("");
}

/**
 * Whether this looks like the number on a ticket: B012, CE003, or B0930-1 of an appointment.
 * @param {string} text
 */
export function isTicket(text) {
  return TICKET.test(text);
}

/**
 * Whether somebody can be called at this number.
 * @param {string} text
 */
export function isPhone(text) {
  return PHONE.test(text);
}

/**
 * A code in groups that a person can read out: "K7M 2QX", "K7M2 QX4P".
 * @param {string} code
 */
export function spaced(code) {
  const half = Math.ceil(code.length / 2);
  return `${code.slice(0, half)} ${code.slice(half)}`.trim();
}

/**
 * A telephone number of which a bystander learns the last digits only.
 * @param {string} phone
 */
export function masked(phone) {
  return `****${phone.slice(-4)}`;
}
