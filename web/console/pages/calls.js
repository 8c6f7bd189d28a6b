// SPDX-License-Identifier: Apache-2.0
/* Live calls: who talks with whom, in which state, since when, about what. */
import { userData } from '../../client/baton.js';
import { announce, ask, brief, button, empty, field, h, icon, input, Table, toast } from '../ui/dom.js';
import { LOOKS_ONLY } from '../rights.js';
import { callState, context, count, partiesView, party, since, stateBadge } from '../ui/format.js';

export function callHref(call) {
  return `#/calls/${encodeURIComponent(call.callID)}`;
}

/** Asks who shall call whom, and has it done. */
export async function makeCallDialog(api, from = '') {
  const device = input({ 'required': true, 'value': from, 'placeholder': '1001' });
  const to = input({ 'required': true, 'placeholder': '1002 or tel:+49…' });
  const about = input({ 'placeholder': 'case 4711' });
  const done = await ask({
    title: 'Make a call', ok: 'Call',
    body: [field('From device', device), field('To', to),
      field('Context', about, 'Goes along as User-to-User; may be left out.')],
    act: () => api.makeCall(device.value.trim(), to.value.trim(),
      about.value ? { userData: userData(about.value) } : {}),
  });
  if (done) {
    toast(`${device.value} calls ${to.value}.`);
  }
}

export function callsPage({ api, model, rights }) {
  const search = input({ 'type': 'search', 'placeholder': 'Number, context or call ID' });
  const table = new Table({
    caption: 'Live calls',
    key: (c) => c.callID,
    columns: [
      { label: 'State', 'class': 'tight', cell: (c) => stateBadge(callState(c)) },
      { label: 'Parties', head: true, cell: (c) => h('a', { 'href': callHref(c),
        data: { focus: 'open' } }, partiesView(c)) },
      { label: 'About', cell: (c) => (context(c) ? h('bdi', {}, brief(context(c))) : h('span', { 'class': 'muted' }, 'no context')) },
      { label: 'Talking', 'class': 'num tight', cell: (c) => (c.answered ? since(c.answered) : '–') },
      { label: 'Since', 'class': 'num tight', cell: (c) => since(c.created) },
    ],
    none: () => (model.calls.size === 0
      ? empty('No calls at the moment', 'They appear here as soon as a phone calls.',
        rights.commands && button('Make a call', () => makeCallDialog(api)))
      : empty('No call fits', 'No live call has these words in a number, its context or its ID.')),
  });
  const summary = h('p', { 'class': 'muted' });
  const update = () => {
    const words = search.value.trim().toLowerCase();
    const all = [...model.calls.values()].sort((a, b) =>
      (b.created ?? '').localeCompare(a.created ?? '') || a.callID.localeCompare(b.callID));
    const shown = all.filter((c) => !words ||
      [c.callID, context(c), ...c.connections.map(party)].join(' ').toLowerCase().includes(words));
    table.update(shown);
    const talking = all.filter((c) => callState(c) === 'connected').length;
    summary.textContent = all.length ? `${count(all.length, 'call')}, ${talking} talking` : '';
  };
  const change = () => {
    const before = model.seenCalls ?? 0;
    update();
    if (model.calls.size !== before) {
      model.seenCalls = model.calls.size;
      announce(count(model.calls.size, 'live call'));
    }
  };
  search.addEventListener('input', update);
  model.addEventListener('change', change);
  return {
    title: 'Live calls',
    tools: [rights.commands ? button([icon('plus'), 'Make a call'], () => makeCallDialog(api),
      { kind: 'primary' }) : h('p', { 'class': 'hint' }, LOOKS_ONLY)],
    body: [h('div', { 'class': 'bar' }, h('div', { 'class': 'grow' }, field('Find', search)),
      summary), table.element],
    async load() {
      await model.ready;
      update();
    },
    close() {
      model.removeEventListener('change', change);
    },
  };
}
