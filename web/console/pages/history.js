// SPDX-License-Identifier: Apache-2.0
/* Calls that were: sought by number and time, exported as CSV or JSON lines. */
import { number } from '../../client/baton.js';
import { badge, brief, button, doer, empty, field, fill, h, icon, input, problemBox, save, Table }
  from '../ui/dom.js';
import { count, duration, inWords, plain, time } from '../ui/format.js';

const PAGE = 100;
const iso = (local) => (local ? new Date(local).toISOString() : undefined);

/** A device identifier for a table: the number, the whole as a title. */
const who = (id) => (id ? h('bdi', { 'title': brief(id) }, brief(number(id) || id)) : '–');

/** "transferred:sip:1003@example.com …" as "transferred to 1003". */
const moves = (text) => (text ? text.split(' ').map((m) => m.replace(/^([a-z]+):(.*)$/,
  (_, what, whom) => `${what} to ${brief(number(whom) || whom, 40)}`)).join(', ') : '–');

export function historyPage({ api }) {
  const device = input({ 'placeholder': '1001', 'type': 'search' });
  const text = input({ 'placeholder': 'normalClearing, a name…', 'type': 'search' });
  const since = input({ 'type': 'datetime-local' });
  const until = input({ 'type': 'datetime-local' });
  const status = h('p', { 'class': 'muted', 'role': 'status' });
  const below = h('div', {});
  let items = [];
  let more = null;
  let asked = {};
  const table = new Table({
    caption: 'Calls that were',
    key: (r) => r.call,
    columns: [
      { label: 'When', 'class': 'tight', cell: (r) => time(r.began, true) },
      { label: 'From', head: true, cell: (r) => who(r.calling) },
      { label: 'To', cell: (r) => who(r.called) },
      { label: 'Answered by', cell: (r) => who(r.answeredBy) },
      { label: 'Talked', 'class': 'num tight', cell: (r) => (r.answered && r.ended
        ? duration((r.seconds ?? 0) * 1000) : '–') },
      { label: 'Ended', cell: (r) => (r.ended ? inWords(plain(r.cause)) : badge('goes on', 'good')) },
      { label: 'Moved', cell: (r) => moves(r.moves) },
      { label: '', name: 'Messages', 'class': 'tight', cell: (r) => h('a', {
        'href': `#/calls/${encodeURIComponent(r.call)}`, data: { focus: 'open' },
        'aria-label': brief('Messages of the call of ' +
          `${number(r.calling ?? '')} to ${number(r.called ?? '')}`) }, 'Messages') },
    ],
    none: () => empty('No calls found', 'Nothing of this number in this time is kept. Calls ' +
      'appear here when they have ended.'),
  });
  const load = async (after) => {
    try {
      const page = await api.get('/v1/history', { ...asked, limit: PAGE, after });
      items = after ? items.concat(page.items) : page.items;
      more = page.next ?? null;
      table.update(items);
      status.textContent = `${count(items.length, 'call')}${more ? ', more are there' : ''}`;
      fill(below, more && button('Show more calls', () => load(more)));
    } catch (e) {
      fill(below, problemBox(e, () => load(after)));
    }
  };
  const search = () => {
    asked = { device: device.value.trim() || undefined, from: iso(since.value),
      to: iso(until.value), text: text.value.trim() || undefined };
    return load();
  };
  const get = (format, type, name) => doer([icon('down'), name], async () => {
    const response = await api.respond('GET', '/v1/history', { query: { ...asked, format },
      accept: type });
    save(await response.blob(), `history.${format === 'csv' ? 'csv' : 'jsonl'}`);
  });
  return {
    title: 'History',
    tools: [get('csv', 'text/csv', 'CSV'), get('jsonl', 'application/jsonl', 'JSON lines')],
    body: [h('form', { 'class': 'bar', on: { submit: (e) => {
      e.preventDefault();
      search();
    } } }, field('Number', device), field('Any text', text),
    field('From', since), field('Until', until),
    h('button', { 'class': 'primary', 'type': 'submit' }, 'Search'), status), table.element, below],
    load: search,
  };
}
