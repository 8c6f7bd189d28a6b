// SPDX-License-Identifier: Apache-2.0
/*
 * Click-to-dial: the phone FROM calls TO, and what becomes of it is told until it is over.
 *
 *     node click_to_dial.mjs FROM TO ["what the called one shall see"]     $BATON_URL, $BATON_TOKEN
 */
import { Baton, number, userData } from '../../web/client/baton.js';

const [from, to, text] = process.argv.slice(2);
const baton = new Baton({ url: process.env.BATON_URL, token: process.env.BATON_TOKEN });

const { result } = await baton.makeCall(from, to, {
  autoOriginate: 'doNotPrompt', // else the phone first asks its user to pick up
  ...(text ? { userData: userData(text) } : {}),
});
const { callID } = result.MakeCallResponse.callingDevice;
console.log(`call ${callID}`);

for await (const event of baton.stream({ from: 'earliest', callID })) {
  const who = number(event.data.ids?.deviceID ?? '');
  if (event.type === 'org.baton.csta.delivered.v1') {
    console.log(`${who} rings`);
  } else if (event.type === 'org.baton.csta.established.v1') {
    console.log(`${who} has answered`);
  } else if (event.type === 'org.baton.csta.callCleared.v1') {
    console.log('over');
    break;
  }
}
