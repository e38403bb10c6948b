// The service's clock, as far as this device knows it: its own, put right at every contact.

const KEPT = "till.clock";

/** `serverTime` was true somewhere between two moments of this device's clock. */
export function learn(serverTime, sentAt, heardAt) {
  localStorage.setItem(KEPT, String(Date.parse(serverTime) - (sentAt + heardAt) / 2));
}

/** Unix milliseconds. */
export const now = () => Math.round(Date.now() + Number(localStorage.getItem(KEPT) ?? 0));
