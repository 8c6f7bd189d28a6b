// SPDX-License-Identifier: Apache-2.0
/*
 * The trigger of a call recorder: when to record which call of which devices. It keeps its place
 * in FILE, so that it goes on where it was after a restart, of itself or of the server.
 *
 *     node recorder.mjs FILE '10*'        $BATON_URL, $BATON_TOKEN
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Baton } from '../../web/client/baton.js';

const [file, devices] = process.argv.slice(2);
const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });
const rules = { established: 'start', held: 'pause', retrieved: 'go on', callCleared: 'stop' };
const from = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'now';

for await (const event of baton.stream({ from, devices: [devices], types: Object.keys(rules) })) {
  const what = rules[event.type.split('.').at(-2)];
  if (what) {
    console.log(`${what} ${event.data.ids.callID}`);
  } else if (event.type === 'org.baton.gap.v1') {
    console.log('events are missing: look at the calls that stand');
  }
  writeFileSync(file, `${event.sequence}\n`); // what was done is not done again
}
