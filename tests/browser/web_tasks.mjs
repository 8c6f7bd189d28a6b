// SPDX-License-Identifier: Apache-2.0
/* What an operator or a developer does in the console, with real calls. */
import assert from 'node:assert/strict';
import { userData } from '../../web/client/baton.js';
import { download, SIP, TOKEN, URL_ } from './kit.mjs';
import { Trunk } from './trunk.mjs';

const call = (page, name) => page.getByRole('group', { name: `Party ${name}` });

/** A call appears without a reload, is held, retrieved, transferred and cleared from the page. */
export async function call_from_the_console(kit) {
  const page = await kit.console();
  await page.getByText('No calls at the moment').waitFor();
  await page.getByRole('button', { name: 'Make a call' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('From device').fill('1001');
  await dialog.getByLabel('To', { exact: true }).fill('1002');
  await dialog.getByLabel('Context').fill('case 4711');
  await dialog.getByRole('button', { name: 'Call' }).click();
  const row = page.getByRole('row', { name: /1001 → 1002/ });
  await row.getByText('case 4711').waitFor();
  await row.getByText('talking').waitFor();
  await kit.api.makeCall('1003', '1004', { autoOriginate: 'doNotPrompt',
    userData: userData('order 12') });
  await page.getByRole('row', { name: /1003 → 1004/ }).getByText('ringing').waitFor();
  await kit.shot(page, 'calls');
  await kit.api.clear((await kit.callOf('1004')).connections[0]);
  await page.getByRole('row', { name: /1003 → 1004/ }).waitFor({ state: 'hidden' });
  await row.getByRole('link').click();
  await page.getByRole('heading', { name: 'Call', level: 1 }).waitFor();
  await call(page, '1001').getByRole('button', { name: 'Hold' }).click();
  await call(page, '1001').getByText('on hold').waitFor();
  await call(page, '1001').getByRole('button', { name: 'Retrieve' }).click();
  await call(page, '1001').getByText('talking').waitFor();
  await call(page, '1002').getByRole('button', { name: 'Transfer' }).click();
  await dialog.getByLabel('To', { exact: true }).fill('1003');
  await dialog.getByRole('button', { name: 'Transfer' }).click();
  await call(page, '1003').getByText('talking').waitFor();
  await kit.shot(page, 'call');
  await call(page, '1003').getByRole('button', { name: 'Hang up' }).click();
  await page.getByText('ended', { exact: true }).waitFor();
}

/** The ladder: SIP, CSTA and API on one axis; UUI at each hop; text of a message; exports. */
export async function ladder(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt',
    userData: userData('case 4711') });
  const c = await kit.callOf('1002', (x) => x.answered);
  const page = await kit.console(`#/calls/${encodeURIComponent(c.callID)}`);
  const messages = page.getByRole('list', { name: 'Messages of the call in order of time' });
  const invite = messages.getByRole('button', { name: /sip.*to 1002.*INVITE/i }).first();
  await invite.waitFor();
  await invite.getByText('“case 4711”').waitFor();
  await messages.getByRole('button', { name: /api/i }).first().waitFor();
  await messages.getByRole('button', { name: /csta/i }).first().waitFor();
  await invite.click();
  assert.equal(await invite.getAttribute('aria-expanded'), 'true');
  await messages.getByText('User-to-User: 04').first().waitFor();
  await kit.axeOf(page, 'an open message');
  const before = await messages.getByRole('button', { name: /sip/i }).count();
  assert.ok(before >= 6, `${before} SIP messages`);
  await page.getByRole('button', { name: 'SIP', exact: true }).click();
  assert.equal(await messages.getByRole('button', { name: /^\+.*sip/i }).count(), 0);
  await page.getByRole('button', { name: 'SIP', exact: true }).click();
  const hops = page.getByRole('table', { name: 'User-to-User at each hop' });
  await hops.getByRole('row', { name: /baton → 1002.*case 4711/i }).first().waitFor();
  const pcap = await download(page, () => page.getByRole('button', { name: 'pcap' }).click());
  assert.match(pcap.name, /\.pcap$/);
  assert.ok([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a].includes(
    pcap.octets.readUInt32BE(0)), 'a capture');
  assert.ok(pcap.octets.includes('INVITE sip:'), 'with the INVITE');
  const svg = await download(page, () => page.getByRole('button', { name: 'SVG' }).click());
  assert.match(svg.octets.toString(), /<svg[\s\S]*INVITE/);
  await page.getByRole('button', { name: 'CSTA', exact: true }).click();
  await page.getByRole('button', { name: 'CSTA', exact: true }).click();
  await kit.api.clear(c.connections.find((x) => x.number === '1001'),
    { userData: userData('solved') });
  await messages.getByText('UUI new here: “solved”').first().waitFor();
  await hops.getByRole('row', { name: /solved/ }).getByText('new here').waitFor();
  await messages.scrollIntoViewIfNeeded();
  await page.evaluate(() => {
    const box = document.querySelector('.ladder-box');
    box.scrollTop = 0;
    box.scrollIntoView();
  });
  await kit.shot(page, 'ladder');
}

/**
 * Where Baton itself changes User-to-User: a rule that puts a key of ours in the place of one from
 * outside, a neighbour's dialect, an application that says something new. Each is marked with what
 * it was before, decoded, in the ladder, in the table, in the picture, and is said aloud.
 */
export async function ladder_of_changes(kit) {
  const trunk = await Trunk.start(Number(process.env.BATON_TRUNK_PORT ?? 5199), SIP);
  try {
    trunk.dial('1001', ['User-to-User: 48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui',
      'User-to-User: outside-3;purpose=crm;encoding=text']);
    const c = await kit.callOf('1001', (x) => x.answered);
    const page = await kit.console(`#/calls/${encodeURIComponent(c.callID)}`);
    const messages = page.getByRole('list', { name: 'Messages of the call in order of time' });
    const invite = messages.getByRole('button', { name: /from Baton to 1001 ?INVITE/ }).first();
    await invite.getByText('UUI changed here: “inside-7”, was “outside-3”').waitFor();
    await invite.getByText('UUI written otherwise here: “Hello”, was User-to-User ' +
      '48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui').waitFor();
    const hops = page.getByRole('table', { name: 'User-to-User at each hop' });
    const key = hops.getByRole('row', { name: /1001.*“inside-7”, was “outside-3”/ });
    await key.getByText('changed here').waitFor();
    await key.getByText(/our own key/).waitFor();
    await hops.getByRole('row', { name: /Hello.*written otherwise here.*genesys-pd/ }).waitFor();
    await page.getByRole('status').filter({ hasText: /User-to-User changed at \d hops/ }).waitFor();
    await kit.axeOf(page, 'a ladder with changes');
    const svg = await download(page, () => page.getByRole('button', { name: 'SVG' }).click());
    assert.match(svg.octets.toString(), />crm "\u2068inside-7\u2069" - changed<\/text>/);
    assert.match(svg.octets.toString(), />was "\u2068outside-3\u2069"<\/text>/);
    const own = c.connections.find((x) => x.number === '1001');
    await kit.api.clear(own, { userData: userData('solved') });
    await page.getByRole('status').filter({ hasText:
      /User-to-User new here, from .*: “solved”, was “Hello”/ }).waitFor();
    await messages.getByText('UUI new here: “solved”, was “Hello”').first().waitFor();
  } finally {
    await kit.hangUpAll().catch(() => {}); // what was wrong before is what matters
    trunk.close();
  }
}

/** Devices: sought, opened, do not disturb switched there and seen, diagnosed. */
export async function device(kit) {
  const page = await kit.console('#/devices');
  await page.getByRole('row', { name: /1001.*registered/ }).waitFor();
  await kit.shot(page, 'devices');
  await page.getByLabel('Find').fill('1003');
  await page.getByText('1 device', { exact: true }).waitFor();
  await page.getByRole('link', { name: '1003' }).click();
  await page.getByRole('heading', { name: 'Device 1003' }).waitFor();
  await page.getByRole('rowheader', { name: 'MakeCall' }).waitFor();
  const on = page.getByRole('button', { name: 'Switch on do not disturb' });
  await on.click();
  await page.getByRole('button', { name: 'Switch off do not disturb' }).click();
  await on.waitFor();
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.getByText(/Registered from 127/).waitFor();
  await page.getByText(/sip:1003@/).first().waitFor();
  await page.getByText('The diagnosis is new.').first().waitFor();
  await kit.axeOf(page, 'a device, diagnosed');
  await page.getByRole('heading', { level: 1 }).scrollIntoViewIfNeeded();
  await kit.shot(page, 'device');
}

/** Events: live, paused and taken up without loss, from a sequence, filtered. */
export async function events(kit) {
  const page = await kit.console('#/events');
  const list = page.getByRole('list', { name: 'Events, newest first' });
  await page.getByText(/^Listening/).waitFor();
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  await list.getByText('established').first().waitFor();
  await list.getByText('delivered').first().click();
  await list.getByText('"DeliveredEvent"').first().waitFor();
  await kit.axeOf(page, 'an open event');
  await kit.shot(page, 'events');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText(/^Paused,/).waitFor();
  await kit.hangUpAll();
  assert.equal(await list.getByText('connectionCleared').count(), 0, 'nothing while paused');
  await page.getByRole('button', { name: 'Go on' }).click();
  await list.getByText('connectionCleared').first().waitFor();
  const numbers = (await list.locator('summary .mono:first-child').allTextContents())
    .map((t) => Number(t.slice(1)));
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => b - a), 'each once, newest first');
  const oldest = numbers.at(-1);
  await page.getByLabel('From').selectOption('seq');
  await page.getByLabel('Sequence').fill(String(oldest - 1));
  await page.getByLabel('Device').fill('1002');
  await page.getByRole('button', { name: 'Apply' }).click();
  await list.getByText('established').first().waitFor();
  const subjects = await list.locator('summary .mono:last-child').allTextContents();
  assert.ok(subjects.length > 0 && subjects.every((s) => s.startsWith('1002')), subjects.join());
}

/** Events: chosen by type, by call, and by both; a type that is none is refused in words. */
export async function events_chosen(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const first = await kit.callOf('1002', (c) => c.answered);
  await kit.api.makeCall('1003', '1004', { autoOriginate: 'doNotPrompt' });
  const second = await kit.callOf('1004');
  const page = await kit.console('#/events');
  const list = page.getByRole('list', { name: 'Events, newest first' });
  const choose = async (type, call) => {
    await page.getByLabel('From').selectOption('earliest');
    await page.getByLabel('Type').fill(type);
    await page.getByLabel('Call', { exact: true }).fill(call);
    await page.getByRole('button', { name: 'Apply' }).click();
  };
  const seen = () => list.locator('summary').evaluateAll((all) => all.map((e) =>
    [e.querySelector('.name').textContent, e.lastChild.textContent]));
  await choose('', first.callID);
  await list.getByText('established').first().waitFor();
  for (const [name, subject] of await seen()) {
    assert.ok(!subject.includes(second.callID), `${name} ${subject}`);
  }
  await choose('delivered', '');
  for (const { callID } of [first, second]) {
    await list.getByText(callID).first().waitFor();
  }
  assert.deepEqual([...new Set((await seen()).map(([name]) => name))], ['delivered']);
  await choose('delivered', second.callID);
  await list.getByText(second.callID).first().waitFor();
  for (const [name, subject] of await seen()) {
    assert.ok(name === 'delivered' && subject.endsWith(second.callID), `${name} ${subject}`);
  }
  await choose('nothing', '');
  await page.getByRole('alert').filter({ hasText: 'nothing' }).waitFor();
}

/** Try it: a form from the schema, and what it led to in JSON, XML and on the wire. */
export async function try_it(kit) {
  const page = await kit.console('#/try');
  await page.getByLabel('Service', { exact: true }).selectOption('MakeCall');
  await page.getByLabel('callingDevice').fill('1001');
  await page.getByLabel('calledDirectoryNumber').fill('1002');
  await page.getByLabel('userData').fill('case 4711');
  await page.getByLabel('autoOriginate').selectOption('doNotPrompt');
  assert.deepEqual(JSON.parse(await page.getByLabel('Body of the request').inputValue()), {
    callingDevice: '1001', calledDirectoryNumber: '1002', autoOriginate: 'doNotPrompt',
    userData: { string: '0463617365203437' + '3131' } });
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText(/MakeCall took/).waitFor();
  await page.getByRole('tabpanel', { name: 'JSON' }).getByText('"MakeCallResponse"').waitFor();
  await page.locator('button[aria-disabled]').waitFor({ state: 'hidden' });
  await kit.shot(page, 'try');
  await page.getByRole('tab', { name: 'CSTA XML' }).click();
  await page.getByRole('tabpanel', { name: 'CSTA XML' }).getByText('<MakeCall').first().waitFor();
  await page.getByRole('tab', { name: 'On the wire' }).click();
  await page.getByRole('tabpanel', { name: 'On the wire' })
    .getByRole('button', { name: /INVITE/ }).first().waitFor();
  await kit.axeOf(page, 'try it, on the wire');
  // a refusal in words, with the CSTA error
  await page.getByLabel('callingDevice').fill('4242');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('refused', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'JSON' }).click();
  await page.getByText('"code"').waitFor();
}

/** Each service of the API has a form, whose body is JSON that can be sent. */
export async function forms(kit) {
  const page = await kit.console('#/try');
  const pick = page.getByLabel('Service', { exact: true });
  await pick.locator('option', { hasText: 'MakeCall' }).first().waitFor({ state: 'attached' });
  const document = await kit.api.get('/openapi.json');
  const offered = await pick.locator('option').evaluateAll((all) => all.map((o) => o.value));
  assert.ok(offered.length > 50, `${offered.length} services`);
  for (const name of offered) {
    assert.ok(document.components.schemas[name], `${name} is in openapi.json`);
    await pick.selectOption(name);
    const [body, error] = await page.evaluate(() => [document.querySelector('textarea').value,
      document.querySelector('.try .error')?.textContent]);
    assert.equal(typeof JSON.parse(body), 'object', name);
    assert.ok(!error, `${name}: ${error}`);
  }
  await pick.selectOption('SetForwarding');
  await kit.axeOf(page, 'the form of SetForwarding');
}

/** History: the call is found by number, by a word and by time, and exported. */
export async function history(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  await kit.callOf('1002', (c) => c.answered);
  await kit.hangUpAll();
  const page = await kit.console('#/history');
  await page.getByLabel('Number').fill('1002');
  await kit.until('the call in the history', async () => {
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('row', { name: /1001.*1002/ }).first().waitFor({ timeout: 1000 });
    return true;
  });
  await kit.axeOf(page, 'history');
  await kit.shot(page, 'history');
  const csv = await download(page, () => page.getByRole('button', { name: 'CSV' }).click());
  assert.match(csv.octets.toString(), /1001.*1002/);
  const lines = await download(page, () => page.getByRole('button', { name: 'JSON lines' }).click());
  for (const line of lines.octets.toString().trim().split('\n')) {
    JSON.parse(line);
  }
  const found = async (label, value) => {
    await page.getByLabel(label).fill(value);
    await page.getByRole('button', { name: 'Search' }).click();
  };
  const one = page.getByRole('row', { name: /1001.*1002/ }).first();
  await found('Number', '9999');
  await page.getByText('No calls found').waitFor();
  await found('Number', '');
  await one.waitFor();
  await found('Any text', 'nobody said this');
  await page.getByText('No calls found').waitFor();
  await found('Any text', 'normalClearing');
  await one.waitFor();
  await found('From', '2100-01-01T00:00');
  await page.getByText('No calls found').waitFor();
  await found('From', '2020-01-01T00:00');
  await one.waitFor();
  await found('Until', '2020-01-02T00:00');
  await page.getByText('No calls found').waitFor();
}

/** A wrong token is refused in words; signing out forgets the right one. */
export async function sign_in_and_out(kit) {
  const page = await kit.page(await kit.context());
  await page.goto(`${URL_}/console/`);
  await page.getByLabel('Token').fill('bt_nobody_knowsthis');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not know this token').waitFor();
  await kit.axeOf(page, 'a refused token');
  await page.getByLabel('Token').fill(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Live calls' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Live calls' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}

/** Without a mouse: sign in, to a page, into a row, hold a call, and the focus stays there. */
export async function by_keyboard(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  await kit.callOf('1002', (c) => c.answered);
  const page = await kit.page(await kit.context());
  await page.goto(`${URL_}/console/`);
  await page.getByLabel('Token').waitFor();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /1001 → 1002/ }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const tabTo = async (text) => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press('Tab');
      if (await focused() === text) {
        return;
      }
    }
    assert.fail(`no way by keyboard to ${text}; at ${await focused()}`);
  };
  await page.keyboard.press('Tab');
  await tabTo('Devices');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  await kit.until('the heading has the focus', async () => await focused() === 'Devices');
  await page.keyboard.press('Shift+Tab');
  await tabTo('1001');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Device 1001' }).waitFor();
  await tabTo('1001 → 1002');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Call', level: 1 }).waitFor();
  await tabTo('Hold');
  await page.keyboard.press('Enter');
  await page.getByText('on hold').first().waitFor();
  assert.notEqual(await page.evaluate(() => document.activeElement), null);
  await tabTo('Retrieve');
  await page.keyboard.press('Space');
  await call(page, '1001').getByText('talking').waitFor();
}
