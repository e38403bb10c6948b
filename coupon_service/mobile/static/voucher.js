// One voucher at the till. Draws a new code every few seconds, signed by this phone, with or without
// a network; notices when the till has taken it. Without this module the server's drawing remains.
import { hearNumber } from "./voucher-challenge.js";
import { openPhone } from "./voucher-phone.js";
import { phoneKeyIn, prove } from "./voucher-proof.js";

const place = document.querySelector("[data-voucher]");
const texts = place.dataset;
const address = `/api/v1/vouchers/${texts.voucher}`;
const everyMs = Number(texts.everyS) * 1000;
// The same as the server draws (vouchers/qr.py): trying all versions and masks takes far longer.
const LEVEL_1 = 9;
const LEVEL_2 = 11;
const MASK = 3;
const ANSWER_WITHIN_MS = 8000;
const LOOK_EVERY_MS = [2000, 30000]; // at first, and after a while without news
const clockText = new Intl.DateTimeFormat("zh-CN", { timeStyle: "medium", timeZone: "Asia/Shanghai" });
const minuteText = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
  timeZone: "Asia/Shanghai",
});

const patience = () => AbortSignal.timeout?.(ANSWER_WITHIN_MS); // browsers before 2022 wait longer
const part = (name) => place.querySelector(`[data-${name}]`);
let library = null;
let phone = null;
let shown = {
  token: texts.token || null,
  goodUntil: Number(texts.goodUntil),
  usableFrom: Number(texts.usableFrom) || 0,
  phoneKey: texts.phoneKey || null,
};
let drawnAt = 0;
let pause = LOOK_EVERY_MS[0];
let looking = null;
let busy = false;

// What this page is, by whose key is in the token.
function standing() {
  const now = phone ? phone.now() : Date.now();
  const mine = phone !== null && shown.phoneKey === phone.publicKey;
  if (shown.phoneKey && !mine) return "elsewhere";
  if (mine && (!shown.token || shown.usableFrom > now)) return "cooling";
  if (!shown.token || shown.goodUntil <= now) return "stale";
  return phoneKeyIn(shown.token) ? "proving" : "plain";
}

async function draw() {
  const state = standing();
  place.dataset.standing = state;
  for (const panel of place.querySelectorAll("[data-when]"))
    panel.hidden = !panel.dataset.when.split(" ").includes(state);
  if (state === "cooling") waitUntilUsable();
  if (state !== "proving" && state !== "plain") return;
  let text = shown.token;
  const number = tillNumber();
  if (state === "proving") {
    const second = Math.floor(phone.now() / 1000);
    const counter = await phone.nextCounter(second);
    text = await prove(shown.token, phone.privateKey, second, counter, number);
  }
  library ??= await import(texts.library);
  paint(library, text, state === "proving" ? LEVEL_2 : LEVEL_1);
  if (state === "proving") keepAtHand();
  drawnAt = number === tillNumber() ? Date.now() : 0; // another one was heard meanwhile
  const ring = part("ring");
  ring.replaceWith(ring.cloneNode(true)); // begins its turn anew
}

// Has this page kept for when there is no network; all of them, if their codes were another phone's.
let kept = null;
function keepAtHand() {
  if (kept === shown.phoneKey) return;
  const renew = shown.phoneKey !== (kept ?? texts.phoneKey) || !texts.token;
  kept = shown.phoneKey;
  navigator.serviceWorker?.ready.then(({ active }) =>
    active?.postMessage({ keep: location.pathname, renew }),
  );
}

let waking = null;
function waitUntilUsable() {
  part("usable-at").textContent = minuteText.format(shown.usableFrom + 59_999); // rounded up
  waking ??= setTimeout(() => lookOn(true), Math.max(shown.usableFrom - phone.now(), 0));
}

function paint({ generate, correction }, text, version) {
  const code = generate(text, {
    minVersion: version,
    maxVersion: version,
    minCorrectionLevel: correction.M,
    maxCorrectionLevel: correction.M,
    mask: MASK,
  });
  const quiet = 4;
  const side = code.size + 2 * quiet;
  let path = "";
  for (let y = 0; y < code.size; y++)
    for (let x = 0; x < code.size; x++) {
      const start = x;
      while (x < code.size && code.get(x, y)) x++;
      if (x > start) path += `M${start + quiet} ${y + quiet}h${x - start}v1h-${x - start}z`;
    }
  const drawing = new DOMParser().parseFromString(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">` +
      `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path}"/></svg>`,
    "image/svg+xml",
  );
  part("qr").replaceChildren(document.importNode(drawing.documentElement, true));
}

// Asks how the voucher stands, which also sets the clock and brings a fresh token.
async function look() {
  const asked = Date.now();
  const answer = await fetch(address, { signal: patience() });
  if (answer.status === 401 || answer.status === 404) return location.reload();
  if (!answer.ok) throw new Error("no answer");
  const found = await answer.json();
  if (found.state === "redeemed") return location.replace(`${location.pathname}?used=1`);
  if (found.state !== "issued") return location.reload();
  await learn(found, asked);
  await bindFirst();
}

async function learn(found, asked) {
  const ahead = Date.parse(found.server_time) - (asked + Date.now()) / 2;
  if (phone && Math.abs(ahead - phone.ahead) > 500) {
    drawnAt = 0; // signed by a wrong clock
    await phone.setClock(ahead);
  }
  const before = standing();
  shown = {
    token: found.token ?? null,
    goodUntil: Date.parse(found.token_expires_at ?? 0),
    usableFrom: Date.parse(found.phone_usable_from ?? 0),
    phoneKey: found.phone_key ?? null,
  };
  part("digits").textContent = (found.typed_code ?? "").replace(/(\d{4})(?=\d)/g, "$1 ");
  if (standing() !== before || standing() === "plain") drawnAt = 0;
}

// Nobody's phone yet: this one becomes it, without a question.
async function bindFirst() {
  if (!phone || shown.phoneKey) return;
  if ((await bind(false)).ok) await look();
}

function bind(replace) {
  return fetch("/api/v1/phone-keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ public_key: phone.publicKey, replace }),
    signal: patience(),
  });
}

async function useThisPhone(event) {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const answer = await bind(true);
    if (answer.ok) {
      await look();
      await draw();
      dialog(false);
      return;
    }
    part("refusal").textContent = (await answer.json()).detail;
  } catch {
    part("refusal").textContent = texts.noNetwork;
  } finally {
    button.disabled = false;
  }
}

function dialog(open) {
  const box = part("dialog");
  part("refusal").textContent = "";
  if (!box.showModal) box.toggleAttribute("open", open); // browsers before 2022
  else if (open) box.showModal();
  else box.close();
}

async function whenSeen(job) {
  if (busy || document.hidden) return;
  busy = true;
  try {
    await job();
    part("offline").hidden = true;
  } catch {
    part("offline").hidden = false; // goes on by itself, with the phone's own signature
  }
  busy = false;
}

function lookOn(soon) {
  clearTimeout(looking);
  if (soon) pause = LOOK_EVERY_MS[0];
  looking = setTimeout(async () => {
    await whenSeen(look);
    await turn();
    pause = Math.min(pause * 1.3, LOOK_EVERY_MS[1]);
    if (!document.hidden) lookOn(false);
  }, pause);
}

let turning = false;
async function turn() {
  if (turning || document.hidden) return;
  turning = true;
  const now = phone ? phone.now() : Date.now();
  part("clock").textContent = clockText.format(now);
  if (Date.now() - drawnAt >= everyMs || place.dataset.standing !== standing()) await draw().catch(() => {});
  turning = false;
}

function stayAwake() {
  if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
}

for (const button of place.querySelectorAll("[data-ask]")) button.addEventListener("click", () => dialog(true));
for (const button of place.querySelectorAll("[data-leave]")) button.addEventListener("click", () => dialog(false));
part("use").addEventListener("click", useThisPhone);
const tillNumber = hearNumber(part("challenge"), (number) => {
  drawnAt = 0;
  turn();
  if (number !== null) part("qr").scrollIntoView({ block: "center" });
});
addEventListener("online", () => lookOn(true));
document.addEventListener("visibilitychange", () => {
  stayAwake();
  turn();
  lookOn(true);
});
start();

async function start() {
  phone = await openPhone(texts.viewer);
  for (const button of place.querySelectorAll("[data-ask]")) button.hidden = phone === null;
  await turn();
  await whenSeen(look);
  await turn();
  setInterval(turn, 1000);
  stayAwake();
  lookOn(true);
}
