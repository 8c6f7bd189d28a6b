// SPDX-License-Identifier: Apache-2.0
/*
 * The far side of a trunk: SIP over UDP, just enough to call somebody with lines of one's own.
 *
 * A request is sent again until it is answered, and every answer to an INVITE is acknowledged, so
 * that it does not matter who of the two stands still for a while.
 */
import { createSocket } from 'node:dgram';

const AGAIN_MS = 500;
const OPEN = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];

function parse(octets) {
  const [start, ...lines] = octets.toString('latin1').split('\r\n\r\n')[0].split('\r\n');
  const all = (name) => lines.filter((l) => l.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((l) => l.slice(name.length + 1).trim());
  return { start, all, one: (name) => all(name)[0] ?? '' };
}

/** What callers who mean harm put where others have a name or a value. */
export const HTML = '"><img src=x onerror="window.ran=1"><b class=hostile>';
const BIDI = '\u202eevil\u2066\u200f \u05d0\u05d1\u05d2';
const LONG = 'x'.repeat(8000);

const hex = (text) => Buffer.from(text).toString('hex');

export class Trunk {
  /** @param server  "127.0.0.1:5060" */
  static async start(port, server) {
    const t = new Trunk();
    [t.host, t.port] = server.split(':');
    t.here = `127.0.0.1:${port}`;
    t.calls = new Map();
    t.socket = createSocket('udp4');
    t.socket.on('message', (octets) => t.hear(parse(octets)));
    await new Promise((done) => t.socket.bind(port, '127.0.0.1', done));
    return t;
  }

  close() {
    for (const c of this.calls.values()) {
      clearInterval(c.timer);
    }
    this.socket.close();
  }

  say(start, lines, body = '') {
    this.socket.send(Buffer.from([start, ...lines, `Content-Length: ${body.length}`, '', body]
      .join('\r\n')), Number(this.port), this.host);
  }

  hear(m) {
    const c = this.calls.get(m.one('Call-ID'));
    if (!m.start.startsWith('SIP/2.0')) {
      if (!m.start.startsWith('ACK')) {
        this.say('SIP/2.0 200 OK', OPEN.flatMap((n) => m.all(n).map((v) => `${n}: ${v}`)));
      }
      return;
    }
    clearInterval(c?.timer);
    const status = Number(m.start.split(' ')[1]);
    if (c && status >= 200 && /INVITE/.test(m.one('CSeq'))) {
      const uri = status < 300 ? m.one('Contact').replace(/^.*<|>.*$/g, '') : c.uri;
      this.say(`ACK ${uri} SIP/2.0`, [`Via: SIP/2.0/UDP ${this.here};branch=${c.branch}` +
        (status < 300 ? 'a' : ''), `From: ${c.from}`, `To: ${m.one('To')}`, `Call-ID: ${c.id}`,
      'CSeq: 1 ACK', 'Max-Forwards: 70']);
    }
  }

  /** Calls `number` with a name and values that are HTML, turn lines, and are very long. */
  harm(number, long = LONG) {
    this.dial(number, [`User-to-User: 04${hex(HTML + BIDI)};encoding=hex;pd=04`,
      `User-to-User: ${hex(long)};encoding=hex;purpose=other`],
    `${HTML.replace(/"/g, '\\"')}${BIDI}${'long '.repeat(200)}`);
  }

  /** Calls `number`; `lines` go along. `name`: how the caller is shown. */
  dial(number, lines = [], name = '') {
    const id = `trunk-${Math.random().toString(36).slice(2)}`;
    const uri = `sip:${number}@${this.host}:${this.port}`;
    const c = { id, uri, branch: `z9hG4bK${id}`, from: `${name && `"${name}" `}<sip:8555@${this.here}>;tag=${id}` };
    const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
      'm=audio 40000 RTP/AVP 8', ''].join('\r\n');
    const send = () => this.say(`INVITE ${uri} SIP/2.0`, [
      `Via: SIP/2.0/UDP ${this.here};branch=${c.branch}`, `From: ${c.from}`, `To: <${uri}>`,
      `Call-ID: ${id}`, 'CSeq: 1 INVITE', 'Max-Forwards: 70', `Contact: <sip:${this.here}>`,
      ...lines, 'Content-Type: application/sdp'], sdp);
    c.timer = setInterval(send, AGAIN_MS);
    this.calls.set(id, c);
    send();
  }
}
