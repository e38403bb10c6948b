// This phone, as far as one resident is concerned: a key that cannot leave the browser, a counter
// that never goes back, and how far the phone's clock is from the service's.
import { compressed } from "./voucher-proof.js";

const NAME = "coupon-phone";
const STORE = "phones";
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

// The phone, its key made when there is none; null where the browser cannot keep one.
export async function openPhone(resident) {
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return null;
  try {
    const database = await opened();
    const kept = (await read(database, resident)) ?? (await made(database, resident));
    return new Phone(database, kept);
  } catch {
    return null; // a private window, or a browser that cannot store keys
  }
}

class Phone {
  constructor(database, kept) {
    this.database = database;
    this.resident = kept.resident;
    this.publicKey = kept.publicKey;
    this.privateKey = kept.privateKey;
    this.ahead = kept.ahead; // ms by which the service's clock is ahead of ours
  }

  now() {
    return Date.now() + this.ahead;
  }

  async setClock(ahead) {
    this.ahead = ahead;
    await this.change((kept) => ({ ...kept, ahead }));
  }

  // Two pages may ask at once; the database hands out each number once.
  async nextCounter(second) {
    const kept = await this.change((was) => ({ ...was, counter: Math.max(was.counter + 1, second) }));
    return kept.counter;
  }

  change(edit) {
    return new Promise((done, failed) => {
      const work = this.database.transaction(STORE, "readwrite");
      const store = work.objectStore(STORE);
      let kept;
      store.get(this.resident).onsuccess = (event) => {
        kept = edit(event.target.result);
        store.put(kept);
      };
      work.oncomplete = () => done(kept);
      work.onerror = work.onabort = () => failed(work.error);
    });
  }
}

async function made(database, resident) {
  const keys = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  const fresh = {
    resident,
    privateKey: keys.privateKey,
    publicKey: compressed(raw),
    counter: 0,
    ahead: 0,
  };
  // Ask that the key outlives a full disk. Another page may have made one meanwhile: that one holds.
  navigator.storage?.persist?.().catch(() => {});
  await new Promise((done) => {
    const work = database.transaction(STORE, "readwrite");
    work.objectStore(STORE).add(fresh).onerror = (event) => event.preventDefault();
    work.oncomplete = work.onabort = done;
  });
  return read(database, resident);
}

function opened() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "resident" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => failed(asked.error);
  });
}

function read(database, resident) {
  return new Promise((done, failed) => {
    const asked = database.transaction(STORE).objectStore(STORE).get(resident);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}
