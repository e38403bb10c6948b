// Keeps the wallet at hand without a network. See mobile/offline.py; a new version has a new name.
const SHELL = "shell-{{ version }}";
const PAGES = "pages";
const OWNER = "/wallet/owner"; // not a page: under it we note whose pages these are
const ASSETS = [
{%- for address in shell %}
  "{{ address }}",
{%- endfor %}
];
const WAIT_MS = 3000;
const FRESH_MS = 6 * 60 * 60 * 1000; // a kept page's code works for a day
const KEPT_MAX = 40;
const KEPT = /^\/(wallet|vouchers\/[0-9a-f-]{36})$/;
let times = 0; // how often all was forgotten
const LEAVES = /^(\/api\/v1)?\/sign-(in|out)$/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(ASSETS)).then(() => skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys())
        if (name !== SHELL && name !== PAGES && !name.startsWith("till-")) await caches.delete(name);
      await clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method !== "GET") {
    if (LEAVES.test(url.pathname)) event.waitUntil(forget());
    return;
  }
  if (url.pathname.startsWith("/static/")) event.respondWith(asset(request, url));
  else if (request.mode !== "navigate") return;
  else if (KEPT.test(url.pathname)) event.respondWith(page(event, url));
  else if (!/^\/(admin|till|merchant)\b/.test(url.pathname)) event.respondWith(elsewhere(request));
});

// A page asks to be kept as it is now: it has just been given a code that works without a network.
self.addEventListener("message", (event) => {
  const { keep: path, renew } = event.data ?? {};
  if (KEPT.test(path)) event.waitUntil(renew ? renewAll(path) : keep(path));
});

// What has its hash in its address never changes; what has not is asked for while there is a network.
async function asset(request, url) {
  const kept = () => caches.match(request);
  if (url.searchParams.has("v")) return (await kept()) ?? stored(SHELL, request, await fetch(request));
  try {
    return await stored(SHELL, request, await fetch(request));
  } catch (error) {
    return (await kept()) ?? Promise.reject(error);
  }
}

// The network's page; after three seconds, or without a network, the kept one.
async function page(event, url) {
  const asked = fetch(event.request);
  event.waitUntil(asked.then((answer) => take(url, answer.clone())).catch(() => {}));
  const kept = await caches.match(url.pathname, { cacheName: PAGES });
  if (!kept) return asked.catch(async () => (await caches.match("/offline")) ?? Response.error());
  const late = new Promise((done) => setTimeout(done, WAIT_MS, kept));
  return Promise.race([asked.catch(() => kept), late]);
}

function elsewhere(request) {
  return fetch(request).catch(async () => (await caches.match("/offline")) ?? Response.error());
}

function forget() {
  times++;
  return caches.delete(PAGES);
}

async function take(url, answer) {
  const before = times;
  // Sent to sign in, or refused: whoever was here is here no longer.
  if (answer.type === "opaqueredirect" || answer.status === 401) return forget();
  const owner = answer.headers.get("{{ owner_header }}");
  if (answer.status !== 200 || !owner) return;
  const text = await answer.clone().text();
  const note = await caches.match(OWNER, { cacheName: PAGES });
  if (note && (await note.text()) !== owner) await caches.delete(PAGES);
  if (before !== times) return; // signed out while this was on its way
  const pages = await caches.open(PAGES);
  await pages.put(OWNER, new Response(owner));
  if (url.search) return; // one look at it: just claimed, just used, another shelf
  await pages.put(url.pathname, answer);
  await keepAssetsOf(text);
  if (url.pathname === "/wallet") await keepVouchersOf(text);
}

async function keep(path) {
  const answer = await fetch(path, { redirect: "manual" }).catch(() => null);
  if (answer) await take(new URL(path, location.origin), answer);
}

// The phone's key has changed: what was kept has codes of another one.
async function renewAll(path) {
  const pages = await caches.open(PAGES);
  const wallet = await pages.match("/wallet");
  for (const { url } of await pages.keys())
    if (new URL(url).pathname.startsWith("/vouchers/")) await pages.delete(url);
  await keep(path);
  if (wallet) await keep("/wallet");
}

async function keepAssetsOf(text) {
  const shell = await caches.open(SHELL);
  for (const [, address] of text.matchAll(/="(\/static\/[^"#]+)/g)) {
    const found = address.replaceAll("&amp;", "&");
    if (!(await shell.match(found))) await shell.add(found).catch(() => {});
  }
}

async function keepVouchersOf(text) {
  const pages = await caches.open(PAGES);
  const wanted = new Set(text.match(/\/vouchers\/[0-9a-f-]{36}/g));
  for (const path of [...wanted].slice(0, KEPT_MAX)) {
    const kept = await pages.match(path);
    const age = Date.now() - Date.parse(kept?.headers.get("Date") ?? 0);
    if (!kept || age > FRESH_MS) await keep(path);
  }
  for (const { url } of await pages.keys()) {
    const { pathname } = new URL(url);
    if (pathname.startsWith("/vouchers/") && !wanted.has(pathname)) await pages.delete(url);
  }
}

async function stored(name, request, answer) {
  if (answer.ok) await (await caches.open(name)).put(request, answer.clone());
  return answer;
}
