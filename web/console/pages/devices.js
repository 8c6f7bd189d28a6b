// SPDX-License-Identifier: Apache-2.0
/* Devices: which are there, which are registered, who is on a call. */
import { number } from '../../client/baton.js';
import { badge, brief, button, empty, field, fill, h, input, problemBox, select, Table }
  from '../ui/dom.js';
import { count, stateBadge } from '../ui/format.js';

const PAGE = 200;
const byNumber = new Intl.Collator(undefined, { numeric: true });

export function deviceHref(device) {
  const n = device.number ?? number(device.deviceID);
  return `#/devices/${encodeURIComponent(n)}`;
}

/** The state of the device in its calls: what a busy lamp would show. */
export function deviceState(device, model) {
  const states = model.callsOf(device.number).map((c) => c.connection.localConnectionInfo);
  return states.find((s) => s === 'connected') ?? states[0];
}

/** What is switched on, in a few words. */
function switched(device) {
  const f = device.features ?? {};
  const out = [];
  if (f.doNotDisturb) {
    out.push(badge('do not disturb', 'bad'));
  }
  if (f.forwarding?.some((x) => x.forwardStatus)) {
    out.push(badge('forwarded', 'wait'));
  }
  if (f.messageWaiting) {
    out.push(badge('message waiting', 'held'));
  }
  return out;
}

export function devicesPage({ api, model }) {
  const search = input({ 'type': 'search', 'placeholder': 'Number or name' });
  const which = select([['', 'all'], ['yes', 'registered'], ['no', 'not registered'],
    ['busy', 'on a call']]);
  let devices = [];
  let more = null;
  const table = new Table({
    caption: 'Devices',
    key: (d) => d.number ?? d.deviceID,
    columns: [
      { label: 'Device', head: true, cell: (d) => h('a', { 'href': deviceHref(d),
        data: { focus: 'open' } }, d.number ?? d.deviceID) },
      { label: 'Name', cell: (d) => (d.display ? h('bdi', {}, brief(d.display))
        : h('span', { 'class': 'muted' }, '–')) },
      { label: 'Registered', 'class': 'tight', cell: (d) => (d.registered
        ? badge('registered', 'good') : badge('not registered')) },
      { label: 'State', 'class': 'tight', cell: (d) => {
        const s = deviceState(d, model);
        return s ? stateBadge(s) : h('span', { 'class': 'muted' }, 'idle');
      } },
      { label: 'Switched on', cell: (d) => {
        const s = switched(d);
        return s.length ? h('span', { 'class': 'chips' }, s) : h('span', { 'class': 'muted' }, '–');
      } },
      { label: 'Phone', cell: (d) => brief(d.bindings?.[0]?.userAgent ?? '') ||
        h('span', { 'class': 'muted' }, '–') },
    ],
    none: () => (devices.length ? empty('No device fits')
      : empty('No devices', 'Devices stand in the configuration file, under "devices".')),
  });
  const summary = h('p', { 'class': 'muted', 'role': 'status' });
  const below = h('div', {});

  const update = () => {
    const words = search.value.trim().toLowerCase();
    const shown = devices.map((d) => model.devices.get(d.number) ?? d).filter((d) =>
      (!words || `${d.number} ${d.display ?? ''} ${d.deviceID}`.toLowerCase().includes(words)) &&
      (which.value === '' || (which.value === 'busy' ? model.callsOf(d.number).length > 0
        : d.registered === (which.value === 'yes'))));
    shown.sort((a, b) => byNumber.compare(a.number ?? a.deviceID, b.number ?? b.deviceID));
    table.update(shown.map((d) => ({ ...d, state: deviceState(d, model) })));
    summary.textContent = `${count(shown.length, 'device')}${more ? ', more are there' : ''}`;
    fill(below, more && button('Show more devices', () => load(more)));
  };
  const load = async (after) => {
    try {
      const page = await api.get('/v1/devices', { limit: PAGE, after });
      devices = after ? devices.concat(page.items) : page.items;
      more = page.next ?? null;
      update();
    } catch (e) {
      fill(below, problemBox(e, () => load(after)));
    }
  };
  search.addEventListener('input', update);
  which.addEventListener('change', update);
  model.addEventListener('change', update);
  return {
    title: 'Devices',
    body: [h('div', { 'class': 'bar' }, h('div', { 'class': 'grow' }, field('Find', search)),
      field('Show', which), summary), table.element, below],
    load: () => load(),
    close() {
      model.removeEventListener('change', update);
    },
  };
}
