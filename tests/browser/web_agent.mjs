// SPDX-License-Identifier: Apache-2.0
/* The agent bar: by itself in two tabs, and in a page of somebody else. */
import assert from 'node:assert/strict';
import { userData } from '../../web/client/baton.js';
import { listen, SIP, TOKEN, URL_ } from './kit.mjs';
import { Trunk } from './trunk.mjs';

/** A CRM: its records are pages, and one page has the agent bar in it. It notes what was opened. */
async function crm() {
  const c = await listen(Number(process.env.BATON_CRM_PORT ?? 8085), (request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    if (request.url.startsWith('/record')) {
      response.end('<!doctype html><title>Record</title><link rel="icon" href="data:,">' +
        '<h1>Record</h1>');
    } else if (request.url === '/desk') {
      response.end(`<!doctype html><html lang="en"><title>Desk</title>
        <link rel="icon" href="data:,"><h1>Desk</h1>
        <p><a href="tel:1002">Call the customer</a></p>
        <script type="module" src="${URL_}/agent/embed.js"></script>
        <baton-agent device="1001" pop="http://${request.headers.host}/record?q={uui}"
          hosts="${request.headers.host}"></baton-agent>`);
    } else {
      response.writeHead(404).end();
    }
  });
  const opened = () => c.asked.map((r) => r.url).filter((url) => url.startsWith('/record'));
  return { ...c, opened };
}

async function openBar(kit, page, device, template, host) {
  await page.goto(`${URL_}/agent/`);
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByLabel('Device').fill(device);
  await page.getByLabel('Screen pop').fill(template);
  await page.getByLabel('Hosts that a pop may open').fill(host);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('phone ready').waitFor();
}

const box = (page, other) => page.getByRole('group', { name: `Call with ${other}` });

/** 1001 calls 1004, whose agent has two tabs open: one record is opened, once. */
export async function pops_once(kit) {
  const c = await crm();
  try {
    const context = await kit.context({ viewport: { width: 720, height: 400 } });
    const tabs = [await kit.page(context, { hosts: [c.host] }),
      await kit.page(context, { hosts: [c.host] })];
    for (const tab of tabs) {
      await openBar(kit, tab, '1004', `http://${c.host}/record?q={uui}&from={caller}&o={correlator}`, c.host);
    }
    await kit.api.makeCall('1001', '1004', { autoOriginate: 'doNotPrompt',
      userData: userData('case 4711 & more'), correlatorData: userData('order 9') });
    await box(tabs[1], '1001').getByText('case 4711 & more').waitFor();
    await kit.until('a record to be opened', async () => c.opened().length > 0);
    await kit.axeOf(tabs[1], 'the agent bar with a call');
    await kit.shot(tabs[1], 'agent');
    // a tab that comes anew, and one that connects anew, open nothing more
    await tabs[0].reload();
    await box(tabs[0], '1001').getByRole('button', { name: 'Answer' }).click();
    await box(tabs[1], '1001').getByText('talking').waitFor();
    await box(tabs[1], '1001').getByRole('button', { name: 'Hold' }).click();
    await box(tabs[0], '1001').getByText('on hold').waitFor();
    await box(tabs[0], '1001').getByRole('button', { name: 'Retrieve' }).click();
    await box(tabs[1], '1001').getByText('talking').waitFor();
    await box(tabs[1], '1001').getByRole('button', { name: 'Hang up' }).click();
    await box(tabs[0], '1001').waitFor({ state: 'hidden' });
    assert.deepEqual(c.opened(), ['/record?q=case%204711%20%26%20more&from=1001&o=order%209']);
  } finally {
    c.close();
  }
}

/** Many tabs ask at the same moment for each of many calls: one of them may open it. */
export async function one_tab_opens(kit) {
  const context = await kit.context();
  const tabs = [];
  for (let n = 0; n < 3; n++) {
    tabs.push(await kit.page(context));
    await tabs[n].goto(`${URL_}/agent/`);
  }
  const claims = await Promise.all(tabs.map((tab) => tab.evaluate(async () => {
    const { claim } = await import('/agent/pop.js');
    return Promise.all(Array.from({ length: 40 }, (_, n) => claim(`1001 call-${n}`)));
  })));
  assert.deepEqual(claims[0].map((_, n) => claims.filter((c) => c[n]).length), Array(40).fill(1));
}

/** A stream that breaks while a call rings tells of it again: the record is opened once. */
export async function reconnects(kit) {
  const c = await crm();
  try {
    const tab = await kit.page(await kit.context(), { hosts: [c.host] });
    const cut = [];
    await tab.routeWebSocket(/\/v1\/stream$/, (ws) => {
      ws.connectToServer();
      cut.push(() => ws.close({ code: 1012 }));
    });
    await openBar(kit, tab, '1004', `http://${c.host}/record?q={uui}`, c.host);
    await kit.api.makeCall('1001', '1004', { autoOriginate: 'doNotPrompt',
      userData: userData('once') });
    await tab.getByRole('status').filter({ hasText: '1001 calls, about once' }).waitFor();
    await kit.until('a record to be opened', async () => c.opened().length > 0);
    cut[0]();
    await kit.until('a new stream', async () => cut.length > 1);
    await tab.getByText('phone ready').waitFor();
    await box(tab, '1001').getByRole('button', { name: 'Answer' }).click();
    await box(tab, '1001').getByText('talking').waitFor();
    assert.deepEqual(c.opened(), ['/record?q=once']);
  } finally {
    c.close();
  }
}

/** Calls out, transfers after a consultation. */
export async function consults_and_transfers(kit) {
  const page = await kit.page(await kit.context({ viewport: { width: 420, height: 720 } }));
  await openBar(kit, page, '1001', '', '');
  await kit.axeOf(page, 'the agent bar');
  await kit.fits(page, 'the agent bar');
  await page.getByLabel('Call', { exact: true }).fill('1002');
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  await box(page, '1002').getByText('talking').waitFor();
  await box(page, '1002').getByLabel('Transfer to').fill('1003');
  await box(page, '1002').getByRole('button', { name: 'Consult first' }).click();
  await box(page, '1003').getByText('talking').waitFor();
  await box(page, '1002').getByText('on hold').waitFor();
  await kit.axeOf(page, 'a consultation');
  await page.getByRole('button', { name: 'Join them' }).click();
  await page.getByText('No call.').waitFor();
  const call = await kit.callOf('1003');
  assert.deepEqual(call.connections.map((x) => x.number).sort(), ['1002', '1003']);
}

/** The other side hangs up while one types whom to transfer to, and while one consults. */
export async function cleared_in_a_transfer(kit) {
  const page = await kit.page(await kit.context());
  await openBar(kit, page, '1001', '', '');
  const dial = async () => {
    await page.getByLabel('Call', { exact: true }).fill('1002');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await box(page, '1002').getByText('talking').waitFor();
  };
  const gone = async (number) => kit.until(`${number} to hang up`, async () => {
    const c = await kit.callOf(number);
    await kit.api.clear(c.connections.find((x) => x.number === number));
    return true;
  });
  await dial();
  await box(page, '1002').getByLabel('Transfer to').pressSequentially('10');
  await gone('1002');
  await page.getByText('No call.').waitFor();
  await page.getByRole('status').filter({ hasText: 'The call has ended.' }).waitFor();
  await kit.until('the focus', async () => page.getByLabel('Call', { exact: true })
    .evaluate((e) => e === document.activeElement));
  await dial();
  await box(page, '1002').getByLabel('Transfer to').fill('4242');
  await box(page, '1002').getByRole('button', { name: 'Transfer', exact: true }).click();
  await page.getByRole('alert').first().waitFor();
  await box(page, '1002').getByLabel('Transfer to').fill('1003');
  await box(page, '1002').getByRole('button', { name: 'Consult first' }).click();
  await page.getByRole('button', { name: 'Join them' }).first().waitFor();
  await gone('1003');
  await box(page, '1003').waitFor({ state: 'hidden' });
  assert.equal(await page.getByRole('button', { name: 'Join them' }).count(), 0);
  await box(page, '1002').getByRole('button', { name: 'Retrieve' }).click();
  await box(page, '1002').getByText('talking').waitFor();
  await kit.axeOf(page, 'the bar after a consultation that came to nothing');
}

/** What a caller says is one component of the address, whatever it is; templates that are no
    addresses of http are refused when they are typed. */
export async function hostile_pops(kit) {
  const c = await crm();
  const said = 'javascript:alert(1)//"\'><script>&q=2#%00/../ \u260e \u00e9';
  try {
    const page = await kit.page(await kit.context(), { hosts: [c.host] });
    for (const [template, why] of [['javascript:alert({uui})', 'may not open javascript:'],
      ['data:text/html,{uui}', 'may not open data:'], ['{uui}', 'is no address'],
      ['https://{uui}.example/', 'may not stand in the host'],
      ['https://elsewhere.example/{uui}', 'is not among the hosts']]) {
      await page.goto(`${URL_}/agent/`);
      await page.getByLabel('Token').fill(TOKEN);
      await page.getByLabel('Device').fill('1004');
      await page.getByLabel('Screen pop').fill(template);
      await page.getByLabel('Hosts that a pop may open').fill(c.host);
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByRole('alert').filter({ hasText: why }).waitFor();
    }
    await openBar(kit, page, '1004', `http://${c.host}/record?q={uui}`, c.host);
    await kit.api.makeCall('1001', '1004', { autoOriginate: 'doNotPrompt', userData: userData(said) });
    await kit.until('a record to be opened', async () => c.opened().length > 0);
    assert.equal(c.opened()[0], `/record?q=${encodeURIComponent(said).replace(/'/g, '%27')}`);
    assert.equal(new URL(c.opened()[0], URL_).searchParams.get('q'), said);
    await kit.harmless(page, 'the agent bar');
    await page.setViewportSize({ width: 320, height: 256 });
    await kit.fits(page, 'the agent bar at 400 %');
  } finally {
    c.close();
  }
}

/** A caller with a name that is HTML, turns lines, and is very long. */
export async function hostile_caller(kit) {
  const trunk = await Trunk.start(Number(process.env.BATON_TRUNK_PORT ?? 5199), SIP);
  try {
    const page = await kit.page(await kit.context({ viewport: { width: 420, height: 720 } }));
    await openBar(kit, page, '1001', '', '');
    trunk.harm('1001');
    await page.getByRole('group', { name: /^Call with/ }).getByText('talking').waitFor();
    await kit.harmless(page, 'the agent bar, a hostile caller');
  } finally {
    await kit.hangUpAll().catch(() => {});
    trunk.close();
  }
}

/** Without a mouse: dial, hold; the focus stays with the call when its buttons change. */
export async function bar_by_keyboard(kit) {
  const page = await kit.page(await kit.context());
  await openBar(kit, page, '1001', '', '');
  await page.getByLabel('Call', { exact: true }).focus();
  await page.keyboard.type('1002');
  await page.keyboard.press('Tab');
  await page.keyboard.type('case 4711');
  await page.keyboard.press('Enter');
  await box(page, '1002').getByText('talking').waitFor();
  await box(page, '1002').getByText('case 4711').waitFor();
  const hold = box(page, '1002').getByRole('button', { name: 'Hold: 1002' });
  for (let n = 0; n < 20 && !await hold.evaluate((e) => e === document.activeElement); n++) {
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Enter');
  await box(page, '1002').getByText('on hold').waitFor();
  assert.ok(await box(page, '1002').evaluate((e) => e.contains(document.activeElement)),
    'the focus is in the call');
}

/** tel: links lead to the bar with the number filled in, which dials nothing by itself. */
export async function tel_links(kit) {
  const page = await kit.page(await kit.context());
  await openBar(kit, page, '1001', '', '');
  await page.goto(`${URL_}/agent/?dial=tel%3A1002`);
  await kit.until('the number', async () =>
    await page.getByLabel('Call', { exact: true }).inputValue() === '1002');
  assert.equal((await kit.api.get('/v1/calls')).items.length, 0, 'nothing was dialled');
  await page.keyboard.press('Enter');
  await box(page, '1002').waitFor();
}

/** A token of the page around it that runs out: a new one is asked for, and it goes on. One that
    cannot be renewed is told. */
export async function embedded_token_runs_out(kit) {
  const c = await crm();
  try {
    const page = await kit.page(await kit.context(), { hosts: [c.host] });
    let given = 0;
    await page.exposeFunction('mint', async (seconds) => {
      given++;
      return (await kit.api.post('/v1/tokens/browser', { origin: URL_, expiresIn: seconds })).token;
    });
    const start = async (renewed) => {
      await page.goto(`http://${c.host}/desk`);
      await page.evaluate(async (again) => {
        const agent = document.querySelector('baton-agent');
        window.told = [];
        let asked = 0;
        for (const name of ['call', 'problem', 'started']) {
          agent.addEventListener(name, (e) => window.told.push([name, e.detail]));
        }
        agent.takeTelLinks();
        await customElements.whenDefined('baton-agent');
        const fresh = () => window.mint(asked++ ? 300 : 5);
        await agent.start(again ? fresh : await fresh());
      }, renewed);
    };
    const told = (what, test) => kit.until(what, () => page.evaluate(() => window.told)
      .then((all) => all.find(test)));
    await start(true);
    await kit.until('another token to be asked for', async () => given >= 2);
    await page.getByRole('link', { name: 'Call the customer' }).click();
    await told('a call', ([name, d]) => name === 'call' && d.state === 'connected');
    await kit.hangUpAll();
    await start(false);
    await told('that it has run out', ([name, d]) => name === 'problem' && d.code === 'expired');
  } finally {
    c.close();
  }
}

/** In a page of another origin: started with a browser token, commanded, and it tells. */
export async function embedded(kit) {
  const c = await crm();
  try {
    const page = await kit.page(await kit.context(), { hosts: [c.host] });
    await page.goto(`http://${c.host}/desk`);
    const { token } = await kit.api.post('/v1/tokens/browser', { origin: URL_ });
    await page.evaluate(async (t) => {
      const agent = document.querySelector('baton-agent');
      window.told = [];
      for (const name of ['call', 'pop', 'problem', 'started']) {
        agent.addEventListener(name, (e) => window.told.push([name, e.detail]));
      }
      agent.takeTelLinks();
      await customElements.whenDefined('baton-agent');
      await agent.start(() => t);
    }, token);
    const told = (what, test) => kit.until(what, () => page.evaluate(() => window.told)
      .then((all) => all.find(test)));
    await told('the bar to start', ([name]) => name === 'started');
    await page.getByRole('link', { name: 'Call the customer' }).click();
    const [, call] = await told('a call', ([name, d]) => name === 'call' && d.state === 'connected');
    assert.equal(call.other, '1002');
    await page.evaluate((id) => document.querySelector('baton-agent').clear(id), call.callID);
    await told('its end', ([name, d]) => name === 'call' && d.state === 'null');
    const refused = await page.evaluate(() => document.querySelector('baton-agent')
      .do('request', 'DELETE', '/v1/tokens').catch((e) => e.message));
    assert.match(refused, /no command/);
  } finally {
    c.close();
  }
}
