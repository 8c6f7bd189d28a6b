// SPDX-License-Identifier: Apache-2.0
/* Screen pops: which address, and once a call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once, popUrl } from '../../web/agent/pop.js';

const HOSTS = ['crm.example', 'crm.example:8443'];
const url = (template, values, hosts = HOSTS) => popUrl(template, values, hosts).url;

test('values are encoded as one component', () => {
  assert.equal(url('https://crm.example/s?q={uui}&n={caller}', { uui: 'case 4711&x=1#f', caller: '+49' }),
    'https://crm.example/s?q=case%204711%26x%3D1%23f&n=%2B49');
  assert.equal(url('https://crm.example/r/{uui}', { uui: '../../admin' }),
    'https://crm.example/r/..%2F..%2Fadmin');
  assert.equal(url('https://crm.example/{other}', {}), 'https://crm.example/%7Bother%7D');
  assert.equal(url('https://crm.example/a/{uui}/b', { uui: '..' }), 'https://crm.example/a//b');
});

test('what is absent is empty', () => {
  assert.equal(url('https://crm.example/?q={correlator}', {}), 'https://crm.example/?q=');
});

test('only http and https, only hosts that are configured', () => {
  for (const template of ['javascript:alert(1)//{uui}', 'data:text/html,{uui}', 'file:///{uui}',
    'https://evil.example/{uui}', 'https://crm.example.evil.example/{uui}',
    'https://crm.example:444/{uui}', '{uui}', 'not an address', '//crm.example/']) {
    const got = popUrl(template, { uui: 'javascript:alert(1)' }, HOSTS);
    assert.equal(got.url, null, template);
    assert.ok(got.why.length > 10, template);
  }
  assert.ok(url('https://crm.example:8443/', {}));
  assert.ok(url('http://crm.example/', {}));
});

test('a value cannot choose the host', () => {
  for (const [template, uui] of [['https://{uui}/', 'evil.example'],
    ['https://{uui}.crm.example/', 'a'], ['https://crm.example{uui}/', ':8443'],
    ['https://{uui}@crm.example/', 'user']]) {
    assert.equal(url(template, { uui }, [...HOSTS, 'evil.example', 'x', 'a.crm.example']), null, template);
  }
});

class Storage {
  constructor() { this.map = new Map(); }
  getItem(k) { return this.map.get(k) ?? null; }
  setItem(k, v) { this.map.set(k, v); }
}

/** Web Locks in a few words: one at a time. */
function locks() {
  let last = Promise.resolve();
  return { request: (_, run) => { last = last.then(run); return last; } };
}

test('of several tabs one opens, and again after a reconnect none', async () => {
  const shared = { locks: locks(), storage: new Storage(), hidden: false };
  const got = await Promise.all([1, 2, 3].map(() => once('1001 c1', shared)));
  assert.equal(got.filter(Boolean).length, 1);
  assert.equal(await once('1001 c1', shared), false);
  assert.equal(await once('1001 c2', shared), true);
});

test('a tab that is not seen waits, so the one that is seen opens', async () => {
  const shared = { locks: locks(), storage: new Storage() };
  let go;
  const waiting = once('1001 c1', { ...shared, hidden: true,
    wait: () => new Promise((done) => { go = done; }) });
  assert.equal(await once('1001 c1', { ...shared, hidden: false }), true);
  go();
  assert.equal(await waiting, false);
});

test('without locks the last writer has it, once', async () => {
  const shared = { locks: null, storage: new Storage(), hidden: false,
    wait: () => new Promise((done) => setImmediate(done)) };
  const got = await Promise.all([1, 2, 3].map(() => once('1001 c1', shared)));
  assert.deepEqual(got, [false, false, true]);
  assert.equal(await once('1001 c1', shared), false);
});

test('what is remembered is bounded, and survives nonsense', async () => {
  const storage = new Storage();
  storage.setItem('baton.popped', 'no json');
  const shared = { locks: locks(), storage, hidden: false };
  for (let i = 0; i < 250; i++) {
    assert.equal(await once(`c${i}`, shared), true);
  }
  assert.equal(JSON.parse(storage.getItem('baton.popped')).length, 200);
});
