// What has to outlive the page: the device's key, its lease, and the chain. A write is on the disk
// before it is believed.

const NAME = "till-offline";
const KEPT = "kept"; // the device, the lease, the head of the chain, by name
const RECORDS = "records"; // by their place in the chain

function open() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore(KEPT);
      const records = asked.result.createObjectStore(RECORDS, { keyPath: "seq" });
      // A voucher, and an order number, once in all that this device remembers.
      records.createIndex("voucherId", "voucherId", { unique: true });
      records.createIndex("orderNo", "orderNo", { unique: true });
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

/**
 * Runs `work(kept, records)` in one transaction. Resolves to the result of the request it returns, if
 * it does, once what it wrote is on the disk.
 */
async function inTransaction(mode, work) {
  const database = await open();
  try {
    return await new Promise((done, failed) => {
      const transaction = database.transaction([KEPT, RECORDS], mode, { durability: "strict" });
      const asked = work(transaction.objectStore(KEPT), transaction.objectStore(RECORDS));
      transaction.oncomplete = () => done(asked?.result);
      transaction.onabort = () => failed(transaction.error);
    });
  } finally {
    database.close();
  }
}

const read = (work) => inTransaction("readonly", work);
const write = (work) => inTransaction("readwrite", work);

export const get = (name) => read((kept) => kept.get(name));
export const put = (name, value) => write((kept) => kept.put(value, name));

/** A device that is enrolled begins a chain; what another one left stays out of it. */
export const beginChain = (device, head) =>
  write((kept, records) => {
    records.clear();
    kept.delete("lease");
    kept.put(head, "head");
    kept.put(device, "device");
  });

/** Adds the next record and moves the head, both or neither. */
export const append = (record) =>
  write((kept, records) => {
    const { seq, hash, fen, acceptedAt } = record;
    records.add(record);
    kept.put({ seq, hash, fen, acceptedAt }, "head");
  });

export const recordOf = (index, value) => read((_, records) => records.index(index).get(value));
export const allRecords = () => read((_, records) => records.getAll());

/** Keeps what became of records, and forgets those that were answered before a moment. */
export const settle = (outcomes, before) =>
  write((_, records) => {
    const cursor = records.openCursor();
    cursor.onsuccess = () => {
      const at = cursor.result;
      if (!at) return;
      const record = at.value;
      const outcome = record.outcome ?? outcomes.get(record.seq);
      if (outcome && record.acceptedAt < before) at.delete();
      else if (outcome !== record.outcome) at.update({ ...record, outcome });
      at.continue();
    };
  });
