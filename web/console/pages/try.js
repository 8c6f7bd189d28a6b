// SPDX-License-Identifier: Apache-2.0
/*
 * Try it: a form for each service, made from openapi.json, and what it led to: the request and the
 * answer as JSON, as CSTA XML, and the messages of the call that it touched.
 */
import { badge, button, code, copy, doer, empty, field, fill, h, input, problemBox,
  section, select, words } from '../ui/dom.js';
import { Ladder, NO_TRACE, readTrace } from '../ladder.js';
import { control, Schemas } from '../schema.js';

const FIRST = 'MakeCall';

/** The first value of that name, however deep. */
function find(value, name) {
  if (value && typeof value === 'object') {
    if (typeof value[name] === 'string') {
      return value[name];
    }
    for (const v of Object.values(value)) {
      const got = find(v, name);
      if (got) {
        return got;
      }
    }
  }
  return null;
}

function curl(service, body) {
  return `curl -sS -H "Authorization: Bearer $BATON_TOKEN" -H 'Content-Type: application/json' \\\n` +
    `  -H 'Prefer: wait=10' -d '${JSON.stringify(body).replace(/'/g, '\'\\\'\'')}' \\\n` +
    `  ${location.origin}/v1/services/${service}`;
}

class Tabs {
  constructor(label, tabs) {
    this.panels = tabs.map(([name, content]) => h('div', { 'role': 'tabpanel', 'aria-label': name,
      'class': 'stack', 'hidden': true }, content));
    this.buttons = tabs.map(([name], i) => button(name, () => this.show(i), { 'role': 'tab',
      'tabindex': '-1' }));
    const bar = h('div', { 'class': 'tabs', 'role': 'tablist', 'aria-label': label, on: {
      keydown: (e) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (step) {
          this.show((this.at + step + tabs.length) % tabs.length);
          this.buttons[this.at].focus();
        }
      } } }, this.buttons);
    this.element = h('div', { 'class': 'stack' }, bar, this.panels);
    this.show(0);
  }

  show(i) {
    this.at = i;
    this.buttons.forEach((b, n) => {
      b.setAttribute('aria-selected', String(n === i));
      b.setAttribute('tabindex', n === i ? '0' : '-1');
      this.panels[n].hidden = n !== i;
    });
  }
}

export function tryPage({ api, model, rights }, _, query) {
  const pick = h('select', {});
  const form = h('div', {});
  const json = h('textarea', { 'rows': '10', 'spellcheck': 'false' });
  const jsonError = h('p', { 'class': 'error', 'role': 'alert' });
  const asJson = h('div', { 'class': 'panel', 'tabindex': '-1' });
  const asXml = h('div', { 'class': 'stack' });
  const ladder = new Ladder();
  const outcome = h('p', { 'role': 'status' });
  const tabs = new Tabs('What it led to', [['JSON', asJson], ['CSTA XML', asXml],
    ['On the wire', ladder.element]]);
  let schemas = null;
  let inner = null;
  let summary = new Map();

  const preset = () => {
    const device = query.get('device') ?? [...model.devices.values()].find((d) => d.registered)
      ?.number ?? '';
    const call = [...model.calls.values()][0];
    const mine = call?.connections?.find((c) => c.number === device) ?? call?.connections?.[0];
    return { callingDevice: device, device: mine?.number ?? device, callID: call?.callID ?? '',
      deviceID: mine?.deviceID ?? device };
  };
  const toJson = () => {
    json.value = JSON.stringify(inner.get(), null, 2);
    jsonError.textContent = '';
  };
  const body = () => JSON.parse(json.value || '{}');
  const choose = () => {
    const name = pick.value;
    inner = control(schemas, schemas.all[name], name, 0, preset());
    fill(form, summary.get(name) && h('p', { 'class': 'hint' }, summary.get(name)), inner.element);
    toJson();
  };
  const xml = async (message, title) => [h('h3', {}, title), code(await api.post('/v1/csta/xml',
    message, { accept: 'application/xml' }), { 'aria-label': `${title} as CSTA XML` })];
  const showXml = async (request, response) => {
    try {
      fill(asXml, await xml(request, 'Request'), response && await xml(response, 'Answer'));
    } catch (e) {
      fill(asXml, problemBox(e));
    }
  };
  const send = async () => {
    let value;
    try {
      value = body();
    } catch (e) {
      jsonError.textContent = `This is no JSON: ${e.message}`;
      json.focus();
      return;
    }
    const service = pick.value;
    const started = Date.now();
    let said;
    let callID = find(value, 'callID');
    try {
      const op = await api.operate(`/v1/services/${service}`, value);
      said = op;
      callID = find(op.result, 'callID') ?? callID;
      fill(outcome, badge('done', 'good'), ` ${service} took ${Date.now() - started} ms.`);
    } catch (e) {
      said = e.body ?? { detail: words(e) };
      fill(outcome, badge('refused', 'bad'), ` ${words(e)}`);
    }
    fill(asJson, h('h3', {}, 'Request'), code(JSON.stringify({ [service]: value }, null, 2),
      { 'aria-label': 'Request as JSON' }), h('h3', {}, 'Answer'),
    code(JSON.stringify(said, null, 2), { 'aria-label': 'Answer as JSON' }));
    await showXml({ [service]: value }, said.result);
    const wire = async () => {
      if (!callID) {
        ladder.update(NO_TRACE);
        return;
      }
      const trace = await api.get(`/v1/trace/${encodeURIComponent(callID)}`, { format: 'json' })
        .then(readTrace, () => NO_TRACE);
      ladder.update({ ...trace, messages: trace.messages.filter((m) => m.at >= started - 1000) });
    };
    await wire();
    setTimeout(wire, 1000);
  };
  form.addEventListener('input', toJson);
  form.addEventListener('change', toJson);
  json.addEventListener('change', () => {
    try {
      inner.put(body());
      jsonError.textContent = '';
    } catch (e) {
      jsonError.textContent = `This is no JSON: ${e.message}`;
    }
  });
  pick.addEventListener('change', choose);
  fill(asJson, empty('Nothing was sent yet', 'Choose a service, fill the form and send it: this ' +
    'shows the request, the answer, and what went over the wire.'));
  fill(asXml, empty('Nothing was sent yet'));
  ladder.update(NO_TRACE);
  const left = h('div', { 'class': 'stack' });
  const load = async () => {
    try {
      const openapi = await api.get('/openapi.json');
      await model.ready;
      schemas = new Schemas(openapi);
      summary = new Map(schemas.services().map((s) => [s, schemas.all[s].description ?? '']));
      const names = schemas.services();
      const wanted = query.get('service');
      fill(pick, names.map((n) => h('option', { 'value': n,
        'selected': n === (names.includes(wanted) ? wanted : FIRST) }, n)));
      fill(left, section('Request', field('Service', pick), form,
        h('div', { 'class': 'row' }, doer('Send', send, { kind: 'primary' }),
          button('Copy as curl', () => copy(curl(pick.value, body())))),
        !rights.commands && h('p', { 'class': 'hint' }, 'You may look, but not command: services ' +
          'that command a device will be refused.'),
        field('Body of the request', json, 'Follows the form, and the form follows it.'),
        jsonError));
      choose();
    } catch (e) {
      fill(left, problemBox(e, load));
    }
  };
  return {
    title: 'Try it',
    body: [h('div', { 'class': 'try' }, left, section('What it led to', outcome, tabs.element))],
    load,
  };
}
