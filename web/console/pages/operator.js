// SPDX-License-Identifier: Apache-2.0
/*
 * The operator's page: how the server is, who is connected to it, and what may be done to it.
 * Each part is asked for by itself: who may not see one of them sees the others.
 */
import { number } from '../../client/baton.js';
import { ask, badge, button, code, copy, doer, empty, facts, field, fill, h, input, save,
  section, select, Table, words } from '../ui/dom.js';
import { webhooks, webhookWorries } from './webhooks.js';
import { duration, inWords, label, plain, time } from '../ui/format.js';

const EVERY_MS = 5000;
const LEVELS = ['error', 'warn', 'info', 'debug'];
const isTime = (v) => typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v);

/** Lists of the server: path, title, what it is when there is none, what is shown of an item.
    `whole`: it comes in one piece, and takes no limit. */
const LISTS = [
  { path: 'listeners', title: 'Listeners', none: 'Nothing listens', key: ['address', 'transport'],
    whole: true,
    columns: { address: 'Address', transport: 'Transport', protocol: 'For', advertised: 'Shown as' } },
  { path: 'registrations', title: 'Registrations', none: 'No phone is registered', key: ['contact'],
    columns: { number: 'Device', contact: 'Contact', transport: 'Transport', address: 'From',
      expires: 'Until', userAgent: 'Phone' },
    flat: (r) => r.bindings.map((b) => ({ number: number(r.deviceID ?? r.record), ...b })) },
  { path: 'subscribers', title: 'Readers of the event stream', none: 'Nobody reads the events',
    key: ['subscriber'], whole: true, columns: { subscriber: 'Reader', kind: 'Kind', who: 'Who', peer: 'From',
      since: 'Since', sequence: 'At', lag: 'Behind', waits: 'Waits', events: 'Events' } },
  { path: 'peers', title: 'Peers', none: 'No peers are configured', key: ['peer'],
    columns: { peer: 'Peer', up: 'Up', calls: 'Calls', maxCalls: 'At most', uri: 'Address',
      numbers: 'Numbers', trusted: 'Trusted' } },
  { path: 'sessions', title: 'CSTA sessions', none: 'No application is connected', key: ['session'],
    columns: { session: 'Session', application: 'Application', link: 'Over', monitors: 'Monitors',
      unsent: 'Events unsent', pending: 'Requests open', routes: 'Routes calls' } },
  { path: 'monitors', title: 'Monitors', none: 'Nobody watches a device',
    key: ['monitor'], columns: { monitor: 'Monitor', application: 'Application',
      deviceID: 'Device', callID: 'Call', unsent: 'Events unsent' } },
];

function cell(name, v) {
  if (name === 'up') {
    return v === true ? badge('up', 'good') : badge(v === false ? 'down' : plain(v), 'bad');
  }
  if (isTime(v)) {
    return time(v, true);
  }
  if (/state|status/i.test(name) && typeof v === 'string') {
    return badge(inWords(v), /^(up|ok|open|good|active|running|registered|live|connected)/.test(v) ? 'good'
      : /down|fail|dead|bad|paused|behind|lost/.test(v) ? 'bad' : 'plain');
  }
  return plain(v);
}

const NUMBERS = new Set(['lag', 'events', 'calls', 'maxCalls', 'unsent', 'pending', 'monitors']);
const LONG = new Set(['contact', 'uri', 'url', 'userAgent', 'numbers']);

function listTable({ title, none, key, columns }) {
  return new Table({
    caption: title,
    key: (i) => key.map((k) => i[k]).join(' '),
    columns: Object.entries(columns).map(([n, text], i) => ({ label: text, head: i === 0,
      'class': NUMBERS.has(n) ? 'num' : LONG.has(n) ? 'long' : '', cell: (x) => cell(n, x[n]) })),
    none: () => h('p', { 'class': 'muted' }, `${none}.`),
  });
}

function tile(n, text) {
  return h('div', { 'class': 'tile' }, h('b', {}, typeof n === 'number' ? n.toLocaleString() : n),
    h('span', {}, text));
}

/** Counters that matter at first sight: part, name, what they count. */
const FIRST = [['engine', 'calls_active', 'calls'], ['engine', 'registrar_bindings', 'registrations'],
  ['engine', 'csta_sessions', 'CSTA sessions'], ['engine', 'csta_monitors', 'monitors'],
  ['engine', 'peers_up', 'peers up'], ['api', 'clients', 'HTTP connections'],
  ['engine', 'sip_received', 'SIP messages read'], ['engine', 'sip_malformed', 'malformed ones']];

/** /v1/status: what matters first, then every counter that is not zero. */
function statusView(s) {
  const { counters = {}, ...flat } = s;
  const facing = Object.entries(flat).filter(([n, v]) => n !== 'uptime' && typeof v !== 'object');
  return [
    h('div', { 'class': 'tiles' }, FIRST.filter(([p, n]) => counters[p]?.[n] !== undefined)
      .map(([p, n, text]) => tile(counters[p][n], text))),
    facts([['Running for', h('span', { 'class': 'since', data: { since: Date.parse(s.started) } },
      duration(s.uptime * 1000))], ...facing.map(([n, v]) => [label(n), cell(n, v)])]),
    Object.entries(counters).map(([part, values]) => {
      const some = Object.entries(values).filter(([, v]) => v !== 0);
      return some.length > 0 && h('details', { 'class': 'more', data: { group: part } },
        h('summary', {}, `Counters of ${inWords(part)}`),
        facts(some.map(([n, v]) => [n.replace(/_/g, ' '), plain(v)])));
    })];
}

// ---- what needs attention ----

/** Counters that should be zero: part, name, what it means, what to do. */
const WORRIES = [
  ['engine', 'peers_down', 'peers do not answer', 'Calls to them go to the next rule or fail. Is their address right, do they take OPTIONS?'],
  ['engine', 'auth_wrong', 'logins with a wrong password', 'The log says from which address and with which name.'],
  ['engine', 'guard_banned', 'addresses are banned', 'They guessed passwords or sent too much. They are let in again after guard.ban_s.'],
  ['engine', 'sip_malformed', 'SIP messages could not be read', 'The log says what was wrong with them, and who sent them.'],
  ['engine', 'load_shed', 'requests were refused to keep what is going on', 'The machine is too slow for what comes.'],
  ['engine', 'csta_gaps', 'times a CSTA session lost events', 'Its application was too slow or too long away; it was told.'],
  ['engine', 'phone_sessions_lost', 'sessions with phones were lost', 'See the diagnosis of the device.'],
  ['engine', 'store_not_restored', 'things could not be put back at start', 'The log says which.'],
  ['net', 'udp_dropped', 'datagrams were dropped', 'The socket buffer of the system was full.'],
  ['net', 'handshakes_failed', 'TLS handshakes failed', 'The log says why: an unknown certificate, a wrong name, an old version.'],
  ['net', 'names_failed', 'names could not be resolved', 'Does the DNS server of this machine answer?'],
  ['api', 'closed_slow', 'clients of the API were too slow and were closed', 'They resume where they were when they come again.'],
  ['api', 'jobs_refused', 'requests of the API were refused, too many at a time', 'api.max_jobs bounds them.'],
];

/** In words, worst first: from the counters, and from the lists. */
function worries(status, found, lost) {
  const out = [];
  if (lost) {
    out.push(['The server does not answer.', 'What stands below is as it was before. This page asks ' +
      'again and again.']);
  }
  if (status?.state && status.state !== 'running') {
    out.push([`The server is ${inWords(status.state)}.`, 'It takes no new calls.']);
  }
  for (const p of found.peers ?? []) {
    if (p.up === false) {
      out.push([`The peer ${p.peer} does not answer.`, `Its address: ${p.uri}`]);
    }
  }
  out.push(...webhookWorries(found.webhooks ?? []));
  for (const r of found.subscribers ?? []) {
    if (Number(r.lag) > 1000) {
      out.push([`${r.who || r.subscriber} is ${Number(r.lag).toLocaleString()} events behind.`,
        'It reads more slowly than things happen.']);
    }
  }
  for (const [part, name, text, advice] of WORRIES) {
    const n = status?.counters?.[part]?.[name];
    if (n > 0 && !(name === 'peers_down' && out.length)) {
      out.push([`${n.toLocaleString()} ${text}.`, advice]);
    }
  }
  return out;
}

function worriesView(list) {
  return list.length === 0 ? h('p', {}, badge('all well', 'good'), ' Nothing needs attention.')
    : h('ul', { 'class': 'steps' }, list.map(([text, advice]) => h('li', {}, badge('look', 'wait'),
      h('div', {}, h('p', {}, text), advice && h('p', { 'class': 'hint' }, advice)))));
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

function tokens(api, mine) {
  const table = new Table({
    caption: 'Tokens',
    key: (t) => t.id ?? t.token ?? t.name,
    columns: [
      { label: 'Name', head: true, cell: (t) => (t.kind === 'browser'
        ? [`${t.createdBy ?? t.name} `, badge('in a browser')] : t.name) },
      { label: 'Scopes', cell: (t) => plain(t.scopes) },
      { label: 'Made', 'class': 'tight', cell: (t) => time(t.created, true) || '–' },
      { label: 'Until', 'class': 'tight', cell: (t) => (t.expires ? time(t.expires, true)
        : 'no end') },
      { label: '', 'class': 'tight', cell: (t) => button('Revoke', async () => {
        await ask({ title: `Revoke the token ${t.name}?`, ok: 'Revoke', kind: 'danger',
          body: [h('p', {}, 'Whoever uses it is refused from now on.')],
          act: () => api.delete(`/v1/tokens/${encodeURIComponent(t.id ?? t.name)}`) });
        load();
      }, { kind: 'danger small', data: { focus: 'revoke' }, 'aria-label': `Revoke ${t.kind === 'browser' ? 'a browser token of ' : ''}${t.name}` }) },
    ],
    none: () => h('p', { 'class': 'muted' }, 'No tokens.'),
  });
  const place = h('div', {}, table.element);
  const load = async () => {
    const page = await api.get('/v1/tokens');
    table.element.classList.toggle('table', page.items.length > 0);
    table.update(page.items.sort((a, b) => (a.kind === 'browser') - (b.kind === 'browser')));
  };
  return { load, place, element: section('Tokens', place,
    mine && h('div', {}, button('New token', () => newToken(api, load)))) };
}

// ---- what may be done to it ----

/** How far the draining is, told and shown as calls end. @return {element, follow, draining} */
function drainProgress(model) {
  const element = h('div', { 'class': 'stack', 'role': 'status' });
  let on = false;
  let most = 0;
  let shown = '';
  const draw = () => {
    const n = model.calls.size;
    most = on ? Math.max(most, n) : 0;
    const text = on ? `The server takes no new calls; ${n.toLocaleString()} still ` +
      `${n === 1 ? 'stands' : 'stand'}.${n === 0 ? ' It can be stopped now.' : ''}` : '';
    if (text !== shown) {
      shown = text;
      fill(element, text && h('p', {}, text), on && most > 0 && h('progress', { 'max': most,
        'value': most - n, 'aria-label': 'Calls that have ended since the draining began' }));
    }
  };
  model.addEventListener('change', draw);
  return { element, close: () => model.removeEventListener('change', draw),
    set(draining) {
      on = draining;
      draw();
    } };
}

function commands(api, progress) {
  const level = select(LEVELS);
  api.get('/v1/admin/log').then((l) => { level.value = l.level; }, () => {});
  const said = h('div', { 'role': 'status' });
  const reload = async () => {
    fill(said);
    await ask({ title: 'Reload the configuration?', ok: 'Reload',
      body: [h('p', {}, 'The file is read again. Calls go on. If the file has a fault, nothing ' +
        'changes and the fault is shown.')],
      act: async () => {
        const r = await api.post('/v1/admin/reload', {});
        fill(said, h('p', {}, `${r.file} was read again: ${r.devices} devices, ${r.routes} routes, ` +
          `${r.applications} applications, ${r.peers} peers.`), facts([
          ['Taken over', r.changed.join(', ') || 'nothing has changed'],
          ['Needs a restart', r.needsRestart.join(', ')],
          ['Devices that are gone', r.devicesGone || '']]));
      } });
  };
  const drain = (on) => async () => {
    const r = await api.post('/v1/admin/drain', { drain: on });
    progress.set(r.draining);
    fill(said, !r.draining && h('p', {}, 'The server takes calls again.'));
  };
  const askDrain = () => ask({ title: 'Drain the server?', ok: 'Drain', kind: 'danger',
    body: [h('p', {}, 'New calls are refused with 503 from now on; calls that stand go on until ' +
      'they end. “Let calls in” takes it back.')], act: drain(true) });
  return section('Commands', h('div', { 'class': 'row' }, button('Reload…', reload),
    button('Drain…', askDrain, { kind: 'danger' }), doer('Let calls in', drain(false)),
    doer('Backup', async () => {
      const response = await api.respond('POST', '/v1/admin/backup', { body: {}, accept: '*/*' });
      save(await response.blob(), `baton-${new Date().toISOString().slice(0, 10)}.db`);
    })),
  h('div', { 'class': 'row fields' }, field('Log level', level), doer('Set', () =>
    api.put('/v1/admin/log', { level: level.value }), { done: () => `The log level is ${level.value}.`,
    'aria-label': 'Set log level' })), said, progress.element);
}

export function operatorPage({ api, model, rights }) {
  const status = h('div', { 'class': 'stack' });
  const lists = LISTS.map((spec) => ({ ...spec, table: listTable(spec),
    note: h('div', {}) }));
  const access = tokens(api, rights.admin);
  const progress = drainProgress(model);
  const hooks = webhooks(api);
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
  const attention = h('div', { 'role': 'status' });
  const found = {};
  let state = null;
  let lost = false;
  let worried = '';
  const worry = () => {
    const all = worries(state, found, lost);
    if (JSON.stringify(all) !== worried) {
      worried = JSON.stringify(all);
      fill(attention, worriesView(all));
    }
  };
  const accessNote = h('div', {});
  const hooksNote = h('div', {});
  const load = () => Promise.all([
    part(async () => {
      const s = await api.get('/v1/status').catch((e) => {
        lost = e.code === 'network';
        throw e;
      });
      lost = false;
      state = s;
      progress.set(s.state === 'draining');
      const text = JSON.stringify({ ...s, uptime: 0, time: '' });
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
      const page = await api.get(`/v1/${l.path}`, l.whole ? {} : { limit: 100 });
      found[l.path] = page.items;
      const items = l.flat ? page.items.flatMap(l.flat) : page.items;
      l.table.element.classList.toggle('table', items.length > 0);
      l.table.update(items);
    }, l.note)),
    part(async () => {
      await hooks.load();
      found.webhooks = hooks.items;
    }, hooksNote),
    part(access.load, accessNote),
  ]);
  const again = async () => {
    await load();
    worry();
    timer = timer === false ? false : setTimeout(again, EVERY_MS);
  };
  hooks.element.append(hooksNote);
  access.element.append(accessNote);
  return {
    title: 'Operator',
    body: [section('What needs attention', attention), section('Server', status, statusNote),
      rights.admin ? commands(api, progress) : section('Commands', h('p', { 'class': 'muted' },
        'Only administrators may reload, drain, back up, or set the log level.')),
      h('div', { 'class': 'columns' }, lists.map((l) => section(l.title, l.table.element, l.note)),
        hooks.element, access.element)],
    load: again,
    close() {
      clearTimeout(timer);
      timer = false;
      progress.close();
    },
  };
}
