// SPDX-License-Identifier: Apache-2.0
/* The JavaScript client in Node, against the real server, over both ways of the event stream. */
import assert from 'node:assert/strict';
import { Baton, Problem, userData, userText } from '../../web/client/baton.js';
import { TOKEN, URL_ } from './kit.mjs';

function client(more = {}) {
  return new Baton({ url: URL_, token: TOKEN, exchange: true, ...more });
}

async function read(stream, stop) {
  const got = [];
  for await (const m of stream) {
    got.push(m);
    if (stop(m, got)) {
      return got;
    }
  }
  return got;
}

/** Snapshot, then each event once in order, then the same ones again from a sequence. */
export async function snapshot_then_stream(kit) {
  const baton = client();
  const stream = baton.stream({ from: 'snapshot', transport: 'sse' });
  const opened = new Promise((done) => stream.addEventListener('snapshot', done, { once: true }));
  const reading = read(stream, (m) => m.type === 'org.baton.csta.established.v1' &&
    m.data.ids.deviceID.includes('1002'));
  await opened;
  await baton.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt',
    userData: userData('case 4711') });
  const got = await reading;
  assert.equal(got[0].type, 'org.baton.snapshot.v1');
  const numbers = got.map((m) => BigInt(m.sequence));
  for (let i = 1; i < numbers.length; i++) {
    assert.ok(numbers[i] > numbers[i - 1], numbers.join());
  }
  const delivered = got.find((m) => m.type === 'org.baton.csta.delivered.v1');
  assert.equal(userText(delivered.data.DeliveredEvent.userData), 'case 4711');
  const again = await read(baton.stream({ from: got[0].sequence, transport: 'sse' }),
    (m) => m.sequence === got.at(-1).sequence);
  assert.deepEqual(again.map((m) => m.id), got.slice(1).map((m) => m.id));
}

/** A stream whose connection is cut goes on without loss and without doubles. */
export async function resumes(kit) {
  const cut = [];
  const baton = client({ fetch: async (url, options = {}) => {
    const inner = new AbortController();
    options.signal?.addEventListener('abort', () => inner.abort());
    if (String(url).includes('/v1/events')) {
      cut.push(() => inner.abort());
    }
    return fetch(url, { ...options, signal: inner.signal });
  } });
  const stream = baton.stream({ from: 'now', transport: 'sse' });
  await new Promise((done) => stream.addEventListener('state', (e) =>
    e.detail.state === 'open' && done()));
  const got = [];
  stream.addEventListener('event', (e) => got.push(e.detail.sequence));
  await baton.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  await kit.until('events', async () => got.length >= 2);
  cut[0]();
  await kit.callOf('1002', (c) => c.answered);
  await kit.hangUpAll();
  const { items } = await baton.get('/v1/events', { from: got[0], limit: 1000 });
  const want = [got[0], ...items.map((m) => m.sequence)];
  await kit.until('all of them', async () => got.length >= want.length);
  assert.deepEqual(got, want);
  assert.ok(cut.length >= 2, 'it was cut');
  stream.close();
}

/** The model follows a call to its end. */
export async function model_follows(kit) {
  const baton = client();
  const model = baton.model({ devices: ['1001'] });
  await model.ready;
  const op = await baton.makeCall('1001', '1002', { autoOriginate: 'doNotPrompt' });
  const id = op.result.MakeCallResponse.callingDevice.callID;
  const mine = () => model.calls.get(id)?.connections.find((c) => c.number === '1001');
  await kit.until('talking', async () => mine()?.localConnectionInfo === 'connected');
  await kit.until('HoldCall', () => baton.hold(mine())); // a re-INVITE may still be under way
  await kit.until('held', async () => mine()?.localConnectionInfo === 'hold');
  await kit.until('RetrieveCall', () => baton.retrieve(mine()));
  await kit.until('retrieved', async () => mine()?.localConnectionInfo === 'connected');
  await baton.clear(mine());
  await kit.until('gone', async () => !model.calls.has(id));
  model.close();
}

/** Refusals are Problems with a sentence; a token that is none is one. */
export async function refusals(kit) {
  const baton = client();
  await assert.rejects(baton.get('/v1/calls/nothing'), (e) => e instanceof Problem &&
    e.status === 404 && e.message.length > 10);
  await assert.rejects(baton.makeCall('4242', '1002'), (e) => e instanceof Problem &&
    Boolean(e.code));
  await assert.rejects(client({ token: 'bt_x_y' }).get('/v1/calls'), { status: 401 });
  const stream = client({ token: 'bt_x_y' }).stream({ transport: 'sse' });
  const problem = await new Promise((done) => stream.addEventListener('problem', (e) =>
    done(e.detail)));
  assert.equal(problem.status, 401);
}
