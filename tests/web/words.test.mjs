// SPDX-License-Identifier: Apache-2.0
/* What callers say is shown, and may not turn, hide or flood; what a token may do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rights } from '../../web/console/rights.js';
import { brief, visible, words } from '../../web/console/ui/dom.js';

test('what shows nothing, or turns a line, is a mark', () => {
  assert.equal(visible('a\u202eb\u2066c\u200fd\ufeffe\u200bf'), 'a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf');
  assert.equal(visible('\u0000\u001b[2J\u007f\u0085'), '\u2400\u241b[2J\ufffd\ufffd');
});

test('what is written in any language stays as it is', () => {
  for (const text of ['case 4711\n\tè', '\u05d0\u05d1', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645',
    '\u{1f469}\u200d\u{1f4bb}']) {
    assert.equal(visible(text), text);
  }
});

test('what is long is cut between characters', () => {
  assert.equal(brief('abc', 3), 'abc');
  assert.equal(brief('abcd', 3), 'ab…');
  assert.equal(brief('\u{1f469}'.repeat(9), 3), '\u{1f469}\u{1f469}…');
});

test('a problem is a sentence, with its codes', () => {
  assert.equal(words({ message: 'the call is gone', csta: { category: 'operation', value: 'invalidCallID' },
    sip: 481 }), 'The call is gone (operation/invalidCallID, SIP 481)');
});

test('scopes of control, as docs/access.md has them', () => {
  const none = new Rights({ scopes: ['observe:*'] });
  assert.equal(none.commands || none.admin || none.controls('1001'), false);
  const some = new Rights({ scopes: ['observe:*', 'control:10*', 'control:2001@example.com'] });
  assert.ok(some.commands && some.controls('1001') && some.controls('sip:1002@example.com'));
  assert.ok(some.controls('sip:2001@example.com') && !some.controls('sip:2001@example.org'));
  assert.ok(!some.controls('3001') && !some.controls('sip:21001@example.com'));
  assert.ok(new Rights({ admin: true, scopes: ['admin'] }).controls('3001'));
});
