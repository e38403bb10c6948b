// Who decides about vouchers: the one place that chooses. It is the service, over the network; and
// where there is none, this till itself, as far as the service has allowed it to.
import * as offline from "../offline/offline.js";
import * as network from "./network.js";

/**
 * A voucher as it was shown.
 * @typedef {{ code: string, secondCheck?: string }} Voucher
 *
 * An order of the till. Amounts in fen; `isMade`: its number was made here, and stands for nothing else.
 * @typedef {{ no: string, isMade: boolean, fen: number, afterDiscountFen?: number }} Order
 *
 * What became of it. Of an `unknown` one nothing may be assumed; asking again under the same order
 * number is safe, and the only way to know. An `unsent` one never left this device.
 * @typedef {object} Answer
 * @property {"yes"|"quote"|"no"|"check"|"challenge"|"unknown"|"unsent"|"signed-out"} kind
 * @property {number} [paysFen] what the customer pays
 * @property {number} [offFen] what was, or would be, taken off
 * @property {boolean} [repeated] the order had been answered before
 * @property {boolean} [isOffline] this till decided by itself, and will tell the service
 * @property {string} [slug] of a no: the reason, for programs
 * @property {string} [sentence] of a no: the reason, for the cashier; none: the page has words for the slug
 * @property {number} [thresholdFen] from which order amount it would work
 * @property {number} [position] of a no, a check and a challenge: which voucher it is about, from 1
 * @property {boolean} [isWrong] of a check and a challenge: what was given does not match
 * @property {string} [challenge] the digits that the customer types before the code is scanned again
 */

/**
 * Redeems all the vouchers for the order, or none. The same order again: the same answer.
 * @param {Voucher[]} vouchers @param {Order} order @returns {Promise<Answer>}
 */
export async function decide(vouchers, order) {
  const answer = await orOffline(await network.redeem(vouchers, order), () => offline.redeem(vouchers, order));
  if (answer.isOffline && answer.kind === "yes") dispatchEvent(new Event("till:offline-accepted"));
  return answer;
}

/**
 * What the customer would pay. Changes nothing.
 * @param {Voucher[]} vouchers @param {Order} order @returns {Promise<Answer>}
 */
export const estimate = async (vouchers, order) =>
  orOffline(await network.quote(vouchers, order), () => offline.quote(vouchers, order));

/**
 * A no once it is certain that the order is not, and will not be, redeemed.
 * @param {Order} order @returns {Promise<Answer>}
 */
export const giveUp = (order) => network.reverse(order);

// A question without an answer may have arrived. To say yes to it here as well is safe: what is brought
// in later has the same order number. To say no is not.
async function orOffline(answer, ask) {
  if (answer.kind !== "unsent" && answer.kind !== "unknown") return answer;
  const here = await ask().catch(() => null);
  return here && (answer.kind === "unsent" || here.kind !== "no") ? here : answer;
}
