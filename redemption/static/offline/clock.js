// The service's clock, as far as this device knows it: its own, put right at every contact.

const KEPT = "till.clock";

const SURE_MS = 4000;

/** The service's time was `there` at some moment between two of this device; a slow answer tells little. */
export function learn(there, sentAt, heardAt) {
  const isKnown = localStorage.getItem(KEPT) !== null;
  if (isKnown && heardAt - sentAt > SURE_MS) return;
  localStorage.setItem(KEPT, String(there - (sentAt + heardAt) / 2));
}

/** Unix milliseconds. */
export const now = () => Math.round(Date.now() + Number(localStorage.getItem(KEPT) ?? 0));
