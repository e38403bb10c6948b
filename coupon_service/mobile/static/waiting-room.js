// Keeps a place in the waiting room up to date, by the server's times, and looks at once when the
// visitor comes back to the page. What changes more than numbers is drawn by the server.
const TRIES_AGAIN_MS = 5000;
const hall = document.querySelector("[data-room]");
const turn = document.querySelector("[data-ends-in-s]");
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZone: "Asia/Shanghai",
});
const number = new Intl.NumberFormat("en");
let next;
let asking = false;

if (turn) setTimeout(() => location.reload(), Number(turn.dataset.endsInS) * 1000 + 500);
if (hall) {
  askAfter(Number(hall.dataset.askAgainS) * 1000);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  navigator.wakeLock?.request("screen").catch(() => {});
}

function askAfter(ms) {
  clearTimeout(next);
  next = setTimeout(ask, ms);
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(`/api/v1/releases/${hall.dataset.room}/waiting-room`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(8000),
    });
    if (answer.status >= 500) throw new Error(answer.status);
    if (!answer.ok) return location.reload(); // signed out, closed: the page says it
    show(await answer.json());
  } catch {
    tell(hall.querySelector("[data-trouble]").dataset.trouble);
    askAfter(TRIES_AGAIN_MS * (1 + Math.random()));
  } finally {
    asking = false;
  }
}

function show(place) {
  const known = place.standing === "lobby" || place.standing === "waiting";
  if (!known || String(place.is_sold_out) !== hall.dataset.soldOut) return location.reload();
  // A room that was lost is drawn anew: back to the lobby, which only the server can draw.
  if (place.standing === "lobby" && hall.dataset.standing !== "lobby") return location.reload();
  hall.dataset.standing = place.standing;
  for (const part of hall.querySelectorAll("[data-while]")) {
    part.hidden = part.dataset.while !== place.standing;
  }
  write("[data-people]", number.format(place.people));
  write("[data-ahead]", number.format(place.ahead ?? 0));
  write("[data-expected]", expected(place));
  const progress = hall.querySelector("[data-progress]");
  progress.max = place.given + (place.ahead ?? 0) + 1;
  progress.value = place.given;
  tell("");
  askAfter(place.ask_again_s * 1000);
}

function expected(place) {
  const words = hall.querySelector("[data-expected]").dataset;
  if (place.expected_s === null) return words.unsure;
  if (place.expected_s < 60) return words.soon;
  const at = new Date(Date.parse(place.server_time) + place.expected_s * 1000);
  return words.later
    .replace("{minutes}", Math.ceil(place.expected_s / 60))
    .replace("{time}", clock.format(at));
}

function write(where, text) {
  const place = hall.querySelector(where);
  if (place) place.textContent = text;
}

function tell(text) {
  hall.querySelector("[data-trouble]").textContent = text;
}
