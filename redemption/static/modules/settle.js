// Asks until the answer is known. A lost answer is asked for again under the same order number.
import { decide, giveUp } from "./decide.js";
import { forget, keep } from "./order.js";

const AGAIN_MS = [1000, 2000, 4000, 8000]; // between one question and the next
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * The answer, and whether its order number is spent. `onLost(turn)` shows that there is none yet and
 * resolves to "give-up" if the cashier stops waiting for it.
 */
export async function settle(asked, onLost) {
  for (let turn = 0; ; turn++) {
    keep(asked);
    const answer = await certain(await decide(asked.vouchers, asked.order), asked);
    if (answer) return known(answer, asked);
    asked = { ...asked, wasLost: true };
    keep(asked);
    const pause_ms = AGAIN_MS[Math.min(turn, AGAIN_MS.length - 1)];
    if ((await Promise.race([onLost(turn), wait(pause_ms)])) !== "give-up") continue;
    const gone = await giveUp(asked.order);
    if (gone.kind === "no") return known(gone, asked);
  }
}

// After a lost answer its question may still be on its way. Before somebody pays in full because of
// a no, the order is given up, which keeps that question out.
async function certain(answer, { order, wasLost }) {
  if (answer.kind === "unknown") return null;
  if (!wasLost) return answer;
  if (answer.kind === "unsent" || answer.slug === "too-many-requests") return null;
  // Another order may stand under a number that the cashier typed: that one is not given up.
  if (answer.kind !== "no" || !order.isMade) return answer;
  return (await giveUp(order)).kind === "no" ? answer : null;
}

function known(answer, { order, wasLost }) {
  if (answer.kind !== "signed-out") forget();
  if (!wasLost) return answer;
  return { ...answer, repeated: false, isNumberSpent: answer.kind === "no" && order.isMade };
}
