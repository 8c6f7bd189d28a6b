// SPDX-License-Identifier: Apache-2.0
/* One device: what it can do, what is switched on, how it is reached, and what is wrong with it. */
import { number } from '../../client/baton.js';
import { badge, button, doer, empty, facts, field, fill, h, icon, input, problemBox, saying, section,
  select, Table, toast, words } from '../ui/dom.js';
import { inWords, partiesView, plain, since, stateBadge, time } from '../ui/format.js';
import { LOOKS_ONLY } from '../rights.js';
import { callHref, makeCallDialog } from './calls.js';

const FORWARDS = [['forwardImmediate', 'always'], ['forwardBusy', 'when busy'],
  ['forwardNoAns', 'when nobody answers'], ['forwardDND', 'in do not disturb']];
const AGENT = [['loggedOn', 'log on'], ['ready', 'ready'], ['notReady', 'not ready'],
  ['workingAfterCall', 'working after a call'], ['loggedOff', 'log off']];

/** Forwardings that are on, in words: "always to 1003". */
function forwardings(features) {
  return (features?.forwarding ?? []).filter((f) => f.forwardStatus).map((f) =>
    `forwarded ${FORWARDS.find(([n]) => n === f.forwardingType)?.[1] ?? f.forwardingType} to ` +
    `${number(f.forwardDN ?? '') || f.forwardDN || '?'}`);
}

/** What is switched on, for who may switch nothing. */
function features(device) {
  const { doNotDisturb, messageWaiting } = device.features ?? {};
  return [facts([['Do not disturb', doNotDisturb ? 'on' : 'off'],
    ['Message waiting', messageWaiting ? 'on' : 'off'],
    ...(device.agents ?? []).map((a) => [`Agent ${a.agentID ?? ''}`, inWords(a.agentState ?? '')])]),
  h('div', { 'class': 'chips' }, forwardings(device.features).map((f) => badge(f, 'wait')))];
}

/** Switches of the device, each a request of CSTA. */
function switches(api, id, device) {
  const on = (service, body, done) => async () => {
    await api.service(service, { device: id, ...body });
    toast(done);
  };
  const dnd = device.features?.doNotDisturb === true;
  const mwi = device.features?.messageWaiting === true;
  const kind = select(FORWARDS);
  const to = input({ 'placeholder': '1003' });
  const agent = select(AGENT);
  const agentID = input({ 'placeholder': 'optional', 'value': device.agents?.[0]?.agentID ?? '' });
  return [
    h('div', { 'class': 'row apart' }, h('span', {}, 'Do not disturb ',
      badge(dnd ? 'on' : 'off', dnd ? 'bad' : 'plain')),
    doer(dnd ? 'Switch off' : 'Switch on', on('SetDoNotDisturb', { doNotDisturbOn: !dnd },
      `Do not disturb is ${dnd ? 'off' : 'on'}.`), { kind: 'small',
      'aria-label': `${dnd ? 'Switch off' : 'Switch on'} do not disturb` })),
    h('div', { 'class': 'row apart' }, h('span', {}, 'Message waiting ',
      badge(mwi ? 'on' : 'off', mwi ? 'held' : 'plain')),
    doer(mwi ? 'Switch off' : 'Switch on', on('SetMessageWaitingIndicator',
      { messageWaitingOn: !mwi }, `The lamp is ${mwi ? 'off' : 'on'}.`), { kind: 'small',
      'aria-label': `${mwi ? 'Switch off' : 'Switch on'} message waiting` })),
    h('div', { 'class': 'row fields' }, field('Forward', kind), field('To', to),
      doer('Forward', async () => {
        await on('SetForwarding', { forwardingType: kind.value, activateForward: true,
          forwardDN: to.value.trim() }, `Forwarded to ${to.value.trim()}.`)();
      }),
      doer('Stop', async () => on('SetForwarding', { forwardingType: kind.value,
        activateForward: false }, 'Not forwarded.')(), { 'aria-label': 'Stop forwarding' })),
    h('div', { 'class': 'chips' }, forwardings(device.features).map((f) => badge(f, 'wait'))),
    h('div', { 'class': 'row fields' }, field('Agent state', agent), field('Agent ID', agentID),
      doer('Set', async () => on('SetAgentState', { requestedAgentState: agent.value,
        ...(agentID.value ? { agentID: agentID.value } : {}) }, 'The agent state is set.')(),
      { 'aria-label': 'Set agent state' })),
    (device.agents ?? []).map((a) => facts([['Agent', a.agentID], ['State', inWords(a.agentState ?? '')],
      ['Then', a.pendingAgentState && inWords(a.pendingAgentState)]])),
  ];
}

const PROFILE_WHY = { configured: 'by the configuration', userAgent: 'by its User-Agent',
  unknownName: 'none: the configuration names one that is not there', noUserAgent:
  'none: it does not say what it is', noMatch: 'none: no profile fits its User-Agent' };
const FLOWS = { open: ['good', 'Its connection is open.'], closed: ['bad', 'Its connection is ' +
  'gone: calls reach it when it has connected and registered again.'],
failed: ['bad', 'What was sent there last was not answered.'] };

/** One finding: good, wait or bad, a sentence, and what to do about it. */
const finding = (kind, text, ...more) => h('li', {}, badge({ good: 'good', wait: 'note', bad: 'wrong',
  plain: 'note' }[kind], kind), h('div', {}, h('p', {}, text), more.filter(Boolean).map((m) =>
  h('p', { 'class': 'hint' }, m))));

function registrationFindings(r) {
  const [kind, text] = FLOWS[r.flow] ?? ['plain', `Its connection: ${r.flow}.`];
  return [
    finding(kind, `${r.contact}: ${text}`, `Registered from ${r.from} over ${r.transport}, for ` +
      `${r.expiresS} s more${r.userAgent ? `, as ${r.userAgent}` : ''}.`),
    r.nat === true && finding('plain', 'It is behind NAT: its contact says another address than ' +
      'its registration came from. It is reached over the connection that it has opened.'),
    finding(r.talk === true ? 'good' : 'wait', r.talk === true
      ? 'Applications can have it pick up: it takes NOTIFY talk.'
      : 'It has not said that it takes NOTIFY talk; answering for it may need its own keys.'),
    r.profile ? finding('good', `Profile ${r.profile}, ${PROFILE_WHY[r.profileBy] ?? r.profileBy}.`,
      r.means && r.means !== 'none' && `Commanded by ${r.means}.`, r.settings?.length &&
      `To be set on the phone: ${r.settings.join('; ')}`)
      : finding('plain', `Profile: ${PROFILE_WHY[r.profileBy] ?? r.profileBy ?? 'none'}.`)];
}

/** /v1/devices/{device}/diagnosis in words. */
function diagnosis(d) {
  const rows = d.registrations ?? [];
  return h('ul', { 'class': 'steps' },
    d.mayRegister === false && finding('bad', 'It has no password here, so no phone can register.',
      'Give it one in the configuration file, under "devices".'),
    rows.length === 0 && finding('bad', 'No phone is registered.', 'Calls to it are not delivered. ' +
      'A phone that tries with a wrong password stands in the log.'),
    rows.flatMap(registrationFindings),
    (d.sessions ?? []).map((s) => finding(s.state === 'up' ? 'good' : s.trouble ? 'bad' : 'wait',
      `CSTA session with ${s.phone}: ${s.state}.`, s.trouble && `${s.trouble} (SIP ${s.status}, ` +
      `${s.attempts} attempts, next in ${s.nextS} s)`)));
}

/** By whom each service is carried out: the sheet of what the device can do. */
const BY = { switch: 'Baton', session: 'the phone (CSTA)', notify: 'the phone (NOTIFY)',
  talk: 'the phone (talk)', none: '–' };

function sheetTable() {
  return new Table({
    caption: 'By whom services are carried out',
    key: (s) => s.name,
    columns: [
      { label: 'Service', head: true, cell: (s) => s.name },
      { label: 'In calls through Baton', cell: (s) => BY[s.carried] ?? plain(s.carried) },
      { label: 'In other calls of the phone', cell: (s) => BY[s.others] ?? plain(s.others) }],
    none: () => h('p', { 'class': 'muted' }, 'Nothing beyond what stands above.'),
  });
}

export function devicePage({ api, model, rights }, id) {
  const path = `/v1/devices/${encodeURIComponent(id)}`;
  const top = h('div', {});
  const calls = h('div', {});
  const sheet = h('div', { 'class': 'stack' });
  const controls = h('div', { 'class': 'stack' });
  const found = h('div', { 'class': 'stack' });
  const carried = sheetTable();
  const diagnose = async () => {
    try {
      const d = await api.get(`${path}/diagnosis`);
      fill(found, diagnosis(d));
      const able = (d.services ?? []).filter((s) => s.carried !== 'none' || s.others !== 'none');
      carried.element.classList.toggle('table', able.length > 0);
      carried.update(able);
    } catch (e) {
      fill(found, h('p', { 'class': 'error' }, words(e)));
    }
  };
  const bindings = new Table({
    caption: 'Registrations of this device',
    key: (b) => b.instance ?? b.contact,
    columns: [
      { label: 'Contact', head: true, cell: (b) => h('span', { 'class': 'mono' }, b.contact) },
      { label: 'From', cell: (b) => [b.transport, b.address].filter(Boolean).join(' ') },
      { label: 'Phone', cell: (b) => b.userAgent ?? '–' },
      { label: 'Until', 'class': 'tight', cell: (b) => (typeof b.expires === 'number'
        ? `${b.expires} s` : time(b.expires) || plain(b.expires)) },
    ],
    none: () => empty('Not registered', 'Calls to this device are not delivered until a phone ' +
      'registers with its number and password.'),
  });
  const call = button([icon('plus'), 'Call from here'], () => makeCallDialog(api, id),
    { kind: 'primary', 'hidden': true });
  let shown = '';
  let device = null;

  const draw = () => {
    const d = model.devices.get(id) ?? device;
    if (!d) {
      return;
    }
    const live = model.callsOf(id);
    const text = JSON.stringify([d, live]);
    if (text === shown) {
      return;
    }
    shown = text;
    const focus = controls.contains(document.activeElement)
      ? document.activeElement.getAttribute('aria-label') : null;
    fill(top, h('div', { 'class': 'card' }, facts([['Device', d.deviceID], ['Name', d.display && saying(d.display)],
      ['Tel', d.tel], ['Registered', d.registered ? badge('registered', 'good') : badge('not registered')],
      ['Commanded by', (d.drivers ?? []).join(', ')]])));
    bindings.update(d.bindings ?? []);
    fill(calls, live.length ? h('ul', { 'class': 'steps' }, live.map(({ call, connection }) =>
      h('li', {}, stateBadge(connection.localConnectionInfo), h('div', {},
        h('a', { 'href': callHref(call) }, partiesView(call)), ' ', since(call.created))))) : h('p', { 'class': 'muted' }, 'No call.'));
    const may = rights.controls(d.deviceID ?? id);
    fill(controls, may ? switches(api, id, d) : [...features(d), h('p', { 'class': 'hint' }, LOOKS_ONLY)]);
    call.hidden = !may;
    const services = d.services ?? [];
    fill(sheet, services.length ? h('ul', { 'class': 'chips', 'role': 'list' },
      services.map((s) => h('li', { 'class': 'chip' }, s)))
      : h('p', { 'class': 'muted' }, 'Nothing can be asked of this device at the moment.'));
    if (focus) {
      controls.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus();
    }
  };
  const load = async () => {
    try {
      device = await api.get(path);
      if (!model.devices.has(id)) {
        model.devices.set(id, device);
      }
      draw();
      await diagnose();
    } catch (e) {
      fill(top, e.status === 404 ? empty(`There is no device ${id}`,
        h('a', { 'href': '#/devices' }, 'To the devices')) : problemBox(e, load));
    }
  };
  const change = () => draw();
  model.addEventListener('change', change);
  return {
    title: `Device ${id}`,
    crumb: ['#/devices', 'Devices'],
    tools: [call],
    body: [top, h('div', { 'class': 'columns' },
      h('div', { 'class': 'stack' }, section('Calls', calls),
        section('What it can be asked', sheet, carried.element)),
      h('div', { 'class': 'stack' }, section('Features', controls),
        section('Diagnosis', found, h('div', {}, doer('Look again', diagnose,
          { done: 'The diagnosis is new.' }))))), section('Registrations', bindings.element)],
    load,
    close() {
      model.removeEventListener('change', change);
    },
  };
}
