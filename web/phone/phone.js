// SPDX-License-Identifier: Apache-2.0
/*
 * A phone in the browser: JsSIP over secure WebSocket, registered at Baton like any other phone.
 *
 * So that one laptop shows the whole product. It shows the User-to-User that a call brings, and
 * sends what is typed. Applications can have it pick up: it says Allow-Events: talk, hold in its
 * registration, and takes NOTIFY talk and hold in its dialogs (and Answer-Mode: Auto at once).
 * The password stays in this page's memory.
 *
 * A page may be opened with #number=1001&ws=wss://… so that less has to be typed; nothing secret
 * is taken from there.
 */
import { userData, userText } from '../client/baton.js';
import { announce, brief, button, field, fill, h, input, regions, saying, toast } from '../console/ui/dom.js';
import { since, tick } from '../console/ui/format.js';

const SETTINGS = 'baton.phone';
const MEDIA = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };
const KEYS = [...'123456789*0#'];

/** Values of User-to-User as {text, value}. */
export function readUui(values) {
  return values.map((value) => {
    const [data, ...params] = value.split(';').map((p) => p.trim());
    const raw = data.replace(/^"(.*)"$/, '$1');
    const hex = params.some((p) => /^encoding\s*=\s*"?hex"?$/i.test(p)) || !/^"/.test(data);
    return { value, text: (hex ? userText(raw) : raw) ?? raw };
  });
}

export function writeUui(text) {
  return `User-to-User: ${userData(text).string};encoding=hex;purpose=isdn-uui`;
}

class Phone {
  constructor(JsSIP, { ws, number, domain, password, auto }) {
    Object.assign(this, { JsSIP, number, domain, auto });
    this.session = null;
    this.registered = false;
    this.audio = h('audio', { 'autoplay': true });
    this.line = h('p', { 'class': 'me', 'role': 'status' });
    this.place = h('div', {});
    this.element = [this.line, this.place, this.dialForm(), this.audio];
    this.ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(ws)],
      uri: `sip:${number}@${domain}`, password, register_expires: 120, session_timers: true,
      user_agent: 'Baton browser phone' });
    this.ua.registrator().setExtraHeaders(['Allow-Events: talk, hold']);
    this.ua.on('registered', () => this.state('Registered', true));
    this.ua.on('unregistered', () => this.state('Not registered', false));
    this.ua.on('disconnected', () => this.state('No connection to the server, trying again', false));
    this.ua.on('registrationFailed', (e) => this.state(e.response?.status_code === 403 ||
      e.response?.status_code === 401 ? 'The server does not take this number and password'
      : `Not registered: ${e.cause}`, false));
    this.ua.on('newRTCSession', (e) => e.originator === 'remote' && this.incoming(e));
    this.state('Registering…', false);
    this.ua.start();
    this.draw();
  }

  close() {
    this.ua.stop();
  }

  state(text, good) {
    this.registered = good;
    fill(this.line, h('span', { 'class': `live-dot ${good ? 'good' : 'wait'}`, 'aria-hidden': 'true' }),
      h('span', {}, h('b', {}, this.number), ` – ${text}`));
  }

  dialForm() {
    this.to = input({ 'type': 'tel', 'required': true, 'placeholder': '1002' });
    this.about = input({ 'placeholder': 'case 4711' });
    return h('form', { 'class': 'card', on: { submit: (e) => {
      e.preventDefault();
      this.dial(this.to.value.trim(), this.about.value);
    } } }, field('Number', this.to), field('Context', this.about, 'Goes along as User-to-User.'),
    h('div', {}, h('button', { 'type': 'submit', 'class': 'go' }, 'Call')));
  }

  dial(to, about) {
    if (this.session) {
      toast('There is a call already; hang up first.');
      return;
    }
    const target = /^(sips?|tel):/i.test(to) ? to : `sip:${encodeURIComponent(to)}@${this.domain}`;
    const s = this.ua.call(target, { ...MEDIA, extraHeaders: about ? [writeUui(about)] : [] });
    this.watch(s, { other: to, uui: about ? [{ text: about, value: '' }] : [], incoming: false });
  }

  incoming({ session, request }) {
    if (this.session) {
      session.terminate({ status_code: 486 });
      return;
    }
    this.watch(session, { other: session.remote_identity.display_name ||
      session.remote_identity.uri.user, uui: readUui(request.getHeaders('User-to-User')),
    incoming: true });
    announce(`${this.call.other} calls`);
    if (this.auto && /^auto/i.test(request.getHeader('Answer-Mode') ?? '')) {
      this.answer();
    }
  }

  watch(s, call) {
    this.session = s;
    this.call = { ...call, state: 'ringing', held: false, since: null };
    const receive = s.receiveRequest.bind(s);
    s.receiveRequest = (request) => {
      const event = request.method === 'NOTIFY' ? request.getHeader('Event') ?? '' : '';
      if (/^talk\b/i.test(event)) {
        request.reply(200);
        this.call.state === 'ringing' && this.call.incoming ? this.answer() : this.hold(false);
      } else if (/^hold\b/i.test(event)) {
        request.reply(200);
        this.hold(true);
      } else {
        receive(request);
      }
    };
    const over = (why) => {
      if (this.session === s) {
        this.session = null;
        announce(`The call has ended${why ? `: ${why}` : ''}`);
        this.ended = why;
        this.draw();
      }
    };
    s.on('confirmed', () => {
      if (this.session === s) {
        this.call.state = 'talking';
        this.call.since = new Date().toISOString();
        announce('Talking');
        this.draw();
      }
    });
    s.on('accepted', (e) => this.more(e.response));
    s.on('progress', (e) => this.more(e.response));
    s.on('ended', (e) => over(e.cause === this.JsSIP.C.causes.BYE ? '' : e.cause));
    s.on('failed', (e) => over(e.cause));
    s.on('hold', () => this.held());
    s.on('unhold', () => this.held());
    s.on('refer', (e) => e.accept((next) => this.watch(next, { other: next.remote_identity.uri.user,
      uui: [], incoming: false }), MEDIA));
    s.on('replaces', (e) => e.accept((next) => this.watch(next, {
      other: next.remote_identity.uri.user, uui: [], incoming: false })));
    const pc = () => s.connection?.addEventListener('track', (e) => {
      this.audio.srcObject = e.streams[0] ?? new MediaStream([e.track]);
    });
    s.on('peerconnection', pc);
    pc();
    this.draw();
  }

  /** What the other side's answers bring. */
  more(response) {
    const uui = readUui(response?.getHeaders?.('User-to-User') ?? []);
    if (uui.length && this.session) {
      this.call.uui = uui;
      this.draw();
    }
  }

  held() {
    const h2 = this.session?.isOnHold();
    this.call.held = Boolean(h2?.local || h2?.remote);
    this.call.mine = Boolean(h2?.local);
    this.draw();
  }

  answer() {
    this.session.answer({ ...MEDIA, rtcOfferConstraints: { offerToReceiveAudio: true } });
  }

  hold(on) {
    if (this.session) {
      on ? this.session.hold() : this.session.unhold();
    }
  }

  draw() {
    const c = this.call;
    const s = this.session;
    const focus = this.place.contains(document.activeElement);
    if (!s) {
      fill(this.place, this.ended && h('p', { 'class': 'muted' }, `The call has ended: ${this.ended}`));
      if (focus) {
        this.to.focus();
      }
      return;
    }
    const ringing = c.state === 'ringing';
    const pad = h('div', { 'class': 'pad', 'hidden': !c.pad, 'role': 'group', 'aria-label': 'Keys' },
      KEYS.map((k) => button(k, () => s.sendDTMF(k))));
    fill(this.place, h('section', { 'class': `call ${ringing ? 'ringing' : ''}`,
      'aria-label': `Call with ${brief(c.other)}` },
    h('p', { 'class': 'muted' }, ringing ? (c.incoming ? 'Incoming call' : 'Calling…')
      : c.held ? (c.mine ? 'On hold' : 'The other side holds') : ['Talking ', since(c.since)]),
    h('p', { 'class': 'other' }, h('bdi', {}, brief(c.other))),
    c.uui.map((u) => h('div', { 'class': 'about', 'title': brief(u.value) },
      h('small', {}, 'User-to-User'), saying(u.text))),
    h('div', { 'class': 'row' },
      ringing && c.incoming && button('Answer', () => this.answer(), { kind: 'go' }),
      !ringing && button(c.mine ? 'Retrieve' : 'Hold', () => this.hold(!c.mine)),
      !ringing && button('Keys', () => {
        c.pad = !c.pad;
        this.draw();
      }, { 'aria-expanded': String(Boolean(c.pad)) }),
      button(ringing && c.incoming ? 'Decline' : 'Hang up', () => s.terminate(ringing && c.incoming
        ? { status_code: 603, reason_phrase: 'Decline' } : {}), { kind: 'stop' })), pad));
    if (focus) {
      this.place.querySelector('button')?.focus();
    }
  }
}

function saved() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS) ?? '{}');
  } catch {
    return {};
  }
}

async function main() {
  const had = { ...saved(), ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
  const body = h('div', { 'class': 'stack' });
  fill(document.body, ...regions(), h('main', { 'class': 'phone' }, h('h1', {}, 'Phone'), body));
  tick();
  let JsSIP;
  try {
    ({ default: JsSIP } = await import('./jssip.js'));
  } catch {
    fill(body, h('div', { 'class': 'problem' }, h('p', { 'class': 'empty-title' },
      'This server was built without the browser phone'), h('p', {}, 'It needs JsSIP, which ' +
      '“make web” takes from npm before building.')));
    return;
  }
  const text = (name, value, more = {}) => {
    const i = input({ 'required': true, ...more });
    i.value = had[name] ?? value;
    return i;
  };
  const ws = text('ws', `wss://${location.hostname}:5443`);
  const number = text('number', '', { 'placeholder': '1001' });
  const domain = text('domain', 'example.com');
  const password = input({ 'type': 'password', 'required': true });
  const auto = h('input', { 'type': 'checkbox', 'id': 'auto', 'checked': true });
  fill(body, h('form', { 'class': 'card', on: { submit: (e) => {
    e.preventDefault();
    const settings = { ws: ws.value.trim(), number: number.value.trim(), domain: domain.value.trim() };
    localStorage.setItem(SETTINGS, JSON.stringify(settings));
    const phone = new Phone(JsSIP, { ...settings, password: password.value, auto: auto.checked });
    window.addEventListener('pagehide', () => phone.close());
    document.title = `${settings.number} – Baton phone`;
    fill(body, phone.element);
    phone.to.focus();
  } } }, field('Number', number), field('Password', password), field('Domain', domain),
  field('WebSocket of the server', ws), h('p', {}, auto,
    h('label', { 'for': 'auto' }, 'Applications may have it pick up')),
  h('div', {}, h('button', { 'type': 'submit', 'class': 'primary' }, 'Register'))));
  (number.value ? password : number).focus();
}

if (globalThis.document) {
  await main();
}
