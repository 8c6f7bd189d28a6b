// SPDX-License-Identifier: Apache-2.0
/*
 * The console in bad weather: names and values of callers who mean harm, tokens that may little or
 * end, and a person without a mouse, without colours, with a small window or a large magnifier.
 */
import assert from 'node:assert/strict';
import { URL_, SIP } from './kit.mjs';
import { Trunk } from './trunk.mjs';

const LOOK = 'You may look, but not command';

/** A caller whose name, number and values are HTML, turn lines, and are very long. */
export async function hostile_names(kit) {
  const trunk = await Trunk.start(Number(process.env.BATON_TRUNK_PORT ?? 5199), SIP);
  try {
    trunk.harm('1001');
    const c = await kit.callOf('1001', (x) => x.answered);
    const pages = [['the calls', '#/calls', '8555'], ['the devices', '#/devices', '1010'],
      ['a device', '#/devices/1001', '8555'], ['a device with a name', '#/devices/1010', 'Name'],
      ['the call', `#/calls/${encodeURIComponent(c.callID)}`, 'Call ID'],
      ['the history', '#/history', '1001'], ['the events', '#/events', 'Listening']];
    for (const viewport of [{ width: 1280, height: 800 }, { width: 320, height: 640 }]) {
      const page = await kit.console('#/calls', { viewport });
      for (const [what, hash, there] of pages) {
        await kit.go(page, hash);
        await page.locator('main').getByText(there).first().waitFor();
        await kit.harmless(page, `${what}, ${viewport.width} px`);
      }
    }
  } finally {
    await kit.hangUpAll().catch(() => {});
    trunk.close();
  }
}

/** A token that may only look: what cannot work is not offered, and the page says why. */
export async function looks_only(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const c = await kit.callOf('1002', (x) => x.answered);
  const here = `#/calls/${encodeURIComponent(c.callID)}`;
  const { token } = await kit.api.post('/v1/tokens', { name: 'looker', scopes: ['observe:*'] });
  const page = await kit.console('#/calls', { token });
  const none = async (what, ...names) => {
    await kit.settled(page);
    for (const name of names) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, `${name} on ${what}`);
    }
    await kit.axeOf(page, `${what}, looking only`);
  };
  await page.getByText(LOOK).waitFor();
  await none('the calls', 'Make a call');
  await kit.go(page, here);
  const party = (name) => page.getByRole('group', { name: `Party ${name}` });
  await party('1001').getByText(LOOK).waitFor();
  await page.getByText('Only administrators see messages').waitFor();
  await none('the call', 'Hold', 'Hang up', 'Transfer', 'Log all of it', 'pcap', 'SVG');
  await kit.go(page, '#/devices/1001');
  await page.getByText(LOOK).waitFor();
  await none('a device', 'Switch on do not disturb', 'Forward', 'Call from here');
  await kit.go(page, '#/try');
  await page.getByText(LOOK).waitFor();
  await kit.go(page, '#/operator');
  await page.getByText('Only administrators may reload').waitFor();
  await none('the operator\'s page', 'Reload…', 'Drain…', 'Backup', 'New token', 'Set log level');

  // one of the two may be commanded
  const some = await kit.api.post('/v1/tokens', { name: 'half', scopes: ['observe:*',
    'control:1001@example.com'] });
  const half = await kit.console(here, { token: some.token });
  const button = (name) => half.getByRole('group', { name: `Party ${name}` })
    .getByRole('button', { name: 'Hold' });
  await button('1001').waitFor();
  await half.getByRole('group', { name: 'Party 1002' }).getByText(LOOK).waitFor();
  assert.equal(await button('1002').count(), 0);
  await button('1001').click();
  await half.getByText('on hold').first().waitFor();
  for (const name of ['looker', 'half']) {
    await kit.api.delete(`/v1/tokens/${name}`);
  }
}

/** A token that sees nothing: empty pages say what is missing. */
export async function sees_nothing(kit) {
  const { token } = await kit.api.post('/v1/tokens', { name: 'blind', scopes: ['observe:4242'] });
  const page = await kit.console('#/calls', { token });
  for (const [hash, text] of [['#/calls', 'No calls at the moment'], ['#/devices', 'No devices'],
    ['#/devices/1001', 'There is no device 1001'], ['#/history', 'No calls found'],
    ['#/calls/nobody', 'This call is not live'], ['#/events', 'No events yet']]) {
    await kit.go(page, hash);
    await page.getByText(text, { exact: true }).waitFor();
    await kit.axeOf(page, `${hash}, empty`);
  }
  await kit.api.delete('/v1/tokens/blind');
}

/** A token that is revoked while its page is open: the page asks for another one, and says why. */
export async function revoked_while_open(kit) {
  const { token } = await kit.api.post('/v1/tokens', { name: 'shortlived', scopes: ['observe:*'] });
  const page = await kit.console('#/devices', { token });
  await page.getByRole('row', { name: /1001/ }).waitFor();
  await kit.api.delete('/v1/tokens/shortlived');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByRole('alert').getByText('does not take the token any more').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, 'it is forgotten');
  await kit.axeOf(page, 'a page whose token is gone');
}

/** Every control of every page is reached with Tab, is seen when it is, and lets one go on. */
export async function every_control_by_keyboard(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const c = await kit.callOf('1002', (x) => x.answered);
  const page = await kit.console('#/calls');
  for (const hash of ['#/calls', '#/devices', '#/devices/1001', '#/events', '#/try', '#/history',
    `#/calls/${encodeURIComponent(c.callID)}`]) {
    await kit.go(page, hash);
    await kit.settled(page);
    const all = await page.evaluate(() => {
      const list = [...document.querySelectorAll('a[href], button, input, select, textarea, ' +
        'summary, [tabindex]')].filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({
        visibilityProperty: true }) && e.getClientRects().length);
      list.forEach((e, i) => { e.dataset.nth = i; });
      document.activeElement?.blur();
      window.scrollTo(0, 0);
      return list.length;
    });
    const got = new Set();
    for (let n = 0; n < all + 20 && got.size < all; n++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const e = document.activeElement;
        const box = e.getBoundingClientRect();
        const style = getComputedStyle(e);
        const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
        return e === document.body ? null : { nth: e.dataset.nth, what: e.outerHTML.slice(0, 120),
          shown: seen && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 };
      });
      if (at?.nth !== undefined) {
        got.add(at.nth);
        assert.ok(at.shown, `${hash}: the focus is not seen at ${at.what}`);
      }
    }
    const left = await page.evaluate((had) => [...document.querySelectorAll('[data-nth]')]
      .filter((e) => !had.includes(e.dataset.nth)).map((e) => e.outerHTML.slice(0, 120)), [...got]);
    assert.deepEqual(left, [], `${hash}: no way by keyboard`);
  }
}

/** Without colours of ours, what is chosen is still told apart, and arrows are lines. */
export async function without_colours(kit) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const c = await kit.callOf('1002', (x) => x.answered);
  const page = await kit.console(`#/calls/${encodeURIComponent(c.callID)}`,
    { forcedColors: 'active' });
  const messages = page.getByRole('list', { name: 'Messages of the call in order of time' });
  await messages.getByRole('button', { name: /INVITE/ }).first().waitFor();
  const look = (locator) => locator.evaluate((e) => {
    const s = getComputedStyle(e);
    return [s.outlineStyle, s.outlineWidth, s.borderTopWidth, s.borderBottomColor,
      s.borderBottomWidth, s.borderBottomStyle].join(' ');
  });
  const arrow = await messages.locator('.arrow').first().evaluate((e) => {
    const s = getComputedStyle(e);
    return [s.borderTopStyle, s.borderTopColor !== getComputedStyle(document.body).backgroundColor];
  });
  assert.deepEqual(arrow, ['solid', true], 'an arrow is a line');
  const sip = page.getByRole('button', { name: 'SIP', exact: true });
  const on = await look(sip);
  await sip.click();
  await page.mouse.move(0, 0);
  await page.getByRole('button', { name: 'CSTA', exact: true }).focus();
  assert.notEqual(await look(sip), on, 'pressed or not');
  const nav = page.getByRole('navigation');
  assert.notEqual(await look(nav.getByRole('link', { name: 'Live calls' })),
    await look(nav.getByRole('link', { name: 'Devices' })), 'which page this is');
  await kit.go(page, '#/try');
  await page.getByRole('tab', { name: 'JSON' }).waitFor();
  assert.notEqual(await look(page.getByRole('tab', { name: 'JSON' })),
    await look(page.getByRole('tab', { name: 'CSTA XML' })), 'which tab this is');
}

/** Whoever wants nothing to move: nothing does, on any of the pages. */
export async function reduced_motion(kit) {
  await kit.api.makeCall('1001', '1004', { autoOriginate: 'doNotPrompt' });
  const c = await kit.callOf('1004');
  const page = await kit.console('#/calls', { reducedMotion: 'reduce' });
  const still = async (what) => {
    await kit.settled(page);
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('*')].filter((e) => {
      const s = getComputedStyle(e);
      return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none';
    }).map((e) => e.outerHTML.slice(0, 80))), [], `what moves on ${what}`);
  };
  for (const hash of ['#/calls', '#/devices', '#/devices/1001', '#/events', '#/try', '#/history',
    '#/operator', `#/calls/${encodeURIComponent(c.callID)}`]) {
    await kit.go(page, hash);
    await still(hash);
  }
  for (const path of ['agent/', 'phone/']) {
    await page.goto(`${URL_}/${path}`);
    await still(path);
  }
}
