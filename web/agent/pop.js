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
 * opens takes a lock that all tabs of this origin share, looks whether the call has been opened,
 * and writes down that it has. Tabs that are not seen wait a moment, so that the pop appears where
 * the person is.
 */

export const NAMES = ['uui', 'caller', 'called', 'callID', 'correlator', 'device'];

const SEEN = 'baton.popped';
const KEPT = 200;

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

/** Has this call been opened? If not, it is now. To be called under the lock. */
function claim(storage, key) {
  let seen;
  try {
    seen = JSON.parse(storage.getItem(SEEN) ?? '[]');
  } catch {
    seen = [];
  }
  if (!Array.isArray(seen) || seen.includes(key)) {
    return !Array.isArray(seen);
  }
  storage.setItem(SEEN, JSON.stringify([...seen, key].slice(-KEPT)));
  return true;
}

/**
 * @return a promise: true in the one tab that shall open what belongs to `key`
 */
export async function once(key, { locks = globalThis.navigator?.locks,
  storage = globalThis.localStorage, hidden = globalThis.document?.hidden,
  wait = (ms) => new Promise((done) => setTimeout(done, ms)) } = {}) {
  if (hidden) {
    await wait(250);
  }
  if (locks) {
    return locks.request('baton-pop', () => claim(storage, key));
  }
  // Without secure context there are no locks: who has written last, and is still there, has it.
  const mine = `${Date.now()} ${Math.random()}`;
  storage.setItem(`${SEEN}.turn`, mine);
  await wait(80);
  return storage.getItem(`${SEEN}.turn`) === mine && claim(storage, key);
}
