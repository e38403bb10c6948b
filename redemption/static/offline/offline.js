// Accepting vouchers without a network, within what the service has allowed beforehand.
import { nextRecord } from "./chain.js";
import * as clock from "./clock.js";
import { currentLease, isAble } from "./contact.js";
import { judged } from "./judge.js";
import * as store from "./store.js";
import { verified } from "./verify.js";

const LOCK = "till-offline-chain";

/**
 * Redeems a voucher for the order by this device's own signature. The same order again: the same
 * answer. Null where this till may not trade offline.
 * @returns {Promise<import("../modules/decide.js").Answer | null>}
 */
export const redeem = (vouchers, order) => decided(vouchers, order, true);

/** What `redeem` would answer. Changes nothing. */
export const quote = (vouchers, order) => decided(vouchers, order, false);

/** What is left until the network is back, and what waits for it. */
export async function standing() {
  if (!isAble) return null;
  const [device, head, lease] = [await store.get("device"), await store.get("head"), await currentLease()];
  if (!device) return null;
  const waiting = (await store.allRecords()).filter((record) => !record.outcome).length;
  if (!lease || device.isClosed || lease.expires_at <= clock.now()) return { waiting, vouchers: 0, fen: 0 };
  return { waiting, vouchers: lease.seq_max - head.seq, fen: lease.fen_max - head.fen };
}

async function decided(vouchers, order, isMeant) {
  if (!isAble) return null;
  const [device, lease] = [await store.get("device"), await currentLease()];
  if (!device || device.isClosed || !lease) return null;
  const no = ({ slug, ...facts }) => ({ kind: "no", isOffline: true, slug, sentence: lease.words[slug], ...facts });
  if (vouchers.length > 1) return no({ slug: "offline-one-voucher" });
  const shown = await verified(vouchers[0].code, lease.keys);
  if (typeof shown === "string") return no({ slug: shown });
  return navigator.locks.request(LOCK, async () => {
    const known = await store.recordOf("orderNo", order.no);
    if (known) return isSame(known, shown, order) ? yes(known, true) : no({ slug: "order-number-reused" });
    const head = await store.get("head");
    const now = clock.now();
    // A clock that was put back would make every lease and every code last.
    if (now >= lease.expires_at || now < Math.max(lease.issued_at, head.acceptedAt)) return no({ slug: "offline-lease-over" });
    const found = judged(shown, order, lease, now);
    if (found.slug) return no(found);
    if (await store.recordOf("voucherId", shown.voucherId)) return no({ slug: "voucher-used" });
    if (head.seq >= lease.seq_max || head.fen + found.offFen > lease.fen_max) return no({ slug: "offline-cap-reached" });
    const afterDiscountFen = order.afterDiscountFen ?? order.fen;
    if (!isMeant) return { kind: "quote", isOffline: true, offFen: found.offFen, paysFen: afterDiscountFen - found.offFen };
    const record = await nextRecord(device, head, { lease, shown, order, offFen: found.offFen, acceptedAt: now });
    await store.append(record);
    return yes(record, false);
  });
}

const isSame = (record, shown, order) =>
  record.voucherId === shown.voucherId &&
  record.orderFen === order.fen &&
  record.afterDiscountFen === (order.afterDiscountFen ?? order.fen);

const yes = ({ offFen, afterDiscountFen }, repeated) => ({
  kind: "yes",
  isOffline: true,
  repeated,
  offFen,
  paysFen: afterDiscountFen - offFen,
});
