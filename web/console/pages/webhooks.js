// SPDX-License-Identifier: Apache-2.0
/*
 * Webhooks on the operator's page: where events are brought, how each is getting on, and what can
 * be done about it. What is shown are one's own; an administrator sees all.
 */
import { ask, badge, button, code, copy, doer, field, h, input, section, select, Table, toast }
  from '../ui/dom.js';
import { count } from '../ui/format.js';

const STATES = { active: ['active', 'good'], retrying: ['tries again', 'wait'],
  paused: ['paused', 'bad'] };
const FORMS = [['cloudevents', 'events as JSON (CloudEvents)'],
  ['push', 'newCall, answer, hangup (sipgate.io, Zammad)']];

const MINE = { given: true }; // a page's own token ends with it, and may own no webhook

const path = (w, more = '') => `/v1/webhooks/${encodeURIComponent(w.webhook)}${more}`;
const list = (text) => text.split(/[\s,]+/).filter(Boolean);

/** What is brought, in a few words: "delivered, established of 10*". */
function brings({ form, filter = {} }) {
  const what = form === 'push' ? 'telephone events'
    : filter.types?.length ? filter.types.join(', ') : 'all events';
  return what + (filter.devices?.length ? ` of ${filter.devices.join(', ')}` : '');
}

async function make(api, load) {
  const url = input({ 'type': 'url', 'required': true, 'placeholder': 'https://crm.example/events' });
  const types = input({ 'placeholder': 'delivered callCleared' });
  const devices = input({ 'placeholder': '10*' });
  const form = select(FORMS);
  let made = null;
  const done = await ask({ title: 'New webhook', ok: 'Make', body: [field('URL', url),
    field('Events', types, 'Their names with blanks between them; none: all.'),
    field('Devices', devices, 'Numbers, or how they begin; none: all that you may see.'),
    field('Form', form)],
  act: async () => {
    made = await api.post('/v1/webhooks', { url: url.value.trim(), form: form.value,
      filter: { ...(types.value.trim() && { types: list(types.value) }),
        ...(devices.value.trim() && { devices: list(devices.value) }) } }, MINE);
  } });
  if (done) {
    await ask({ title: 'The secret, this once', ok: 'I have it', body: [
      h('p', {}, 'What is brought is signed with it (header Baton-Signature). It cannot be shown again.'),
      code(made.secret, { 'class': 'secret' }), h('div', {}, button('Copy', () => copy(made.secret)))] });
    await load();
  }
}

async function remove(api, w, load) {
  await ask({ title: `Remove the webhook to ${w.url}?`, ok: 'Remove', kind: 'danger',
    body: [h('p', {}, 'Nothing more is brought there, and its place in the events is forgotten.')],
    act: () => api.delete(path(w), MINE) });
  await load();
}

async function trial(api, w) {
  const said = await api.post(path(w, '/test'), {}, MINE);
  if (said.taken) {
    toast(`It was taken${said.status ? ` (${said.status})` : ''}.`);
  } else {
    toast(`It was not taken: ${said.reason ?? said.status}.`, { kind: 'bad' });
  }
}

/** @return {element, load, items}: its place on the page; items as they were loaded last */
export function webhooks(api) {
  const act = (w, name, run, kind = '') => doer(name, run, { kind: `small ${kind}`,
    data: { focus: name }, 'aria-label': `${name}: ${w.url}` });
  const table = new Table({
    caption: 'Webhooks',
    key: (w) => w.webhook,
    columns: [
      { label: 'To', head: true, 'class': 'long', cell: (w) => w.url },
      { label: 'Brings', cell: brings },
      { label: 'State', cell: (w) => [badge(...(STATES[w.state] ?? [w.state])),
        w.reason && h('span', { 'class': 'hint' }, ` ${w.reason}`)] },
      { label: 'Taken', 'class': 'num tight', cell: (w) => w.delivered.toLocaleString() },
      { label: 'Behind', 'class': 'num tight', cell: (w) => w.lag.toLocaleString() },
      { label: '', 'class': 'tight', cell: (w) => h('div', { 'class': 'row' },
        act(w, 'Test', () => trial(api, w)),
        w.state === 'active' ? act(w, 'Pause', () => change(w, '/pause'))
          : act(w, 'Resume', () => change(w, '/resume')),
        act(w, 'Remove', () => remove(api, w, load), 'danger')) },
    ],
    none: () => h('p', { 'class': 'muted' }, 'No webhooks.'),
  });
  const self = { items: [] };
  const load = async () => {
    const page = await api.get('/v1/webhooks', {}, MINE);
    self.items = page.items;
    table.element.classList.toggle('table', page.items.length > 0);
    table.update(page.items);
  };
  const change = async (w, what) => {
    await api.post(path(w, what), {}, MINE);
    await load();
  };
  return Object.assign(self, { load, element: section('Webhooks', table.element,
    h('div', {}, button('New webhook', () => make(api, load)))) });
}

/** What needs attention, in words. */
export function webhookWorries(items) {
  return items.filter((w) => w.state !== 'active').map((w) =>
    [`The webhook to ${w.url} ${w.state === 'paused' ? 'is paused' : 'does not get through'}.`,
      [w.reason && `${w.reason[0].toUpperCase()}${w.reason.slice(1)}.`,
        w.lag > 0 && `${count(w.lag, 'event')} wait.`].filter(Boolean).join(' ')]);
}
