// Yuan as people type and read them, fen as the service counts them.

const AMOUNT = /^(0|[1-9]\d{0,9})(?:\.(\d{1,2}))?$/;

/** `1234550` fen → `12,345.50`; fen are shown only where there are any, as the service does. */
export function yuan(fen) {
  const whole = Math.trunc(fen / 100).toLocaleString("en");
  return fen % 100 ? `${whole}.${String(fen % 100).padStart(2, "0")}` : whole;
}

/** Fen of `58`, `58.5` or `58.50`; null if the text is no amount above zero. */
export function fenOf(text) {
  const [, whole, cents = ""] = AMOUNT.exec(text) ?? [];
  const fen = Number(whole) * 100 + Number(cents.padEnd(2, "0"));
  return fen > 0 ? fen : null;
}

/** What was typed, through whatever input method, as far as it can become an amount. */
export function tidyAmount(text) {
  const [whole, ...cents] = text.normalize("NFKC").replaceAll("。", ".").replace(/[^\d.]/g, "").split(".");
  const bare = whole.replace(/^0+(?=\d)/, "").slice(0, 10);
  return cents.length ? `${bare || "0"}.${cents.join("").slice(0, 2)}` : bare;
}
