// SPDX-License-Identifier: Apache-2.0
/* Values of the server in words of people. */
import { number, userText } from '../../client/baton.js';
import { badge, brief, h } from './dom.js';

/** What a state is called, and how it is marked. */
const STATES = {
  'null': ['gone', 'plain'],
  initiated: ['off hook', 'wait'],
  alerting: ['ringing', 'wait'],
  connected: ['talking', 'good'],
  hold: ['on hold', 'held'],
  queued: ['waiting', 'wait'],
  fail: ['failed', 'bad'],
};

export function stateBadge(state) {
  const [text, kind] = STATES[state] ?? [state ?? 'unknown', 'plain'];
  return badge(text, kind);
}

/** Of a call: the state that matters most to who looks at a list. */
export function callState(call) {
  const states = (call.connections ?? []).map((c) => c.localConnectionInfo);
  for (const s of ['fail', 'alerting', 'queued', 'initiated', 'hold', 'connected']) {
    if (states.includes(s)) {
      return s;
    }
  }
  return 'null';
}

export function party(connection) {
  return connection.restricted ? 'withheld'
    : connection.number || number(connection.deviceID) || 'unknown';
}

/** The parties, who called first: "1001 → 1002". */
export function parties(call) {
  const all = (call.connections ?? []).slice().sort((a, b) =>
    Number(b.originating ?? false) - Number(a.originating ?? false));
  return all.map(party).join(' → ') || call.callID;
}

/** The same as nodes, each party by itself: a name from right to left turns no arrow. */
export function partiesView(call) {
  const all = (call.connections ?? []).slice().sort((a, b) =>
    Number(b.originating ?? false) - Number(a.originating ?? false));
  return all.length ? all.flatMap((c, i) => [i > 0 && ' → ', h('bdi', {}, brief(party(c)))])
    : call.callID;
}

/** What a call is about: text of User-to-User, userData, correlator data. */
export function context(call) {
  for (const u of call.uui ?? []) {
    if (u.text) {
      return u.text;
    }
  }
  const data = call.userData && (call.userData.text ?? userText(call.userData));
  return data || (call.correlatorData && correlator(call)) || '';
}

export function correlator(call) {
  const c = call.correlatorData;
  return c ? c.text ?? userText(c) ?? c.string ?? String(c) : '';
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit',
  second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function time(iso, long = false) {
  const t = Date.parse(iso);
  return Number.isNaN(t) ? '' : h('time', { 'datetime': iso, 'title': iso },
    (long ? day : clock).format(t));
}

export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  const d = Math.floor(s / 86400);
  const text = `${s >= 3600 ? two(Math.floor(s / 3600) % 24) + ':' : ''}` +
    `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return d ? `${d} d ${text}` : text;
}

/** A time that goes on: "00:12", written each second by tick(). */
export function since(iso) {
  const t = Date.parse(iso);
  return Number.isNaN(t) ? '' : h('span', { 'class': 'since', data: { since: t } },
    duration(Date.now() - t));
}

/** In words for a list: "3 calls", "1 call". */
export function count(n, one, many = one + 's') {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

/** Starts the clock of all since() on the page. @return how to stop it */
export function tick() {
  const timer = setInterval(() => {
    const now = Date.now();
    for (const e of document.querySelectorAll('[data-since]')) {
      const text = duration(now - Number(e.dataset.since));
      if (e.textContent !== text) {
        e.textContent = text;
      }
    }
  }, 1000);
  return () => clearInterval(timer);
}

/** Last word of a CloudEvent's type: delivered, operation, registration. */
export function eventName(type) {
  return (type ?? '').replace(/^org\.baton\.(csta\.)?/, '').replace(/\.v\d+$/, '');
}

/** camelCase in words: "doNotDisturb" → "do not disturb". */
export function inWords(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase();
}

/** As a label: "Do not disturb". */
export function label(name) {
  const words = inWords(name);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Any value of JSON for a cell. */
export function plain(v) {
  if (v === null || v === undefined || v === '') {
    return '–';
  }
  if (typeof v === 'boolean') {
    return v ? 'yes' : 'no';
  }
  if (Array.isArray(v)) {
    return v.length ? v.map(plain).join(', ') : '–';
  }
  if (typeof v === 'object') {
    return Object.entries(v).map(([k, x]) => `${inWords(k)} ${plain(x)}`).join(', ') || '–';
  }
  return typeof v === 'number' ? v.toLocaleString() : String(v);
}
