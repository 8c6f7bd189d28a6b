// SPDX-License-Identifier: Apache-2.0
/*
 * Wallboard: how many calls wait and stand, and how many agents are ready, whenever that changes.
 *
 *     node wallboard.mjs        $BATON_URL, $BATON_TOKEN
 *
 * BatonModel keeps calls and devices as they are now, whatever happens to the connection.
 */
import { Baton } from '../../web/client/baton.js';

const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });
const model = baton.model();
let shown;

model.addEventListener('change', () => {
  const calls = [...model.calls.values()];
  const standing = calls.filter((call) => call.answered).length;
  const ready = [...model.devices.values()].flatMap((device) => device.agents ?? [])
    .filter((agent) => agent.agentState === 'agentReady').length;
  const line = `${calls.length - standing} waiting, ${standing} standing, ${ready} ready`;
  if (line !== shown) {
    shown = line;
    console.log(line);
  }
});
model.addEventListener('problem', (e) => console.error(e.detail.message));
