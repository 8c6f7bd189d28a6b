// SPDX-License-Identifier: Apache-2.0
/*
 * The page of the agent bar, by itself or in a frame of another page (embed.js).
 *
 * In a frame it says {baton: 'ready'} to its parent and takes, from its parent only, {baton: 'start',
 * token, settings}, and {baton: 'do', id, what, args}. When the token has run out it says 'expired'
 * and waits for {baton: 'token', token}. Which pages may be the parent is the
 * server's to say (api.origins of the configuration: Content-Security-Policy frame-ancestors).
 * Answers and events go to the origin that has sent 'start', to nobody else.
 */
import { Baton } from '../client/baton.js';
import { button, field, fill, h, input, regions, select, toast, words }
  from '../console/ui/dom.js';
import { tick } from '../console/ui/format.js';
import { AgentBar } from './bar.js';
import { popUrl } from './pop.js';

const TOKEN = 'baton.token';
const SETTINGS = 'baton.agent';
const MAY = new Set(['dial', 'answer', 'hold', 'retrieve', 'clear', 'transfer', 'consult', 'digits',
  'setAgent']);

const inFrame = window.parent !== window;
let bar = null;
let parentOrigin = null;
let fresh = null; // {promise, done} of a token that the page around us shall bring

function saved() {
  try {
    return JSON.parse(localStorage.getItem(SETTINGS) ?? '{}');
  } catch {
    return {};
  }
}

function tell(what, detail) {
  if (inFrame && parentOrigin) {
    window.parent.postMessage({ baton: what, detail }, parentOrigin);
  }
}

/** The token of the page around us, and a new one from it when that has been refused. */
function borrowed(token) {
  return ({ renew }) => {
    if (!renew) {
      return token;
    }
    if (!fresh) {
      fresh = {};
      fresh.promise = new Promise((done) => { fresh.done = done; }).then((t) => {
        token = t;
        fresh = null;
        return t;
      });
      tell('expired', {});
    }
    return fresh.promise;
  };
}

async function begin(token, settings) {
  const api = settings.embedded ? new Baton({ token: borrowed(token) })
    : new Baton({ token, exchange: true });
  await api.get(`/v1/devices/${encodeURIComponent(settings.device)}`);
  bar?.close();
  bar = new AgentBar(api, settings, tell);
  bar.model.addEventListener('problem', (e) => {
    if (e.detail.code === 'auth') {
      sessionStorage.removeItem(TOKEN);
      form('The server does not take the token any more.');
    }
  });
  fill(document.body, ...regions(), h('main', { 'class': 'bar' }, h('div', { 'class': 'row apart' },
    h('h1', {}, 'Agent bar'), !inFrame && h('div', { 'class': 'row' },
      button('Take tel: links', () => {
        navigator.registerProtocolHandler('tel', `${location.origin}/agent/?dial=%s`);
      }, { kind: 'small quiet' }),
      button('Settings', () => form(), { kind: 'small quiet' }))), bar.element));
  const wanted = new URLSearchParams(location.search).get('dial');
  if (wanted && !inFrame) { // filled in, not dialled: any page can make a link to us
    bar.to.value = wanted.replace(/^tel:/i, '').replace(/;.*$/, '');
    bar.to.form.querySelector('button').focus();
    history.replaceState(null, '', location.pathname);
  }
}

/** Asks for what it has not been told: token, device, template. */
function form(why = '') {
  bar?.close();
  bar = null;
  const had = saved();
  const token = input({ 'type': 'password', 'required': true });
  token.value = sessionStorage.getItem(TOKEN) ?? '';
  const device = input({ 'required': true, 'placeholder': '1001' });
  device.value = had.device ?? '';
  const agentID = input({ 'placeholder': 'optional' });
  agentID.value = had.agentID ?? '';
  const pop = input({ 'placeholder': 'https://crm.example/?q={uui}' });
  pop.value = had.pop ?? '';
  const hosts = input({ 'placeholder': 'crm.example' });
  hosts.value = (had.hosts ?? []).join(' ');
  const popOn = select([['ringing', 'when it rings'], ['answered', 'when it is answered']],
    { value: had.popOn ?? 'ringing' });
  const error = h('p', { 'class': 'error', 'role': 'alert' }, why);
  fill(document.body, ...regions(), h('main', { 'class': 'bar' }, h('h1', {}, 'Agent bar'),
    h('form', { 'class': 'stack', on: { submit: async (e) => {
      e.preventDefault();
      const settings = { device: device.value.trim(), agentID: agentID.value.trim(),
        pop: pop.value.trim(), hosts: hosts.value.trim().split(/[\s,]+/).filter(Boolean),
        popOn: popOn.value };
      try {
        const { why } = settings.pop ? popUrl(settings.pop, {}, settings.hosts) : {};
        if (why) {
          throw new Error(why);
        }
        await begin(token.value.trim(), settings);
        sessionStorage.setItem(TOKEN, token.value.trim());
        localStorage.setItem(SETTINGS, JSON.stringify(settings));
      } catch (x) {
        error.textContent = words(x);
      }
    } } }, field('Token', token, 'It stays in this tab.'), field('Device', device),
    field('Agent ID', agentID),
    field('Screen pop', pop, 'Placeholders: {uui} {caller} {called} {callID} {correlator}'),
    field('Hosts that a pop may open', hosts), field('Open', popOn), error,
    h('button', { 'type': 'submit', 'class': 'primary' }, 'Start'))));
}

/** One command of the page around us. */
async function obey({ what, args = [] }) {
  if (!bar || !MAY.has(what)) {
    throw new Error(bar ? `There is no command ${what}.` : 'The agent bar has not been started.');
  }
  if (what === 'dial' || what === 'setAgent') {
    return bar[what](...args);
  }
  const [callID, ...more] = args;
  const mine = bar.mine().find((m) => m.call.callID === callID) ?? (callID ? null : bar.mine()[0]);
  if (!mine) {
    throw new Error('There is no such call.');
  }
  return bar.api[what](mine.connection, ...more);
}

function listen() {
  window.addEventListener('message', async (e) => {
    if (e.source !== window.parent || !e.data?.baton) {
      return;
    }
    if (e.data.baton === 'start' && !parentOrigin) {
      parentOrigin = e.origin;
      try {
        await begin(e.data.token, { ...e.data.settings, embedded: true });
        tell('started', {});
      } catch (x) {
        form(words(x));
        tell('problem', { message: words(x) });
      }
    } else if (e.data.baton === 'token' && e.origin === parentOrigin) {
      fresh?.done(e.data.token);
    } else if (e.data.baton === 'do' && e.origin === parentOrigin) {
      const { id } = e.data;
      try {
        const result = await obey(e.data);
        tell('done', { id, result: result === undefined ? null : result });
      } catch (x) {
        tell('done', { id, problem: { message: words(x), code: x.code } });
      }
    }
  });
  window.parent.postMessage({ baton: 'ready' }, '*'); // nothing secret in it
}

tick();
if (inFrame) {
  fill(document.body, ...regions(), h('main', { 'class': 'bar' }, h('h1', {}, 'Agent bar'),
    h('p', { 'class': 'muted', 'role': 'status' }, 'Waiting for the page around it…'),
    button('Sign in here instead', () => form())));
  listen();
} else if (sessionStorage.getItem(TOKEN) && saved().device) {
  begin(sessionStorage.getItem(TOKEN), saved()).catch((e) => {
    toast(words(e), { kind: 'bad' });
    form(words(e));
  });
} else {
  form();
}
