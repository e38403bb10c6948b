// Counts down to the server's moments by the server's clock: the phone's own may be wrong.
// data-countdown=ms data-now=ms; at zero, what carries data-from=ms appears and data-until=ms goes.
const started = Date.now();
for (const place of document.querySelectorAll("[data-countdown]")) {
  const target = Number(place.dataset.countdown);
  const ahead = target - Number(place.dataset.now);
  const tick = () => {
    const left = ahead - (Date.now() - started);
    if (left <= 0) return open(target, place);
    place.textContent = said(left, place.dataset.days);
    setTimeout(tick, (left % 1000) + 20);
  };
  tick();
}

function said(left, days) {
  const seconds = Math.ceil(left / 1000);
  if (seconds > 86400) return (days ?? "").replace("{n}", Math.floor(seconds / 86400));
  const two = (number) => String(number).padStart(2, "0");
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor).map(two).join(":");
}

function open(target, place) {
  place.textContent = place.dataset.over ?? "";
  for (const one of document.querySelectorAll(`[data-from="${target}"]`)) one.hidden = false;
  for (const one of document.querySelectorAll(`[data-until="${target}"]`)) one.hidden = true;
}
