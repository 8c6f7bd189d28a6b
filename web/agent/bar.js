// SPDX-License-Identifier: Apache-2.0
/*
 * The agent bar: one device, its calls, and what its person does with them.
 *
 * It shows what the server says is possible now (`services` of a connection), and nothing else.
 */
import { number, userData } from '../client/baton.js';
import { announce, brief, button, doer, field, fill, h, input, saying, select, toast, words }
  from '../console/ui/dom.js';
import { context, correlator, party, since, stateBadge } from '../console/ui/format.js';
import { once, popUrl } from './pop.js';

const STATES = [['', 'Agent state'], ['ready', 'Ready'], ['notReady', 'Not ready'],
  ['workingAfterCall', 'Working after call'], ['loggedOff', 'Logged off']];
const SHOWN = { agentReady: 'ready', agentNotReady: 'notReady', agentBusy: 'ready',
  agentWorkingAfterCall: 'workingAfterCall', agentNull: 'loggedOff' };
const KEYS = [...'123456789*0#'];

export class AgentBar {
  /**
   * @param settings {device, pop, hosts, popOn: 'ringing' or 'answered', agentID}
   * @param tell     (what, detail): of calls, states and pops, for a page that embeds us
   */
  constructor(api, settings, tell = () => {}) {
    Object.assign(this, { api, settings, tell });
    this.model = api.model({ devices: [settings.device] });
    this.calls = h('div', { 'class': 'calls', 'role': 'group', 'aria-label': 'Calls' });
    this.line = h('p', { 'class': 'line' });
    this.popped = h('p', { 'class': 'popped', 'hidden': true });
    this.shown = '';
    this.pads = new Set();
    this.known = new Map(); // callID → state of ours, as it was told
    this.element = h('div', { 'class': 'bar-body' },
      h('div', { 'class': 'row apart' }, this.line, this.agentForm()), this.calls, this.popped,
      this.dialForm());
    this.model.addEventListener('change', () => this.update());
    this.model.addEventListener('state', (e) => this.state(e.detail.state));
    this.channel = globalThis.BroadcastChannel ? new BroadcastChannel('baton-agent') : null;
    this.channel?.addEventListener('message', (e) => {
      if (e.data?.popped && !this.popped.dataset.here) {
        this.showPop(e.data.url, 'Opened in another tab: ');
      }
    });
    this.update();
  }

  close() {
    this.model.close();
    this.channel?.close();
  }

  dialForm() {
    this.to = input({ 'type': 'tel', 'placeholder': 'Number', 'required': true });
    this.about = input({ 'placeholder': 'What about' });
    const call = h('button', { 'type': 'submit', 'class': 'primary' }, 'Call');
    return h('form', { 'class': 'row fields dial', on: { submit: (e) => {
      e.preventDefault();
      this.dial(this.to.value, this.about.value).then(() => {
        this.to.value = '';
        this.about.value = '';
      }, (x) => toast(words(x), { kind: 'bad' }));
    } } }, field('Call', this.to), field('Context', this.about), call);
  }

  agentForm() {
    this.agent = select(STATES);
    this.agent.addEventListener('change', () => this.setAgent(this.agent.value)
      .then(() => toast('Agent state set.'), (x) => {
        toast(words(x), { kind: 'bad' });
        this.update();
      }));
    this.agent.setAttribute('aria-label', 'Agent state');
    return this.agent;
  }

  // ---- what may be asked of it; also by a page that embeds it ----

  async dial(to, about = '') {
    const target = number(to) && /^(tel|sips?):/i.test(to) ? to.trim() : to.replace(/[\s()/.-]/g, '');
    return this.api.makeCall(this.settings.device, target,
      about ? { userData: userData(about) } : {});
  }

  async setAgent(state) {
    if (!state) {
      return;
    }
    const { device, agentID } = this.settings;
    const body = { device, ...(agentID ? { agentID } : {}) };
    if (state !== 'loggedOff' && SHOWN[this.agentState()] === 'loggedOff') {
      await this.api.service('SetAgentState', { ...body, requestedAgentState: 'loggedOn' });
    }
    await this.api.service('SetAgentState', { ...body, requestedAgentState: state });
  }

  agentState() {
    const { device, agentID } = this.settings;
    const agents = this.model.devices.get(device)?.agents ?? [];
    return (agents.find((a) => a.agentID === agentID) ?? agents[0])?.agentState ?? 'agentNull';
  }

  /** Our connections, with their calls, the active one first. */
  mine() {
    const rank = { alerting: 0, connected: 1, initiated: 2, hold: 3 };
    return this.model.callsOf(this.settings.device).sort((a, b) => (rank[a.connection.localConnectionInfo] ?? 9) -
      (rank[b.connection.localConnectionInfo] ?? 9) || a.call.callID.localeCompare(b.call.callID));
  }

  // ---- what is shown ----

  state(state) {
    this.tell('state', { state });
    this.update();
  }

  update() {
    const device = this.model.devices.get(this.settings.device);
    const mine = this.mine();
    this.watch(mine);
    const agent = SHOWN[this.agentState()] ?? '';
    if (document.activeElement !== this.agent && this.agent.value !== agent) {
      this.agent.value = agent;
    }
    fill(this.line, h('span', { 'class': `live-dot ${this.model.stream.state === 'open' ? 'good'
      : 'bad'}`, 'aria-hidden': 'true' }), h('b', {}, this.settings.device), ' ',
    this.model.stream.state !== 'open' ? 'connecting…'
      : !device ? '' : device.registered ? 'phone ready' : 'no phone is registered');
    const text = JSON.stringify(mine);
    if (text === this.shown) {
      return;
    }
    this.shown = text;
    const focus = this.calls.contains(document.activeElement)
      ? document.activeElement.dataset.focus : null;
    fill(this.calls, mine.length ? mine.map((m) => this.callBox(m, mine))
      : h('p', { 'class': 'muted' }, 'No call.'));
    if (focus) {
      (this.calls.querySelector(`[data-focus="${CSS.escape(focus)}"]`) ??
        this.calls.querySelector('button, input') ?? this.to).focus();
    }
  }

  other(call) {
    return brief(call.connections.filter((c) => party(c) !== this.settings.device).map(party).join(', ') ||
      'dialling');
  }

  callBox({ call, connection }, all) {
    const can = (service) => (connection.services ?? []).includes(service);
    const other = this.other(call);
    const act = (text, service, run, kind = '') => can(service) && doer(text, run, { kind,
      data: { focus: `${call.callID} ${text}` }, 'aria-label': `${text}: ${other}` });
    const held = all.find((m) => m.connection.localConnectionInfo === 'hold');
    const active = all.find((m) => m.connection.localConnectionInfo === 'connected');
    const two = held && active && held !== active && active.call === call;
    const pad = h('div', { 'class': 'pad', 'hidden': !this.pads.has(call.callID), 'role': 'group',
      'aria-label': 'Keys' }, KEYS.map((k) => doer(k, () => this.api.digits(connection, k),
      { kind: 'small', data: { focus: `${call.callID} key ${k}` } })));
    const about = context(call);
    return h('div', { 'class': 'call', 'role': 'group', 'aria-label': `Call with ${other}` },
      h('div', { 'class': 'row apart' }, h('div', {}, h('b', { 'class': 'other' }, h('bdi', {}, other)), ' ',
        stateBadge(connection.localConnectionInfo)), since(call.answered ?? call.created)),
      about && h('div', { 'class': 'about' }, saying(about)),
      h('div', { 'class': 'row' },
        act('Answer', 'AnswerCall', () => this.api.answer(connection), 'primary'),
        act('Hold', 'HoldCall', () => this.api.hold(connection)),
        act('Retrieve', 'RetrieveCall', () => this.api.retrieve(connection)),
        two && doer('Join them', () => this.api.complete(held.connection, active.connection),
          { kind: 'primary', data: { focus: `${call.callID} join` } }),
        two && doer('Swap', () => this.api.alternate(held.connection, active.connection),
          { data: { focus: `${call.callID} swap` } }),
        two && doer('Back', () => this.api.reconnect(held.connection, active.connection),
          { data: { focus: `${call.callID} back` } }),
        can('GenerateDigits') && button('Keys', (e) => {
          pad.hidden = !pad.hidden;
          e.target.setAttribute('aria-expanded', String(!pad.hidden));
          pad.hidden ? this.pads.delete(call.callID) : this.pads.add(call.callID);
        }, { 'aria-expanded': String(this.pads.has(call.callID)),
          data: { focus: `${call.callID} keys` } }),
        act('Hang up', 'ClearConnection', () => this.api.clear(connection), 'danger')),
      pad, !two && can('SingleStepTransferCall') && this.transferForm(call, connection, can));
  }

  transferForm(call, connection, can) {
    const to = input({ 'type': 'tel', 'placeholder': 'Number', 'required': true,
      data: { focus: `${call.callID} to` } });
    to.value = this.typed?.callID === call.callID ? this.typed.value : '';
    to.addEventListener('input', () => { this.typed = { callID: call.callID, value: to.value }; });
    const run = (act) => async () => {
      if (!to.reportValidity()) {
        return;
      }
      await act(to.value.trim());
      this.typed = null;
    };
    return h('div', { 'class': 'row fields' }, field('Transfer to', to),
      doer('Transfer', run((t) => this.api.transfer(connection, t)),
        { data: { focus: `${call.callID} transfer` } }),
      can('ConsultationCall') && doer('Consult first', run((t) => this.api.consult(connection, t)),
        { data: { focus: `${call.callID} consult` } }));
  }

  // ---- what happens ----

  watch(mine) {
    const now = new Map(mine.map((m) => [m.call.callID, m]));
    for (const [id, m] of now) {
      const state = m.connection.localConnectionInfo;
      const before = this.known.get(id)?.state;
      if (before === state) {
        continue;
      }
      const incoming = this.known.get(id)?.incoming ?? state === 'alerting';
      this.known.set(id, { state, incoming });
      const other = this.other(m.call);
      if (state === 'alerting') {
        announce(`${other} calls${context(m.call) ? `, about ${brief(context(m.call))}` : ''}`);
      }
      this.tell('call', { callID: id, state, other, incoming, context: context(m.call) });
      const when = this.settings.popOn === 'answered' ? 'connected' : 'alerting';
      if (incoming && state === when) {
        this.pop(m).catch((x) => toast(words(x), { kind: 'bad' }));
      }
    }
    for (const id of this.known.keys()) {
      if (!now.has(id)) {
        this.known.delete(id);
        this.pads.delete(id);
        announce('The call has ended.');
        this.tell('call', { callID: id, state: 'null' });
      }
    }
  }

  async pop({ call }) {
    const { device, pop, hosts = [] } = this.settings;
    const others = call.connections.filter((c) => party(c) !== device).map(party);
    const values = { uui: call.uui?.find((u) => u.text)?.text ?? context(call),
      caller: others[0] ?? '', called: device, callID: call.callID, device,
      correlator: correlator(call) };
    if (!await once(`${device} ${call.callID}`)) {
      return;
    }
    const { url, why } = pop ? popUrl(pop, values, hosts) : { url: null, why: '' };
    this.tell('pop', { ...values, url });
    if (why) {
      toast(why, { kind: 'bad' });
      return;
    }
    if (!url || this.settings.embedded) {
      return; // the page that embeds us opens what it wants
    }
    const w = window.open('about:blank', 'baton-pop');
    if (w) {
      w.opener = null; // it must not steer us
      w.location.replace(url);
    }
    this.popped.dataset.here = 'yes';
    this.showPop(url, w ? 'Opened: ' : 'The browser has stopped the pop-up: ');
    this.channel?.postMessage({ popped: call.callID, url });
  }

  showPop(url, text) {
    this.popped.hidden = false;
    fill(this.popped, text, h('a', { 'href': url, 'target': 'baton-pop', 'rel': 'noopener' },
      'open the record'));
  }
}
