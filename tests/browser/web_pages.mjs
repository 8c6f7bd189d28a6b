// SPDX-License-Identifier: Apache-2.0
/* Every page: in light and dark, wide and narrow, judged by axe-core, with and without calls. */
import assert from 'node:assert/strict';
import { userData } from '../../web/client/baton.js';
import { URL_ } from './kit.mjs';

const PAGES = [
  ['calls', '#/calls', 'Live calls'],
  ['devices', '#/devices', 'Devices'],
  ['device', '#/devices/1001', 'Device 1001'],
  ['events', '#/events', 'Events'],
  ['try', '#/try', 'Try it'],
  ['history', '#/history', 'History'],
  ['operator', '#/operator', 'Operator'],
];

async function walk(kit, options, name, more = []) {
  const page = await kit.console('#/calls', options);
  for (const [what, hash, title] of [...PAGES, ...more]) {
    await kit.go(page, hash);
    await page.getByRole('heading', { name: title, level: 1, exact: true }).waitFor();
    await kit.settled(page);
    await kit.fits(page, `${what}, ${name}`);
    await kit.axeOf(page, `${what}, ${name}`);
    assert.match(await page.title(), new RegExp(`^${title} – Baton$`));
  }
  return page;
}

export async function empty_light(kit) {
  const page = await walk(kit, { colorScheme: 'light' }, 'light');
  await kit.go(page, '#/calls');
  await page.getByText('No calls at the moment').waitFor();
}

export async function with_calls_light(kit) {
  await withCall(kit, async (call) => walk(kit, { colorScheme: 'light' }, 'light, a call',
    [['call', `#/calls/${encodeURIComponent(call.callID)}`, 'Call']]));
}

export async function with_calls_dark(kit) {
  const page = await withCall(kit, async (call) => walk(kit, { colorScheme: 'dark' },
    'dark, a call', [['call', `#/calls/${encodeURIComponent(call.callID)}`, 'Call']]));
  await kit.shot(page, 'dark');
}

async function small(kit, width, height, deviceScaleFactor) {
  await withCall(kit, async (call) => walk(kit, { viewport: { width, height }, deviceScaleFactor },
    `${width} px`, [['call', `#/calls/${encodeURIComponent(call.callID)}`, 'Call']]));
}

export async function narrow(kit) {
  await small(kit, 360, 740, 1);
}

/** A desktop's window under a magnifier (WCAG 2.2, 1.4.10). */
export async function zoomed_200(kit) {
  await small(kit, 640, 400, 2);
}

export async function zoomed_400(kit) {
  await small(kit, 320, 256, 4);
}

async function withCall(kit, run) {
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt',
    userData: userData('case 4711') });
  const call = await kit.callOf('1002', (c) => c.answered);
  return run(call);
}

export async function forced_colors(kit) {
  await withCall(kit, async (call) => walk(kit, { forcedColors: 'active' }, 'forced colours',
    [['call', `#/calls/${encodeURIComponent(call.callID)}`, 'Call']]));
}

/** The three pages that are not the console, and signing in. */
export async function other_pages(kit) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await kit.page(await kit.context({ colorScheme }));
    for (const [path, title] of [['console/', 'Sign in'], ['agent/', 'Agent bar'],
      ['phone/', 'Phone']]) {
      await page.goto(`${URL_}/${path}`);
      await page.getByRole('heading', { name: title, level: 1 }).waitFor();
      await kit.settled(page);
      await kit.axeOf(page, `${path} ${colorScheme}`);
      await page.setViewportSize({ width: 320, height: 256 });
      await kit.fits(page, `${path} at 400 %`);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  }
}

/** A person's own choice of light or dark outlives the page. */
export async function theme_is_kept(kit) {
  const page = await kit.console('#/calls', { colorScheme: 'light' });
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Live calls' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
}

/** The policy that pages come with lets no inline script, style or eval run. */
export async function policy(kit) {
  const page = await kit.page(await kit.context(), { allow: [/CSP|Content Security Policy|TrustedScript/] });
  for (const path of ['console/', 'agent/', 'phone/']) {
    const response = await page.goto(`${URL_}/${path}`);
    const csp = response.headers()['content-security-policy'];
    assert.ok(csp, `${path} has a policy`);
    // the page that api.origins names may frame them; nothing is fetched from elsewhere
    const frames = csp.match(/; frame-ancestors ([^;]*)$/);
    assert.equal(frames?.[1], `'self' http://127.0.0.1:${process.env.BATON_CRM_PORT}`);
    assert.doesNotMatch(csp.slice(0, frames.index), /unsafe|\s\*[\s;]|https?:\/\//, csp);
    assert.equal(response.headers()['x-content-type-options'], 'nosniff');
    assert.equal(await page.evaluate(() => {
      const s = document.createElement('script');
      try {
        s.textContent = 'window.ran = true';
        document.head.append(s);
      } catch { /* the policy asks for trusted types, too */ }
      return Boolean(window.ran);
    }), false, 'an inline script does not run');
  }
}
