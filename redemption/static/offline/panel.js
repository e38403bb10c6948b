// The counter's line about trading offline, and the contacts that keep it true.
import { contact, isAble } from "./contact.js";
import { standing } from "./offline.js";
import * as store from "./store.js";
import { yuan } from "../modules/money.js";

const AGAIN_MS = 600_000;
const SOON_MS = 15_000; // while something waits

const panel = document.querySelector("[data-offline]");
let isSuspended = false;
let timer;

async function show() {
  const now = await standing().catch(() => null);
  panel.hidden = !now || (!isSuspended && now.waiting === 0 && navigator.onLine);
  if (!now) return null;
  for (const part of panel.querySelectorAll("[data-offline-if]")) part.hidden = true;
  const say = (name, values = {}) => {
    const part = panel.querySelector(`[data-offline-if="${name}"]`);
    part.hidden = false;
    for (const slot of part.querySelectorAll("[data-slot]")) slot.textContent = values[slot.dataset.slot];
  };
  if (now.waiting) say("waiting", now);
  if (isSuspended) say("suspended");
  else if (!navigator.onLine && now.vouchers > 0 && now.fen > 0) say("ready", { ...now, fen: yuan(now.fen) });
  else if (!navigator.onLine) say("spent");
  // The page's own warning says that nothing works, which is not so.
  document.querySelector("[data-no-network]")?.toggleAttribute("data-overruled", !panel.hidden);
  return now;
}

async function refresh() {
  clearTimeout(timer);
  await show();
  // Who may not trade offline has nothing to ask, unless something is left from when they might.
  if (navigator.onLine && ("allowed" in panel.dataset || (await store.get("device")))) {
    isSuspended = false;
    await contact(() => (isSuspended = true));
  }
  const now = await show();
  timer = setTimeout(refresh, now?.waiting ? SOON_MS : AGAIN_MS);
}

if (panel && isAble) {
  addEventListener("online", refresh);
  addEventListener("offline", show);
  addEventListener("till:offline-accepted", refresh);
  refresh();
}
