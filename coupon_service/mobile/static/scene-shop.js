// The basket adds itself up, and says what is still missing for the chosen voucher.
export function addUp(form) {
  const sum = form.querySelector("[data-sum]");
  const button = form.querySelector("button.button");
  const yuan = (fen) => (fen / 100).toFixed(2).replace(/\.00$/, "");
  const count = () => {
    const fen = [...form.querySelectorAll("[name=good]:checked")].reduce((total, one) => total + Number(one.dataset.priceFen), 0);
    const voucher = form.querySelector("[name=voucher_id]:checked");
    const shortFen = voucher ? Number(voucher.dataset.thresholdFen) - fen : 0;
    sum.hidden = false;
    sum.textContent = sum.dataset.total.replace("{a}", yuan(fen));
    if (shortFen > 0) sum.textContent += ` · ${sum.dataset.short.replace("{a}", yuan(shortFen))}`;
    button.disabled = fen === 0 || shortFen > 0;
  };
  form.addEventListener("change", count);
  count();
}

const here = document.querySelector("main [data-order]");
if (here) addUp(here);
