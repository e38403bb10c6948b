// The counter to learn at: the scanner and the answers of the real one. Without this module the form
// is sent as it stands.
import { Card } from "./modules/card.js";
import { feel } from "./modules/feedback.js";
import { complain } from "./modules/fields.js";
import { fenOf, tidyAmount } from "./modules/money.js";
import { Scanner } from "./modules/scanner.js";
import { hearWedge } from "./modules/wedge.js";

const form = document.querySelector("[data-practice]");
const { amount } = form.elements;
const code = form.querySelector("#code");
const texts = JSON.parse(document.querySelector("[data-texts]").textContent);
const dialog = document.querySelector("[data-answer]");
const card = new Card(dialog);
const box = form.querySelector("[data-scanner]");
const scanner = new Scanner(box, {
  texts,
  where: texts,
  onTexts: ([first]) => {
    scanner.freeze();
    scan(first);
    return true;
  },
});

async function scan(text) {
  if (card.isOpen) return;
  amount.value = tidyAmount(amount.value);
  const orderFen = fenOf(amount.value);
  if (!complain(amount, orderFen ? "" : texts.amountWrong)) return scanner.close();
  const answer = await fetch(`${location.pathname}/redemptions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ code: text, order_fen: orderFen }),
  });
  if (answer.status === 403) return location.reload(); // nobody is on duty any more
  show(answer.ok, orderFen, await answer.json());
  await card.choice();
  card.close();
  code.value = "";
  if (answer.ok) amount.value = "";
  amount.focus();
}

function show(isYes, fullFen, said) {
  card.show(isYes ? "yes" : "no", {
    fullFen,
    paysFen: said.customer_pays_fen ?? fullFen,
    offFen: said.discount_fen,
    sentence: said.detail,
    slug: said.slug,
    thresholdFen: said.threshold_fen,
    missingFen: said.threshold_fen - fullFen,
  });
  for (const link of dialog.querySelectorAll("a")) link.remove(); // there is no order to look at
  const mark = document.createElement("p");
  mark.className = "answer__practice";
  mark.textContent = texts.practice; // nobody must take this answer for a real one
  dialog.querySelector(".answer__say").prepend(mark);
  scanner.close();
  feel(isYes ? "yes" : "no");
}

box.hidden = false;
form.noValidate = true;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (complain(code, code.value.trim() ? "" : texts.codeWrong)) scan(code.value);
});
for (const one of document.querySelectorAll("[data-practice-code]"))
  one.addEventListener("click", (event) => {
    event.preventDefault();
    complain(code, "");
    scan(one.value);
  });
hearWedge(scan);
