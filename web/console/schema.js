// SPDX-License-Identifier: Apache-2.0
/*
 * A form made from a JSON schema: of the requests in openapi.json.
 *
 * Kept to what those schemas are made of: objects, arrays, words, numbers, booleans, hexadecimal
 * strings, and choices. What is empty in the form has no member in the value. Members that are
 * seldom wanted stand folded away; whatever the form cannot say, the JSON beside it can.
 */
import { userData, userText } from '../client/baton.js';
import { button, field, fill, h, input, select } from './ui/dom.js';
import { inWords } from './ui/format.js';

const DEPTH = 4;
const OFTEN = new Set(['callingDevice', 'calledDirectoryNumber', 'userData', 'device', 'callID',
  'deviceID', 'autoOriginate', 'correlatorData']);

export class Schemas {
  constructor(openapi) {
    this.all = openapi.components?.schemas ?? {};
  }

  /** Without references and with one alternative of what is written in several ways. */
  resolve(schema) {
    for (let n = 0; schema && n < 20; n++) {
      if (schema.$ref) {
        schema = this.all[schema.$ref.split('/').pop()];
      } else if (schema.allOf?.length === 1) {
        schema = { ...schema.allOf[0], title: schema.title };
      } else {
        break;
      }
    }
    return schema ?? {};
  }

  /** Names of the requests that the server serves. */
  services() {
    return Object.entries(this.all).filter(([, s]) => s['x-csta-role'] === 'request' &&
      s['x-csta-served']).map(([name]) => name).sort();
  }
}

/** A device or a number: an object with an id, that may be written as a string. */
function isDevice(schema) {
  return schema.oneOf?.length === 2 && schema.oneOf.some((o) => o.type === 'string') &&
    schema.oneOf.some((o) => o.properties?.id);
}

/** Octets with a text in them: {"string": hex}. */
function isData(schema) {
  const s = schema.properties?.string;
  return Boolean(s && (s.contentEncoding === 'base16'));
}

/** @return {element, get() → value or undefined, put(value)} */
export function control(schemas, schema, name, depth = 0, preset = {}) {
  schema = schemas.resolve(schema);
  if (isDevice(schema)) {
    return text(name, 'number, sip: or tel:', (v) => v, (v) => v?.id ?? v, preset[name]);
  }
  if (isData(schema)) {
    return text(name, 'text', (v) => userData(v), (v) => userText(v) ?? '');
  }
  if (schema.enum) {
    const s = select([['', '–'], ...schema.enum]);
    return leaf(name, s, () => s.value || undefined, (v) => { s.value = v ?? ''; });
  }
  if (schema.type === 'boolean') {
    const s = select([['', '–'], ['true', 'yes'], ['false', 'no']]);
    return leaf(name, s, () => (s.value ? s.value === 'true' : undefined),
      (v) => { s.value = v === undefined ? '' : String(v); });
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    return text(name, 'number', Number, String, undefined, { 'inputmode': 'numeric' });
  }
  if (schema.type === 'string') {
    return text(name, schema.contentEncoding === 'base16' ? 'hexadecimal' : '', (v) => v, (v) => v,
      preset[name]);
  }
  if (schema.oneOf && depth < DEPTH) {
    return choice(schemas, schema, name, depth, preset);
  }
  if (schema.type === 'array' && depth < DEPTH) {
    return array(schemas, schema, name, depth, preset);
  }
  if (schema.properties && depth < DEPTH) {
    return object(schemas, schema, name, depth, preset);
  }
  return null; // only as JSON
}

function leaf(name, element, get, put) {
  return { element: field(name, element), get, put, control: element };
}

function text(name, placeholder, to, of, value = '', more = {}) {
  const i = input({ placeholder, ...more });
  i.value = value ?? '';
  return leaf(name, i, () => (i.value.trim() === '' ? undefined : to(i.value.trim())),
    (v) => { i.value = v === undefined ? '' : of(v); });
}

function object(schemas, schema, name, depth, preset) {
  const required = new Set(schema.required ?? []);
  const parts = Object.entries(schema.properties).filter(([n]) => n !== 'extensions')
    .map(([n, s]) => [n, control(schemas, s, n + (required.has(n) ? ' *' : ''), depth + 1,
      { ...preset, [n + (required.has(n) ? ' *' : '')]: preset[n] })])
    .filter(([, c]) => c);
  const shown = parts.filter(([n]) => required.has(n) || OFTEN.has(n) || parts.length <= 3);
  const rest = parts.filter((p) => !shown.includes(p));
  const more = rest.length > 0 && h('details', { 'class': 'more' },
    h('summary', {}, `${rest.length} more`),
    h('div', { 'class': 'members' }, rest.map(([, c]) => c.element)));
  const members = h('div', { 'class': 'members' }, shown.map(([, c]) => c.element), more);
  const get = () => {
    const out = {};
    for (const [n, c] of parts) {
      const v = c.get();
      if (v !== undefined) {
        out[n] = v;
      }
    }
    return Object.keys(out).length || depth === 0 ? out : undefined;
  };
  const put = (v) => parts.forEach(([n, c]) => c.put(v?.[n]));
  return { get, put, element: depth === 0 ? members
    : h('fieldset', { 'class': 'group' }, h('legend', {}, name), members) };
}

function choice(schemas, schema, name, depth, preset) {
  const alternatives = schema.oneOf.map((o) => schemas.resolve(o));
  const label = (o) => Object.keys(o.properties ?? {})[0] ?? o.title ?? o.type ?? 'value';
  const which = select([['', '–'], ...alternatives.map((o, i) => [String(i), inWords(label(o))])]);
  const place = h('div', {});
  let inner = null;
  const show = () => {
    inner = which.value === '' ? null
      : control(schemas, alternatives[Number(which.value)], label(alternatives[Number(which.value)]),
        depth + 1, preset);
    fill(place, inner?.element);
  };
  which.addEventListener('change', show);
  return { element: h('fieldset', { 'class': 'group' }, h('legend', {}, name),
    field('is', which), place),
  get: () => inner?.get(),
  put: (v) => {
    const i = v === undefined ? -1 : alternatives.findIndex((o) => (o.properties
      ? typeof v === 'object' && Object.keys(v).every((k) => k in o.properties)
      : typeof v === o.type));
    which.value = i < 0 ? '' : String(i);
    show();
    inner?.put(v);
  } };
}

function array(schemas, schema, name, depth, preset) {
  const items = [];
  const place = h('div', { 'class': 'members' });
  const add = (v) => {
    const c = control(schemas, schema.items, `${name} ${items.length + 1}`, depth + 1, preset);
    if (c) {
      items.push(c);
      place.append(c.element);
      c.put(v);
    }
  };
  return { element: h('fieldset', { 'class': 'group' }, h('legend', {}, name), place,
    button('Add', () => add(), { kind: 'small', 'aria-label': `Add to ${name}` })),
  get: () => {
    const out = items.map((c) => c.get()).filter((v) => v !== undefined);
    return out.length ? out : undefined;
  },
  put: (v) => {
    items.length = 0;
    fill(place);
    (v ?? []).forEach(add);
  } };
}
