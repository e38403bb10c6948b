// The signed chain of what this device accepted: see docs/offline.md for the layout of a record.
import { fromHex, fromText, joined, sha256 } from "./bytes.js";
import { sign } from "./ecdsa.js";

const DOMAIN = joined(fromText("coupon-offline-record"), Uint8Array.of(1));
const FIXED_BYTES = 101;

/** The head of a chain without records. */
export const EMPTY = { seq: 0, hash: new Uint8Array(32), fen: 0, acceptedAt: 0 };

/** A UUID's 16 bytes. */
export const idBytes = (text) => fromHex(text.replaceAll("-", ""));

/**
 * The next record after `head`, signed. What identifies its order and voucher stands beside it, for
 * this device's own use.
 */
export async function nextRecord(device, head, { lease, shown, order, offFen, acceptedAt }) {
  const afterDiscountFen = order.afterDiscountFen ?? order.fen;
  const fixed = new Uint8Array(FIXED_BYTES);
  const view = new DataView(fixed.buffer);
  const seq = head.seq + 1;
  fixed[0] = 1;
  fixed.set(idBytes(device.id), 1);
  fixed.set(idBytes(lease.id), 17);
  view.setUint32(33, seq);
  fixed.set(head.hash, 37);
  [acceptedAt, order.fen, afterDiscountFen, offFen].forEach((value, index) =>
    view.setBigUint64(69 + 8 * index, BigInt(value)),
  );
  const body = joined(fixed, shown.raw, fromText(order.no));
  return {
    seq,
    body,
    signature: await sign(device.keys.privateKey, joined(DOMAIN, body)),
    hash: await sha256(body),
    fen: head.fen + offFen,
    acceptedAt,
    orderNo: order.no,
    orderFen: order.fen,
    afterDiscountFen,
    offFen,
    voucherId: shown.voucherId,
    outcome: null,
  };
}
