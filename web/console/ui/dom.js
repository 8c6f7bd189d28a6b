// SPDX-License-Identifier: Apache-2.0
/*
 * The page, built in a few functions: elements, live regions, dialogs, tables that change in place.
 *
 * Everything that comes from the server becomes text nodes and attributes, never HTML: there is no
 * innerHTML in these pages, and their Content-Security-Policy has no 'unsafe-inline'. What callers
 * say may have characters in it that show nothing and turn what stands around them; they are shown
 * as marks (visible), and what may be written from right to left stands in a <bdi>.
 */

/** Control characters, those that turn the direction of a line, and those of no width, as marks. */
export function visible(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, (c) =>
    (c < ' ' ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : '\ufffd'))
    .replace(/[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '\ufffd');
}

/**
 * An element. `props`: attributes by their names; `class`; `on` = {event: listener}; `data` = {…};
 * true is an empty attribute, false, null and undefined are none.
 */
export function h(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  set(e, props);
  e.append(...nodes(children));
  return e;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, props = {}, ...children) {
  const e = document.createElementNS(SVG, tag);
  set(e, props);
  e.append(...nodes(children));
  return e;
}

export function set(e, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) {
        e.addEventListener(event, listener);
      }
    } else if (name === 'data') {
      Object.assign(e.dataset, value);
    } else if (value === true) {
      e.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      e.setAttribute(name, /^(aria-|title$|placeholder$)/.test(name) ? visible(String(value)) : value);
    } else {
      e.removeAttribute(name);
    }
  }
  return e;
}

export function nodes(children) {
  return children.flat(9).filter((c) => c !== null && c !== undefined && c !== false && c !== '')
    .map((c) => (c instanceof Node ? c : visible(String(c))));
}

export function fill(e, ...children) {
  e.replaceChildren(...nodes(children));
  return e;
}

let ids = 0;
export function newId(stem = 'x') {
  return `${stem}-${++ids}`;
}

// ---- what is said to a screen reader, and shown for a moment ----

let polite = null;
let shown = null;

/** Made once, by the shell of a page: regions have to be there before something is said. */
export function regions() {
  polite = h('div', { 'class': 'sr-only', 'role': 'status', 'aria-live': 'polite' });
  shown = h('aside', { 'class': 'toasts', 'aria-label': 'Messages' });
  return [polite, shown];
}

export function announce(text) {
  if (polite) {
    polite.textContent = '';
    requestAnimationFrame(() => { polite.textContent = brief(visible(text), 400); });
  }
}

const BRIEF = 160;

/** The beginning of what may be long, without half a character at its end. */
export function brief(text, most = BRIEF) {
  const all = [...text];
  return all.length > most ? `${all.slice(0, most - 1).join('')}…` : text;
}

/** What somebody has said: by itself, however it is written, and folded when it is long. */
export function saying(text) {
  return text.length <= 2 * BRIEF ? h('bdi', {}, text) : h('details', { 'class': 'long' },
    h('summary', {}, h('bdi', {}, brief(text)), ' ',
      h('span', { 'class': 'hint' }, `${text.length.toLocaleString()} characters`)), code(text));
}

/** A sentence in the corner that goes by itself; a problem stays until it is closed. */
export function toast(text, { kind = 'info', ms = 5000 } = {}) {
  const close = h('button', { 'class': 'quiet', 'type': 'button', 'aria-label': 'Close message',
    on: { click: () => box.remove() } }, icon('close'));
  const box = h('div', { 'class': `toast ${kind}`, 'role': kind === 'bad' ? 'alert' : null },
    h('p', {}, brief(text, 600)), close);
  shown?.append(box);
  if (kind === 'bad') {
    while (shown && shown.children.length > 3) {
      shown.firstChild.remove();
    }
  } else {
    announce(text);
    setTimeout(() => box.remove(), ms);
  }
}

// ---- small things ----

const PATHS = {
  calls: 'M5 3h3l1.5 4-2 1.5a10 10 0 0 0 4 4L13 10.500l4 1.500v3a2 2 0 0 1-2 2A12 12 0 0 1 3 5a2 2 0 0 1 2-2z',
  devices: 'M5 2h10v16H5zM9 15h2',
  events: 'M3 5h14M3 10h14M3 15h9',
  try: 'M4 4l6 6-6 6M11 16h6',
  history: 'M10 4v6l4 2M10 2a8 8 0 1 1-7.500 5M2 3v4h4',
  operator: 'M3 6h9M16 6h1M3 14h1M8 14h9M14 4v4M6 12v4',
  close: 'M5 5l10 10M15 5L5 15',
  out: 'M8 4H4v12h4M12 7l3 3-3 3M15 10H8',
  plus: 'M10 4v12M4 10h12',
  theme: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  down: 'M10 3v9M6 9l4 4 4-4M4 17h12',
};

export function icon(name) {
  return svg('svg', { 'viewBox': '0 0 20 20', 'class': 'icon', 'aria-hidden': 'true',
    'focusable': 'false' }, svg('path', { 'd': PATHS[name] }));
}

export function button(text, click, { kind = '', ...props } = {}) {
  return h('button', { 'type': 'button', 'class': kind, ...props, on: { click } }, text);
}

/** A button that is busy until what it started has ended, and says what went wrong. */
export function doer(text, act, { kind = '', done, ...props } = {}) {
  const b = button(text, async () => {
    if (b.getAttribute('aria-disabled')) {
      return;
    }
    b.setAttribute('aria-disabled', 'true');
    try {
      const said = await act();
      if (done) {
        toast(typeof done === 'function' ? done(said) : done);
      }
    } catch (e) {
      toast(words(e), { kind: 'bad' });
    } finally {
      b.removeAttribute('aria-disabled');
    }
  }, { kind, ...props });
  return b;
}

/** A problem in words: what happened, and the codes for those who know them. */
export function words(e) {
  const codes = [e.csta && `${e.csta.category}/${e.csta.value}`, e.sip && `SIP ${e.sip}`]
    .filter(Boolean).join(', ');
  const text = e.message || String(e);
  return text.charAt(0).toUpperCase() + text.slice(1) + (codes ? ` (${codes})` : '');
}

/** State of a connection, an operation, a registration: a word with a mark, not colour alone. */
export function badge(text, kind = 'plain') {
  return h('span', { 'class': `badge ${kind}` }, text);
}

export function empty(title, ...more) {
  return h('div', { 'class': 'empty' }, h('p', { 'class': 'empty-title' }, title),
    ...more.map((m) => (m instanceof Node ? m : h('p', {}, m))));
}

export function problemBox(e, again) {
  return h('div', { 'class': 'problem', 'role': 'alert' },
    h('p', { 'class': 'empty-title' }, e.title || 'That did not work'), h('p', {}, words(e)),
    again && button('Try again', again));
}

export function field(label, control, hint) {
  const id = control.id || (control.id = newId('f'));
  const more = hint && h('span', { 'class': 'hint', 'id': `${id}-hint` }, hint);
  if (more) {
    control.setAttribute('aria-describedby', more.id);
  }
  return h('div', { 'class': 'field' }, h('label', { 'for': id }, label), control, more);
}

export function input(props = {}) {
  return h('input', { 'type': 'text', 'autocomplete': 'off', 'spellcheck': 'false', ...props });
}

export function select(options, props = {}) {
  return h('select', props, options.map((o) => {
    const [value, text] = Array.isArray(o) ? o : [o, o];
    return h('option', { value, 'selected': value === props.value }, text);
  }));
}

export function facts(pairs) {
  return h('dl', { 'class': 'facts' }, pairs.filter(([, v]) => v !== undefined && v !== null &&
    v !== '' && v !== false).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

export function section(title, ...children) {
  const id = newId('s');
  return h('section', { 'class': 'card', 'aria-labelledby': id },
    h('h2', { id }, title), ...children);
}

/** Text that may be long and is of machines. */
export function code(text, props = {}) {
  return h('pre', { 'tabindex': '0', ...props }, h('code', {}, text));
}

// ---- dialogs ----

/**
 * Asks something in a modal dialog. `body` are nodes; `act` is called on OK, and the dialog stays
 * open with the problem in words when it throws. @return a promise: true when it was done
 */
export function ask({ title, body = [], ok = 'OK', kind = 'primary', act }) {
  const back = document.activeElement;
  return new Promise((done) => {
    const id = newId('d');
    const error = h('p', { 'class': 'error', 'role': 'alert', 'hidden': true });
    const yes = h('button', { 'type': 'submit', 'class': kind }, ok);
    let result = false;
    const dialog = h('dialog', { 'aria-labelledby': id }, h('form', { on: {
      submit: async (e) => {
        e.preventDefault();
        if (yes.getAttribute('aria-disabled')) {
          return;
        }
        yes.setAttribute('aria-disabled', 'true');
        try {
          await act?.();
          result = true;
          dialog.close();
        } catch (x) {
          error.textContent = words(x);
          error.hidden = false;
        } finally {
          yes.removeAttribute('aria-disabled');
        }
      },
    } }, h('h2', { id }, title), ...body, error, h('div', { 'class': 'row end' },
      button('Cancel', () => dialog.close()), yes)));
    dialog.addEventListener('close', () => {
      dialog.remove();
      back?.focus?.();
      done(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// ---- tables ----

/**
 * A table whose rows follow a list: rows are found again by their key, and only what changed is
 * written, so that nothing jumps and who has the focus keeps it.
 *
 * columns: {label, cell(item) → node or text, class, head: true for the row's header}
 */
export class Table {
  constructor({ caption, columns, key, none, rowClass }) {
    Object.assign(this, { columns, key, rowClass });
    this.rows = new Map();
    this.body = h('tbody', { 'role': 'rowgroup' });
    this.none = none;
    this.table = h('table', { 'role': 'table' },
      h('caption', { 'class': 'sr-only' }, caption),
      h('thead', { 'role': 'rowgroup' }, h('tr', { 'role': 'row' }, columns.map((c) =>
        h('th', { 'scope': 'col', 'role': 'columnheader', 'class': c.class }, c.label ||
          h('span', { 'class': 'sr-only' }, c.name ?? 'Actions'))))),
      this.body);
    this.wide = h('div', { 'class': 'wide', 'role': 'group', 'aria-label': caption,
      'tabindex': '0' }, this.table);
    this.element = h('div', { 'class': 'table' }, this.wide);
    this.blank = h('div', {});
    this.element.append(this.blank);
  }

  update(items) {
    const seen = new Set();
    let before = this.body.firstChild;
    for (const item of items) {
      const key = String(this.key(item));
      if (seen.has(key)) {
        continue;
      }
      seen.add(key);
      let row = this.rows.get(key);
      const text = JSON.stringify(item);
      if (!row) {
        row = { tr: h('tr', { 'role': 'row' }) };
        this.rows.set(key, row);
      }
      if (row.text !== text) {
        row.text = text;
        this.write(row.tr, item);
      }
      if (row.tr === before) {
        before = before.nextSibling;
      } else {
        this.body.insertBefore(row.tr, before);
      }
    }
    for (const [key, row] of this.rows) {
      if (!seen.has(key)) {
        row.tr.remove();
        this.rows.delete(key);
      }
    }
    this.wide.hidden = items.length === 0;
    fill(this.blank, items.length === 0 && this.none?.());
    return this;
  }

  write(tr, item) {
    const focused = tr.contains(document.activeElement)
      ? document.activeElement.dataset.focus : undefined;
    tr.className = this.rowClass?.(item) ?? '';
    fill(tr, this.columns.map((c) => h(c.head ? 'th' : 'td', { 'class': c.class,
      'scope': c.head ? 'row' : null, 'role': c.head ? 'rowheader' : 'cell',
      data: { label: c.label ?? '' } }, c.cell(item))));
    if (focused) {
      tr.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
    }
  }
}

/** Saves octets as a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const a = h('a', { 'href': url, 'download': name, 'hidden': true });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied.');
  } catch {
    toast('The browser does not let this page copy; select the text instead.');
  }
}
