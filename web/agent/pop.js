// SPDX-License-Identifier: Apache-2.0
/*
 * Screen pops: which page is opened for a call, and that it is opened once.
 *
 * WHICH: a template like https://crm.example/search?q={uui}&from={caller}. What comes from a call
 * was said by whoever calls, so it is never trusted: each value is encoded as one component, the
 * scheme has to be http or https, the host one of those that are configured, and the value must
 * not be able to change scheme, host, port or user of the address.
 *
 * ONCE: several tabs may show the bar, and a stream that reconnects tells of a call again. Who
 * opens writes the call down first, in a database that all tabs of this origin share: its
 * transactions let one of them add a key. (localStorage will not do, not even under a lock: a
 * browser brings what one tab has written to the others when it likes.) Tabs that are not seen
 * wait a moment, so that the pop appears where the person is. Where a browser gives a frame no
 * storage, it remembers for itself.
 */

export const NAMES = ['uui', 'caller', 'called', 'callID', 'correlator', 'device'];

const STORE = 'popped';
const KEPT_MS = 24 * 3600 * 1000; // calls are not taken up again after that
const mine = new Set();

/** @return the address, or null with a reason in `why` */
export function popUrl(template, values, hosts) {
  const put = (value) => template.replace(/\{([A-Za-z]+)\}/g, (all, name) =>
    (NAMES.includes(name) ? encodeURIComponent(value(name)).replace(/^\.{1,2}$/, '') : all));
  let plain;
  let url;
  try {
    plain = new URL(put(() => 'x'));
    url = new URL(put((name) => String(values[name] ?? '')));
  } catch {
    return { url: null, why: 'The template of the screen pop is no address.' };
  }
  if (!['http:', 'https:'].includes(url.protocol)) {
    return { url: null, why: `The screen pop may not open ${url.protocol} addresses.` };
  }
  if (plain.origin !== url.origin || url.username || url.password) {
    return { url: null, why: 'A placeholder may not stand in the host of the screen pop.' };
  }
  if (!hosts.includes(url.host)) {
    return { url: null, why: `${url.host} is not among the hosts that a screen pop may open.` };
  }
  return { url: url.href, why: '' };
}

function database(indexedDB) {
  return new Promise((done, fail) => {
    const request = indexedDB.open('baton-agent', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE).createIndex('at', '');
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

/** Add `key`, forget what is old. @return a promise: false when it is there already */
function add(db, key) {
  return new Promise((done, fail) => {
    const transaction = db.transaction(STORE, 'readwrite');
    const store = transaction.objectStore(STORE);
    let fresh = true;
    const old = store.index('at').openKeyCursor(IDBKeyRange.upperBound(Date.now() - KEPT_MS));
    old.onsuccess = () => {
      if (old.result) {
        store.delete(old.result.primaryKey);
        old.result.continue();
      }
    };
    store.add(Date.now(), key).onerror = (e) => {
      fresh = e.target.error.name !== 'ConstraintError';
      if (!fresh) {
        e.preventDefault(); // the transaction goes on
        e.stopPropagation();
      }
    };
    transaction.oncomplete = () => done(fresh);
    transaction.onabort = () => fail(transaction.error);
  });
}

/** @return a promise: true for the first who asks for `key`, in whichever tab */
export async function claim(key, indexedDB = globalThis.indexedDB) {
  let db;
  try {
    db = await database(indexedDB);
    return await add(db, key);
  } catch { // no storage for us
    const fresh = !mine.has(key);
    mine.add(key);
    return fresh;
  } finally {
    db?.close();
  }
}

/**
 * @return a promise: true in the one tab that shall open what belongs to `key`
 */
export async function once(key, { take = claim, hidden = globalThis.document?.hidden,
  wait = () => new Promise((done) => setTimeout(done, 250)) } = {}) {
  if (hidden) {
    await wait();
  }
  return take(key);
}
