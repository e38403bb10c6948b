// The part of a page that moves by itself is fetched again until it no longer says so; then the
// whole page is. Without this module the page reloads.
const EVERY_MS = 1500;

async function look() {
  const part = document.querySelector("[data-live]");
  if (!document.hidden) {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer?.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-live]");
      if (!now) return location.reload();
      part.replaceWith(now);
    }
  }
  setTimeout(look, EVERY_MS);
}
setTimeout(look, EVERY_MS);
