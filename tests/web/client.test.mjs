// SPDX-License-Identifier: Apache-2.0
/*
 * The JavaScript client by itself: against a server of a few lines that says what a test wants,
 * and a WebSocket that is none. What it does with a real server is in tests/browser.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Baton, EventLines, Problem, after, backoff, number, userData, userText }
  from '../../web/client/baton.js';

/** A server whose answers are those of `handler`; a list of what was asked. */
async function serve(t, handler) {
  const asked = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (d) => { body += d; });
    request.on('end', () => {
      const url = new URL(request.url, 'http://x');
      asked.push({ method: request.method, path: url.pathname, query: url.searchParams,
        headers: request.headers, body: body ? JSON.parse(body) : undefined });
      handler(asked.at(-1), response, asked.length);
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${server.address().port}` };
}

function json(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': status >= 400 ? 'application/problem+json'
    : 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

const still = () => 0; // a random number that makes the shortest wait

/** A WebSocket whose other side is the test. */
class FakeSocket {
  static all = [];
  static next = null;

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, readyState: 0, sent: [] });
    FakeSocket.all.push(this);
    FakeSocket.next?.(this);
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
    this.wake?.();
  }

  close() { this.readyState = 3; }

  say(o) { this.onmessage?.({ data: JSON.stringify(o) }); }

  drop(code, reason = '') {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** What it was sent, once there is as much. */
  async heard(n) {
    while (this.sent.length < n) {
      await new Promise((done) => { this.wake = done; });
    }
    return this.sent;
  }
}

function nextSocket() {
  return new Promise((done) => { FakeSocket.next = done; });
}

const cloud = (sequence, type = 'org.baton.csta.delivered.v1', data = {}) =>
  ({ specversion: '1.0', id: String(sequence), sequence: String(sequence), type, data });

function once(target, name) {
  return new Promise((done) => target.addEventListener(name, (e) => done(e.detail),
    { once: true }));
}

test('a refusal is a Problem with the sentence and the CSTA error', async (t) => {
  const { url } = await serve(t, (_, response) => json(response, 409, { status: 409,
    code: 'invalidConnectionState', title: 'Conflict', detail: 'The call does not ring any more.',
    csta: { category: 'stateIncompatibility', value: 'invalidConnectionState' }, sip: 486,
    pointer: '/callToBeAnswered' }));
  await assert.rejects(new Baton({ url }).get('/v1/x'), (e) => {
    assert.ok(e instanceof Problem);
    assert.equal(e.message, 'The call does not ring any more.');
    assert.deepEqual([e.status, e.code, e.sip, e.csta.value, e.pointer],
      [409, 'invalidConnectionState', 486, 'invalidConnectionState', '/callToBeAnswered']);
    return true;
  });
});

test('what is no JSON is a Problem, too', async (t) => {
  const { url } = await serve(t, (_, response) => {
    response.writeHead(404, { 'Content-Type': 'text/html' });
    response.end('<h1>nothing here</h1>');
  });
  await assert.rejects(new Baton({ url }).get('/v1/x'), { name: 'Problem', status: 404,
    code: 'http404' });
});

test('a POST whose answer was lost is asked again under the same key', async (t) => {
  const { asked, url } = await serve(t, (request, response, n) => {
    if (n === 1) {
      response.destroy();
    } else {
      json(response, 200, { operation: 'op_1', service: 'MakeCall', state: 'done',
        result: { MakeCallResponse: { callingDevice: { callID: 'c1' } } } });
    }
  });
  const op = await new Baton({ url, token: 'bt_a_b', random: still }).makeCall('1001', '1002');
  assert.equal(op.result.MakeCallResponse.callingDevice.callID, 'c1');
  assert.equal(asked.length, 2);
  assert.equal(asked[0].path, '/v1/devices/1001/calls');
  assert.deepEqual(asked[0].body, { calledDirectoryNumber: '1002' });
  assert.ok(asked[0].headers['idempotency-key'].length >= 32);
  assert.equal(asked[0].headers['idempotency-key'], asked[1].headers['idempotency-key']);
  assert.equal(asked[1].headers.authorization, 'Bearer bt_a_b');
  assert.ok(!asked[0].query.size, 'no token in the URL');
});

test('503 is asked again, after what Retry-After says; a 4xx is not', async (t) => {
  const { asked, url } = await serve(t, (request, response, n) => json(response,
    request.path === '/v1/busy' && n === 1 ? 503 : request.path === '/v1/busy' ? 200 : 400, {}));
  const baton = new Baton({ url, random: still });
  await baton.get('/v1/busy');
  assert.equal(asked.length, 2);
  await assert.rejects(baton.get('/v1/bad'), { status: 400 });
  assert.equal(asked.length, 3);
});

test('a server that says nothing is not waited for without end', async (t) => {
  const { asked, url } = await serve(t, () => {});
  await assert.rejects(new Baton({ url, timeout: 0.05, retries: 1, random: still }).get('/v1/x'),
    { code: 'network' });
  assert.equal(asked.length, 2);
});

test('an operation is awaited; one that failed is a Problem', async (t) => {
  const { asked, url } = await serve(t, (request, response, n) => {
    if (request.method === 'POST') {
      json(response, 202, { operation: 'op_7', service: 'HoldCall', state: 'accepted' });
    } else {
      json(response, 200, n < 4 ? { operation: 'op_7', state: 'accepted' }
        : { operation: 'op_7', service: 'HoldCall', state: 'failed',
          problem: { status: 408, code: 'noAnswer', detail: 'The phone does not answer.' } });
    }
  });
  const baton = new Baton({ url, random: still });
  await assert.rejects(baton.hold({ callID: 'a/b', deviceID: 'sip:1001@example.com' }),
    { code: 'noAnswer', message: 'The phone does not answer.' });
  assert.equal(asked[0].headers.prefer, 'wait=10');
  assert.equal(asked[3].path, '/v1/operations/op_7');
  assert.equal(asked.length, 4);
});

test('names in paths are encoded', async (t) => {
  const { asked, url } = await serve(t, (_, response) => json(response, 200, { state: 'done' }));
  await new Baton({ url }).answer({ callID: 'a/b?c', number: '*43#' });
  assert.equal(asked[0].path, '/v1/calls/a%2Fb%3Fc/connections/*43%23/answer');
});

test('a list is read page by page', async (t) => {
  const { asked, url } = await serve(t, (request, response) => json(response, 200,
    request.query.get('after') === 'p2' ? { items: [3], sequence: '9' }
      : { items: [1, 2], next: 'p2', sequence: '9' }));
  const got = [];
  for await (const item of new Baton({ url }).list('/v1/devices', { limit: 2 })) {
    got.push(item);
  }
  assert.deepEqual(got, [1, 2, 3]);
  assert.equal(asked[1].query.get('limit'), '2');
});

test('a browser token is bought once, used, and renewed when it is refused', async (t) => {
  let sold = 0;
  const { asked, url } = await serve(t, (request, response) => {
    if (request.path === '/v1/tokens/browser') {
      json(response, 201, { token: `short-${++sold}`,
        expires: new Date(Date.now() + 600000).toISOString() });
    } else {
      const ok = request.headers.authorization === `Bearer short-${sold}` && !(sold === 1 &&
        request.path === '/v1/late');
      json(response, ok ? 200 : 401, ok ? {} : { status: 401, code: 'expired' });
    }
  });
  const baton = new Baton({ url, token: 'bt_long_1', exchange: true });
  await Promise.all([baton.get('/v1/a'), baton.get('/v1/b')]);
  assert.equal(sold, 1, 'two requests at once, one token');
  assert.equal(asked[0].headers.authorization, 'Bearer bt_long_1');
  await baton.get('/v1/late');
  assert.equal(sold, 2);
});

test('a token that is asked for is renewed once it has been refused', async (t) => {
  const { asked, url } = await serve(t, (request, response) => json(response,
    request.headers.authorization === 'Bearer new' ? 200 : 401, {}));
  const wanted = [];
  let current = 'old';
  const baton = new Baton({ url, token: ({ renew }) => {
    wanted.push(renew);
    current = renew ? 'new' : current;
    return current;
  } });
  await baton.get('/v1/a');
  await baton.get('/v1/b');
  assert.deepEqual(wanted, [false, true, false]);
  assert.equal(asked.length, 3);
});

test('back-off doubles, has a random part and a limit', () => {
  assert.equal(backoff(0, { random: () => 0 }), 63);
  assert.equal(backoff(0, { random: () => 1 }), 250);
  assert.equal(backoff(3, { random: () => 1 }), 2000);
  assert.equal(backoff(50, { random: () => 1 }), 30000);
});

test('sequences are compared as numbers, beyond 2^53', () => {
  assert.ok(after('10', '9'));
  assert.ok(after('9007199254740993', '9007199254740992'));
  assert.ok(!after('5', '5'));
  assert.ok(after('1', undefined));
});

test('user data to octets and back', () => {
  assert.deepEqual(userData('case 4711'), { string: '0463617365203437' + '3131' });
  assert.equal(userText('04636173652034373131'), 'case 4711');
  assert.equal(userText({ string: '04C3BC' }), 'ü');
  assert.equal(userText('0400'), null, 'control characters are no text');
  assert.equal(userText('xyz'), null);
  assert.equal(number('sip:1001@example.com;user=phone'), '1001');
  assert.equal(number({ deviceIdentifier: { id: 'tel:+49301234' } }), '+49301234');
});

test('event-stream lines are put together wherever they were cut', () => {
  const text = ': hello\r\nid: 7\ndata: {"a":\ndata: 1}\r\n\r\nevent: x\rdata:two\r\rdata: 3\n\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const got = [];
    const lines = new EventLines((m) => got.push(m));
    lines.push(text.slice(0, cut));
    lines.push(text.slice(cut));
    assert.deepEqual(got.map((m) => m.data), ['{"a":\n1}', 'two', '3'], `cut at ${cut}`);
    assert.equal(got[0].id, '7');
  }
  const got = [];
  new EventLines((m) => got.push(m)).push(': here\nid: 9\n\nretry: 2000\n\n');
  assert.deepEqual(got, [{ event: '', data: null, id: '9' }]);
});

test('a socket says who it is, then what it wants; the URL has no token', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'https://pbx.example', token: 'bt_1_s', WebSocket: FakeSocket })
    .stream({ from: '17', devices: ['1001'] });
  const socket = await opened;
  assert.equal(socket.url, 'wss://pbx.example/v1/stream');
  assert.deepEqual(socket.protocols, ['baton.v1']);
  assert.deepEqual(await socket.heard(2), [{ op: 'auth', token: 'bt_1_s' },
    { op: 'subscribe', from: '17', filter: { devices: ['1001'] } }]);
  stream.close();
  assert.equal(socket.readyState, 3);
});

test('after a fall it goes on where it was, and gives nothing twice', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket, random: still })
    .stream({ from: 'snapshot' });
  const got = [];
  stream.addEventListener('event', (e) => got.push(e.detail.sequence));
  const first = await opened;
  await first.heard(1);
  assert.equal(first.sent[0].from, 'snapshot');
  first.say({ op: 'subscribed' });
  first.say({ specversion: '1.0', type: 'org.baton.snapshot.v1', sequence: '10',
    data: { calls: [], devices: [] } });
  first.say(cloud(11));
  first.say(cloud(13)); // 12 was not for us
  const again = nextSocket();
  first.drop(1006);
  const second = await again;
  await second.heard(1);
  assert.equal(second.sent[0].from, '13');
  second.say({ op: 'subscribed' });
  second.say(cloud(13));
  second.say(cloud(14));
  assert.deepEqual(got, ['11', '13', '14']);
  stream.close();
});

test('where it stands is known without an event: from now, and past what a filter leaves out', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket, random: still }).stream();
  const first = await opened;
  await first.heard(1);
  assert.equal(first.sent[0].from, 'now');
  first.say({ op: 'subscribed', sequence: '41' });
  assert.equal(stream.cursor(), '41');
  first.say({ op: 'heartbeat', sequence: '60' });
  first.say({ op: 'heartbeat', sequence: '59' });
  const again = nextSocket();
  first.drop(1006);
  const second = await again;
  await second.heard(1);
  assert.equal(second.sent[0].from, '60');
  stream.close();
});

test('a gap is told; who began with a snapshot takes a new one', async () => {
  for (const [from, next] of [['snapshot', 'snapshot'], ['3', null]]) {
    const opened = nextSocket();
    const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket }).stream({ from });
    const socket = await opened;
    await socket.heard(1);
    const told = once(stream, 'gap');
    socket.say({ specversion: '1.0', type: 'org.baton.gap.v1',
      data: { from: '4', to: '20', reason: 'retention' } });
    assert.equal((await told).data.to, '20');
    if (next) {
      await socket.heard(2);
      assert.equal(socket.sent[1].from, next);
    } else {
      assert.equal(stream.cursor(), '20');
      assert.equal(socket.sent.length, 1);
    }
    stream.close();
  }
});

test('4001: one more try with a new token, then it says so and stops', async () => {
  let asked = 0;
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket,
    token: () => `token-${++asked}` }).stream();
  const first = await opened;
  await first.heard(1);
  const again = nextSocket();
  first.drop(4001);
  const second = await again;
  await second.heard(1);
  assert.equal(second.sent[0].token, 'token-2');
  const told = once(stream, 'problem');
  second.drop(4001, 'revoked');
  assert.equal((await told).code, 'auth');
  assert.equal(stream.state, 'closed');
});

test('every so many events are acknowledged', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket }).stream({ ackEvery: 3 });
  const socket = await opened;
  await socket.heard(1);
  [5, 6, 7].forEach((n) => socket.say(cloud(n)));
  assert.deepEqual((await socket.heard(2))[1], { op: 'ack', sequence: '7' });
  stream.close();
});

test('over Server-Sent Events: resumed with Last-Event-ID, snapshot and gap included', async (t) => {
  const { asked, url } = await serve(t, (request, response, n) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const put = (m) => response.write(`id: ${m.sequence}\ndata: ${JSON.stringify(m)}\n\n`);
    if (n === 1) {
      put({ ...cloud(4, 'org.baton.snapshot.v1', { calls: [], devices: [] }) });
      put(cloud(5));
      response.end();
    } else {
      put(cloud(5));
      put(cloud(6));
    }
  });
  const stream = new Baton({ url, token: 't', random: still, WebSocket: null })
    .stream({ from: 'snapshot', transport: 'sse', devices: ['1001', '1002'] });
  const got = [];
  for await (const m of stream) {
    got.push(`${m.type.split('.')[2]} ${m.sequence}`);
    if (m.sequence === '6') {
      break;
    }
  }
  assert.deepEqual(got, ['snapshot 4', 'csta 5', 'csta 6']);
  assert.equal(asked[0].query.get('from'), 'snapshot');
  assert.deepEqual(asked[0].query.getAll('device'), ['1001,1002']);
  assert.equal(asked[0].headers.authorization, 'Bearer t');
  assert.equal(asked[1].headers['last-event-id'], '5');
  assert.equal(asked[1].query.get('from'), null);
});

/** Streams that end with a problem. */
async function refusing(t, ...problems) {
  return serve(t, (request, response, n) => {
    if (request.path !== '/v1/events') {
      json(response, 200, { items: [{ callID: 'c1', connections: [] }], sequence: '5' });
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const problem = problems[n - 1];
    response.end(problem ? `event: problem\ndata: ${JSON.stringify(problem)}\n\n`
      : `id: ${cloud(7).sequence}\ndata: ${JSON.stringify(cloud(7))}\n\n`);
  });
}

test('a stream of Server-Sent Events that says why it ends', async (t) => {
  const { asked, url } = await refusing(t, { status: 503, code: 'noSnapshot' },
    { status: 413, code: 'snapshotTooBig', detail: 'There is too much.' });
  const stream = new Baton({ url, random: still, WebSocket: null })
    .stream({ from: 'snapshot', transport: 'sse' });
  const problem = await new Promise((done) =>
    stream.addEventListener('problem', (e) => done(e.detail)));
  assert.deepEqual([problem.status, problem.code, problem.message],
    [413, 'snapshotTooBig', 'There is too much.']);
  assert.equal(stream.state, 'closed');
  assert.equal(asked.length, 2);
});

test('the model does without a snapshot over Server-Sent Events, too', async (t) => {
  const { asked, url } = await refusing(t, { status: 413, code: 'snapshotTooBig' });
  const model = new Baton({ url, random: still, WebSocket: null }).model();
  await Promise.all([model.ready,
    new Promise((done) => model.addEventListener('event', done))]);
  assert.ok(model.calls.has('c1'));
  assert.deepEqual(asked.filter((r) => r.path === '/v1/events').slice(0, 2)
    .map((r) => r.query.get('from')), ['snapshot', 'now']);
  model.close();
});

test('the model does without a snapshot that would be too big', async (t) => {
  const { url } = await serve(t, (request, response) => json(response, 200, { items: [
    { callID: 'c1', connections: [{ deviceID: 'sip:1002@h' }] }], sequence: '5' }));
  const opened = nextSocket();
  const model = new Baton({ url, WebSocket: FakeSocket }).model();
  const first = await opened;
  await first.heard(1);
  const again = nextSocket();
  first.say({ op: 'error', code: 'snapshotTooBig', detail: 'There is too much.' });
  const second = await again;
  await second.heard(1);
  assert.equal(second.sent[0].from, 'now');
  second.say({ op: 'subscribed', sequence: '5' });
  await model.ready;
  assert.equal(model.callsOf('1002')[0].call.callID, 'c1');
  model.close();
});

test('the model without a snapshot: pages that are older than an event do not count', async (t) => {
  let second;
  const left = new Set(['c1', 'c2']);
  const shown = (id) => ({ callID: id, connections: [{ deviceID: 'sip:1002@h' }] });
  const { asked, url } = await serve(t, (request, response) => {
    if (request.path === '/v1/calls') { // while it is on its way c1 ends
      const items = [...left].map(shown);
      left.delete('c1');
      second.say(cloud(6, 'org.baton.csta.callCleared.v1', { ids: { callID: 'c1' } }));
      setTimeout(() => json(response, 200, { items, sequence: '5' }), 5);
    } else {
      const id = request.path.split('/').pop();
      json(response, left.has(id) ? 200 : 404, left.has(id) ? shown(id) : { status: 404, code: 'unknownCall' });
    }
  });
  const opened = nextSocket();
  const model = new Baton({ url, random: still, WebSocket: FakeSocket }).model({ delay: 1 });
  const first = await opened;
  await first.heard(1);
  const again = nextSocket();
  first.say({ op: 'error', code: 'snapshotTooBig', detail: 'There is too much.' });
  second = await again;
  await second.heard(1);
  assert.deepEqual(asked, [], 'no page before the events');
  second.say({ op: 'subscribed', sequence: '5' });
  await model.ready;
  while (model.calls.has('c1')) {
    await once(model, 'change');
  }
  assert.deepEqual([...model.calls.keys()], ['c2']);
  left.delete('c2'); // the journal has forgotten what became of it
  const third = nextSocket();
  second.say({ specversion: '1.0', type: 'org.baton.gap.v1', sequence: '9',
    data: { from: '7', to: '9', reason: 'retention' } });
  second = await third;
  await second.heard(1);
  second.say({ op: 'subscribed', sequence: '9' });
  while (model.calls.has('c2')) {
    await once(model, 'change');
  }
  model.close();
});

test('the model asks again when the server could not answer', async (t) => {
  let fails = 3;
  const { asked, url } = await serve(t, (request, response) => {
    if (request.path === '/v1/calls/c9') {
      json(response, 400, { status: 400, code: 'badPath' });
    } else if (fails-- > 0) {
      json(response, 500, { status: 500, code: 'internal' });
    } else {
      json(response, 404, { status: 404, code: 'unknownCall' });
    }
  });
  const opened = nextSocket();
  const model = new Baton({ url, random: () => 0, retries: 0, WebSocket: FakeSocket })
    .model({ delay: 1 });
  const problems = [];
  model.addEventListener('problem', (e) => problems.push(e.detail.status));
  const socket = await opened;
  await socket.heard(1);
  socket.say({ specversion: '1.0', type: 'org.baton.snapshot.v1', sequence: '10', data: {
    calls: [{ callID: 'c1', connections: [{}] }], devices: [] } });
  await model.ready;
  socket.say(cloud(11, 'org.baton.csta.callCleared.v1', { ids: { callID: 'c1' } }));
  socket.say(cloud(12, 'org.baton.csta.callCleared.v1', { ids: { callID: 'c9' } }));
  while (model.calls.has('c1')) { // no further event comes
    await once(model, 'change');
  }
  assert.deepEqual(problems.sort(), [400, 500, 500, 500]);
  assert.equal(asked.filter((a) => a.path === '/v1/calls/c9').length, 1, 'that does not pass');
  model.close();
});

test('no snapshot now: it is asked for again', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket, random: still })
    .stream({ from: 'snapshot' });
  const socket = await opened;
  await socket.heard(1);
  socket.say({ op: 'error', code: 'noSnapshot', detail: 'Ask again.' });
  assert.equal((await socket.heard(2))[1].from, 'snapshot');
  stream.close();
});

test('the model: a snapshot, then what events touch is asked again, once a burst', async (t) => {
  let state = 'alerting';
  const { asked, url } = await serve(t, (request, response) => {
    if (request.path === '/v1/calls/gone') {
      json(response, 404, { status: 404, code: 'notFound' });
    } else if (request.path.startsWith('/v1/calls/')) {
      json(response, 200, { callID: 'c1', sequence: '12', connections: [{ deviceID: 'sip:1002@h',
        localConnectionInfo: state }] });
    } else {
      json(response, 200, { deviceID: 'sip:1002@h', number: '1002', calls: ['c1'] });
    }
  });
  const opened = nextSocket();
  const model = new Baton({ url, WebSocket: FakeSocket }).model({ delay: 1 });
  const socket = await opened;
  await socket.heard(1);
  socket.say({ specversion: '1.0', type: 'org.baton.snapshot.v1', sequence: '10', data: {
    calls: [{ callID: 'gone', connections: [{}] }], devices: [] } });
  await model.ready;
  assert.deepEqual([...model.calls.keys()], ['gone']);
  state = 'connected';
  const changed = once(model, 'change');
  const data = { ids: { callID: 'c1', deviceID: 'sip:1002@h' } };
  socket.say(cloud(11, 'org.baton.csta.delivered.v1', data));
  socket.say(cloud(12, 'org.baton.csta.established.v1', data));
  socket.say(cloud(13, 'org.baton.csta.connectionCleared.v1', { ids: { callID: 'gone' } }));
  const what = await changed;
  assert.deepEqual(what.calls, ['c1', 'gone']);
  assert.equal(model.calls.get('c1').connections[0].localConnectionInfo, 'connected');
  assert.ok(!model.calls.has('gone'));
  assert.equal(model.devices.get('1002').calls[0], 'c1');
  assert.equal(asked.filter((a) => a.path === '/v1/calls/c1').length, 1);
  model.close();
});

test('behind `reset` the numbers begin anew, below those that were read', async () => {
  const opened = nextSocket();
  const stream = new Baton({ url: 'http://h', WebSocket: FakeSocket, random: still })
    .stream({ from: '900' });
  const got = [];
  stream.addEventListener('event', (e) => got.push(e.detail.sequence));
  const first = await opened;
  await first.heard(1);
  first.say({ op: 'subscribed', sequence: '900' });
  first.say({ specversion: '1.0', type: 'org.baton.gap.v1', sequence: '900',
    data: { from: '11', to: '900', reason: 'reset' } });
  first.say(cloud(11));
  first.say(cloud(12));
  assert.deepEqual(got, ['11', '12']);
  const again = nextSocket();
  first.drop(1006);
  const second = await again;
  await second.heard(1);
  assert.equal(second.sent[0].from, '12');
  stream.close();
});

test('what a phone has said to a command is told, and not asked again', async (t) => {
  const { asked, url } = await serve(t, (_, response) => json(response, 504, { status: 504,
    code: 'timeout', detail: 'The phone is mute.', sip: 408 }));
  await assert.rejects(new Baton({ url, random: still }).makeCall('1001', '1002'),
    { code: 'timeout', sip: 408 });
  assert.equal(asked.length, 1);
});

test('whatever is no GET has a key', async (t) => {
  const { asked, url } = await serve(t, (request, response, n) => (n % 2 ? response.destroy()
    : json(response, 200, {})));
  const baton = new Baton({ url, random: still });
  await baton.put('/v1/devices/1001/features/doNotDisturb', { doNotDisturbOn: true },
    { ifMatch: '"x"' });
  await baton.delete('/v1/routes/1');
  await baton.get('/v1/calls');
  const keys = asked.map((a) => a.headers['idempotency-key']);
  assert.ok(keys[0] && keys[0] === keys[1] && keys[2] === keys[3] && keys[0] !== keys[2]);
  assert.deepEqual(keys.slice(4), [undefined, undefined]);
});

test('a connection that is taken and dropped at once is no reason to hurry', async (t) => {
  const { url } = await serve(t, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.end('retry: 2000\n\n');
  });
  const stream = new Baton({ url, WebSocket: null, random: () => 0 })
    .stream({ transport: 'sse', most: 8 });
  const waits = [];
  await new Promise((done) => stream.addEventListener('state', (e) => {
    if (e.detail.state === 'waiting') {
      waits.push(stream.attempt);
    }
    if (waits.length === 3) {
      done();
    }
  }));
  assert.deepEqual(waits, [1, 2, 3]);
  stream.close();
});

test('one gap after the other is no reason to hurry', async (t) => {
  const at = [];
  const gap = { specversion: '1.0', type: 'org.baton.gap.v1', sequence: '9', data: { from: '2', to: '9',
    reason: 'retention' } };
  const { url } = await serve(t, (_, response) => {
    at.push(Date.now());
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`id: 9\ndata: ${JSON.stringify(gap)}\n\n`);
  });
  const stream = new Baton({ url, WebSocket: null }).stream({ transport: 'sse', from: 'snapshot' });
  let gaps = 0;
  await new Promise((done) => stream.addEventListener('gap', () => {
    if (++gaps === 4) {
      done();
    }
  }));
  stream.close();
  assert.ok(at[3] - at[0] >= 1900, String(at));
});

test('the token goes to its server and to no other', async (t) => {
  const { url: other, asked: there } = await serve(t, (_, response) => json(response, 200, {}));
  const { url } = await serve(t, (_, response) => {
    response.writeHead(307, { Location: `${other}/v1/status` });
    response.end();
  });
  const baton = new Baton({ url, token: 'bt_x', retries: 0 });
  await assert.rejects(baton.get('/v1/status'), Problem);
  await assert.rejects(baton.get(`//${new URL(other).host}/v1/status`), TypeError);
  await assert.rejects(baton.get(`${other}/v1/status`), TypeError);
  assert.equal(there.length, 0);
});

test('an event that does not end is not kept', () => {
  const lines = new EventLines(() => {});
  const much = 'x'.repeat(1 << 20);
  assert.throws(() => {
    for (let i = 0; i < 20; i++) {
      lines.push(`data: ${much}\n`);
    }
  });
});

test('a socket that never opens is given up', async () => {
  class Mute {
    static made = 0;

    constructor() {
      Mute.made++;
      this.readyState = 0;
    }

    close() { this.readyState = 3; }
  }
  const awake = setInterval(() => {}, 1000); // as a socket would hold the process
  const stream = new Baton({ url: 'http://h', WebSocket: Mute, random: still })
    .stream({ silence: 20, ping: 10, most: 8 });
  await new Promise((done) => stream.addEventListener('state', (e) =>
    e.detail.state === 'waiting' && done()));
  assert.equal(Mute.made, 1);
  stream.close();
  clearInterval(awake);
});
