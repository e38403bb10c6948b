// The number that a till gives for a large voucher. Typed here, it is signed together with the code
// for a while: whoever holds this phone hears the till.

const DIGITS = 4;

// Whose answer is the number to be signed, null if there is none; `renew` is told when it changes.
export function hearNumber(box, renew) {
  if (!box) return () => null; // not a large voucher
  const goodForMs = Number(box.dataset.goodForS) * 1000;
  const [asking, field] = [box.querySelector("details"), box.querySelector("input")];
  const said = box.querySelector("[data-said]");
  let heard = null;
  let over;

  function hear(number) {
    clearTimeout(over);
    heard = number;
    asking.hidden = number !== null;
    asking.open = false;
    said.hidden = number === null;
    said.querySelector("b").textContent = number ?? "";
    field.value = "";
    field.blur(); // the keyboard would be in front of the code
    if (number !== null) over = setTimeout(() => hear(null), goodForMs);
    renew(number);
  }

  field.addEventListener("input", () => {
    const digits = field.value.normalize("NFKC").replace(/\D/g, "").slice(0, DIGITS);
    if (digits.length === DIGITS) hear(digits);
  });
  asking.addEventListener("toggle", () => {
    if (!asking.open) return;
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
  said.querySelector("button").addEventListener("click", () => {
    hear(null);
    asking.open = true;
  });
  return () => (heard === null ? null : Number(heard));
}
