// SPDX-License-Identifier: Apache-2.0
/*
 * A simple ACD: calls to the routing device QUEUE go to agents who are ready, in turn; when nobody
 * is, where the server's rule has them (`ask` in docs/routing.md).
 *
 *     node simple_acd.mjs QUEUE        $BATON_URL, $BATON_TOKEN
 */
import { Baton, number } from '../../web/client/baton.js';

const [queue] = process.argv.slice(2);
const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });
const stream = baton.stream({ types: ['routeRequest', 'reRoute'] });
let last = '';

/** A registration ends with the server: look whether there is one, each time that it is reached. */
async function register() {
  if ((await baton.get('/v1/routes')).items.length === 0) {
    await baton.operate('/v1/routes', { routeingDevice: queue });
    console.log('registered');
  }
}

/** Who comes behind the last one, of those who are ready. */
async function choose() {
  const { items } = await baton.get('/v1/agents', { limit: 1000 });
  const ready = items.filter((agent) => agent.agentState === 'agentReady')
    .map((agent) => number(agent.deviceID)).sort();
  last = ready.find((n) => n > last) ?? ready[0] ?? '';
  return last;
}

stream.addEventListener('state', (e) => {
  if (e.detail.state === 'open') {
    register().catch((problem) => console.log(problem.message));
  }
});
for await (const event of stream) {
  const question = event.data.RouteRequest ?? event.data.ReRoute;
  if (question) {
    const to = await choose();
    const route = `/v1/routes/${question.crossRefIdentifier}/${to ? 'select' : 'end'}`;
    const problem = await baton.operate(route, to ? { routeSelected: to } : {})
      .then(() => '', (e) => e.message);
    console.log(`call ${event.data.ids.callID}: ${to || 'nobody'} ${problem}`);
  }
}
