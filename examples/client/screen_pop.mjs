// SPDX-License-Identifier: Apache-2.0
/*
 * Screen pop: when DEVICE rings, the address of the page to be shown, once per call. {text} in the
 * template is the User-to-User of the call, {caller} its number.
 *
 *     node screen_pop.mjs DEVICE 'https://crm.example/?case={text}&from={caller}'
 */
import { Baton, number, userText } from '../../web/client/baton.js';

const [device, template] = process.argv.slice(2);
const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });
let last;

for await (const event of baton.stream({ devices: [device], types: ['delivered'] })) {
  const rings = event.data.DeliveredEvent;
  // who observes a device is also told that others ring whom it calls
  if (rings && number(event.data.ids.deviceID) === device && rings.connection.callID !== last) {
    last = rings.connection.callID;
    const values = { text: userText(rings.userData) ?? '',
      caller: number(rings.callingDevice) };
    console.log(template.replace(/\{(text|caller)\}/g, (_, name) =>
      encodeURIComponent(values[name])));
  }
}
