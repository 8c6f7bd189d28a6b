// SPDX-License-Identifier: Apache-2.0
/*
 * The console: who is there, which page is shown, and whether the server is heard.
 *
 * A token is asked for once and kept in this tab's sessionStorage; requests carry short-lived
 * browser tokens that are bought with it. Addresses of pages are fragments (#/calls/c1), which no
 * server sees; none of them has a secret in it.
 */
import { Baton, Problem } from '../client/baton.js';
import { announce, button, fill, h, icon, input, field, regions, toast, words } from './ui/dom.js';
import { tick } from './ui/format.js';
import { Rights } from './rights.js';
import { callsPage } from './pages/calls.js';
import { callPage } from './pages/call.js';
import { devicesPage } from './pages/devices.js';
import { devicePage } from './pages/device.js';
import { eventsPage } from './pages/events.js';
import { tryPage } from './pages/try.js';
import { historyPage } from './pages/history.js';
import { operatorPage } from './pages/operator.js';

const PAGES = [
  { path: 'calls', name: 'Live calls', icon: 'calls', page: callsPage, one: callPage },
  { path: 'devices', name: 'Devices', icon: 'devices', page: devicesPage, one: devicePage },
  { path: 'events', name: 'Events', icon: 'events', page: eventsPage },
  { path: 'try', name: 'Try it', icon: 'try', page: tryPage },
  { path: 'history', name: 'History', icon: 'history', page: historyPage },
  { path: 'operator', name: 'Operator', icon: 'operator', page: operatorPage },
];
const KEY = 'baton.token';
const THEME = 'baton.theme';

/** What each page gets. */
class Context {
  constructor(api, rights) {
    Object.assign(this, { api, rights });
    this.model = api.model();
  }

  close() {
    this.model.close();
  }
}

function brand() {
  return h('a', { 'class': 'brand', 'href': '#/calls' },
    h('img', { 'src': 'ui/baton.svg', 'alt': '' }), 'Baton');
}

function theme() {
  const root = document.documentElement;
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  return h('button', { 'type': 'button', 'class': 'quiet', 'aria-label': 'Light or dark', on: {
    click: () => {
      root.dataset.theme = dark() ? 'light' : 'dark';
      localStorage.setItem(THEME, root.dataset.theme);
    },
  } }, icon('theme'));
}

// ---- who is there ----

/** Is that token good? @return the API and what may be asked of it, or throws the refusal */
async function enter(token) {
  const api = new Baton({ token, exchange: true });
  return [api, new Rights(await api.get('/v1/whoami'))];
}

function login(why) {
  const token = input({ 'type': 'password', 'required': true, 'name': 'token',
    'placeholder': 'bt_…' });
  const error = h('p', { 'class': 'error', 'role': 'alert' }, why ?? '');
  const go = async (e) => {
    e.preventDefault();
    error.textContent = '';
    try {
      const entered = await enter(token.value.trim());
      sessionStorage.setItem(KEY, token.value.trim());
      start(...entered);
    } catch (x) {
      error.textContent = x.status === 401
        ? 'The server does not know this token. Was it copied whole, or has it been revoked?'
        : words(x);
      token.focus();
    }
  };
  fill(document.body, ...regions(), h('main', { 'class': 'login' },
    h('div', { 'class': 'card' }, h('div', { 'class': 'row apart' }, brand(), theme()),
      h('h1', {}, 'Sign in'),
      h('form', { on: { submit: go } },
        field('Token', token, 'It stays in this tab and is forgotten when the tab is closed.'),
        error, h('button', { 'class': 'primary', 'type': 'submit' }, 'Sign in')),
      h('p', { 'class': 'hint' }, 'On the server, ', h('code', { 'class': 'mono' },
        'baton token create'), ' makes one.'))));
  document.title = 'Sign in – Baton';
  token.focus();
}

function leave(context, why) {
  sessionStorage.removeItem(KEY);
  context.close();
  stopClock?.();
  window.onhashchange = null;
  shownPage?.close?.();
  shownPage = null;
  login(why);
}

// ---- whether the server is heard ----

const STREAM_WORDS = {
  connecting: ['wait', 'Connecting', 'to the events'],
  open: ['good', 'Live', 'as it happens'],
  waiting: ['bad', 'No connection', 'trying again'],
  closed: ['bad', 'Not connected', 'sign in again'],
};

function connection(model) {
  const dot = h('span', { 'class': 'live-dot', 'aria-hidden': 'true' });
  const text = h('span', {});
  let before = null;
  const show = (state) => {
    const [kind, title, more] = STREAM_WORDS[state] ?? STREAM_WORDS.connecting;
    dot.className = `live-dot ${kind}`;
    fill(text, h('b', {}, title), ' ', more);
    if (state === 'waiting' && before === 'open') {
      announce('The connection to the server is lost. Trying again.');
    } else if (state === 'open' && before === 'lost') {
      announce('Connected again.');
    }
    before = state === 'waiting' ? 'lost' : state === 'open' ? 'open' : before;
  };
  show(model.stream.state);
  model.addEventListener('state', (e) => show(e.detail.state));
  return h('div', { 'class': 'connection' }, dot, text);
}

// ---- pages ----

let shownPage = null;
let stopClock = null;
let shows = 0;

function here() {
  const [path, ...rest] = location.hash.replace(/^#\/?/, '').split('?')[0].split('/');
  const page = PAGES.find((p) => p.path === path) ?? PAGES[0];
  const query = new URLSearchParams(location.hash.split('?')[1] ?? '');
  return { page, id: rest.length ? decodeURIComponent(rest.join('/')) : '', query };
}

async function show(context, main, links, first) {
  const turn = ++shows;
  const { page, id, query } = here();
  shownPage?.close?.();
  shownPage = null;
  for (const [path, a] of links) {
    path === page.path ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current');
  }
  const build = id && page.one ? page.one : page.page;
  const view = build(context, id, query);
  shownPage = view;
  const title = h('h1', { 'tabindex': '-1' }, view.title);
  fill(main, h('div', { 'class': 'head' },
    h('div', {}, view.crumb && h('a', { 'class': 'crumb', 'href': view.crumb[0] }, view.crumb[1]),
      title), h('div', { 'class': 'row' }, view.tools ?? [])), view.body);
  document.title = `${view.title} – Baton`;
  if (!first) {
    window.scrollTo(0, 0);
    title.focus();
  }
  try {
    await view.load?.();
  } catch (e) {
    if (turn === shows) {
      toast(words(e), { kind: 'bad' });
    }
  }
}

function start(api, rights) {
  const context = new Context(api, rights);
  const links = new Map();
  const main = h('main', { 'id': 'main' });
  const list = h('ul', {}, PAGES.map((p) => {
    const a = h('a', { 'href': `#/${p.path}` }, icon(p.icon), p.name);
    links.set(p.path, a);
    return h('li', {}, a);
  }));
  fill(document.body, h('a', { 'class': 'skip', 'href': '#main', on: { click: (e) => {
    e.preventDefault(); // the fragment names the page
    main.querySelector('h1')?.focus();
  } } }, 'To the page'), ...regions(), h('div', { 'class': 'shell' },
    h('header', { 'class': 'rail' }, brand(), h('nav', { 'aria-label': 'Pages' }, list),
      h('div', { 'class': 'foot' }, connection(context.model),
        h('div', { 'class': 'row' }, theme(),
          button([icon('out'), 'Sign out'], () => leave(context), { kind: 'quiet' })))),
    main));
  stopClock = tick();
  context.model.addEventListener('problem', (e) => {
    if (e.detail.code === 'auth' || e.detail.status === 401) {
      leave(context, 'You have been signed out: the server does not take the token any more.');
    }
  });
  window.onhashchange = () => show(context, main, links);
  show(context, main, links, true);
}

async function main() {
  const wanted = localStorage.getItem(THEME);
  if (wanted === 'light' || wanted === 'dark') {
    document.documentElement.dataset.theme = wanted;
  }
  const token = sessionStorage.getItem(KEY);
  if (!token) {
    login();
    return;
  }
  try {
    start(...await enter(token));
  } catch (e) {
    if (e instanceof Problem && e.status === 401) {
      sessionStorage.removeItem(KEY);
      login('You have been signed out: the server does not take the token any more.');
    } else {
      login(words(e));
    }
  }
}

await main();
