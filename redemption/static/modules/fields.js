// The counter's fields: what they say, and what is wrong with them.
import { fenOf, tidyAmount } from "./money.js";

const ORDER_NO = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** The order as it is filled in; null, and a sentence at each wrong field, if it is none. */
export function readOrder({ amount, after_discount: afterDiscount, order_no: orderNo }, texts) {
  for (const field of [amount, afterDiscount]) field.value = tidyAmount(field.value);
  const fen = fenOf(amount.value);
  const afterDiscountFen = afterDiscount.value === "" ? undefined : fenOf(afterDiscount.value);
  const lowers = afterDiscountFen === undefined || (afterDiscountFen ?? Infinity) <= (fen ?? Infinity);
  const no = orderNo.value.trim();
  const isRight = [
    complain(orderNo, ORDER_NO.test(no) ? "" : texts.orderNoWrong),
    complain(afterDiscount, lowers ? "" : texts.afterWrong),
    complain(amount, fen ? "" : texts.amountWrong),
  ].every(Boolean);
  return isRight ? { no, fen, afterDiscountFen } : null;
}

/** Says at the field what is wrong with it, if anything is; whether nothing is. */
export function complain(field, sentence) {
  const box = field.closest(".field");
  box.querySelector(".field__error")?.remove();
  if (!sentence) {
    field.removeAttribute("aria-invalid");
    return true;
  }
  field.setAttribute("aria-invalid", "true");
  const said = document.createElement("span");
  said.className = "field__error";
  said.setAttribute("role", "alert");
  said.textContent = sentence;
  box.append(said);
  box.closest("details")?.setAttribute("open", "");
  field.focus();
  return false;
}

/** A number pad for a field with an amount. */
export function attachKeypad(pad, field) {
  pad.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  pad.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-key]")?.dataset.key;
    if (!key) return;
    field.value = tidyAmount(key === "back" ? field.value.slice(0, -1) : field.value + key);
    complain(field, "");
  });
}
