// ECDSA P-256 with SHA-256 by WebCrypto: public keys as compressed points, signatures as raw r‖s.
import { fromHex, joined } from "./bytes.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const HASHED = { name: "ECDSA", hash: "SHA-256" };
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** A key pair whose private half never leaves this browser. */
export const newKeys = () => crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);

export const sign = async (privateKey, message) =>
  new Uint8Array(await crypto.subtle.sign(HASHED, privateKey, message));

/** Whether the owner of the key at this compressed point signed the message. */
export async function signed(point, message, signature) {
  const whole = uncompressed(point);
  if (!whole) return false;
  const key = await crypto.subtle.importKey("raw", whole, CURVE, false, ["verify"]).catch(() => null);
  return key !== null && crypto.subtle.verify(HASHED, key, signature, message);
}

/** The public half of a key pair as a compressed point, 33 bytes. */
export async function compressed(publicKey) {
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  return joined(Uint8Array.of(2 + (point[64] & 1)), point.slice(1, 33));
}

// Browsers import whole points only. On P-256, y² = x³ − 3x + b, and p ≡ 3 (mod 4), so that a root
// is a power.
function uncompressed(point) {
  if (point.length !== 33 || (point[0] !== 2 && point[0] !== 3)) return null;
  const x = number(point.subarray(1));
  const square = mod(x * x * x - 3n * x + B);
  const root = power(square, (P + 1n) / 4n);
  if (x >= P || mod(root * root) !== square) return null;
  const y = (root & 1n) === BigInt(point[0] & 1) ? root : P - root;
  return joined(Uint8Array.of(4), point.subarray(1), fromHex(y.toString(16).padStart(64, "0")));
}

const mod = (value) => ((value % P) + P) % P;
const number = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function power(base, exponent) {
  let [result, square] = [1n, base];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
