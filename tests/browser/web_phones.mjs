// SPDX-License-Identifier: Apache-2.0
/* Two phones in two browsers: registered over WebSocket, calling, showing User-to-User. */
import assert from 'node:assert/strict';
import { userData } from '../../web/client/baton.js';
import { SIP, URL_, WS } from './kit.mjs';
import { Trunk } from './trunk.mjs';

async function openPhone(kit, number) {
  const page = await kit.page(await kit.context({ viewport: { width: 460, height: 760 } }));
  await page.goto(`${URL_}/phone/#number=${number}&ws=${encodeURIComponent(WS)}`);
  await page.getByLabel('Password').fill(`secret-${number}`);
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('– Registered').waitFor();
  return page;
}

const box = (page, other) => page.getByRole('region', { name: `Call with ${other}` });

/** Both say that they talk, and each hears the other: a track is muted until media arrive. */
async function talk(a, b) {
  for (const [page, other] of [[a, '1009'], [b, '1008']]) {
    await box(page, other).getByText('Talking').waitFor();
    await page.waitForFunction(() => document.querySelector('audio').srcObject?.getAudioTracks()
      .some((t) => t.readyState === 'live' && !t.muted));
  }
}

/** One calls the other with a context; it is shown; they talk, hold, and hang up. */
export async function phone_calls_phone(kit) {
  const a = await openPhone(kit, '1008');
  const b = await openPhone(kit, '1009');
  await a.getByLabel('Number').fill('1009');
  await a.getByLabel('Context').fill('case 4711');
  await a.getByRole('button', { name: 'Call' }).click();
  await box(b, '1008').getByText('Incoming call').waitFor();
  await box(b, '1008').getByText('case 4711').waitFor();
  await kit.axeOf(b, 'a phone that rings');
  await kit.shot(b, 'phone');
  await b.getByRole('button', { name: 'Answer' }).click();
  await talk(a, b);
  await box(a, '1009').getByRole('button', { name: 'Hold' }).click();
  await box(b, '1008').getByText('The other side holds').waitFor();
  await box(a, '1009').getByRole('button', { name: 'Retrieve' }).click();
  await box(b, '1008').getByText('Talking').waitFor();
  await kit.axeOf(a, 'a phone that talks');
  await b.getByRole('button', { name: 'Hang up' }).click();
  await box(a, '1009').waitFor({ state: 'hidden' });
  assert.equal((await kit.api.get('/v1/calls')).items.length, 0);
}

/**
 * An application has a browser's phone call and another pick up, holds, transfers; declines do
 * what they say. Until the callee answers, the caller's page has a description without media.
 */
export async function phone_is_commanded(kit) {
  const a = await openPhone(kit, '1008');
  const b = await openPhone(kit, '1009');
  await kit.api.makeCall('1008', '1009', { autoOriginate: 'doNotPrompt',
    userData: userData('order 12') });
  await box(b, '1008').getByText('order 12').waitFor();
  const call = await kit.callOf('1009');
  await kit.api.answer(call.connections.find((c) => c.number === '1009'));
  await talk(a, b);
  const own = async () => (await kit.callOf('1008')).connections.find((c) => c.number === '1008');
  await kit.until('HoldCall', async () => kit.api.hold(await own()));
  await box(b, '1008').getByText('The other side holds').waitFor();
  await kit.until('RetrieveCall', async () => kit.api.retrieve(await own()));
  await talk(a, b);
  await kit.hangUpAll();
  await box(a, '1009').waitFor({ state: 'hidden' });
  await a.getByLabel('Number').fill('1009');
  await a.getByRole('button', { name: 'Call' }).click();
  await b.getByRole('button', { name: 'Decline' }).click();
  await a.getByRole('paragraph').filter({ hasText: 'The call has ended: Rejected' }).waitFor();
}

/** A phone without media takes a browser's call, and one that an application makes to it. */
export async function phone_without_media(kit) {
  const page = await openPhone(kit, '1008');
  await page.getByLabel('Number').fill('1002');
  await page.getByRole('button', { name: 'Call' }).click();
  await box(page, '1002').getByText('Talking').waitFor();
  await page.getByRole('button', { name: 'Hang up' }).click();
  await box(page, '1002').waitFor({ state: 'hidden' });
  await kit.api.makeCall('1001', '1008', { autoOriginate: 'doNotPrompt' });
  await box(page, '1001').getByRole('button', { name: 'Answer' }).click();
  await box(page, '1001').getByText('Talking').waitFor();
  await kit.callOf('1008', (c) => c.answered);
  await page.getByRole('button', { name: 'Hang up' }).click();
  await box(page, '1001').waitFor({ state: 'hidden' });
}

/** A caller with a name that is HTML, turns lines, and is long; who gives up while it rings. */
export async function phone_hostile_caller(kit) {
  const trunk = await Trunk.start(Number(process.env.BATON_TRUNK_PORT ?? 5199), SIP);
  try {
    const page = await openPhone(kit, '1008');
    trunk.harm('1008', 'x'.repeat(2000));
    await page.getByText('Incoming call').waitFor();
    await page.getByText('User-to-User').first().waitFor();
    await kit.harmless(page, 'the phone');
    await page.setViewportSize({ width: 320, height: 256 });
    await kit.fits(page, 'the phone at 400 %');
    await kit.hangUpAll();
    await page.getByText('Incoming call').waitFor({ state: 'hidden' });
    await page.getByText(/The call has ended/).first().waitFor();
  } finally {
    trunk.close();
  }
}

/** What is wrong is said in words. */
export async function wrong_password(kit) {
  const page = await kit.page(await kit.context());
  await page.goto(`${URL_}/phone/#number=1008&ws=${encodeURIComponent(WS)}`);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('The server does not take this number and password').waitFor();
}
