// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of what a browser shows, against a running server with phones (tests/interop/t_web.py
 * starts both; the environment is in kit.mjs).
 *
 *   node web.mjs NAME...      pages, tasks, operator, hostile, outages, agent, phones, client, or one test by its name
 *
 * Prints a line for each test; the exit code says whether all were right.
 */
import { Kit } from './kit.mjs';
import * as pages from './web_pages.mjs';
import * as tasks from './web_tasks.mjs';
import * as operator from './web_operator.mjs';
import * as hostile from './web_hostile.mjs';
import * as outages from './web_outage.mjs';
import * as agent from './web_agent.mjs';
import * as phones from './web_phones.mjs';
import * as client from './web_client.mjs';

const LIMIT_MS = 120000; // of one test
const GROUPS = { pages, tasks, operator, hostile, outages, agent, phones, client };

function chosen(names) {
  const all = Object.entries(GROUPS).flatMap(([group, tests]) => Object.entries(tests)
    .map(([name, run]) => ({ group, name, run })));
  return names.length ? names.flatMap((n) => all.filter((t) => t.group === n || t.name === n))
    : all;
}

const tests = chosen(process.argv.slice(2));
if (!tests.length) {
  console.log(`no such test; groups: ${Object.keys(GROUPS).join(' ')}`);
  process.exit(2);
}
const kit = await Kit.start();
let failed = 0;
for (const { group, name, run } of tests) {
  const begun = Date.now();
  let wrong = null;
  try {
    await Promise.race([run(kit), new Promise((_, fail) => setTimeout(() =>
      fail(new Error(`not done after ${LIMIT_MS} ms`)), LIMIT_MS).unref())]);
  } catch (e) {
    wrong = e.stack ?? String(e);
    await Promise.all(kit.contexts.flatMap((c) => c.pages()).map((p, i) =>
      p.screenshot({ path: `${process.env.TMPDIR ?? '/tmp'}/${name}-${i}.png` }).catch(() => {})));
  }
  const complaints = kit.complaints();
  if (!wrong && complaints.length) {
    wrong = complaints.join('\n');
  }
  failed += wrong ? 1 : 0;
  console.log(`${wrong ? 'FAILED' : 'ok'} ${group} ${name} (${Date.now() - begun} ms)` +
    (wrong ? `\n${wrong}${complaints.length ? `\n${complaints.join('\n')}` : ''}` : ''));
  await kit.closePages();
  await kit.hangUpAll().catch((e) => console.log(`  calls are left: ${e.message}`));
}
await kit.stop();
console.log(failed ? `${failed} of ${tests.length} failed` : `all ${tests.length} were right`);
process.exit(failed ? 1 : 0);
