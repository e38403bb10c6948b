// A live release's numbers, asked for again and again; and the print button of a claim code's sheet.
const live = document.querySelector("[data-live]");
const PERIOD_MS = 5_000;

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(live.dataset.live, { signal: AbortSignal.timeout(4_000) });
    if (answer.ok) show(await answer.json());
  } catch {
    // No network: the next round asks again.
  }
}

function show(release) {
  const counts = {
    ...release,
    left: release.quantity - release.claimed,
    returned: release.void + release.expired,
  };
  for (const place of live.querySelectorAll("[data-count]")) {
    place.textContent = counts[place.dataset.count].toLocaleString("en");
  }
  const bar = live.querySelector("progress");
  bar.max = release.quantity;
  bar.value = release.claimed;
}

if (live) setInterval(look, PERIOD_MS);

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
