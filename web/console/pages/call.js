// SPDX-License-Identifier: Apache-2.0
/* One call: its parties and what can be done with them, its context, and its ladder. */
import { Problem, userData } from '../../client/baton.js';
import { announce, ask, badge, brief, button, doer, empty, facts, field, fill, h, icon, input, problemBox, save,
  saying, section, Table, toast, words } from '../ui/dom.js';
import { LOOKS_ONLY } from '../rights.js';
import { callState, context, correlator, partiesView, party, since, stateBadge, time }
  from '../ui/format.js';
import { Ladder, newChanges, NO_TRACE, readTrace, uuiBefore, uuiChange, uuiHops, uuiText }
  from '../ladder.js';

/** What can be done with a connection: [service, word, what it does]. */
function actions(api, connection) {
  const to = async (title, ok, label, act) => {
    const target = input({ 'required': true, 'placeholder': '1003' });
    const about = input({});
    const done = await ask({ title, ok, body: [field(label, target),
      field('Context', about, 'Goes along as User-to-User; may be left out.')],
    act: () => act(target.value.trim(), about.value ? { userData: userData(about.value) } : {}) });
    if (done) {
      toast(`${ok}: ${target.value}.`);
    }
  };
  const who = brief(party(connection), 40);
  return [
    ['AnswerCall', () => doer('Answer', () => api.answer(connection), { kind: 'primary small' })],
    ['HoldCall', () => doer('Hold', () => api.hold(connection), { kind: 'small' })],
    ['RetrieveCall', () => doer('Retrieve', () => api.retrieve(connection), { kind: 'small' })],
    ['SingleStepTransferCall', () => button('Transfer', () => to(`Transfer the party of ${who}`,
      'Transfer', 'To', (t, more) => api.transfer(connection, t, more)), { kind: 'small' })],
    ['DeflectCall', () => button('Deflect', () => to(`Send the call of ${who} elsewhere`,
      'Deflect', 'To', (t) => api.deflect(connection, t)), { kind: 'small' })],
    ['GenerateDigits', () => button('Digits', async () => {
      const keys = input({ 'required': true, 'pattern': '[0-9A-D*#,]+' });
      await ask({ title: `Digits into the call of ${who}`, ok: 'Send', body: [field('Digits', keys)],
        act: () => api.digits(connection, keys.value) });
    }, { kind: 'small' })],
    ['ClearConnection', () => doer('Hang up', () => api.clear(connection),
      { kind: 'danger small' })],
  ];
}

function partyBox({ api, model, rights }, connection) {
  const may = rights.controls(connection.deviceID ?? connection.number);
  const able = may ? connection.services ?? [] : [];
  const shown = actions(api, connection).filter(([service]) => able.includes(service));
  return h('div', { 'class': 'party', 'role': 'group', 'aria-label': `Party ${brief(party(connection))}` },
    h('div', { 'class': 'row apart' },
      h('a', { 'class': 'who', 'href': `#/devices/${encodeURIComponent(party(connection))}` },
        h('bdi', {}, brief(party(connection)))), stateBadge(connection.localConnectionInfo)),
    connection.sipCallID && h('p', { 'class': 'hint mono' }, connection.sipCallID),
    may ? h('div', { 'class': 'row' }, shown.map(([, make]) => make()))
      : model.devices.has(connection.number) && h('p', { 'class': 'hint' }, LOOKS_ONLY));
}

function uuiFacts(call) {
  return (call.uui ?? []).map((u) => facts([
    ['User-to-User', u.text ? saying(u.text) : uuiText(u)],
    ['Package', u.package], ['Octets', h('span', { 'class': 'mono' }, brief(u.hex ?? ''))],
    ['Verdict', u.why ? `${u.verdict}: ${u.why}` : u.verdict],
    ['Inserted by', u.origin && [u.origin.role, u.origin.withheld ? 'withheld' : u.origin.identity,
      u.origin.confidence && `(${u.origin.confidence})`].filter(Boolean).join(' ')],
    ['Seal', u.seal && [u.seal.result, u.seal.identity].filter(Boolean).join(', ')]]));
}

async function download(api, id, format) {
  try {
    const response = await api.respond('GET', `/v1/trace/${encodeURIComponent(id)}`,
      { query: { format }, accept: '*/*' });
    save(await response.blob(), `call-${id.replace(/[^\w.-]+/g, '_')}.${format}`);
  } catch (e) {
    toast(words(e), { kind: 'bad' });
  }
}

export function callPage({ api, model, rights }, id) {
  const path = encodeURIComponent(id);
  const ladder = new Ladder();
  const state = h('span', {});
  const head = h('div', { 'class': 'stack' });
  const partyList = h('div', { 'class': 'parties' });
  const faces = new Map(['sip', 'csta', 'api'].map((f) => [f, true]));
  const heard = new Set(); // changes that a screen reader has been told of
  let trace = NO_TRACE;
  let call = null;
  let timer = null;
  let closed = false;
  const hops = new Table({
    caption: 'User-to-User at each hop',
    key: (u) => u.key,
    columns: [
      { label: 'Time', 'class': 'tight', cell: (u) => time(u.time) },
      { label: 'Hop', head: true, cell: (u) => `${u.from} → ${u.to}` },
      { label: 'In', cell: (u) => u.title },
      { label: 'Text', cell: (u) => [uuiText(u), uuiBefore(u) &&
        h('span', { 'class': 'hint' }, ', was ', uuiBefore(u))] },
      { label: 'Octets', cell: (u) => h('span', { 'class': 'mono' }, brief(u.hex ?? '')) },
      { label: 'Stands in', 'class': 'tight', cell: (u) => u.in ?? '' },
      { label: 'Package', 'class': 'tight', cell: (u) => u.package ?? '–' },
      { label: 'On the way', cell: (u) => (uuiChange(u)
        ? [badge(uuiChange(u), 'wait'), u.why && h('span', { 'class': 'hint' }, ` ${u.why}`)]
        : h('span', { 'class': 'muted' }, 'as before')) },
    ],
    none: () => empty('No User-to-User in the messages that are kept'),
  });

  const draw = () => {
    ladder.update(trace, [...faces].filter(([, on]) => on).map(([f]) => f));
    const list = uuiHops(trace);
    hops.update(list);
    const said = newChanges(list, heard);
    if (said) {
      announce(said);
    }
  };
  const toggles = [...faces.keys()].map((f) => {
    const b = button(f === 'api' ? 'API' : f.toUpperCase(), () => {
      faces.set(f, !faces.get(f));
      b.setAttribute('aria-pressed', String(faces.get(f)));
      draw();
    }, { kind: 'small', 'aria-pressed': 'true' });
    return b;
  });
  const loadTrace = async () => {
    try {
      trace = readTrace(await api.get(`/v1/trace/${path}`, { format: 'json' }));
    } catch (e) {
      if (e.status === 403) {
        fill(ladder.blank, empty('Only administrators see messages',
          'The token that you have signed in with has no such scope.'));
        ladder.box.hidden = true;
        return;
      }
      if (e.status !== 404) {
        fill(ladder.blank, problemBox(e, loadTrace));
        return;
      }
    }
    if (!closed) {
      draw();
    }
  };
  const showCall = () => {
    const now = model.calls.get(id) ?? null;
    call = now ?? call;
    const over = !now;
    fill(state, call && (over ? badge('ended') : stateBadge(callState(call))));
    if (!call) {
      fill(head, empty('This call is not live', 'What is kept of it is below; who called whom ' +
        'stands in the history.', h('a', { 'href': '#/history' }, 'To the history')));
      fill(partyList);
      return;
    }
    fill(head, h('div', { 'class': 'card' }, h('div', { 'class': 'row apart' },
      h('p', { 'class': 'call-parties' }, partiesView(call)), state),
    facts([['About', context(call) && saying(context(call))], ['Since', time(call.created, true)],
      ['Answered', call.answered && time(call.answered, true)],
      ['Talking', call.answered && !over && since(call.answered)],
      ['Correlator data', correlator(call) && saying(correlator(call))],
      ['Call ID', h('span', { 'class': 'mono' }, call.callID)]]),
    uuiFacts(call)));
    fillParties(over);
  };
  let partiesText = '';
  const fillParties = (over) => {
    const text = JSON.stringify([over, call.connections]);
    if (text === partiesText) {
      return; // nothing new: who has the focus keeps it
    }
    partiesText = text;
    const focus = partyList.contains(document.activeElement);
    fill(partyList, over ? [] : call.connections.map((c) => partyBox({ api, model, rights }, c)));
    if (focus) {
      (partyList.querySelector('button, a') ?? document.querySelector('h1'))?.focus();
    }
  };
  const change = (e) => {
    if (e.detail.all || e.detail.calls.includes(id)) {
      showCall();
      clearTimeout(timer);
      timer = setTimeout(loadTrace, 150); // answers of phones follow events
      setTimeout(() => !closed && loadTrace(), 1500);
    }
  };
  model.addEventListener('change', change);
  return {
    title: 'Call',
    crumb: ['#/calls', 'Live calls'],
    tools: rights.admin && [
      doer('Log all of it', () => api.put('/v1/admin/log', { follow: [{ id, seconds: 600 }] }),
        { done: 'For ten minutes every line of this call goes to the log.' }),
      button([icon('down'), 'pcap'], () => download(api, id, 'pcap')),
      button([icon('down'), 'SVG'], () => download(api, id, 'svg')),
      button([icon('down'), 'JSON'], () => download(api, id, 'json')),
    ],
    body: [head, partyList,
      section('Ladder', h('div', { 'class': 'row', 'role': 'group', 'aria-label': 'Kinds shown' },
        h('span', { 'class': 'hint' }, 'Show'), toggles), ladder.element),
      section('User-to-User along the way', hops.element)],
    async load() {
      await model.ready;
      if (!model.calls.has(id)) {
        call = await api.get(`/v1/calls/${path}`).catch((e) => {
          if (e instanceof Problem && e.status === 404) {
            return null;
          }
          throw e;
        });
      }
      showCall();
      await loadTrace();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      model.removeEventListener('change', change);
    },
  };
}
