// SPDX-License-Identifier: Apache-2.0
/*
 * A program in TypeScript that uses all of the JavaScript client. It is compiled, not run
 * (types.test.mjs): what stands here is right by the types, and each line below an
 * "@ts-expect-error" is wrong, which they have to find.
 */
import {
  after, backoff, Baton, BatonModel, BatonStream, connectionID, EventLines, number, Problem, sleep,
  userData, userText, VERSION,
} from '../../web/client/baton.js';
import type {
  Call, CloudEvent, Connection, Data, Device, Operation, StreamState,
} from '../../web/client/baton.js';

const baton = new Baton({
  url: new URL('https://pbx.example:8443/'),
  token: async ({ renew }) => (renew ? 'bt_new' : 'bt_old'),
  exchange: true,
  WebSocket: null,
  retries: 2,
});
const version: 'v1' = VERSION;

/** Commands: each is an operation, or the members of a CSTA response. */
export async function calls(first: Connection, second: Connection): Promise<string> {
  const context: Data = userData('Case 4711');
  const made: Operation = await baton.makeCall('1001', { id: 'sip:1002@example.com' }, {
    autoOriginate: 'doNotPrompt', userData: context, correlatorData: { string: 'AB12' },
  }, { idempotencyKey: 'case-4711', timeout: 10 });
  await baton.answer(second);
  await baton.hold(first, { wait: 5 });
  await baton.retrieve(first);
  const consulted: Record<string, any> = await baton.consult(first, '1003', { userData: context });
  await baton.alternate(first, second);
  await baton.reconnect(first, second);
  await baton.complete(first, second);
  await baton.transfer(first, '1004');
  await baton.deflect(second, '1005');
  await baton.digits(first, '12#');
  await baton.clear(first, { userData: context });
  await baton.verb(first, 'park', { parkTo: '700' });
  const answer = await baton.service('GetForwarding', { device: '1001' });
  const { callID, deviceID } = connectionID(first);
  return `${made.state} ${consulted.initiatedCall} ${answer.forwardingList} ${callID} ${number(deviceID)}`;
}

/** What there is: a type of one's own, pages as a loop, and what a refusal says. */
export async function looks(signal: AbortSignal): Promise<Device | null> {
  for await (const call of baton.list<Call>('/v1/calls', { limit: 100 })) {
    const names: string[] = call.connections.map((c) => c.display ?? number(c.deviceID));
    console.log(names.join(' with '), userText(call.userData ?? '') ?? '');
  }
  try {
    return await baton.get<Device>('/v1/devices/1001', undefined, { signal });
  } catch (e) {
    if (e instanceof Problem && (e.status === 404 || e.csta?.value === 'invalidDeviceID')) {
      return null;
    }
    throw e;
  }
}

/** Events, one after the other, resumed where the last process ended. */
export async function events(from: string | undefined): Promise<string | undefined> {
  const stream: BatonStream = baton.stream({ from: from ?? 'now', devices: ['10*'], types: ['delivered'], ackEvery: 10 });
  stream.addEventListener('state', (e) => {
    const state: StreamState = e.detail.state;
    console.log(state, e.detail.ms ?? 0, e.detail.error?.message ?? '');
  });
  stream.addEventListener('gap', (e) => console.log(e.detail.data.from, e.detail.data.to));
  stream.addEventListener('problem', ({ detail }) => console.log(detail.code, detail.title));
  for await (const event of stream) {
    const e: CloudEvent = event;
    console.log(e.type, e.data.ids?.callID, e.data.uui?.map((u) => u.text ?? u.hex).join());
    if (after(e.sequence, from)) {
      break;
    }
  }
  stream.close();
  return stream.sequence;
}

/** All that stands, kept up to date. */
export async function model(): Promise<number> {
  const m: BatonModel = await baton.model({ devices: ['1001', '1002'], delay: 50 }).ready;
  m.addEventListener('change', ({ detail }) => {
    for (const id of detail.calls) {
      console.log(id, m.calls.get(id)?.connections.length ?? 0, detail.all);
    }
  });
  const rings = m.callsOf('1001').filter(({ connection }) => connection.localConnectionInfo === 'alerting');
  m.close();
  return rings.length;
}

/** What pages use beneath it. */
export async function pieces(body: ReadableStream<string>): Promise<void> {
  const lines = new EventLines(({ event, data, id }) => console.log(event, data?.length ?? 0, id));
  for (const reader = body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    lines.push(value);
  }
  await sleep(backoff(3, { most: 1000 }), new AbortController().signal);
}

/** What the types have to refuse. */
export async function slips(connection: Connection): Promise<void> {
  // @ts-expect-error: a version of another server
  const other: 'v2' = version;
  // @ts-expect-error: no such option
  void new Baton({ adress: 'https://pbx.example' });
  // @ts-expect-error: prompt, doNotPrompt
  await baton.makeCall('1001', '1002', { autoOriginate: 'now' });
  // @ts-expect-error: octets are an object: userData('…')
  await baton.makeCall('1001', '1002', { userData: 'Case 4711' });
  // @ts-expect-error: a connection is wanted, not the number of a call
  await baton.hold(connection.callID);
  // @ts-expect-error: to whom?
  await baton.transfer(connection);
  // @ts-expect-error: no state of a connection has that name
  console.log(connection.localConnectionInfo === 'ringing', other);
  // @ts-expect-error: a list
  void baton.stream({ devices: '1001' });
  // @ts-expect-error: websocket, sse
  void baton.stream({ transport: 'udp' });
  // @ts-expect-error: it is read only
  baton.stream().sequence = '1';
  // @ts-expect-error: there is no such method
  await baton.holdCall(connection);
}
