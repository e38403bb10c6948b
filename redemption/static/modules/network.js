// The service's answers. Whatever is not certainly its answer is "unknown", never a guess.

const TIME_OUT_MS = 8000;
const CHECKS = new Set(["second-check-needed", "second-check-wrong"]);
const CHALLENGES = new Set(["challenge-needed", "challenge-wrong"]);
const DOORS = new Set(["not-signed-in", "clerk-needed"]);

export async function redeem(vouchers, order) {
  const said = await ask("/api/v1/redemptions", { ...bodyOf(vouchers, order), order_no: order.no });
  return said.kind ? said : { ...amounts(said), kind: "yes", repeated: said.repeated };
}

export async function quote(vouchers, order) {
  const said = await ask("/api/v1/quotes", bodyOf(vouchers, order));
  if (said.kind) return said;
  const unused = said.vouchers.findIndex((one) => one.unused_slug);
  if (unused < 0) return { ...amounts(said), kind: "quote" };
  const { unused_slug: slug, unused_detail: sentence } = said.vouchers[unused];
  return { kind: "no", slug, sentence, position: unused + 1 };
}

// A reversal of an order that has not arrived keeps it out for good, however late it comes.
export async function reverse(order) {
  const said = await ask(`/api/v1/redemptions/${encodeURIComponent(order.no)}/reversal`);
  if (said.kind === "signed-out") return said;
  return said.kind ? { kind: "unknown" } : { kind: "no", slug: "given-up" };
}

function bodyOf(vouchers, order) {
  return {
    vouchers: vouchers.map(({ code, secondCheck }) => ({ code, second_check: secondCheck })),
    order_fen: order.fen,
    after_discount_fen: order.afterDiscountFen,
  };
}

const amounts = (said) => ({ paysFen: said.customer_pays_fen, offFen: said.discount_fen });

/** The body of a success; of anything else an Answer. */
async function ask(path, body) {
  const hadNetwork = navigator.onLine;
  const [status, said] = await send(path, body).catch(() => [0]);
  if (status === 0) return { kind: hadNetwork ? "unknown" : "unsent" };
  if (status >= 500 || status === 408) return { kind: "unknown" };
  return status < 300 ? said : refusal(said);
}

function refusal({ slug, detail: sentence, threshold_fen: thresholdFen, position, challenge }) {
  if (DOORS.has(slug)) return { kind: "signed-out" };
  if (CHECKS.has(slug)) return { kind: "check", isWrong: slug === "second-check-wrong", position };
  if (CHALLENGES.has(slug))
    return { kind: "challenge", isWrong: slug === "challenge-wrong", sentence, position, challenge };
  return { kind: "no", slug, sentence, thresholdFen, position };
}

async function send(path, body) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), TIME_OUT_MS);
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
      signal: late.signal,
    });
    return [answer.status, await answer.json()];
  } finally {
    clearTimeout(timer);
  }
}
