// SPDX-License-Identifier: Apache-2.0
/* Calls that were: sought by number and time, exported as CSV or JSON lines. */
import { button, doer, empty, field, fill, h, icon, input, problemBox, save, Table }
  from '../ui/dom.js';
import { count, duration, inWords, plain, time } from '../ui/format.js';

const PAGE = 100;
const iso = (local) => (local ? new Date(local).toISOString() : undefined);

/** Members that a row of the history may have, by what is shown. */
const pick = (r, ...names) => names.map((n) => r[n]).find((v) => v !== undefined && v !== null);

function seconds(r) {
  const answered = Date.parse(pick(r, 'answered'));
  const ended = Date.parse(pick(r, 'ended', 'cleared'));
  return Number.isNaN(answered) || Number.isNaN(ended) ? '–' : duration(ended - answered);
}

export function historyPage({ api }) {
  const who = input({ 'placeholder': '1001', 'type': 'search' });
  const since = input({ 'type': 'datetime-local' });
  const until = input({ 'type': 'datetime-local' });
  const status = h('p', { 'class': 'muted', 'role': 'status' });
  const below = h('div', {});
  let items = [];
  let more = null;
  let asked = {};
  const table = new Table({
    caption: 'Calls that were',
    key: (r) => r.callID ?? `${r.begun} ${r.from}`,
    columns: [
      { label: 'When', 'class': 'tight', cell: (r) => time(pick(r, 'started', 'begun', 'created',
        'time'), true) },
      { label: 'From', head: true, cell: (r) => plain(pick(r, 'from', 'calling', 'caller')) },
      { label: 'To', cell: (r) => plain(pick(r, 'to', 'called')) },
      { label: 'Answered by', cell: (r) => plain(pick(r, 'answeredBy', 'answerer')) },
      { label: 'Talked', 'class': 'num tight', cell: seconds },
      { label: 'Ended', cell: (r) => inWords(plain(pick(r, 'cause', 'reason', 'outcome'))) },
      { label: 'Transferred to', cell: (r) => plain(pick(r, 'transferredTo', 'transferred')) },
      { label: '', name: 'Messages', 'class': 'tight', cell: (r) => h('a', {
        'href': `#/calls/${encodeURIComponent(r.callID)}`, data: { focus: 'open' },
        'aria-label': `Messages of the call ${plain(pick(r, 'from', 'calling'))} to ` +
          plain(pick(r, 'to', 'called')) }, 'Messages') },
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
    asked = { device: who.value.trim() || undefined, since: iso(since.value),
      until: iso(until.value) };
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
    } } }, field('Number', who), field('From', since), field('Until', until),
    h('button', { 'class': 'primary', 'type': 'submit' }, 'Search'), status), table.element, below],
    load: search,
  };
}
