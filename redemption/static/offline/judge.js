// Whether a voucher pays part of an order at this till, as the service would judge it. Pure.

/**
 * What it takes off, in fen, or the slug of why nothing.
 * @param {import("./verify.js").Shown} shown
 * @param {{ fen: number, afterDiscountFen?: number }} order
 * @param {object} lease as the service signed it: see docs/offline.md
 * @param {number} now Unix milliseconds, by the service's clock
 * @returns {{ offFen: number } | { slug: string, thresholdFen?: number }}
 */
export function judged(shown, order, lease, now) {
  const goodFor = lease.proof_good_for_s * 1000;
  if (Math.min(shown.shownAt + goodFor, shown.tokenExpiresAt) <= now) return { slug: "expired-token" };
  if (shown.shownAt - goodFor > now) return { slug: "phone-clock-off" };
  if (shown.expiresAt <= now) return { slug: "voucher-expired" };
  if (shown.notBefore > now) return { slug: "voucher-not-yet-valid" };
  const terms = lease.terms.find(({ releases }) => releases.includes(shown.release));
  const isOpen = ([from, until]) => from <= now && now < until;
  if (!terms || (terms.open && !terms.open.some(isOpen))) return { slug: "offline-not-covered" };
  return takenOff(terms, order);
}

function takenOff(terms, { fen, afterDiscountFen = fen }) {
  const basisFen = terms.is_before_discount ? fen : afterDiscountFen;
  if (basisFen < terms.threshold_fen) return { slug: "below-threshold", thresholdFen: terms.threshold_fen };
  const share = terms.rate_bp === null ? terms.face_fen : percentOf(afterDiscountFen, terms.rate_bp);
  const offFen = Math.min(terms.face_fen, share, afterDiscountFen - terms.min_pay_fen);
  return offFen > 0 ? { offFen } : { slug: "nothing-to-take-off" };
}

// Half up, in whole numbers: amounts of ten thousand times a large order are not exact otherwise.
const percentOf = (fen, rateBp) => Number((BigInt(fen) * BigInt(rateBp) + 5000n) / 10000n);
