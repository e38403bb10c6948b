// The order at hand: its number is made once, and kept until it is answered.

const KEPT = "till.order";
const DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }); // 2022-06-18

/** The day, and 32 random bits: as the service makes them for a counter without a system of its own. */
export function newOrderNo() {
  const day = DAY.format().slice(2).replaceAll("-", "");
  const bits = crypto.getRandomValues(new Uint8Array(4));
  return `${day}-${Array.from(bits, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** What was asked and is not answered: `{ vouchers, order }`. It outlives a reload of the page. */
export const keep = (asked) => sessionStorage.setItem(KEPT, JSON.stringify(asked));
export const forget = () => sessionStorage.removeItem(KEPT);
export const unanswered = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
