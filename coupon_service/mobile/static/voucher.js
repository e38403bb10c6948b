// Keeps the QR code fresh, shows the server's time, and notices when the till has taken the voucher.
const place = document.querySelector("[data-voucher]");
const address = `/api/v1/vouchers/${place.dataset.voucher}`;
const clock = document.querySelector("[data-clock]");
const refreshMs = Number(place.dataset.refreshS) * 1000;
const goodForMs = Number(place.dataset.goodForS) * 1000;
const started = Date.now();
let drawn = started;
let busy = false;

const time = new Intl.DateTimeFormat("zh-CN", { timeStyle: "medium", timeZone: "Asia/Shanghai" });

async function redraw() {
  const asked = Date.now();
  const answer = await fetch(`${address}/qr.svg`, { signal: AbortSignal.timeout(8000) });
  if (!answer.ok) return;
  const drawing = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  place.querySelector(".qr").replaceChildren(document.importNode(drawing.documentElement, true));
  drawn = asked;
}

async function look() {
  const answer = await fetch(address, { signal: AbortSignal.timeout(8000) });
  if (answer.ok && (await answer.json()).state !== "issued") location.reload();
}

async function whenOnline(job) {
  if (busy || document.hidden) return;
  busy = true;
  try {
    await job();
  } catch {
    // No network: the till still reads this code until it expires; the next round tries again.
  }
  busy = false;
}

function tick() {
  const now = Date.now();
  clock.textContent = time.format(Number(clock.dataset.clock) + now - started);
  const stale = now - drawn > goodForMs;
  place.querySelector("[data-stale]").hidden = !stale;
  place.querySelector(".qr").classList.toggle("qr--stale", stale);
  if (now - drawn > refreshMs) whenOnline(redraw);
}

tick();
setInterval(tick, 1000);
setInterval(() => whenOnline(look), 10_000);
document.addEventListener("visibilitychange", () => whenOnline(look));
navigator.wakeLock?.request("screen").catch(() => {});
