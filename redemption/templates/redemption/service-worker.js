// Opens the till without a network. See redemption/installed.py; a new version has a new name.
const SHELL = "till-shell-{{ version }}";
const PAGES = "till-pages";
const COUNTER = "/till/";
const AWAY = "/till/away";
const WAIT_MS = 3000;
const LEAVES = /^\/till\/(sign-(in|out)|pair|clerk(\/lock)?)$/;
const ASSETS = [
{%- for address in shell %}
  "{{ address }}",
{%- endfor %}
];

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const shell = await caches.open(SHELL);
      await shell.addAll(ASSETS.map((address) => new Request(address, { cache: "reload" })));
      await keepCounter(await fetch(COUNTER, { redirect: "manual" }));
      await skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys())
        if (name.startsWith("till-shell-") && name !== SHELL) await caches.delete(name);
      await clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method !== "GET") {
    if (LEAVES.test(url.pathname)) event.waitUntil(caches.delete(PAGES));
  } else if (request.mode !== "navigate") {
    if (/\/static\//.test(url.pathname)) event.respondWith(asset(request, url));
  } else if (url.pathname === COUNTER) event.respondWith(counter(event));
  else event.respondWith(fetch(request).catch(() => kept(AWAY, SHELL)));
});

// What has its hash in its address never changes; what has not is asked for while there is a network.
async function asset(request, url) {
  if (url.searchParams.has("v")) return (await kept(request, SHELL)) ?? fetch(request);
  return fetch(request).catch(async () => (await kept(request, SHELL)) ?? Response.error());
}

// The network's page; after three seconds, or without a network, the kept one.
async function counter(event) {
  const asked = fetch(event.request);
  event.waitUntil(asked.then((answer) => keepCounter(answer.clone())).catch(() => {}));
  const known = await kept(COUNTER, PAGES);
  if (!known) return asked.catch(() => kept(AWAY, SHELL));
  const late = new Promise((done) => setTimeout(done, WAIT_MS, known));
  return Promise.race([asked.catch(() => known), late]);
}

// Sent to sign in, or refused: whoever was here is here no longer.
async function keepCounter(answer) {
  if (answer.status === 200) await (await caches.open(PAGES)).put(COUNTER, answer);
  else if (answer.type === "opaqueredirect" || answer.status === 401) await caches.delete(PAGES);
}

const kept = (what, cacheName) => caches.match(what, { cacheName });
