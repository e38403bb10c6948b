// Checks, in the visitor's own browser, that their entry is under the published root (RFC 6962), and
// that its lot stands where the result says. docs/lottery.md describes every byte.
const place = document.querySelector("[data-draw-check]");
const { salt, id, path, position, size, root, seed, cut, won } = place.dataset;
const results = place.querySelector("[data-results]");
const start = place.querySelector("[data-start]");

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (one) => one.toString(16).padStart(2, "0")).join("");
const sha256 = async (...hexes) => hex(await crypto.subtle.digest("SHA-256", bytes(hexes.join(""))));

// The path's walk of RFC 9162, section 2.1.3.2. A browser counts exactly far beyond any draw.
async function rootFrom(leaf) {
  let at = Number(position);
  let last = Number(size) - 1;
  let found = leaf;
  for (const sibling of path.split(" ").filter(Boolean)) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      found = await sha256("01", sibling, found);
      while (at > 0 && at % 2 === 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      found = await sha256("01", found, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? found : null;
}

function say(sentence, good) {
  const line = document.createElement("p");
  line.className = good ? "" : "bad";
  line.textContent = sentence;
  results.append(line);
}

async function check() {
  results.replaceChildren();
  const leaf = await sha256("00", salt, id);
  const isIn = (await rootFrom(leaf)) === root;
  say(isIn ? results.dataset.in.replace("{n}", Number(position) + 1) : results.dataset.out, isIn);
  if (!cut) return;
  // Hex of one length: the order of the texts is the order of the numbers.
  const isLow = (await sha256("02", seed, leaf)) <= cut;
  const agrees = isLow === (won === "1");
  say(agrees ? (isLow ? results.dataset.wonText : results.dataset.lostText) : results.dataset.wrongText, agrees);
}

if (globalThis.crypto?.subtle) {
  start.hidden = false;
  start.addEventListener("click", () => check().catch(() => say(results.dataset.unable, false)));
} else {
  say(results.dataset.unable, false); // an address without https
}
