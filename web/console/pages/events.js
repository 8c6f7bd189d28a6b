// SPDX-License-Identifier: Apache-2.0
/* The event stream: live, filtered, stopped and taken up where it was, replayed from a sequence. */
import { announce, brief, button, code, empty, field, fill, h, input, select, toast, words }
  from '../ui/dom.js';
import { number } from '../../client/baton.js';
import { count, eventName, time } from '../ui/format.js';

/** Why events are gone, as the server says it. */
const GAPS = { retention: 'they are older than what the server keeps',
  reset: 'the server has begun a new journal since', unreadable: 'the server cannot read them' };

/** "Event 5 …", "Events 5 to 7 cannot be had any more: they are older than what the server keeps." */
function gapText({ from, to, reason } = {}) {
  return `${from === to ? `Event ${from}` : `Events ${from} to ${to}`} cannot be had any more` +
    `${reason ? `: ${GAPS[reason] ?? reason}` : ''}.`;
}

const KEPT = 500; // lines on the page; older ones go

function subject(event) {
  const ids = event.data?.ids ?? {};
  return brief([ids.deviceID && number(ids.deviceID), ids.callID].filter(Boolean).join(' · ') ||
    event.subject || '');
}

/** What stands in a field, as a list; none when it is empty. */
const listOf = ({ value }) => (value.trim() ? value.trim().split(/[\s,]+/) : undefined);

function line(event) {
  const raw = h('div', { 'class': 'raw' });
  return h('li', {}, h('details', { on: { toggle: (e) => {
    if (e.target.open && !raw.firstChild) {
      fill(raw, code(JSON.stringify(event, null, 2), { 'aria-label': 'The event as JSON' }));
    }
  } } }, h('summary', {}, h('span', { 'class': 'mono' }, `#${event.sequence ?? event.id}`),
    time(event.time), h('span', { 'class': 'name' }, eventName(event.type)),
    h('span', { 'class': 'muted mono' }, subject(event))), raw));
}

export function eventsPage({ api }, _, query) {
  const device = input({ 'placeholder': '1001', 'value': query.get('device') ?? '' });
  const type = input({ 'placeholder': 'org.baton.csta.*', 'list': 'event-types',
    'value': query.get('type') ?? '' });
  const types = h('datalist', { 'id': 'event-types' }, ['org.baton.csta.*', 'org.baton.operation.v1',
    'org.baton.registration.v1', 'org.baton.csta.delivered.v1', 'org.baton.csta.established.v1',
    'org.baton.csta.connectionCleared.v1', 'org.baton.audit.v1'].map((v) =>
    h('option', { 'value': v })));
  const call = input({ 'placeholder': 'callID', 'value': query.get('call') ?? '' });
  const from = select([['now', 'now on'], ['earliest', 'the earliest kept'],
    ['seq', 'a sequence']]);
  const sequence = input({ 'inputmode': 'numeric', 'pattern': '[0-9]+', 'placeholder': '0',
    'disabled': true, 'size': '10' });
  const list = h('ol', { 'class': 'events', 'aria-label': 'Events, newest first', 'hidden': true });
  const blank = h('div', {}, empty('No events yet', 'Each change of a call, a registration or an ' +
    'operation appears here as it happens.'));
  const status = h('p', { 'class': 'muted', 'role': 'status' });
  let stream = null;
  let total = 0;
  let paused = false;

  const show = () => {
    list.hidden = !list.firstChild;
    blank.hidden = !list.hidden;
    status.textContent = `${paused ? 'Paused' : stream?.state === 'open' ? 'Listening' : 'Connecting'}` +
      (total ? `, ${count(total, 'event')}` : '') +
      (stream?.sequence ? `, at sequence ${stream.sequence}` : '');
  };
  const put = (li) => {
    list.prepend(li);
    while (list.children.length > KEPT) {
      list.lastChild.remove();
    }
  };
  const start = (at) => {
    stream?.close();
    stream = api.stream({ from: at, devices: listOf(device), types: listOf(type),
      callID: call.value.trim() || undefined });
    stream.addEventListener('event', (e) => {
      total++;
      put(line(e.detail));
      show();
    });
    stream.addEventListener('gap', (e) => {
      put(h('li', { 'class': 'gap' }, gapText(e.detail.data)));
      announce(gapText(e.detail.data));
      show();
    });
    stream.addEventListener('problem', (e) => toast(words(e.detail), { kind: 'bad' }));
    stream.addEventListener('state', show);
    show();
  };
  const begin = () => {
    fill(list);
    total = 0;
    paused = false;
    pause.textContent = 'Pause';
    start(from.value === 'seq' ? sequence.value || '0' : from.value);
  };
  const pause = button('Pause', () => {
    paused = !paused;
    pause.textContent = paused ? 'Go on' : 'Pause';
    if (paused) { // nothing is lost: the journal keeps them, and we know where we were
      const at = stream.sequence ?? stream.from;
      stream.close();
      stream.resumeAt = at;
      announce('Paused');
    } else {
      start(stream.resumeAt);
    }
    show();
  });
  from.addEventListener('change', () => {
    sequence.disabled = from.value !== 'seq';
    if (from.value === 'seq') {
      sequence.focus();
    }
  });
  const form = h('form', { 'class': 'bar', on: { submit: (e) => {
    e.preventDefault();
    begin();
  } } }, field('Device', device), field('Type', type), types, field('Call', call),
  field('From', from),
  field('Sequence', sequence), h('button', { 'type': 'submit', 'class': 'primary' }, 'Apply'), pause,
  button('Clear', () => {
    fill(list);
    show();
  }));
  return {
    title: 'Events',
    body: [form, status, list, blank],
    load: async () => begin(),
    close: () => stream?.close(),
  };
}
