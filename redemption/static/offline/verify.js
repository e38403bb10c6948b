// A code that was shown, verified as the service does: see docs/qr.md. Two signatures, no network.
import { fromBase32, fromText, joined, sha256, toHex, u32 } from "./bytes.js";
import { signed } from "./ecdsa.js";

const TOKEN_BYTES = 139;
const PROOF_BYTES = 212;
const PROOF_CHARS = 340;
const DOMAIN = joined(fromText("coupon-voucher-proof"), Uint8Array.of(2));

/**
 * A level-2 code both of whose signatures hold. Times in Unix milliseconds, amounts in fen.
 * @typedef {object} Shown
 * @property {Uint8Array} raw
 * @property {string} voucherId
 * @property {number} release its number
 * @property {number} notBefore
 * @property {number} expiresAt of the voucher
 * @property {number} tokenExpiresAt
 * @property {number} shownAt
 * @property {number} counter
 */

/**
 * What the code says, or the slug of what is wrong with it. `keys`: points of issuers by key id.
 * @returns {Promise<Shown | string>}
 */
export async function verified(code, keys) {
  if (code.length !== PROOF_CHARS) return code.length > 100 || /^\d+$/.test(code) ? "proof-needed" : "code-not-recognised";
  const raw = fromBase32(code);
  if (raw?.length !== PROOF_BYTES || raw[0] !== 2 || raw[1] !== 1) return "code-not-recognised";
  const token = raw.subarray(1, 1 + TOKEN_BYTES);
  const issuer = keys[token[1]];
  if (!issuer || !(await signed(issuer, token.subarray(0, 75), token.subarray(75)))) return "code-not-recognised";
  const moment = raw.subarray(1 + TOKEN_BYTES, 1 + TOKEN_BYTES + 8);
  const message = joined(DOMAIN, token.subarray(2, 18), moment, await sha256(token));
  if (!(await signed(token.subarray(42, 75), message, raw.subarray(148)))) return "code-not-recognised";
  return {
    raw,
    voucherId: toHex(token.subarray(2, 18)),
    release: u32(token, 18),
    notBefore: u32(token, 30) * 1000,
    expiresAt: u32(token, 34) * 1000,
    tokenExpiresAt: u32(token, 38) * 1000,
    shownAt: u32(raw, 140) * 1000,
    counter: u32(raw, 144),
  };
}
