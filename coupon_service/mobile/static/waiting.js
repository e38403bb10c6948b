// Keeps "how many are before you" up to date: soon after something moved, seldom while nothing does.
const place = document.querySelector("[data-waiting]");
const number = place.querySelector("[data-ahead]");
const address = `/api/v1/releases/${place.dataset.waiting}/waiting`;
const SOONEST_MS = 4_000;
const SELDOM_MS = 60_000;
let pause = SOONEST_MS;
let timer;

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(8_000) });
    if (answer.status === 401) return location.reload();
    if (answer.ok) show(await answer.json());
  } catch {
    // No network: the next round asks again.
  }
  timer = setTimeout(look, pause * (0.8 + Math.random() * 0.4));
  pause = Math.min(pause * 1.5, SELDOM_MS);
}

function show({ standing, ahead }) {
  if (standing !== place.dataset.standing) return location.reload();
  const text = ahead.toLocaleString("en");
  if (number.textContent === text) return;
  number.textContent = text;
  pause = SOONEST_MS;
}

timer = setTimeout(look, pause);
document.addEventListener("visibilitychange", () => {
  pause = SOONEST_MS;
  look();
});
