// The counter: amount, scan, answer. Without this module the form is filled in and sent as it stands.
import { Card } from "./modules/card.js";
import { codeOf, grouped, isWhole } from "./modules/code.js";
import { estimate } from "./modules/decide.js";
import { feel, isMuted, mute } from "./modules/feedback.js";
import { attachKeypad, complain, readOrder } from "./modules/fields.js";
import { newOrderNo, unanswered } from "./modules/order.js";
import { Scanner } from "./modules/scanner.js";
import { settle } from "./modules/settle.js";
import { hearWedge } from "./modules/wedge.js";
import "./offline/panel.js";

const SAME_MS = 3000; // a code that is seen again within it was only held a little longer
const HELD_MS = 20_000; // so long a code waits that came before the amount
const WHOLE_MS = 150; // after the last letter of a scanner that sends no Enter
const WARM_MS = 300; // after the page, which comes first
const CONFIRMS = "till.confirms";
const CLOSED = new Set(["till-not-active", "merchant-not-active"]); // another voucher will not help

const form = document.querySelector("[data-counter]");
const { amount, after_discount: afterDiscount, order_no: orderNo } = form.elements;
const code = form.querySelector("#code");
const { texts, where, address } = JSON.parse(document.querySelector("[data-till]").content.textContent);
const isTouch = matchMedia("(pointer: coarse)").matches;
const find = (name) => form.querySelector(`[data-${name}]`);
const card = new Card(document.querySelector("[data-answer]"));
const scanner = new Scanner(find("scanner"), { texts, where, onTexts: seen });

let order = null; // once its amount is settled
let madeNo = ""; // the order number that was made here; a cashier may type another one
let basket = []; // vouchers of the order that are to be redeemed together with the next one
let held = null; // a code that came before the amount
let latest = { key: "", at: 0 };
let isBusy = false;

// Steps

function showAmount() {
  scanner.close();
  form.dataset.at = "amount";
  basket = [];
  typeByHand(false);
  code.value = "";
  if (history.state?.scanning) history.back();
  amount.focus({ preventScroll: true });
  amount.select();
}

function showScan() {
  order = readOrder(form.elements, texts);
  if (!order) return;
  order.isMade = order.no === madeNo;
  form.dataset.at = "scan";
  find("amount").textContent = amount.value;
  find("basket").hidden = basket.length === 0;
  find("count").textContent = texts.added.replace("{n}", basket.length);
  if (!history.state?.scanning) history.pushState({ scanning: true }, "");
  code.focus({ preventScroll: true });
  if (held && performance.now() - held.at < HELD_MS) deal(held.code);
  else scanner.open();
}

function nextOrder() {
  amount.value = afterDiscount.value = "";
  renumber();
  order = null;
  showAmount();
}

function renumber() {
  orderNo.value = madeNo = newOrderNo();
}

function typeByHand(isWanted) {
  form.classList.toggle("counter__form--typing", isWanted);
  // On a touch screen the field listens to scanners, and a keyboard would only be in the way.
  code.inputMode = isWanted || !isTouch ? "numeric" : "none";
  code.blur();
  if (form.dataset.at === "scan") code.focus();
}

// Codes

/** What the camera or a photo saw; whether one of the codes will do. */
function seen(found, at) {
  const [first] = found.map(codeOf).filter(Boolean);
  if (!first) scanner.say(texts.foreign);
  if (!first || isBusy || isSame(first)) return false;
  scanner.freeze();
  deal(first, { at });
  return true;
}

/** What a scanner typed, whatever is on the screen. */
function heard(text) {
  const found = codeOf(text);
  if (found && isSame(found)) return;
  if (isBusy) {
    if (found && card.isOpen) card.choose({ scanned: found });
  } else if (form.dataset.at === "scan") {
    if (found) deal(found);
    else scanner.say(texts.foreign);
  } else if (found) {
    held = { code: found, at: performance.now() };
    if (amount.value) showScan();
    else complain(amount, texts.amountFirst);
  }
}

const keyOf = (found) => `${found} ${order?.fen} ${order?.afterDiscountFen}`;
const isSame = (found) => latest.key === keyOf(found) && performance.now() - latest.at < SAME_MS;

// Answers

/** From a code to the cashier's next step. `at`: when the camera saw it. */
async function deal(found, { at, onlyTry = find("confirms").checked || basket.length > 0 } = {}) {
  if (isBusy) return;
  isBusy = true;
  held = null;
  latest = { key: keyOf(found), at: performance.now() };
  code.value = grouped(found);
  scanner.say(texts.found);
  feel("seen");
  const asked = { vouchers: [...basket, { code: found }], order };
  leave(...(await converse(asked, onlyTry ? tried : settled, at)));
}

/** Shows answers until one ends the matter: what was asked, that answer, and what the cashier chose. */
async function converse(asked, ask, at) {
  for (;;) {
    const answer = await ask(asked);
    if (answer.kind === "signed-out") await leaveForDoor();
    show(answer, asked, at);
    const choice = await card.choice();
    latest.at = performance.now();
    if (answer.kind === "check" && choice.second_check)
      asked = { ...asked, vouchers: withCheck(asked.vouchers, answer.position, choice.second_check) };
    else if (answer.kind !== "quote" || choice !== "confirm") return [asked, answer, choice];
    [ask, at] = [settled, undefined];
  }
}

const withCheck = (vouchers, position = 1, secondCheck) =>
  vouchers.map((one, index) => (index === position - 1 ? { ...one, secondCheck } : one));

const without = (vouchers, position = 1) => vouchers.filter((_, index) => index !== position - 1);

const tried = ({ vouchers, order: wanted }) => estimate(vouchers, wanted);

async function settled(asked) {
  const answer = await settle(asked, (turn) => {
    if (turn < 2) card.show("unknown", { orderNo: asked.order.no, canGiveUp: turn > 0 && asked.order.isMade });
    return card.choice();
  });
  if (answer.isNumberSpent) renumber();
  return answer;
}

function leave(asked, answer, choice) {
  isBusy = false;
  code.value = "";
  card.close();
  if (answer.kind === "yes") nextOrder();
  // The voucher is shown once more, with another code; the order stays as it is.
  else if (answer.kind === "challenge" && choice !== "back") goOn(without(asked.vouchers, answer.position));
  else if (choice === "add" || (choice.scanned && answer.kind === "quote")) goOn(asked.vouchers);
  else if (choice === "again" || choice.scanned) goOn(basket);
  else showAmount();
  if (choice.scanned) heard(choice.scanned);
}

/** Whoever signs in comes back here, and what was not answered is asked again. */
function leaveForDoor() {
  location.assign(address.counter);
  return new Promise(() => {});
}

function goOn(vouchers) {
  basket = vouchers;
  showScan();
}

function show(answer, { order: asked, vouchers }, at) {
  const { kind, slug, thresholdFen, position } = answer;
  const name = kind === "unknown" || kind === "unsent" ? "no" : kind;
  const fullFen = asked.afterDiscountFen ?? asked.fen;
  // Before or after the store's discount: only the service knows which one the threshold means.
  const missingFen = asked.afterDiscountFen === undefined ? thresholdFen - asked.fen : 0;
  const which = vouchers.length > 1 && position ? texts.nth.replace("{n}", position) : "";
  card.show(name, {
    ...answer,
    paysFen: answer.paysFen ?? fullFen,
    sentence: which + (answer.sentence ?? texts[slug ?? kind]),
    missingFen: missingFen > 0 && missingFen,
    canTryAnother: !CLOSED.has(slug),
    isKnown: !answer.isOffline, // to the service, so that it has a page
    fullFen,
    orderNo: asked.no,
    order: address.order.replace("ORDER", encodeURIComponent(asked.no)),
  });
  if (at !== undefined) performance.measure("till:frame-to-answer", { start: at });
  feel(name === "no" || answer.isWrong ? "no" : "yes");
  scanner.close();
  if (kind === "yes" || slug === "given-up") refreshRecent();
}

/** What was just done, as the server draws it. */
async function refreshRecent() {
  const page = await fetch(address.counter).then((answer) => answer.text()).catch(() => "");
  const fresh = new DOMParser().parseFromString(page, "text/html").querySelector("[data-recent]");
  if (fresh) document.querySelector("[data-recent]").replaceWith(fresh);
}

/** Redeems what is in the basket, without another one. */
async function finish() {
  isBusy = true;
  leave(...(await converse({ vouchers: basket, order }, settled)));
}

/** An answer that had not come when the page was left. */
async function resume(asked) {
  isBusy = true;
  order = asked.order;
  card.show("unknown", { orderNo: order.no });
  leave(...(await converse({ ...asked, wasLost: true }, settled)));
}

// Hands

function submit(event) {
  event.preventDefault();
  event.stopPropagation();
  if (form.dataset.at === "amount") return showScan();
  const found = codeOf(code.value);
  if (complain(code, found ? "" : texts.codeWrong))
    deal(found, event.submitter?.hasAttribute("formaction") ? { onlyTry: true } : {});
}

function listen() {
  form.addEventListener("submit", submit);
  let quiet;
  code.addEventListener("input", ({ isComposing }) => {
    clearTimeout(quiet);
    if (isComposing) return;
    code.value = grouped(code.value);
    if (isWhole(code.value)) quiet = setTimeout(() => heard(code.value), WHOLE_MS);
  });
  code.addEventListener("compositionend", () => (code.value = grouped(code.value)));
  find("back").addEventListener("click", showAmount);
  find("finish").addEventListener("click", finish);
  find("type").addEventListener("click", () =>
    typeByHand(!form.classList.contains("counter__form--typing")),
  );
  addEventListener("popstate", () => !isBusy && form.dataset.at === "scan" && showAmount());
  attachKeypad(find("keypad"), amount);
  hearWedge(heard);
}

function offerChoices() {
  const confirms = find("confirms");
  confirms.checked = localStorage.getItem(CONFIRMS) === "1";
  confirms.addEventListener("change", () => localStorage.setItem(CONFIRMS, confirms.checked ? "1" : ""));
  const sounds = find("sounds");
  sounds.checked = !isMuted();
  sounds.addEventListener("change", () => {
    mute(!sounds.checked);
    feel("yes");
  });
}

function begin() {
  form.noValidate = true;
  form.dataset.at = "amount";
  document.querySelector("main").classList.add("counter--live");
  for (const part of form.querySelectorAll("[data-live]")) part.hidden = false;
  if (isTouch) amount.inputMode = "none";
  listen();
  offerChoices();
  renumber(); // the page may be one that was kept, and its number used
  setTimeout(() => scanner.warm(), WARM_MS);
  const asked = unanswered();
  if (asked) resume(asked);
  else showAmount();
}

// A page with a verdict answers a form that was sent without this module. It is left as it is.
if (!document.querySelector(".verdict")) begin();
