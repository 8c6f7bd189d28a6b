// SPDX-License-Identifier: Apache-2.0
/*
 * The ladder of a call: SIP, CSTA and API messages between those who spoke, on one time axis.
 *
 * It is a list, not a picture: each message is a button that opens the text of the message, so it
 * can be walked by keyboard and is read in order. Lanes and arrows are drawn by the style sheet.
 * The picture to take away is made by the server (?format=svg).
 */
import { number } from '../client/baton.js';
import { brief, button, code, copy, empty, fill, h } from './ui/dom.js';

const PAUSE_MS = 500; // a silence that is worth a line

/** 1001 for sip:1001@example.com, crm for token:crm; what is no identifier stays. */
function shortName({ label = '', id }) {
  return (/^(sips?|tel):/i.test(label) && number(label)) ||
    brief(label.replace(/^(browser:)?token:(?=.)/, '') || id, 40);
}

/** Kinds of lanes that stand left of Baton: who commands it. */
const LEFT = new Set(['application', 'api', 'webhook']);

/** What is told by it, whether or not the discriminator stands in front. */
const told = (u) => u.text ?? u.hex ?? '';

/** The server says where a message brings other data than the one that led to it. Who says
    something new in the course of the call is marked here. */
function markNew(messages) {
  const last = new Map();
  for (const u of messages.flatMap((m) => m.uui).filter((v) => v.change !== 'removed')) {
    const before = last.get(u.package);
    if (before && told(before) !== told(u) && !u.changed) {
      const { text, hex, value, octets } = before;
      u.renewed = { text, hex, value, octets };
    }
    last.set(u.package, u);
  }
}

/**
 * What is shown of /v1/trace/{callID}: messages in order of time, and the lanes, Baton between
 * those who command it and those who telephone.
 */
export function readTrace(trace) {
  const lanes = trace.lanes ?? [];
  const name = new Map(lanes.map((l) => [l.id, shortName(l)]));
  const rank = (l) => (l.kind === 'baton' ? 1 : LEFT.has(l.kind) ? 0 : 2);
  const messages = (trace.messages ?? []).map((m) => ({
    number: m.n,
    at: Date.parse(m.time),
    time: m.time,
    face: m.protocol === 'webhook' ? 'api' : m.protocol,
    from: name.get(m.from) ?? m.from,
    to: name.get(m.to) ?? m.to,
    title: m.label ?? '',
    note: m.summary ?? '',
    text: m.bytes ?? '',
    uui: m.uui ?? [],
    address: [m.transport, m.remote].filter(Boolean).join(' '),
  })).sort((a, b) => a.at - b.at);
  markNew(messages);
  return { messages, truncated: trace.truncated === true,
    lanes: lanes.slice().sort((a, b) => rank(a) - rank(b)).map((l) => ({ name: shortName(l),
      kind: l.kind, address: l.address })) };
}

export const NO_TRACE = { messages: [], lanes: [], truncated: false };

function said(m) {
  return `${m.face.toUpperCase()} from ${m.from} to ${m.to}: ${m.title}`;
}

const quoted = (text) => ['“', h('bdi', {}, brief(text)), '”'];

/** Its text, or its octets, or how many they are: nodes. */
export function uuiText(u) {
  return u.text ? quoted(u.text) : brief(u.hex ?? u.value ?? '') || `${u.octets ?? 0} octets`;
}

const CHANGES = { added: 'added here', removed: 'left out here', changed: 'changed here',
  rewritten: 'written otherwise here' };

/** "added here", "changed here", "left out here", "new here"; '' when it is as it was. */
export function uuiChange(u) {
  return u.changed ? CHANGES[u.change] ?? 'changed here' : u.renewed ? 'new here' : '';
}

/** What it was before it changed, decoded, as nodes; null when it did not. */
export function uuiBefore(u) {
  if (u.renewed) {
    return uuiText(u.renewed);
  }
  if (u.change === 'changed') {
    return u.wasText ? quoted(u.wasText) : brief(u.was ?? '') || null;
  }
  return u.change === 'rewritten' ? [u.wasIn, u.wasValue && [' ', h('bdi', {}, brief(u.wasValue))]] : null;
}

/** A change as a sentence, for who does not see it. */
function changeSaid(u) {
  const before = uuiBefore(u);
  return h('p', {}, `User-to-User ${uuiChange(u)}, from ${u.from} to ${u.to}: `, uuiText(u),
    before && [', was ', before]).textContent;
}

/** What has changed since `seen` was filled last, to be said. @param seen keys of hops, filled */
export function newChanges(hops, seen) {
  const first = seen.size === 0;
  const fresh = hops.filter((u) => uuiChange(u) && !seen.has(u.key));
  for (const u of hops) {
    seen.add(u.key);
  }
  return fresh.length === 0 ? '' : first && fresh.length > 1
    ? `User-to-User changed at ${fresh.length} hops.` : fresh.map(changeSaid).join(' ');
}

function chips(m) {
  return m.uui.map((u) => {
    const before = uuiBefore(u);
    return h('span', { 'class': `uui-chip${uuiChange(u) ? ' changed' : ''}`, 'title': u.why },
      uuiChange(u) ? `UUI ${uuiChange(u)}: ` : 'UUI ', uuiText(u), before && [', was ', before]);
  });
}

function row(m, lanes, start, toggle) {
  const a = lanes.indexOf(m.from) + 2;
  const b = lanes.indexOf(m.to) + 2;
  const place = (e, from, to) => {
    e.style.gridColumn = `${from} / ${to}`;
    return e;
  };
  const arrow = a === b ? place(h('span', { 'class': 'arrow self' }), a, a + 1)
    : place(h('span', { 'class': `arrow ${a < b ? 'right' : 'left'}` }), Math.min(a, b),
      Math.max(a, b) + 1);
  arrow.classList.add(`kind-${m.face}`);
  arrow.setAttribute('aria-hidden', 'true');
  const says = place(h('span', { 'class': 'says' },
    h('span', { 'class': `face kind-${m.face}` }, m.face),
    h('span', { 'class': 'sr-only' }, `from ${m.from} to ${m.to}`),
    h('span', { 'class': 'what' }, brief(m.title)), chips(m),
    m.note && h('span', { 'class': 'more' }, m.note)), lanes.length + 2, lanes.length + 3);
  return h('button', { 'type': 'button', 'class': 'ladder-row', 'aria-expanded': 'false',
    on: { click: toggle } },
  h('span', { 'class': 'at' }, `+${((m.at - start) / 1000).toFixed(3)}`),
  lanes.map((_, i) => place(h('span', { 'class': 'line', 'aria-hidden': 'true' }), i + 2, i + 3)),
  arrow, says);
}

export class Ladder {
  constructor() {
    this.list = h('ol', { 'class': 'ladder', 'aria-label': 'Messages of the call in order of time' });
    this.heads = h('div', { 'class': 'ladder-heads', 'aria-hidden': 'true' });
    this.box = h('div', { 'class': 'ladder-box', 'role': 'group', 'aria-label': 'Ladder',
      'tabindex': '0' }, this.heads, this.list);
    this.blank = h('div', {});
    this.element = h('div', {}, this.box, this.blank);
    this.shown = '';
    this.open = new Set();
  }

  /** @param trace of readTrace */
  update({ messages, lanes: all, truncated }, faces = ['sip', 'csta', 'api']) {
    const chosen = messages.filter((m) => faces.includes(m.face));
    const text = JSON.stringify([chosen.length, chosen.at(-1), faces]);
    if (text === this.shown) {
      return;
    }
    this.shown = text;
    const shown = all.filter((l, i) => all.findIndex((x) => x.name === l.name) === i &&
      chosen.some((m) => m.from === l.name || m.to === l.name));
    const lanes = shown.map((l) => l.name);
    this.box.style.setProperty('--lanes', lanes.length);
    this.box.classList.toggle('many', lanes.length > 3);
    fill(this.heads, h('span', {}, 'seconds'), shown.map((l) => h('span', {},
      l.name, l.address && h('small', {}, l.address))), h('span', {}, ''));
    const focused = [...this.list.querySelectorAll('button.ladder-row')]
      .indexOf(document.activeElement);
    const start = chosen[0]?.at ?? 0;
    let before = start;
    const rows = [];
    for (const m of chosen) {
      if (m.at - before > PAUSE_MS) {
        rows.push(h('li', { 'class': 'pause' }, `${((m.at - before) / 1000).toFixed(1)} s later`));
      }
      before = m.at;
      rows.push(this.item(m, lanes, start));
    }
    if (truncated) {
      rows.push(h('li', { 'class': 'pause' }, 'There were more messages than are kept of one call.'));
    }
    fill(this.list, rows);
    if (focused >= 0) {
      this.list.querySelectorAll('button.ladder-row')[focused]?.focus();
    }
    this.box.hidden = chosen.length === 0;
    fill(this.blank, chosen.length === 0 && h('div', { 'class': 'ladder-box' }, empty(
      messages.length ? 'No message of these kinds' : 'No messages are kept of this call',
      messages.length ? '' : 'The server keeps the messages of recent calls in memory; this call ' +
        'is older, or keeping is switched off (configuration: trace).')));
  }

  item(m, lanes, start) {
    const key = `${m.time} ${m.face} ${m.from} ${m.title}`;
    const raw = h('div', { 'class': 'raw', 'hidden': true });
    const li = h('li', {});
    const toggle = (show) => {
      line.setAttribute('aria-expanded', String(show));
      raw.hidden = !show;
      show ? this.open.add(key) : this.open.delete(key);
      fill(raw, show && [h('div', { 'class': 'row' },
        h('span', { 'class': 'hint' }, [m.time, m.address].filter(Boolean).join(' · ')),
        button('Copy', () => copy(m.text), { kind: 'small' })),
      code(m.text || '(the text is not kept)', { 'aria-label': said(m) })]);
    };
    const line = row(m, lanes, start, () => toggle(raw.hidden));
    li.append(line, raw);
    if (this.open.has(key)) {
      toggle(true);
    }
    return li;
  }
}

/** User-to-User of the call at each hop, where it changed marked. */
export function uuiHops({ messages }) {
  return messages.flatMap((m) => m.uui.map((u, j) => ({ key: `${m.number}.${j}`, time: m.time,
    from: m.from, to: m.to, title: m.title, face: m.face, ...u })));
}
