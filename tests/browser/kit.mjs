// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests of the web pages have in common: a browser, pages that are watched, axe-core.
 *
 * A watched page fails its test by itself at the end when it had an error in its console, an
 * exception, a violation of its Content-Security-Policy, or asked another host for something.
 *
 * From the environment: BATON_URL (http://127.0.0.1:PORT), BATON_TOKEN (of an administrator),
 * BATON_WS (ws://127.0.0.1:PORT of SIP), BATON_SIP (127.0.0.1:PORT over UDP), BATON_SHOTS (a folder: pictures are taken).
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { Baton } from '../../web/client/baton.js';

export const URL_ = process.env.BATON_URL ?? 'http://127.0.0.1:8080';
export const TOKEN = process.env.BATON_TOKEN ?? '';
export const SIP = process.env.BATON_SIP ?? '127.0.0.1:5060';
export const WS = process.env.BATON_WS ?? 'ws://127.0.0.1:5062';
const SHOTS = process.env.BATON_SHOTS;
const WIDE = { width: 1280, height: 800 };

/** Words that a test may expect in a console: a refusal of HTTP is an error line there. */
const HTTP_ERROR = /^Failed to load resource: the server responded with a status of (4\d\d|503)/;

/** A server of somebody else: what it was asked, in order; `answer(request, response)` answers. */
export async function listen(port, answer) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) {
      body += part;
    }
    asked.push({ url: request.url, headers: request.headers, body });
    answer(request, response);
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  const host = `127.0.0.1:${server.address().port}`;
  return { host, asked, close: () => server.close() };
}

/** What a click brings as a file. */
export async function download(page, click) {
  const [got] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: got.suggestedFilename(), octets: await readFile(await got.path()) };
}

export class Kit {
  static async start() {
    const kit = new Kit();
    kit.axe = await readFile(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
    kit.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream', '--disable-features=WebRtcHideLocalIpsWithMdns'],
    });
    kit.api = new Baton({ url: URL_, token: TOKEN });
    kit.contexts = [];
    kit.open = new WeakMap(); // requests of a page that have no end yet
    kit.wrong = [];
    return kit;
  }

  async stop() {
    await this.browser.close();
  }

  /** A person's browser: tabs of it share what a browser's tabs share. */
  async context(options = {}) {
    const context = await this.browser.newContext({ viewport: WIDE, acceptDownloads: true,
      permissions: ['microphone', 'clipboard-read', 'clipboard-write'], locale: 'en-GB', ...options });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (e) =>
        console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`));
    });
    this.contexts.push(context);
    return context;
  }

  async page(context, { allow = [], hosts = [] } = {}) {
    const page = await context.newPage();
    const mine = [new URL(URL_).host, ...hosts];
    const open = new Set();
    this.open.set(page, open);
    page.on('request', (r) => open.add(r));
    for (const end of ['requestfinished', 'requestfailed']) {
      page.on(end, (r) => open.delete(r));
    }
    page.on('console', (m) => {
      if (m.type() === 'error' && !HTTP_ERROR.test(m.text()) &&
          !allow.some((a) => a.test(m.text()))) {
        this.wrong.push(`${page.url()}: console: ${m.text()}`);
      }
    });
    page.on('pageerror', (e) => this.wrong.push(`${page.url()}: ${e.stack ?? e}`));
    page.on('request', (r) => {
      const url = new URL(r.url());
      if (/^http/.test(url.protocol) && !mine.includes(url.host)) {
        this.wrong.push(`${page.url()} asked ${url.host}`);
      }
      if (/bt_|token=/.test(r.url())) {
        this.wrong.push(`a secret in a URL: ${r.url()}`);
      }
    });
    return page;
  }

  /** A page of the console, signed in with `token`. */
  async console(hash = '#/calls', { token = TOKEN, ...options } = {}, watch = {}) {
    const context = await this.context(options);
    const page = await this.page(context, watch);
    await page.goto(`${URL_}/console/`);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Live calls', level: 1 }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    if (hash !== '#/calls') {
      await this.go(page, hash);
    }
    return page;
  }

  /** Until it has drawn what it has asked for. */
  async settled(page) {
    await this.until('answers', async () => {
      await page.evaluate(() => new Promise((done) =>
        requestAnimationFrame(() => requestAnimationFrame(done))));
      return this.open.get(page).size === 0;
    });
  }

  async go(page, hash) {
    await page.evaluate((to) => { location.hash = to; }, hash);
  }

  /** No violation that axe-core can see (WCAG 2.2 A and AA, and its own good practice). */
  async axeOf(page, what) {
    await page.evaluate(this.axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ') +
      ' ' + n.failureSummary).join(' | ')}`), [], `axe-core on ${what}`);
  }

  /** Nothing sticks out at the side. */
  async fits(page, what) {
    const [over, who] = await page.evaluate(() => {
      const wide = document.documentElement.clientWidth;
      return [document.documentElement.scrollWidth - wide, [...document.querySelectorAll('body *')]
        .filter((e) => e.getBoundingClientRect().right > wide + 0.5 && !e.closest('thead'))
        .map((e) => e.outerHTML.slice(0, 100)).slice(-4)];
    });
    assert.ok(over <= 0, `${what} is ${over} px wider than the window: ${who.join(' ')}`);
  }

  /** Nothing of what was said became an element, ran, or turned the line around it. */
  async harmless(page, what) {
    await this.settled(page);
    const wrong = await page.evaluate(() => {
      const said = [...document.querySelectorAll('*')].flatMap((e) => [
        ...[...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data),
        ...[...e.attributes].filter((a) => /^(aria-|title$)/.test(a.name)).map((a) => a.value)]);
      return [window.ran && 'a script ran', document.querySelector('.hostile, img[src="x"]') &&
        'HTML was taken as HTML', said.some((t) => /[\u202a-\u202e\u2066-\u2069]/.test(t)) &&
        'a line is turned', document.body.innerText.length > 60000 && 'far too much text']
        .filter(Boolean);
    });
    assert.deepEqual(wrong, [], what);
    await this.fits(page, what);
    await this.axeOf(page, what);
  }

  /** A picture for the documentation, without what only passes by. */
  async shot(page, name) {
    if (SHOTS) {
      const close = page.getByRole('button', { name: 'Close message' }).first();
      while (await close.isVisible()) {
        await close.click({ timeout: 1000 }).catch(() => {}); // it may have gone by itself
      }
      await page.mouse.move(0, 0);
      await page.screenshot({ path: `${SHOTS}/${name}.png`, animations: 'disabled' });
    }
  }

  /** What watched pages complained of since the last time. */
  complaints() {
    return this.wrong.splice(0);
  }

  async closePages() {
    for (const c of this.contexts.splice(0)) {
      await c.close();
    }
  }

  /** Asks who has started us to do something with the server: see t_web.py. */
  async server(what) {
    console.log(`server: ${what}`);
    this.lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value } = await this.lines.next();
    assert.equal(value, `${what} is done`);
  }

  // ---- calls ----

  /** Until that is true of what the server says; a description of what it was instead. */
  async until(what, act, limit = 15000) {
    const end = Date.now() + limit;
    let last;
    for (;;) {
      last = await act().catch((e) => e);
      if (last && !(last instanceof Error)) {
        return last;
      }
      assert.ok(Date.now() < end, `waited ${limit} ms for ${what}: ${last}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async callOf(device, test = () => true) {
    return this.until(`a call of ${device}`, async () => {
      for await (const call of this.api.list('/v1/calls')) {
        if (call.connections.some((c) => c.number === device) && test(call)) {
          return call;
        }
      }
      return null;
    });
  }

  async hangUpAll() {
    for (let n = 0; n < 3; n++) {
      for await (const call of this.api.list('/v1/calls')) {
        for (const c of call.connections) { // of a party that is not ours it is refused
          await this.api.service('ClearCall', { callToBeCleared: { callID: call.callID,
            deviceID: { id: c.deviceID } } }).catch((e) => { this.refused = e.message; });
        }
      }
    }
    await this.until(`no call (${this.refused})`, async () => (await this.api.get('/v1/calls')).items.length === 0);
  }
}
