// What was scanned or typed, read as a voucher's code. Whether it is one is for the service to say.

const DIGITS = /^\d{12}$/;
// The letters of Base32. Payment codes and links on the same counter have others.
const SCANNED = /^[A-Z2-7]{8,400}$/;
const WHOLE = /^[A-Z2-7]{100,400}$/;

/** The code without what scanners, input methods and people put around and into it. */
export function plain(text) {
  const bare = text.normalize("NFKC").replace(/[\s-]/g, "");
  // All or nothing: caps lock turns a whole code over, a damaged letter only itself.
  return /[A-Z]/.test(bare) ? bare : bare.toUpperCase();
}

/** The code in this text, or null if it cannot be a voucher's. */
export function codeOf(text) {
  const bare = plain(text);
  return DIGITS.test(bare) || SCANNED.test(bare) ? bare : null;
}

/** Whether this is all of a scanned code, so that no Enter has to be waited for. */
export const isWhole = (text) => WHOLE.test(plain(text));

/** Digits in groups of four, as they are printed; anything else as it is. */
export function grouped(text) {
  const bare = plain(text);
  return /^\d{1,12}$/.test(bare) ? bare.replace(/(\d{4})(?=\d)/g, "$1 ") : text;
}
