// The bytes of docs/qr.md, as a phone writes them: a level-1 token wrapped into a proof. Pure.

export const TOKEN_BYTES = 139;
const VERSION = 2;
const ANSWER_VERSION = 4;
const VOUCHER_ID = [2, 18];
const PHONE_KEY = [42, 75];
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DOMAIN = new TextEncoder().encode("coupon-voucher-proof");
const SIGNING = { name: "ECDSA", hash: "SHA-256" };

// The phone's key inside a token, hexadecimal; empty if the token is for no particular phone.
export function phoneKeyIn(token) {
  const key = hex(fromBase32(token).slice(...PHONE_KEY));
  return /^0+$/.test(key) ? "" : key;
}

// A proof of this second (Unix time) as the text of a QR code; with a till's number, an answer to it.
export async function prove(token, privateKey, second, counter, challenge = null) {
  const inner = fromBase32(token);
  const isAnswer = challenge !== null;
  const version = Uint8Array.of(isAnswer ? ANSWER_VERSION : VERSION);
  const moment = new Uint8Array(isAnswer ? 10 : 8);
  const written = new DataView(moment.buffer);
  written.setUint32(0, second);
  written.setUint32(4, counter);
  if (isAnswer) written.setUint16(8, challenge);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", inner));
  const message = joined(DOMAIN, version, inner.slice(...VOUCHER_ID), moment, digest);
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNING, privateKey, message));
  return toBase32(joined(version, inner, moment, signature));
}

// A raw public key (0x04, x, y) as SEC 1 compresses it, hexadecimal.
export function compressed(raw) {
  const sign = 2 + (raw[64] & 1);
  return hex(joined(Uint8Array.of(sign), raw.slice(1, 33)));
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function toBase32(bytes) {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += LETTERS[(held >>> (bits - 5)) & 31];
    held &= 255;
  }
  return bits ? text + LETTERS[(held << (5 - bits)) & 31] : text;
}

function fromBase32(text) {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    held = ((held << 5) | LETTERS.indexOf(letter)) & 8191;
    bits += 5;
    if (bits >= 8) bytes[at++] = (held >>> (bits -= 8)) & 255;
  }
  return bytes;
}
