// Contact with the service: enrol, bring in what was accepted, and get a lease for the next time.
// One contact at a time, in however many tabs; whatever fails is tried again at the next one.
import { joined, fromHex, fromText, toHex } from "./bytes.js";
import { EMPTY } from "./chain.js";
import * as clock from "./clock.js";
import { compressed, newKeys, signed } from "./ecdsa.js";
import * as store from "./store.js";

const BATCH = 20;
const TIME_OUT_MS = 8000;
const REMEMBER_MS = 48 * 3_600_000; // as long as any code that was shown could be shown again
const LOCK = "till-offline-contact";
const SUSPENDED = "offline-suspended";
const UNKNOWN = "offline-device-not-found";
const LEASE_DOMAIN = joined(fromText("coupon-offline-lease"), Uint8Array.of(1));

/** Whether this browser can trade offline at all. */
export const isAble = Boolean(globalThis.isSecureContext && globalThis.indexedDB && navigator.locks);

/** Brings everything up to date. Resolves whatever happens; `hear` is told of a suspension. */
export const contact = (hear) => navigator.locks.request(LOCK, () => talk(hear)).catch(() => {});

async function talk(hear) {
  let device = await store.get("device");
  if (!device || device.isClosed) device = await enrol(hear);
  if (!device) return;
  const over = await bringIn(device);
  if (over) return leave(device, over, hear);
  const head = await store.get("head");
  const sentAt = Date.now();
  const said = await ask("leases", { device_id: device.id, seq: head.seq, hash: toHex(head.hash) });
  if (isOver(said)) return leave(device, said.slug, hear);
  if (said.text) {
    clock.learn(Date.parse(said.server_time), sentAt, Date.now());
    await keep(said);
  }
}

async function enrol(hear) {
  const allowed = await ask("");
  if (!allowed.is_allowed) return null;
  // Asked for once: browsers otherwise clear storage when the disk is full.
  await navigator.storage?.persist?.();
  const keys = await newKeys();
  const said = await ask("devices", { public_key: toHex(await compressed(keys.publicKey)) });
  if (said.slug === SUSPENDED) hear();
  if (!said.device_id) return null;
  const device = { id: said.device_id, keys };
  await store.beginChain(device, EMPTY);
  return device;
}

/** The slug of why the device counts no longer, if so. */
async function bringIn(device) {
  for (;;) {
    const waiting = (await store.allRecords()).filter((record) => !record.outcome).slice(0, BATCH);
    if (!waiting.length) return null;
    const records = waiting.map(({ body, signature }) => ({ body: toHex(body), signature: toHex(signature) }));
    const said = await ask("batches", { device_id: device.id, records });
    if (isOver(said)) return said.slug;
    if (!said.records) throw new Error(said.slug);
    const outcomes = new Map(said.records.map(({ seq, outcome, slug }) => [seq, { outcome, slug }]));
    await store.settle(outcomes, clock.now() - REMEMBER_MS);
    if (said.is_suspended) return SUSPENDED;
  }
}

const isOver = ({ slug }) => slug === SUSPENDED || slug === UNKNOWN;

// Without a lease it accepts nothing. An unknown device may be that of another till that this browser
// was: what it has accepted waits until the browser is that till again.
async function leave(device, slug, hear) {
  await store.put("lease", null);
  const isWaiting = (await store.allRecords()).some((record) => !record.outcome);
  if (slug === UNKNOWN && isWaiting) return;
  await store.put("device", { ...device, isClosed: true });
  if (slug === SUSPENDED) hear();
}

/** A lease counts once its signature holds. */
async function keep(said) {
  const terms = JSON.parse(said.text);
  const lease = { text: said.text, kid: said.kid, signature: fromHex(said.signature), words: said.words };
  if (await isGenuine(lease, terms)) await store.put("lease", lease);
}

async function isGenuine({ text, kid, signature }, { keys }) {
  return keys[kid] && signed(fromHex(keys[kid]), joined(LEASE_DOMAIN, fromText(text)), signature);
}

/** The lease as it was signed, with its words; null if there is none, or it was tampered with. */
export async function currentLease() {
  const kept = await store.get("lease");
  if (!kept) return null;
  const terms = JSON.parse(kept.text);
  if (!(await isGenuine(kept, terms))) return null;
  const keys = Object.fromEntries(Object.entries(terms.keys).map(([kid, point]) => [kid, fromHex(point)]));
  return { ...terms, keys, words: kept.words };
}

async function ask(path, body) {
  const late = AbortSignal.timeout(TIME_OUT_MS);
  const answer = await fetch(`/api/v1/offline${path && `/${path}`}`, {
    method: body ? "POST" : "GET",
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
    signal: late,
  });
  return answer.json();
}
