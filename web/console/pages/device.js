// SPDX-License-Identifier: Apache-2.0
/* One device: what it can do, what is switched on, how it is reached, and what is wrong with it. */
import { badge, button, doer, empty, facts, field, fill, h, icon, input, problemBox, section,
  select, Table, toast, words } from '../ui/dom.js';
import { label, party, plain, since, stateBadge, time } from '../ui/format.js';
import { callHref, makeCallDialog } from './calls.js';

const FORWARDS = [['forwardImmediate', 'always'], ['forwardBusy', 'when busy'],
  ['forwardNoAns', 'when nobody answers'], ['forwardDND', 'in do not disturb']];
const AGENT = [['loggedOn', 'log on'], ['ready', 'ready'], ['notReady', 'not ready'],
  ['workingAfterCall', 'working after a call'], ['loggedOff', 'log off']];

export function isOn(feature, member) {
  return feature === true || feature?.[member] === true;
}

function forwardings(features) {
  const f = features?.forwarding;
  return Array.isArray(f) ? f : f?.forwardList ?? (f && typeof f === 'object' ? [f] : []);
}

/** Switches of the device, each a request of CSTA. */
function switches(api, id, device) {
  const on = (service, body, done) => async () => {
    await api.service(service, { device: id, ...body });
    toast(done);
  };
  const dnd = isOn(device.features?.doNotDisturb, 'doNotDisturbOn');
  const mwi = isOn(device.features?.messageWaiting, 'messageWaitingOn');
  const kind = select(FORWARDS);
  const to = input({ 'placeholder': '1003' });
  const agent = select(AGENT);
  const agentID = input({ 'placeholder': 'optional', 'value': device.agent?.agentID ?? '' });
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
    h('div', { 'class': 'chips' }, forwardings(device.features).map((f) => h('span',
      { 'class': 'chip' }, plain(f)))),
    h('div', { 'class': 'row fields' }, field('Agent state', agent), field('Agent ID', agentID),
      doer('Set', async () => on('SetAgentState', { requestedAgentState: agent.value,
        ...(agentID.value ? { agentID: agentID.value } : {}) }, 'The agent state is set.')(),
      { 'aria-label': 'Set agent state' })),
    device.agent && facts(Object.entries(device.agent).map(([k, v]) => [label(k), plain(v)])),
  ];
}

/** /v1/devices/{device}/diagnosis, whatever steps it has. */
function diagnosis(d) {
  const steps = d.checks ?? d.findings ?? d.steps ?? d.items ?? [];
  const kinds = { ok: 'good', good: 'good', yes: 'good', warning: 'wait', hint: 'wait', info: 'plain',
    bad: 'bad', error: 'bad', no: 'bad' };
  const list = steps.map((s) => {
    const state = String(s.verdict ?? s.state ?? s.level ?? (s.ok === false ? 'bad' : 'ok'));
    return h('li', {}, badge(state, kinds[state] ?? 'plain'),
      h('div', {}, h('p', {}, s.text ?? s.title ?? s.name ?? ''),
        (s.detail || s.advice) && h('p', { 'class': 'hint' }, s.detail ?? s.advice)));
  });
  const rest = Object.entries(d).filter(([, v]) => v !== steps && typeof v !== 'object');
  return [list.length > 0 && h('ul', { 'class': 'steps' }, list),
    facts(rest.map(([k, v]) => [label(k), plain(v)]))];
}

export function devicePage({ api, model }, id) {
  const path = `/v1/devices/${encodeURIComponent(id)}`;
  const top = h('div', {});
  const calls = h('div', {});
  const sheet = h('div', { 'class': 'stack' });
  const controls = h('div', { 'class': 'stack' });
  const found = h('div', { 'class': 'stack', 'aria-live': 'polite' },
    h('p', { 'class': 'muted' }, 'Asks the phone, by OPTIONS, what it says of itself, and looks ' +
      'at what the server knows of it.'));
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
  let shown = '';
  let device = null;

  const draw = () => {
    const d = model.devices.get(id) ?? device;
    if (!d) {
      return;
    }
    const live = (d.calls ?? []).map((c) => model.calls.get(c)).filter(Boolean);
    const text = JSON.stringify([d, live]);
    if (text === shown) {
      return;
    }
    shown = text;
    const focus = controls.contains(document.activeElement)
      ? document.activeElement.getAttribute('aria-label') : null;
    fill(top, h('div', { 'class': 'card' }, facts([['Device', d.deviceID], ['Name', d.display],
      ['Registered', d.registered ? badge('registered', 'good') : badge('not registered')],
      ['Commanded by', (d.drivers ?? []).join(', ')]])));
    bindings.update(d.bindings ?? []);
    fill(calls, live.length ? h('ul', { 'class': 'steps' }, live.map((c) => {
      const mine = c.connections.find((x) => party(x) === id);
      return h('li', {}, stateBadge(mine?.localConnectionInfo), h('div', {},
        h('a', { 'href': callHref(c) }, c.connections.map(party).join(' → ')), ' ',
        since(c.created)));
    })) : h('p', { 'class': 'muted' }, 'No call.'));
    fill(controls, switches(api, id, d));
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
    tools: [button([icon('plus'), 'Call from here'], () => makeCallDialog(api, id),
      { kind: 'primary' })],
    body: [top, h('div', { 'class': 'columns' },
      h('div', { 'class': 'stack' }, section('Calls', calls),
        section('What it can be asked', sheet)),
      h('div', { 'class': 'stack' }, section('Features', controls),
        section('Diagnosis', found, h('div', {}, doer('Diagnose', async () => {
        fill(found, h('p', { 'class': 'muted' }, 'Asking…'));
        try {
          fill(found, diagnosis(await api.get(`${path}/diagnosis`)));
        } catch (e) {
          fill(found, h('p', { 'class': 'error' }, words(e)));
        }
      }))))), section('Registrations', bindings.element)],
    load,
    close() {
      model.removeEventListener('change', change);
    },
  };
}
