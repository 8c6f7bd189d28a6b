// SPDX-License-Identifier: Apache-2.0
/* What the stream of the JavaScript client gives, a line each: kind and sequence. See examples.py. */
import { Baton } from '../../web/client/baton.js';

const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });
const stream = baton.stream({ from: process.argv[2], most: 200 });
for await (const event of stream) {
  console.log(`${event.type.split('.').at(-2)} ${event.sequence}`);
}
