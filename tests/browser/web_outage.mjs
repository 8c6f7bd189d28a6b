// SPDX-License-Identifier: Apache-2.0
/* Pages that are open while the server is stopped, and started again with a shorter journal. */
import { userData } from '../../web/client/baton.js';

/** It is said in words, nothing is lost that can be had, and what cannot be is told as a gap. */
export async function outage(kit) {
  const watch = { allow: [/ERR_CONNECTION_|WebSocket connection to/] }; // while it is stopped
  const events = await kit.console('#/events', {}, watch);
  await events.getByText(/^Listening/).waitFor();
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  await events.getByRole('list', { name: 'Events, newest first' }).getByText('established').first()
    .waitFor();
  await events.getByRole('button', { name: 'Pause' }).click();
  await kit.hangUpAll();
  const calls = await kit.console('#/calls', {}, watch);
  const operator = await kit.console('#/operator', {}, watch);
  await operator.getByRole('table', { name: 'Registrations' }).getByText(/1001/).first().waitFor();
  await kit.server('stop');

  await calls.getByText('No connection', { exact: true }).waitFor();
  await calls.getByRole('button', { name: 'Make a call' }).first().click();
  const dialog = calls.getByRole('dialog');
  await dialog.getByLabel('From device').fill('1001');
  await dialog.getByLabel('To', { exact: true }).fill('1002');
  await dialog.getByRole('button', { name: 'Call' }).click();
  await dialog.getByRole('alert').getByText('The server is not reached').waitFor({ timeout: 60000 });
  await kit.axeOf(calls, 'a page without its server');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await operator.getByRole('status').getByText('The server does not answer.')
    .waitFor({ timeout: 60000 });
  await kit.axeOf(operator, 'the operator without a server');

  await kit.server('shorten'); // its journal begins with its newest event
  await kit.server('start');
  for (const page of [calls, operator, events]) {
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 90000 });
  }
  await operator.getByText('The server does not answer.').waitFor({ state: 'hidden', timeout: 90000 });
  await kit.until('phones', async () => (await kit.api.get('/v1/devices/1002')).registered, 60000);
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt', userData: userData('again') });
  await calls.getByRole('row', { name: /1001 → 1002/ }).getByText('again').waitFor();
  await events.getByRole('button', { name: 'Go on' }).click();
  await events.getByRole('listitem').filter({ hasText:
    /^Events \d+ to \d+ cannot be had any more: they are older than what the server keeps\.$/ })
    .waitFor();
  await events.getByRole('list', { name: 'Events, newest first' }).getByText('established').first()
    .waitFor();
  await kit.axeOf(events, 'a gap');
}
