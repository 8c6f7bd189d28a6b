// SPDX-License-Identifier: Apache-2.0
/*
 * The operator's page: how the server is, who is connected to it, and what may be done to it.
 * Each part is asked for by itself: who may not see one of them sees the others.
 */
import { ask, badge, button, code, copy, doer, empty, facts, field, fill, h, input, problemBox,
  section, select, Table, toast, words } from '../ui/dom.js';
import { duration, inWords, label, plain, time } from '../ui/format.js';

const EVERY_MS = 5000;
const LEVELS = ['error', 'warn', 'info', 'debug'];
const isTime = (v) => typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v);

/** Lists of the server: path, title, what it is when there is none, the member that is its name. */
const LISTS = [
  { path: 'listeners', title: 'Listeners', none: 'Nothing listens', key: ['address', 'name'] },
  { path: 'peers', title: 'Peers', none: 'No peers are configured', key: ['name'] },
  { path: 'registrations', title: 'Registrations', none: 'No phone is registered',
    key: ['contact', 'number'] },
  { path: 'sessions', title: 'CSTA sessions', none: 'No application is connected',
    key: ['session', 'id', 'name'] },
  { path: 'monitors', title: 'Monitors', none: 'Nobody watches a device',
    key: ['monitorCrossRefID', 'id'] },
  { path: 'subscribers', title: 'Readers of the event stream', none: 'Nobody reads the events',
    key: ['id', 'name'] },
  { path: 'webhooks', title: 'Webhooks', none: 'No webhooks', key: ['id', 'webhook'] },
];

function cell(name, v) {
  if (isTime(v)) {
    return time(v, true);
  }
  if (/state|status/i.test(name) && typeof v === 'string') {
    return badge(inWords(v), /^(up|ok|open|good|active|running|registered|live|connected)/.test(v) ? 'good'
      : /down|fail|dead|bad|paused|behind|lost/.test(v) ? 'bad' : 'plain');
  }
  return plain(v);
}

/** A table of a list whose items have whatever members they have. */
class AnyTable {
  constructor(spec) {
    this.spec = spec;
    this.place = h('div', {});
    this.columns = '';
    this.table = null;
  }

  update(items) {
    const names = [];
    for (const item of items) {
      for (const [n, v] of Object.entries(item)) {
        if (!names.includes(n) && n !== 'sequence' && (v === null || typeof v !== 'object' ||
            Array.isArray(v))) {
          names.push(n);
        }
      }
    }
    const shown = names.slice(0, 8);
    const text = shown.join();
    if (!this.table || text !== this.columns) {
      this.columns = text;
      this.table = new Table({
        caption: this.spec.title,
        key: (i) => this.spec.key.map((k) => i[k]).find((v) => v !== undefined) ?? JSON.stringify(i),
        columns: shown.map((n, i) => ({ label: label(n), head: i === 0,
          'class': items.some((x) => typeof x[n] === 'number') ? 'num' : '',
          cell: (x) => cell(n, x[n]) })),
        none: () => h('p', { 'class': 'muted' }, `${this.spec.none}.`),
      });
      fill(this.place, this.table.element);
    }
    this.table.element.classList.toggle('table', items.length > 0);
    this.table.update(items);
  }
}

function tile(n, text) {
  return h('div', { 'class': 'tile' }, h('b', {}, typeof n === 'number' ? n.toLocaleString() : n),
    h('span', {}, text));
}

/** Numbers of /v1/status that matter first, then everything else. */
function statusView(s) {
  const flat = Object.entries(s).filter(([, v]) => v !== null && typeof v !== 'object');
  const numbers = flat.filter(([, v]) => typeof v === 'number');
  const uptime = numbers.find(([n]) => /uptime/i.test(n));
  const rest = flat.filter(([, v]) => typeof v !== 'number');
  const groups = Object.entries(s).filter(([, v]) => v && typeof v === 'object' &&
    !Array.isArray(v));
  return [h('div', { 'class': 'tiles' }, numbers.filter((n) => n !== uptime).map(([n, v]) =>
    tile(v, inWords(n)))),
  facts([uptime && ['Running for', duration(uptime[1] * (/ms$/i.test(uptime[0]) ? 1 : 1000))],
    ...rest.map(([n, v]) => [label(n), cell(n, v)])].filter(Boolean)),
  groups.map(([n, v]) => h('details', { 'class': 'more', data: { group: n } },
    h('summary', {}, label(n)), facts(Object.entries(v).map(([k, x]) => [label(k), plain(x)]))))];
}

// ---- tokens ----

async function newToken(api, reload) {
  const name = input({ 'required': true, 'placeholder': 'crm-1' });
  const scopes = input({ 'required': true, 'placeholder': 'control:10* observe:*' });
  let made = null;
  const done = await ask({ title: 'New token', ok: 'Make', body: [field('Name', name),
    field('Scopes', scopes, 'observe:PATTERN, control:PATTERN or admin, with blanks between them')],
  act: async () => {
    made = await api.post('/v1/tokens', { name: name.value.trim(),
      scopes: scopes.value.trim().split(/[\s,]+/) });
  } });
  if (done) {
    await ask({ title: 'The token, this once', ok: 'I have it', body: [
      h('p', {}, 'It is kept only as a hash and cannot be shown again.'),
      code(made.token, { 'class': 'secret' }), h('div', {}, button('Copy', () => copy(made.token)))] });
    reload();
  }
}

function tokens(api) {
  const table = new Table({
    caption: 'Tokens',
    key: (t) => t.id ?? t.token ?? t.name,
    columns: [
      { label: 'Name', head: true, cell: (t) => t.name },
      { label: 'Scopes', cell: (t) => plain(t.scopes) },
      { label: 'Made', 'class': 'tight', cell: (t) => time(t.created, true) || '–' },
      { label: 'Until', 'class': 'tight', cell: (t) => (t.expires ? time(t.expires, true)
        : 'revoked') },
      { label: '', 'class': 'tight', cell: (t) => button('Revoke', async () => {
        await ask({ title: `Revoke the token ${t.name}?`, ok: 'Revoke', kind: 'danger',
          body: [h('p', {}, 'Whoever uses it is refused from now on.')],
          act: () => api.delete(`/v1/tokens/${encodeURIComponent(t.id ?? t.name)}`) });
        load();
      }, { kind: 'danger small', data: { focus: 'revoke' }, 'aria-label': `Revoke ${t.name}` }) },
    ],
    none: () => h('p', { 'class': 'muted' }, 'No tokens.'),
  });
  const place = h('div', {}, table.element);
  const load = async () => {
    const page = await api.get('/v1/tokens');
    table.element.classList.toggle('table', page.items.length > 0);
    table.update(page.items);
  };
  return { load, place, element: section('Tokens', place,
    h('div', {}, button('New token', () => newToken(api, load)))) };
}

// ---- what may be done to it ----

function commands(api) {
  const level = select(LEVELS);
  api.get('/v1/admin/log').then((l) => { level.value = l.level ?? level.value; }, () => {});
  const errors = h('div', { 'role': 'alert' });
  const reload = async () => {
    fill(errors);
    await ask({ title: 'Reload the configuration?', ok: 'Reload',
      body: [h('p', {}, 'The file is read again. Calls go on. If the file has a fault, nothing ' +
        'changes and the fault is shown.')],
      act: async () => {
        const said = await api.operateOrPost('/v1/admin/reload');
        toast(said?.message ?? said?.text ?? 'The configuration was read again.');
      } });
  };
  const drain = async () => {
    await ask({ title: 'Drain the server?', ok: 'Drain', kind: 'danger',
      body: [h('p', {}, 'New calls are refused with 503 from now on; calls that stand go on until ' +
        'they end. The server stops when the last one has ended. This cannot be taken back here.')],
      act: async () => {
        await api.operateOrPost('/v1/admin/drain');
        toast('The server drains: it takes no new calls.');
      } });
  };
  return section('Commands', h('div', { 'class': 'row' }, button('Reload…', reload),
    button('Drain…', drain, { kind: 'danger' }),
    doer('Backup', async () => {
      const said = await api.operateOrPost('/v1/admin/backup');
      return said;
    }, { done: (s) => `Backup made${s?.path ? `: ${s.path}` : '.'}` })),
  h('div', { 'class': 'row fields' }, field('Log level', level), doer('Set', () =>
    api.put('/v1/admin/log', { level: level.value }), { done: () => `The log level is ${level.value}.`,
    'aria-label': 'Set log level' })), errors);
}

export function operatorPage({ api }) {
  api.operateOrPost ??= (path) => api.post(path, {});
  const status = h('div', { 'class': 'stack' });
  const lists = LISTS.map((spec) => ({ ...spec, table: new AnyTable(spec),
    note: h('div', {}) }));
  const access = tokens(api);
  let timer = null;
  let shown = '';
  const part = async (act, place) => {
    try {
      await act();
      fill(place);
    } catch (e) {
      fill(place, e.status === 403
        ? h('p', { 'class': 'muted' }, 'Only administrators see this: the token has no such scope.')
        : h('p', { 'class': 'error' }, words(e)));
    }
  };
  const statusNote = h('div', {});
  const accessNote = h('div', {});
  const load = () => Promise.all([
    part(async () => {
      const s = await api.get('/v1/status');
      const text = JSON.stringify(s);
      if (text !== shown) {
        shown = text;
        const open = [...status.querySelectorAll('details[open]')].map((d) => d.dataset.group);
        const focus = status.contains(document.activeElement)
          ? document.activeElement.closest('details')?.dataset.group : null;
        fill(status, statusView(s));
        for (const d of status.querySelectorAll('details')) {
          d.open = open.includes(d.dataset.group);
          if (d.dataset.group === focus) {
            d.firstChild.focus();
          }
        }
      }
    }, statusNote),
    ...lists.map((l) => part(async () => {
      const page = await api.get(`/v1/${l.path}`, { limit: 100 });
      l.table.update(page.items);
    }, l.note)),
    part(access.load, accessNote),
  ]);
  const again = async () => {
    await load();
    timer = timer === false ? false : setTimeout(again, EVERY_MS);
  };
  access.element.append(accessNote);
  return {
    title: 'Operator',
    body: [section('Server', status, statusNote), commands(api),
      h('div', { 'class': 'columns' }, lists.map((l) => section(l.title, l.table.place, l.note)),
        access.element)],
    load: again,
    close() {
      clearTimeout(timer);
      timer = false;
    },
  };
}
