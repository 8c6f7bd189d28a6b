// SPDX-License-Identifier: Apache-2.0
/* What an operator sees and does on the page for it, with a server that has real worries. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { download, listen, URL_ } from './kit.mjs';

const { BATON_CONFIG, BATON_CONTROL } = process.env;

/** Operator: what listens, who reads, what is wrong in words; reload; log level; tokens. */
export async function operator(kit) {
  const page = await kit.console('#/operator');
  await page.getByRole('table', { name: 'Listeners' }).getByText(/127\.0\.0\.1/).first().waitFor();
  await page.getByRole('table', { name: 'Registrations' }).getByText(/1001/).first().waitFor();
  const reader = page.getByRole('table', { name: 'Readers of the event stream' })
    .getByRole('row', { name: /browser:token:test/ });
  await reader.first().waitFor();
  await page.getByText('The peer carrier does not answer.').waitFor();
  await page.getByRole('table', { name: 'Peers' }).getByRole('row', { name: /carrier/ })
    .getByText('down').waitFor();
  await kit.shot(page, 'operator');
  await page.getByRole('button', { name: 'Reload…' }).click();
  const dialog = page.getByRole('dialog');
  await kit.axeOf(page, 'a dialog');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Reload…',
    'the focus is where it was');
  await page.getByRole('button', { name: 'Reload…' }).click();
  await dialog.getByRole('button', { name: 'Reload' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByLabel('Log level', { exact: true }).selectOption('debug');
  await page.getByRole('button', { name: 'Set log level' }).click();
  await page.getByText('The log level is debug.').first().waitFor();
  assert.match(JSON.stringify(await kit.api.get('/v1/admin/log')), /debug/);
  await page.getByRole('button', { name: 'New token' }).click();
  await dialog.getByLabel('Name').fill('board');
  await dialog.getByLabel('Scopes').fill('observe:10*');
  await dialog.getByRole('button', { name: 'Make' }).click();
  const token = (await page.locator('pre.secret').textContent()).trim();
  assert.match(token, /^bt_/);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('row', { name: /^board / }).waitFor();

  // the new token observes, and may not administer
  const other = await kit.page(await kit.context());
  await other.goto(`${URL_}/console/`);
  await other.getByLabel('Token').fill(token);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('heading', { name: 'Live calls' }).waitFor();
  await kit.go(other, '#/operator');
  await other.getByText('Only administrators see this').first().waitFor();
  await page.getByRole('row', { name: /^board / }).getByRole('button', { name: 'Revoke board', exact: true }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: /^board / }).waitFor({ state: 'hidden' });
  await other.reload();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
}

/** Operator: no new calls for a while, and the store as a file to take away. */
export async function drain_and_backup(kit) {
  const page = await kit.console('#/operator');
  await page.getByRole('button', { name: 'Drain…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  await page.getByText('The server takes no new calls; 0 still stand.').waitFor();
  await page.getByText('The server is draining.').waitFor();
  await assert.rejects(kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' }),
    (e) => e.status === 503);
  await page.getByRole('button', { name: 'Let calls in' }).click();
  await page.getByText('The server takes calls again.').waitFor();
  await page.getByText('The server is draining.').waitFor({ state: 'hidden' });
  await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const backup = await download(page, () => page.getByRole('button', { name: 'Backup' }).click());
  assert.equal(backup.octets.toString('latin1', 0, 15), 'SQLite format 3');
}

/** Operator: a webhook is made, tried, brings a call, is paused by a 404, resumed, removed. */
export async function webhooks(kit) {
  let status = 204;
  const crm = await listen(0, (request, response) => response.writeHead(status).end());
  try {
    const page = await kit.console('#/operator');
    const dialog = page.getByRole('dialog');
    const row = page.getByRole('table', { name: 'Webhooks' }).getByRole('row', { name: /\/hook/ });
    await page.getByRole('button', { name: 'New webhook' }).click();
    await dialog.getByLabel('URL').fill(`http://${crm.host}/hook`);
    await dialog.getByLabel('Events').fill('delivered');
    await dialog.getByLabel('Devices').fill('10*');
    await kit.axeOf(page, 'a new webhook');
    await dialog.getByRole('button', { name: 'Make' }).click();
    assert.ok((await page.locator('pre.secret').textContent()).trim().length >= 16);
    await page.getByRole('button', { name: 'I have it' }).click();
    await row.getByText('active').waitFor();
    await row.getByText('delivered of 10*').waitFor();
    await row.getByRole('button', { name: 'Test' }).click();
    await page.getByText('It was taken (204).').first().waitFor();
    await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
    await kit.until('Delivered', async () => crm.asked.some((r) => /DeliveredEvent/.test(r.body) &&
      /^t=\d+,v1=[0-9a-f]{64}$/.test(r.headers['baton-signature'])));
    await kit.hangUpAll();
    status = 404;
    await kit.api.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
    await row.getByText('paused').waitFor();
    await page.getByText(`The webhook to http://${crm.host}/hook is paused.`).waitFor();
    await kit.axeOf(page, 'a paused webhook');
    status = 204;
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByText('active').waitFor();
    await row.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'hidden' });
  } finally {
    crm.close();
  }
}

/** Somebody who asks for all events, and takes none of them: a dead reader. */
async function deadReader() {
  const socket = connect(BATON_CONTROL);
  await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
  socket.pause();
  socket.write('GET /v1/events?from=earliest HTTP/1.1\r\nHost: localhost\r\n' +
    'Accept: text/event-stream\r\n\r\n');
  return socket;
}

/** Operator: how far a reader is behind that takes nothing, as a number, and in words. The journal
    has thousands of events, more than the server lets wait for anybody. */
export async function reader_behind(kit) {
  const socket = await deadReader();
  try {
    const page = await kit.console('#/operator');
    const readers = page.getByRole('table', { name: 'Readers of the event stream' });
    const row = readers.getByRole('row', { name: /uid:/ }).filter({ hasText: 'yes' });
    const dead = await kit.until('the page says how far he is behind', async () => {
      const r = (await kit.api.get('/v1/subscribers')).items.find((x) => x.waits && x.lag > 1000);
      const cell = row.getByRole('cell', { name: r.lag.toLocaleString('en-GB'), exact: true });
      await cell.waitFor({ timeout: 7000 }); // the page asks every five seconds
      return r;
    }, 60000);
    const said = page.getByText(new RegExp(`^${dead.who} is \\d,\\d{3} events behind\\.$`));
    await said.waitFor();
    await kit.axeOf(page, 'a reader who is behind');
    socket.destroy();
    await said.waitFor({ state: 'hidden' });
  } finally {
    socket.destroy();
  }
}

/** Operator: a broken file is refused with line and sentence, and what was goes on; mended, it is read. */
export async function refused_reload(kit) {
  const page = await kit.console('#/operator');
  const good = await readFile(BATON_CONFIG, 'utf8');
  const dialog = page.getByRole('dialog');
  try {
    const line = good.split('\n').findIndex((l) => l.startsWith('domains:')) + 1;
    await writeFile(BATON_CONFIG, good.replace('domains: [example.com]', 'domainz: [example.com]')
      .replace('{number: "1001", password', '{number: "4242", password'));
    await page.getByRole('button', { name: 'Reload…' }).click();
    await dialog.getByRole('button', { name: 'Reload' }).click();
    const alert = dialog.getByRole('alert');
    await alert.getByText(`baton.yaml, line ${line}, column `).waitFor();
    await alert.getByText('domainz').waitFor();
    await alert.getByText('The server goes on as it was.').waitFor();
    await kit.axeOf(page, 'a refused reload');
    assert.equal((await kit.api.get('/v1/devices/1001')).number, '1001', 'the old devices');
    await assert.rejects(kit.api.get('/v1/devices/4242'), (e) => e.status === 404);
    await writeFile(BATON_CONFIG, good);
    await dialog.getByRole('button', { name: 'Reload' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText(/baton\.yaml was read again: \d+ devices/).waitFor();
  } finally {
    await writeFile(BATON_CONFIG, good);
  }
}

/** Operator: while the server is drained the page says how many calls still stand, until none does. */
export async function drain_progress(kit) {
  const page = await kit.console('#/operator');
  for (const [from, to] of [['1001', '1002'], ['1003', '1004']]) {
    await kit.api.makeCall(from, to, { autoOriginate: 'doNotPrompt' });
  }
  await page.getByRole('button', { name: 'Drain…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  try {
    const status = page.getByRole('status');
    await status.getByText('The server takes no new calls; 2 still stand.').waitFor();
    const progress = page.getByRole('progressbar', { name: 'Calls that have ended' });
    assert.equal(await progress.getAttribute('value'), '0');
    await kit.axeOf(page, 'a server that is drained');
    await kit.api.clear((await kit.callOf('1004')).connections[0]);
    await status.getByText('The server takes no new calls; 1 still stands.').waitFor();
    assert.equal(await progress.getAttribute('value'), '1');
    await kit.hangUpAll();
    await status.getByText('0 still stand. It can be stopped now.').waitFor();
    await page.reload(); // whoever comes later sees it, too
    await status.getByText('The server takes no new calls; 0 still stand.').waitFor();
  } finally {
    await kit.api.post('/v1/admin/drain', { drain: false });
  }
  await page.getByText('The server takes no new calls').waitFor({ state: 'hidden' });
}
