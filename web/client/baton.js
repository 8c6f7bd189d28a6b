// SPDX-License-Identifier: Apache-2.0
/*
 * Client of Baton's HTTP API, for browsers and for Node 20 and later. No dependencies.
 *
 * Three things stand here: `Baton` asks (and waits for operations), `BatonStream` listens, and
 * `BatonModel` keeps the present state of calls and devices, which is what most programs want.
 *
 * What they promise:
 * - a refusal is a `Problem`, with the server's sentence, its code, and the CSTA error;
 * - a command is carried out once: each has an Idempotency-Key of its own, so that one whose
 *   answer was lost in the network is asked again without being done again;
 * - a stream goes on where it was. It knows the sequence of the last event that it has given out,
 *   subscribes from there after each reconnect, and gives no event twice. Where the server has to
 *   say that events are gone, the stream says `gap`, and one that began with a snapshot takes a
 *   new one;
 * - who is turned away waits longer each time, by a random part of it, so that a thousand clients
 *   do not come back at the same moment after a restart;
 * - no secret is ever in a URL.
 */

export const VERSION = 'v1';

const RETRY_STATUS = new Set([502, 503, 504]);
const CLOSE_AUTH = 4001; // of the stream: the token is not (any more) good

/** A refusal: application/problem+json (RFC 9457), or what went wrong on the way to one. */
export class Problem extends Error {
  constructor(body, status = body.status ?? 0) {
    super(body.detail ?? body.title ?? `HTTP status ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = body.code ?? (status ? `http${status}` : 'network');
    this.title = body.title ?? '';
    this.csta = body.csta ?? null;
    this.sip = body.sip ?? 0;
    this.pointer = body.pointer ?? '';
    this.body = body;
  }

  static async of(response) {
    const text = await response.text().catch(() => '');
    try {
      const body = JSON.parse(text);
      if (body && typeof body === 'object') {
        return new Problem(body, response.status);
      }
    } catch { /* not JSON: whoever stands in between has answered */ }
    return new Problem({ detail: text.slice(0, 200) || undefined }, response.status);
  }

  /** Of what an event stream says before it ends. */
  static ofText(text) {
    try {
      return new Problem(JSON.parse(text));
    } catch {
      return undefined; // no problem of ours
    }
  }

  static network(error) {
    const p = new Problem({ code: 'network', title: 'The server is not reached',
      detail: `The server is not reached: ${error?.message ?? error}` }, 0);
    p.cause = error;
    return p;
  }
}

/**
 * How long to wait before try number `attempt` (from 0): a random time up to a limit that doubles.
 */
export function backoff(attempt, { base = 250, most = 30000, random = Math.random } = {}) {
  const limit = Math.min(most, base * 2 ** Math.min(attempt, 20));
  return Math.round(limit / 4 + random() * limit * 3 / 4);
}

export function sleep(ms, signal) {
  return new Promise((done, fail) => {
    if (signal?.aborted) {
      fail(signal.reason);
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      done();
    }, ms);
    function stop() {
      clearTimeout(timer);
      fail(signal.reason);
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Is sequence `a` after `b`? They are decimal numbers of up to 64 bits, as strings. */
export function after(a, b) {
  return b === undefined || b === null || BigInt(a) > BigInt(b);
}

/** Octets of User-to-User or userData, hexadecimal as in CSTA's JSON: 04 and ASCII. */
export function userData(text) {
  const octets = new TextEncoder().encode(text);
  return { string: '04' + Array.from(octets, (o) => o.toString(16).padStart(2, '0').toUpperCase())
    .join('') };
}

/** The text of such octets, or null when they are none. */
export function userText(data) {
  const hex = typeof data === 'string' ? data : data?.string ?? '';
  if (!/^([0-9A-Fa-f]{2})+$/.test(hex)) {
    return null;
  }
  const octets = Uint8Array.from(hex.match(/../g), (h) => parseInt(h, 16));
  const body = octets[0] === 4 ? octets.subarray(1) : octets;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000e-\u001f\u007f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** 1001 of sip:1001@example.com and of tel:1001;ext=2. */
export function number(device) {
  const id = typeof device === 'string' ? device : device?.id ?? device?.deviceIdentifier?.id ?? '';
  return id.replace(/^<|>$/g, '').replace(/^(sips?|tel):/i, '').replace(/[@;?].*$/, '');
}

function unique() {
  if (globalThis.crypto?.randomUUID) { // a browser has it on https and on localhost only
    return globalThis.crypto.randomUUID();
  }
  const octets = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(octets, (o) => o.toString(16).padStart(2, '0')).join('');
}

const segment = encodeURIComponent;

/**
 * Tokens: the one that was given, or short-lived ones that are bought with it.
 *
 * A page that holds the long-lived token only as long as the person is there asks with
 * `exchange`: then each request carries a browser token, renewed a minute before it ends.
 */
class Tokens {
  constructor(client, token, exchange) {
    this.client = client;
    this.token = token;
    this.exchange = exchange;
    this.short = null;
    this.stale = false; // the one that was given has been refused
    this.asking = null;
  }

  async given() {
    if (typeof this.token !== 'function') {
      return this.token;
    }
    const renew = this.stale;
    this.stale = false;
    return this.token({ renew });
  }

  async get() {
    if (!this.exchange) {
      return this.given();
    }
    const left = this.short ? this.short.expires - Date.now() : 0;
    if (left > this.short?.margin) {
      return this.short.token;
    }
    this.asking ??= this.ask().finally(() => { this.asking = null; });
    return this.asking;
  }

  async ask() {
    const long = await this.given();
    const response = await this.client.fetch(this.client.url('/v1/tokens/browser'), {
      // a browser says by itself of which origin its page is
      method: 'POST', body: JSON.stringify(globalThis.location ? {}
        : { origin: this.client.base.origin }), cache: 'no-store', credentials: 'omit',
      redirect: 'error',
      headers: { 'Authorization': `Bearer ${long}`, 'Content-Type': 'application/json' },
    }).catch((e) => { throw Problem.network(e); });
    if (!response.ok) {
      throw await Problem.of(response);
    }
    const got = await response.json();
    const expires = Date.parse(got.expires) || Date.now() + 60000;
    const life = Math.max(0, expires - Date.now());
    this.short = { token: got.token, expires, margin: Math.min(60000, life / 4), ...got,
      ...{ expires } };
    return got.token;
  }

  /** The server did not take it. @return whether another one may be had */
  refused() {
    const had = this.short !== null || typeof this.token === 'function';
    this.stale = this.short === null;
    this.short = null;
    return had;
  }
}

export class Baton {
  /**
   * @param options.url      where the server is; the page's own origin when left out
   * @param options.token    a token, or a function that returns (a promise of) one; it is asked
   *                         for each request, with {renew: true} after one has been refused
   * @param options.exchange buy short-lived browser tokens with it
   */
  constructor({ url, token, exchange = false, fetch, WebSocket, retries = 5, timeout = 60,
    random } = {}) {
    this.base = new URL(url ?? globalThis.location?.origin ?? 'http://127.0.0.1:8080');
    this.fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this.WebSocket = WebSocket ?? globalThis.WebSocket;
    this.retries = retries;
    this.timeout = timeout; // seconds for an answer to begin
    this.random = random ?? Math.random;
    this.tokens = new Tokens(this, token, exchange);
  }

  url(path, query = {}) {
    const u = new URL(path, this.base);
    if (u.origin !== this.base.origin) { // the token is for nobody else
      throw new TypeError(`${path} is not a path of ${this.base.origin}`);
    }
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null && one !== '') {
          u.searchParams.append(name, one);
        }
      }
    }
    return u.href;
  }

  /**
   * One request. @return the response, whatever its content; a refusal is thrown as a Problem.
   * With `exchange`, `given` sends the token that was given: for what shall outlive the page.
   */
  async respond(method, path, { query, body, headers = {}, wait, ifMatch, idempotencyKey, accept,
    signal, given = false, retries = this.retries } = {}) {
    const h = { 'Accept': accept ?? 'application/json', ...headers };
    if (body !== undefined) {
      h['Content-Type'] ??= 'application/json';
    }
    if (wait) {
      h['Prefer'] = `wait=${wait}`;
    }
    if (ifMatch) {
      h['If-Match'] = ifMatch;
    }
    if (method !== 'GET') {
      h['Idempotency-Key'] = idempotencyKey ?? unique();
    }
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const url = this.url(path, query);
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      const token = await (given ? this.tokens.given() : this.tokens.get());
      if (token) {
        h['Authorization'] = `Bearer ${token}`;
      }
      let response;
      try {
        response = await this.reach(url, { method, headers: h, body: text, signal,
          cache: 'no-store', credentials: 'omit' });
      } catch (e) {
        if (signal?.aborted || attempt >= retries) {
          throw signal?.aborted ? e : Problem.network(e);
        }
        await sleep(backoff(attempt, { random: this.random }), signal);
        continue;
      }
      if (response.ok || response.status === 304) {
        return response;
      }
      if (response.status === 401 && !renewed && this.tokens.refused()) {
        renewed = true;
        continue;
      }
      const problem = await Problem.of(response);
      // what CSTA or a phone has said to a command is its outcome, and would be said again
      if (RETRY_STATUS.has(response.status) && !problem.csta && !problem.sip &&
          attempt < retries) {
        const asked = Number(response.headers.get('Retry-After'));
        await sleep(asked > 0 ? Math.min(asked, 30) * 1000 * (1 + this.random() / 4)
          : backoff(attempt, { random: this.random }), signal);
        continue;
      }
      throw problem;
    }
  }

  /** As fetch(); a server that says nothing at all counts as one that is not reached. */
  async reach(url, options) {
    const inner = new AbortController();
    const stop = () => inner.abort(options.signal.reason);
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) {
      stop();
    }
    const timer = setTimeout(() => inner.abort(new Error(`no answer in ${this.timeout} s`)),
      this.timeout * 1000);
    try {
      // the server redirects none of its API: whoever does is another one
      return await this.fetch(url, { redirect: 'error', ...options, signal: inner.signal });
    } finally {
      clearTimeout(timer); // what follows may take its time; `signal` still ends it
    }
  }

  /** As respond(), and what it brings: JSON as a value, anything else as text. */
  async request(method, path, options = {}) {
    const response = await this.respond(method, path, options);
    if (response.status === 204) {
      return null;
    }
    const type = response.headers.get('Content-Type') ?? '';
    return /\bjson\b/.test(type) ? response.json() : response.text();
  }

  get(path, query, options = {}) {
    return this.request('GET', path, { query, ...options });
  }

  post(path, body = {}, options = {}) {
    return this.request('POST', path, { body, ...options });
  }

  put(path, body, options = {}) {
    return this.request('PUT', path, { body, ...options });
  }

  delete(path, options = {}) {
    return this.request('DELETE', path, options);
  }

  /** All items of a list, page by page. */
  async* list(path, query = {}) {
    let cursor;
    do {
      const page = await this.get(path, { ...query, after: cursor ?? query.after });
      yield* page.items;
      if (page.next && page.next === cursor) {
        throw new Problem({ code: 'tooLong', title: 'No end', detail: `${path} is endless.` });
      }
      cursor = page.next;
    } while (cursor);
  }

  /**
   * POSTs a command and waits until its operation has ended.
   * @return {operation, service, state: 'done', result}; what failed is thrown as a Problem
   */
  async operate(path, body = {}, { timeout = 30, signal, ...options } = {}) {
    const end = Date.now() + timeout * 1000;
    let op = await this.post(path, body, { wait: Math.min(timeout, 10), signal, ...options });
    for (let attempt = 0; op && op.state !== 'done' && op.state !== 'failed'; attempt++) {
      if (Date.now() > end) {
        throw new Problem({ code: 'timeout', title: 'No outcome yet',
          detail: `${op.service ?? 'The operation'} has been accepted, but not ended within ` +
            `${timeout} s.`, operation: op.operation }, 0);
      }
      await sleep(Math.min(2000, backoff(attempt, { base: 100, random: this.random })), signal);
      op = await this.get(`/v1/operations/${segment(op.operation)}`, {}, { signal });
    }
    if (op?.state === 'failed') {
      throw new Problem(op.problem ?? { title: `${op.service} failed` });
    }
    return op;
  }

  /** Any CSTA request by its name; `body` is its JSON. @return the members of the response */
  async service(name, body, options) {
    const op = await this.operate(`/v1/services/${segment(name)}`, body, options);
    return Object.values(op?.result ?? {})[0] ?? {};
  }

  // ---- the verbs ----

  makeCall(device, to, more = {}, options) {
    return this.operate(`/v1/devices/${segment(device)}/calls`,
      { calledDirectoryNumber: to, ...more }, options);
  }

  verb(connection, name, body = {}, options) {
    const device = connection.number ?? number(connection.deviceID);
    return this.operate(`/v1/calls/${segment(connection.callID)}/connections/` +
      `${segment(device)}/${name}`, body, options);
  }

  answer(connection, options) { return this.verb(connection, 'answer', {}, options); }
  hold(connection, options) { return this.verb(connection, 'hold', {}, options); }
  retrieve(connection, options) { return this.verb(connection, 'retrieve', {}, options); }
  clear(connection, more = {}, options) { return this.verb(connection, 'clear', more, options); }

  deflect(connection, to, options) {
    return this.verb(connection, 'deflect', { newDestination: to }, options);
  }

  /** Blind: the other party gets `to` instead of us. */
  transfer(connection, to, more = {}, options) {
    return this.service('SingleStepTransferCall',
      { activeCall: connectionID(connection), transferredTo: to, ...more }, options);
  }

  /** Holds this call and calls `to`. */
  consult(connection, to, more = {}, options) {
    return this.service('ConsultationCall',
      { existingCall: connectionID(connection), consultedDevice: to, ...more }, options);
  }

  /** Joins the parties of a held and an active call; we leave. */
  complete(held, active, options) {
    return this.service('TransferCall',
      { heldCall: connectionID(held), activeCall: connectionID(active) }, options);
  }

  alternate(held, active, options) {
    return this.service('AlternateCall',
      { heldCall: connectionID(held), activeCall: connectionID(active) }, options);
  }

  reconnect(held, active, options) {
    return this.service('ReconnectCall',
      { heldCall: connectionID(held), activeCall: connectionID(active) }, options);
  }

  digits(connection, keys, options) {
    return this.service('GenerateDigits', { connectionToSendDigits: connectionID(connection),
      charactersToSend: keys }, options);
  }

  stream(options = {}) {
    return new BatonStream(this, options);
  }

  model(options = {}) {
    return new BatonModel(this, options);
  }
}

export function connectionID(connection) {
  const device = connection.deviceID;
  return { callID: connection.callID, deviceID: typeof device === 'string' ? { id: device }
    : device };
}

const MOST_LINE = 16 << 20; // characters of one event

/**
 * The lines of an event stream (Server-Sent Events), as they come, cut into messages. An `id`
 * without data is told, too, with data null: it says where the reader stands.
 */
export class EventLines {
  constructor(tell) {
    this.tell = tell;
    this.rest = '';
    this.reset();
  }

  reset() {
    this.data = [];
    this.kept = 0; // characters of them
    this.event = '';
    this.moved = false;
  }

  push(text) {
    if (this.rest.length + this.kept + text.length > MOST_LINE) {
      throw new Error('an event that does not end');
    }
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    for (const line of lines) {
      this.line(line);
    }
  }

  line(line) {
    if (line === '') {
      if (this.data.length) {
        this.tell({ event: this.event, data: this.data.join('\n'), id: this.id });
      } else if (this.moved) {
        this.tell({ event: '', data: null, id: this.id });
      }
      this.reset();
      return;
    }
    const at = line.indexOf(':');
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (name === 'data') {
      this.data.push(value);
      this.kept += value.length;
    } else if (name === 'event') {
      this.event = value;
    } else if (name === 'id') {
      this.id = value;
      this.moved = true;
    }
  }
}

/**
 * The events of the server, from `from` on: 'now', 'earliest', 'snapshot' or a sequence.
 *
 * Tells, as DOM events with `detail`: 'event' (a CloudEvent), 'snapshot' ({devices, calls} and the
 * sequence at which they hold), 'gap' ({from, to, reason}), 'state' ('connecting', 'open',
 * 'waiting', 'closed'), 'problem' (a Problem; after one of code `auth` the stream has ended).
 * Or `for await (const event of stream)`, which has the CloudEvents, snapshots and gaps as well.
 *
 * Events come over WebSocket, or as Server-Sent Events by fetch() where there is none.
 */
export class BatonStream extends EventTarget {
  constructor(client, { from = 'now', devices, types, callID, transport, silence = 45000,
    ping = 20000, most = 30000, ackEvery = 64, paused = false } = {}) {
    super();
    this.client = client;
    this.from = from;
    this.filter = { devices, types, callID };
    this.transport = transport ?? (client.WebSocket ? 'websocket' : 'sse');
    this.silence = silence;
    this.pingEvery = ping;
    this.most = most;
    this.ackEvery = ackEvery;
    this.sequence = undefined; // of the last event given out
    this.state = 'new';
    this.attempt = 0;
    this.abort = null;
    this.queue = null;
    this.unacked = 0;
    this.renewed = 0; // when it began anew, after a gap
    this.renewing = false;
    if (!paused) {
      this.open();
    }
  }

  open() {
    if (!this.abort) {
      this.abort = new AbortController();
      this.running = this.run(this.abort.signal);
    }
    return this;
  }

  close() {
    this.abort?.abort(new DOMException('closed', 'AbortError'));
    this.abort = null;
    this.become('closed');
    this.wake?.();
  }

  become(state, more = {}) {
    if (this.state !== state) {
      this.state = state;
      this.tell('state', { state, ...more });
    }
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async run(signal) {
    let refused = 0;
    while (!signal.aborted) {
      this.become('connecting');
      let end;
      try {
        end = await (this.transport === 'sse' ? this.overSse(signal) : this.overSocket(signal));
      } catch (error) {
        end = { error };
      }
      if (signal.aborted) {
        return;
      }
      const problem = end.error instanceof Problem ? end.error : null;
      const auth = end.code === CLOSE_AUTH || problem?.status === 401 || problem?.status === 403;
      refused = auth ? refused + 1 : 0;
      if (auth && (refused > 1 || problem?.status === 403 || !this.client.tokens.refused())) {
        this.tell('problem', problem ?? new Problem({ code: 'auth', title: 'Not authorised',
          detail: end.reason || 'The server does not take the token of the event stream.' }, 401));
        this.close();
        return;
      }
      if (problem && problem.status >= 400 && problem.status < 500 && !auth &&
          problem.status !== 408 && problem.status !== 429) {
        this.tell('problem', problem); // asking again would not change the answer
        if (!signal.aborted) { // who was told may have begun anew
          this.close();
        }
        return;
      }
      const ms = auth ? 0 : backoff(this.attempt++, { most: this.most,
        random: this.client.random });
      this.become('waiting', { ms, code: end.code, error: end.error });
      await sleep(ms, signal).catch(() => {});
    }
  }

  /** Where to go on: behind what was given out, or where it was asked to begin. */
  cursor() {
    return this.sequence ?? this.from;
  }

  overSocket(signal) {
    return new Promise((done) => {
      const url = new URL(this.client.url('/v1/stream'));
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      let socket;
      let timer;
      let heard = Date.now();
      const over = (end) => {
        clearInterval(timer);
        signal.removeEventListener('abort', stop);
        this.socket = null;
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        if (socket.readyState <= 1) {
          socket.close();
        }
        done(end);
      };
      const stop = () => over({ code: 1000 });
      this.client.tokens.get().then((token) => {
        if (signal.aborted) {
          done({ code: 1000 });
          return;
        }
        socket = new this.client.WebSocket(url.href, ['baton.v1']);
        signal.addEventListener('abort', stop, { once: true });
        timer = setInterval(() => { // from now on: it may never get as far as open
          const quiet = Date.now() - heard;
          if (quiet > this.silence) {
            over({ code: 4000, reason: 'silence' });
          } else if (quiet > this.pingEvery / 2) {
            this.say({ op: 'ping' });
          }
        }, Math.min(this.pingEvery, this.silence));
        timer.unref?.();
        socket.onopen = () => {
          this.socket = socket;
          if (token) {
            this.say({ op: 'auth', token });
          }
          this.subscribe();
        };
        socket.onmessage = (m) => {
          heard = Date.now();
          this.take(m.data);
        };
        socket.onclose = (e) => over({ code: e.code, reason: e.reason });
        socket.onerror = () => {}; // a close follows
      }).catch((error) => done({ error }));
    });
  }

  say(o) {
    if (this.socket?.readyState === 1) {
      this.socket.send(JSON.stringify(o));
    }
  }

  subscribe() {
    const filter = Object.fromEntries(Object.entries(this.filter).filter(([, v]) => v));
    this.say({ op: 'subscribe', from: this.cursor(), filter });
  }

  async overSse(signal) {
    const headers = {};
    if (this.sequence !== undefined) {
      headers['Last-Event-ID'] = this.sequence;
    }
    const inner = new AbortController();
    const both = () => inner.abort(signal.reason);
    signal.addEventListener('abort', both, { once: true });
    let heard = Date.now();
    const timer = setInterval(() => {
      if (Date.now() - heard > this.silence) {
        inner.abort(new Error('silence'));
      }
    }, Math.min(5000, this.silence));
    timer.unref?.();
    try {
      const response = await this.client.respond('GET', '/v1/events', {
        query: { from: this.sequence === undefined ? this.from : undefined,
          device: this.filter.devices?.join(','), type: this.filter.types?.join(','),
          callID: this.filter.callID },
        accept: 'text/event-stream', headers, signal: inner.signal, retries: 0 });
      this.become('open');
      let problem;
      const lines = new EventLines((m) => {
        if (m.event === 'problem') {
          problem = Problem.ofText(m.data);
        } else if (m.data === null) {
          this.here(m.id);
        } else {
          this.take(m.data);
        }
      });
      const text = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return { code: 1000, error: problem };
        }
        heard = Date.now();
        lines.push(text.decode(value, { stream: true }));
      }
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', both);
    }
  }

  /** It has told something: a connection that is taken and dropped at once is no reason to hurry. */
  opened() {
    this.attempt = 0;
    this.become('open');
  }

  here(sequence) {
    this.opened();
    this.place(sequence);
  }

  take(text) {
    let m;
    try {
      m = JSON.parse(text);
    } catch {
      return; // not ours
    }
    if (m.specversion) {
      this.opened();
    }
    if (m.op === 'subscribed' || m.op === 'heartbeat') {
      this.here(m.sequence);
    } else if (m.op === 'error') {
      this.refusal(new Problem(m.problem ?? m));
    } else if (m.type === 'org.baton.snapshot.v1') {
      this.sequence = m.sequence ?? m.data?.sequence;
      this.give('snapshot', m);
    } else if (m.type === 'org.baton.gap.v1') {
      this.gap(m);
    } else if (m.specversion) {
      this.event(m);
    }
  }

  /** The server could not do what was asked. It may be able to give a snapshot in a moment. */
  refusal(problem) {
    if (problem.code === 'noSnapshot') {
      sleep(backoff(this.attempt++, { random: this.client.random }), this.abort?.signal)
        .then(() => this.subscribe(), () => {});
    } else {
      this.tell('problem', problem);
    }
  }

  /** There is nothing for us up to there: what a filter left out need not be asked for again. */
  place(sequence) {
    if (/^\d+$/.test(sequence ?? '') && after(sequence, this.sequence)) {
      this.sequence = sequence;
    }
  }

  /** Events up to data.to cannot be had any more. */
  gap(m) {
    const { from, to, reason } = m.data ?? {};
    if (reason === 'reset' && from !== undefined) {
      this.sequence = String(BigInt(from) - 1n); // another journal: its numbers begin anew
    } else if (to !== undefined && after(to, this.sequence)) {
      this.sequence = String(to);
    }
    this.give('gap', m);
    if (this.from === 'snapshot' && to !== undefined) {
      this.sequence = undefined; // the present state, instead of what led to it
      this.anew();
    }
  }

  /** At once; but one gap after the other is no reason to hurry. */
  anew() {
    const ms = Math.max(0, this.renewed + 1000 - Date.now());
    const go = () => {
      this.renewing = false;
      this.renewed = Date.now();
      if (this.transport === 'sse') {
        this.restart();
      } else {
        this.subscribe();
      }
    };
    if (this.renewing) {
      return;
    }
    if (ms === 0) {
      go();
      return;
    }
    this.renewing = true;
    sleep(ms, this.abort?.signal).then(go, () => { this.renewing = false; });
  }

  /** Connects anew at once, from where it is. */
  restart() {
    this.abort?.abort(new DOMException('restart', 'AbortError'));
    this.abort = null;
    this.open();
  }

  event(m) {
    const sequence = m.sequence ?? m.id;
    if (sequence !== undefined && !after(sequence, this.sequence)) {
      return; // had it: the server was asked from an earlier one
    }
    if (sequence !== undefined) {
      this.sequence = sequence;
    }
    this.give('event', m);
    if (++this.unacked >= this.ackEvery) {
      this.unacked = 0;
      this.say({ op: 'ack', sequence: this.sequence });
    }
  }

  give(kind, m) {
    this.tell(kind, m);
    if (this.queue) {
      this.queue.push(m);
      this.wake?.();
    }
  }

  async* [Symbol.asyncIterator]() {
    this.queue ??= [];
    try {
      for (;;) {
        while (this.queue.length) {
          yield this.queue.shift();
        }
        if (this.state === 'closed') {
          return;
        }
        await new Promise((done) => { this.wake = done; });
      }
    } finally {
      this.queue = null;
      this.close();
    }
  }
}

/** May the same request be answered another time? */
function passes(problem) {
  return !(problem.status >= 400 && problem.status < 500) || problem.status === 408 ||
    problem.status === 429;
}

/**
 * The present calls and devices: a snapshot, and after each event what it touched, asked again.
 *
 * Asking again instead of replaying the event here keeps the rules of CSTA's states where they
 * belong, and makes the view right whatever the event was. A burst of events of one call costs one
 * request, and one for each other call that its devices have; one that fails for a reason that
 * passes is made again. Tells 'change' with detail {calls: [callID…], devices: [number…]}, 'event', 'gap',
 * 'state', 'problem' as the stream does.
 */
export class BatonModel extends EventTarget {
  constructor(client, { devices, delay = 60 } = {}) {
    super();
    this.client = client;
    this.delay = delay;
    this.calls = new Map();
    this.devices = new Map();
    this.dirty = { calls: new Map(), devices: new Map() };
    this.failures = 0; // one after the other
    this.touched = null; // while calls are read page by page: of which there were events
    this.ready = new Promise((done) => { this.isReady = done; });
    this.stream = client.stream({ from: 'snapshot', devices });
    this.stream.addEventListener('snapshot', (e) => this.snapshot(e.detail));
    this.stream.addEventListener('event', (e) => this.event(e.detail));
    this.stream.addEventListener('problem', (e) => e.detail.code === 'snapshotTooBig' &&
      this.piecemeal());
    this.stream.addEventListener('gap', () => this.stream.from !== 'snapshot' &&
      this.piecemeal());
    for (const name of ['state', 'problem', 'gap', 'event']) {
      this.stream.addEventListener(name, (e) =>
        this.dispatchEvent(new CustomEvent(name, { detail: e.detail })));
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.stream.close();
  }

  /** The calls of a device, with its connection in each. */
  callsOf(device) {
    const out = [];
    for (const call of this.calls.values()) {
      const connection = call.connections?.find((c) =>
        (c.number ?? number(c.deviceID)) === device);
      if (connection) {
        out.push({ call, connection });
      }
    }
    return out;
  }

  snapshot(m) {
    const { calls = [], devices = [] } = m.data ?? {};
    this.calls = new Map(calls.map((c) => [c.callID, c]));
    this.devices = new Map(devices.map((d) => [d.number ?? number(d.deviceID), d]));
    this.dirty = { calls: new Map(), devices: new Map() };
    this.changed([...this.calls.keys()], [...this.devices.keys()], true);
    this.isReady(this);
  }

  /**
   * There is too much for one snapshot: events from now on, and calls page by page. A page may be
   * older than an event that came meanwhile, so what those touched is asked again.
   */
  async piecemeal() {
    const touched = new Set();
    const calls = new Map();
    const open = new Promise((done) => {
      this.stream.addEventListener('state', (e) => e.detail.state === 'open' && done());
    });
    this.touched = touched;
    this.stream.from = 'now';
    this.stream.sequence = undefined;
    this.stream.restart();
    await open;
    try {
      for await (const call of this.client.list('/v1/calls', { limit: 1000 })) {
        calls.set(call.callID, call);
      }
    } catch (e) {
      this.tellProblem(e);
      if (passes(e) && this.touched === touched) {
        await sleep(backoff(this.failures++, { random: this.client.random }));
        if (!this.closed && this.touched === touched) {
          this.piecemeal();
        }
      }
      return;
    }
    if (this.touched === touched) { // else it was begun anew
      this.touched = null;
      this.calls = calls;
      touched.forEach((id) => this.dirty.calls.set(id));
      this.changed([...calls.keys()], [], true);
      this.isReady(this);
      this.soon();
    }
  }

  tellProblem(problem) {
    this.dispatchEvent(new CustomEvent('problem', { detail: problem }));
  }

  changed(calls, devices, all = false) {
    this.dispatchEvent(new CustomEvent('change', { detail: { calls, devices, all } }));
  }

  event(m) {
    const ids = m.data?.ids ?? {};
    if (ids.callID) {
      this.dirty.calls.set(ids.callID, m.sequence);
      this.touched?.add(ids.callID);
    }
    if (ids.deviceID) {
      this.dirty.devices.set(number(ids.deviceID), m.sequence);
    }
    if (m.type === 'org.baton.resynced.v1' && ids.deviceID) { // what is known of it may be wrong
      for (const { call } of this.callsOf(number(ids.deviceID))) {
        this.dirty.calls.set(call.callID, m.sequence);
      }
    }
    this.soon();
  }

  soon() {
    if (!this.closed && this.dirty.calls.size + this.dirty.devices.size > 0) {
      this.timer ??= setTimeout(() => this.refresh(), this.failures === 0 ? this.delay
        : Math.max(this.delay, backoff(this.failures, { random: this.client.random })));
    }
  }

  async refresh() {
    const { calls, devices } = this.dirty;
    this.dirty = { calls: new Map(), devices: new Map() };
    this.others(calls, devices);
    const good = await Promise.all([
      ...[...calls.keys()].map((id) => this.fetchOne('calls', id, `/v1/calls/${segment(id)}`)),
      ...[...devices.keys()].filter((n) => n).map((n) =>
        this.fetchOne('devices', n, `/v1/devices/${segment(n)}`)),
    ]);
    this.failures = good.includes(false) ? this.failures + 1 : 0;
    this.changed([...calls.keys()], [...devices.keys()]);
    this.timer = undefined;
    this.soon();
  }

  /** What can be done in a call depends on the other calls of a device: those are asked, too. */
  others(calls, devices) {
    const touched = new Set(devices.keys());
    for (const id of calls.keys()) {
      for (const c of this.calls.get(id)?.connections ?? []) {
        touched.add(c.number ?? number(c.deviceID));
      }
    }
    for (const [id, call] of this.calls) {
      if (!calls.has(id) && call.connections?.some((c) => {
        const n = c.number ?? number(c.deviceID);
        return touched.has(n) && this.devices.has(n); // an outside number has calls of many
      })) {
        calls.set(id, undefined);
      }
    }
  }

  /** @return false: it will be asked again */
  async fetchOne(kind, key, path) {
    const map = this[kind];
    try {
      const item = await this.client.get(path);
      const had = map.get(key);
      if (had?.sequence && item.sequence && after(had.sequence, item.sequence)) {
        return true;
      }
      if (item.connections && item.connections.length === 0) {
        map.delete(key);
      } else {
        map.set(key, item);
      }
    } catch (e) {
      if (e.status === 404 || e.status === 410 || e.status === 403) {
        map.delete(key);
      } else {
        this.tellProblem(e);
        if (passes(e) && map === this[kind]) { // else there is a snapshot since
          this.dirty[kind].set(key);
          return false;
        }
      }
    }
    return true;
  }
}
