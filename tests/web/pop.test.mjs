// SPDX-License-Identifier: Apache-2.0
/* Screen pops: which address, and once a call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claim, once, popUrl } from '../../web/agent/pop.js';

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

/** What all tabs share, in place of the browser's database (tests/browser has the real one). */
function shared() {
  const seen = new Set();
  return async (key) => !seen.has(key) && Boolean(seen.add(key));
}

test('of several tabs one opens, and again after a reconnect none', async () => {
  const tab = { take: shared(), hidden: false };
  const got = await Promise.all([1, 2, 3].map(() => once('1001 c1', tab)));
  assert.equal(got.filter(Boolean).length, 1);
  assert.equal(await once('1001 c1', tab), false);
  assert.equal(await once('1001 c2', tab), true);
});

test('a tab that is not seen waits, so the one that is seen opens', async () => {
  const take = shared();
  let go;
  const waiting = once('1001 c1', { take, hidden: true,
    wait: () => new Promise((done) => { go = done; }) });
  assert.equal(await once('1001 c1', { take, hidden: false }), true);
  go();
  assert.equal(await waiting, false);
});

test('a frame without storage remembers for itself', async () => {
  const refused = { open() { throw new DOMException('denied', 'SecurityError'); } };
  assert.equal(await claim('1001 c9', refused), true);
  assert.equal(await claim('1001 c9', refused), false);
  assert.equal(await claim('1001 c10', undefined), true);
});
