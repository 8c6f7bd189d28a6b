// SPDX-License-Identifier: Apache-2.0
/*
 * JsSIP phones in tabs of one headless Chromium, steered by lines of JSON.
 *
 * A test writes one object a line to standard input and reads one a line from standard output:
 *
 *   {"tab": "a", "do": "register", "ws": "wss://192.0.2.2:5443", "uri": "sip:1001@example.com",
 *    "password": "…"}
 *   {"tab": "a", "do": "call", "to": "sip:1002@example.com", "headers": ["User-to-User: 04C8"]}
 *   {"tab": "b", "do": "answer"}, "hold", "unhold", "refer" (to, headers), "hangup", "refuse",
 *   "close" (the tab)
 *   {"do": "quit"}
 *
 * Every answer and every event of a phone is {"event": …, "tab": …, …}. Media devices are
 * Chromium's fake ones; nothing but loopback and the test's own addresses is reached. The page is
 * served by this program, because a browser gives a microphone to http://localhost and to no
 * file. A test server's certificate is its own: Chromium is told to accept it.
 */
import { build } from 'esbuild';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');

const page = `<!doctype html><meta charset="utf-8"><title>phone</title>
<script src="/phone.js"></script>`;

async function serve() {
  const bundle = await build({
    entryPoints: [new URL('./phone.js', import.meta.url).pathname],
    bundle: true, write: false, format: 'iife', platform: 'browser', logLevel: 'error',
    define: { global: 'window' },
  });
  const script = bundle.outputFiles[0].text;
  const server = createServer((request, response) => {
    const js = request.url === '/phone.js';
    response.setHeader('Content-Type', js ? 'text/javascript' : 'text/html');
    response.end(js ? script : page);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

async function open(browser, server, name) {
  const context = await browser.newContext({ permissions: ['microphone'] });
  const tab = await context.newPage();
  if (process.env.JSSIP_DEBUG) {
    tab.on('console', (m) => process.stderr.write(`${name}: ${m.text()}\n`));
    await tab.addInitScript(() => localStorage.setItem('debug', 'JsSIP:RTCSession*'));
  }
  tab.on('pageerror', (e) => say({ event: 'error', tab: name, text: String(e) }));
  await tab.exposeFunction('tell', (o) => say({ ...o, tab: name }));
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  return tab;
}

async function main() {
  const server = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--ignore-certificate-errors',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
      '--disable-features=WebRtcHideLocalIpsWithMdns'],
  });
  const tabs = new Map();
  say({ event: 'ready' });
  for await (const line of createInterface({ input: process.stdin })) {
    const { tab: name, do: what, ...args } = JSON.parse(line);
    if (what === 'quit') {
      break;
    }
    try {
      if (what === 'close') { // as a person closes it: without a word to the server
        await tabs.get(name).close({ runBeforeUnload: false });
        tabs.delete(name);
        say({ event: 'done', tab: name, of: what });
        continue;
      }
      if (!tabs.has(name)) {
        tabs.set(name, await open(browser, server, name));
      }
      await tabs.get(name).evaluate(([w, a]) => window.phone[w](a), [what, args]);
      say({ event: 'done', tab: name, of: what });
    } catch (e) {
      say({ event: 'failed', tab: name, of: what, text: String(e) });
    }
  }
  await browser.close();
  server.close();
  process.exit(0); // standard input may still be open
}

await main();
