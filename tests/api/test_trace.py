#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces, history and User-to-User over the API, against the real server.  test_trace.py BATON GEN_API TABLE

A caller and a callee of a few lines speak SIP over UDP; the server carries their call.
"""
import csv
import io
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import contract
from server import SHORT, Server

BATON = sys.argv[1]
MORE = '''devices: [{number: "1001"}]
peers: [{name: gateway, uri: "sip:127.0.0.1:%(port)d", trusted: true, numbers: ["9*"]}]
'''
UUI = '04C801;encoding=hex;purpose=isdn-uui'


def port_of(s):
    return s.getsockname()[1]


class Peer:
    """A gateway known by its address: it calls, and takes calls to 9*."""

    def __init__(self):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind(('127.0.0.1', 0))
        self.s.settimeout(SHORT)
        self.port = port_of(self.s)

    def close(self):
        self.s.close()

    def send(self, to, text):
        self.s.sendto(text.replace('\n', '\r\n').encode(), ('127.0.0.1', to))

    def take(self, start):
        """The next message that begins so; others are passed over."""
        end = time.monotonic() + SHORT
        while time.monotonic() < end:
            text = self.s.recv(65536).decode()
            if text.startswith(start):
                return text
        raise AssertionError('nothing begins with ' + start)


def lines(text, name):
    return re.findall(r'^%s:[^\r\n]*' % name, text, re.M | re.I)


def copied(request, tag):
    out = '\n'.join(sum((lines(request, n) for n in ('Via', 'Record-Route', 'From', 'Call-ID', 'CSeq')), []))
    to = lines(request, 'To')[0]
    return out + '\n' + (to if 'tag=' in to else to + ';tag=' + tag) + '\n'


SDP = 'v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n'


def call(peer, sip_port, call_id='call-1', user='9001'):
    """A call through the server from the gateway to itself, hung up."""
    head = (f'Via: SIP/2.0/UDP 127.0.0.1:{peer.port};branch=z9hG4bK-%s\nMax-Forwards: 70\n'
            f'From: <sip:500@127.0.0.1>;tag=a\nTo: <sip:{user}@127.0.0.1>%s\nCall-ID: {call_id}\nCSeq: %s\n'
            f'Contact: <sip:500@127.0.0.1:{peer.port}>\n')
    body = SDP.replace('\n', '\r\n')
    peer.send(sip_port, f'INVITE sip:{user}@127.0.0.1:{sip_port} SIP/2.0\n' + head % (call_id + '1', '', '1 INVITE') +
              f'User-to-User: {UUI}\nAuthorization: Digest username="500", response="5ec3e7"\n'
              f'Content-Type: application/sdp\nContent-Length: {len(body)}\n\n{SDP}')
    invite = peer.take('INVITE')
    peer.send(sip_port, 'SIP/2.0 180 Ringing\n' + copied(invite, 'b') + f'Contact: <sip:9001@127.0.0.1:{peer.port}>\n'
              'Content-Length: 0\n\n')
    peer.take('SIP/2.0 180')
    peer.send(sip_port, 'SIP/2.0 200 OK\n' + copied(invite, 'b') + f'Contact: <sip:9001@127.0.0.1:{peer.port}>\n'
              f'Content-Type: application/sdp\nContent-Length: {len(body)}\n\n{SDP}')
    ok = peer.take('SIP/2.0 200')
    to_tag = re.search(r'^To:.*?;tag=([^;\r\n]*)', ok, re.M | re.I).group(1)
    target = re.search(r'^Contact:\s*<([^>]*)>', ok, re.M | re.I).group(1)
    peer.send(sip_port, f'ACK {target} SIP/2.0\n' + head % (call_id + '2', ';tag=' + to_tag, '1 ACK') + 'Content-Length: 0\n\n')
    peer.take('ACK')
    peer.send(sip_port, f'BYE {target} SIP/2.0\n' + head % (call_id + '3', ';tag=' + to_tag, '2 BYE') + 'Content-Length: 0\n\n')
    bye = peer.take('BYE')
    peer.send(sip_port, 'SIP/2.0 200 OK\n' + copied(bye, 'b') + 'Content-Length: 0\n\n')
    peer.take('SIP/2.0 200')


def once(messages):
    """Without what was only sent again, because somebody stood still for half a second."""
    return list({(m['from'], m['to'], m['bytes']): m for m in reversed(messages)}.values())[::-1]


class Tracing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = Peer()
        cls.s = Server(BATON, more=MORE % {'port': cls.peer.port}, store=True).__enter__()
        call(cls.peer, cls.s.sip_port)
        end = time.monotonic() + SHORT
        while time.monotonic() < end:
            cls.items = cls.s.get('/v1/trace').json()['items']
            if cls.items and 'ended' in cls.items[0]:
                break
            time.sleep(0.05)
        cls.id = cls.items[0]['callID']

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()
        cls.s.__exit__(None, None, None)

    def test_list_has_the_call_with_its_legs(self):
        self.assertEqual(len(self.items), 1)
        self.assertEqual(len(self.items[0]['legs']), 2)
        self.assertIn('call-1', [leg['sipCallID'] for leg in self.items[0]['legs']])

    def test_ladder(self):
        said = self.s.get('/v1/trace/' + self.id).json()
        labels = [m['label'] for m in once(said['messages']) if m['protocol'] == 'sip']
        self.assertEqual(labels.count('INVITE'), 2)
        self.assertEqual(labels.count('BYE'), 2)
        self.assertEqual(labels.count('180 Ringing'), 2)
        numbers = [m['n'] for m in said['messages']]
        self.assertEqual(numbers, sorted(numbers))
        times = [m['time'] for m in said['messages']]
        self.assertEqual(times, sorted(times))
        lanes = {lane['id'] for lane in said['lanes']}
        self.assertTrue(all({m['from'], m['to']} <= lanes for m in said['messages']))
        invites = [m for m in once(said['messages']) if m['label'] == 'INVITE']
        self.assertEqual([m['uui'][0]['hex'] for m in invites], ['04C801', '04C801'])
        self.assertEqual([m['uui'][0]['changed'] for m in invites], [False, False])
        self.assertNotIn('5ec3e7', json.dumps(said))
        self.assertIn('5ec3e7', self.s.get('/v1/trace/' + self.id + '?raw=true').body.decode())
        self.assertNotIn('bytes', self.s.get('/v1/trace/' + self.id + '?bytes=false').json()['messages'][0])

    def test_by_sip_call_id(self):
        said = self.s.get('/v1/trace/call-1').json()
        self.assertEqual(said['sipCallID'], 'call-1')
        self.assertEqual([m['label'] for m in once(said['messages'])].count('INVITE'), 1)

    def test_http_about_the_call_stands_in_it(self):
        body = {'AnswerCall': {'callToBeAnswered': {'callID': self.id, 'deviceID': {'id': '1001'}}}}
        self.assertEqual(self.s.ask('POST', '/v1/csta/xml', body).status, 200)
        self.s.ask('POST', '/v1/csta/xml', {'AnswerCall': {'callToBeAnswered': {'callID': 'x' + self.id, 'deviceID': {'id': '1'}}}})
        said = self.s.get('/v1/trace/' + self.id).json()
        api = [m for m in said['messages'] if m['protocol'] == 'api']
        self.assertEqual([m['label'] for m in api], ['POST /v1/csta/xml', '200 OK'])
        self.assertIn('"callID": "' + self.id, api[0]['bytes'])
        self.assertEqual({lane['kind'] for lane in said['lanes']}, {'baton', 'peer', 'api'})

    def test_picture(self):
        a = self.s.get('/v1/trace/' + self.id + '?format=svg')
        self.assertEqual(a.headers['content-type'], 'image/svg+xml')
        import xml.etree.ElementTree as xml
        root = xml.fromstring(a.body)
        self.assertEqual(root.find('{http://www.w3.org/2000/svg}title').text, 'Messages of call ' + self.id)

    def test_packets(self):
        a = self.s.get('/v1/trace/' + self.id + '?format=pcap')
        self.assertEqual(a.headers['content-type'], 'application/vnd.tcpdump.pcap')
        self.assertEqual(struct.unpack('<I', a.body[20:24])[0], 101)
        if shutil.which('tshark') is None:
            self.skipTest('there is no tshark')
        with tempfile.NamedTemporaryFile(suffix='.pcap') as file:
            file.write(a.body)
            file.flush()
            got = subprocess.run(
                ['tshark', '-r', file.name, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-T', 'fields',
                 '-e', 'sip.Method', '-e', 'sip.Status-Code', '-e', 'ip.checksum.status', '-e', 'udp.checksum.status',
                 '-e', '_ws.malformed'], check=True, capture_output=True, text=True).stdout
        rows = [line.split('\t') for line in got.splitlines()]
        shown = [m['label'] for m in self.s.get('/v1/trace/' + self.id).json()['messages']]
        self.assertEqual([r[0] for r in rows].count('INVITE'), shown.count('INVITE'))
        self.assertTrue(all(r[2:] == ['1', '1', ''] for r in rows), got)

    def test_unknown(self):
        self.assertEqual(self.s.get('/v1/trace/nothing').code, 'unknownCall')
        self.assertEqual(self.s.get('/v1/trace/' + self.id + '?format=gif').status, 400)
        self.assertEqual(self.s.get('/v1/trace', face='tcp').status, 401)

    def test_a_type_that_no_event_has_is_refused_with_those_that_are(self):
        for accept in ('application/json', 'text/event-stream'):
            a = self.s.ask('GET', '/v1/events?from=earliest&type=delivered,delivred', headers={'Accept': accept})
            self.assertEqual((a.status, a.code), (400, 'badFilter'))
            detail = a.json()['detail']
            self.assertIn('No event has the type delivred.', detail)
            self.assertIn(' delivered, ', detail)
            self.assertIn(' voiceErrorOccurred; or * behind', detail)  # the whole list
        a = self.s.ask('POST', '/v1/webhooks', {'url': 'https://crm.example.com/', 'filter': {'types': ['call*', 'nosuch*']}})
        self.assertEqual((a.status, a.code), (400, 'badWebhook'), a.body)
        self.assertIn('nosuch*', a.json()['detail'])
        page = self.s.ask('GET', '/v1/events?from=earliest&type=origin*,org.baton.csta.failed.v1',
                          headers={'Accept': 'application/json'})
        self.assertEqual(page.status, 200)

    def test_history(self):
        end = time.monotonic() + SHORT
        while True:
            items = self.s.get('/v1/history?party=500').json()['items']
            if (items and 'ended' in items[0]) or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.assertEqual(len(items), 1)
        self.assertEqual(items[0]['call'], self.id)
        self.assertIsInstance(items[0]['seconds'], int)
        self.assertRegex(items[0]['began'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        self.assertEqual(self.s.get('/v1/history?device=77').json()['items'], [])
        self.assertEqual(self.s.get('/v1/history?from=2100-01-01').json()['items'], [])
        self.assertEqual(self.s.get('/v1/history?from=yesterday').status, 400)
        self.assertEqual(len(self.s.get('/v1/history?text=' + self.id.upper()).json()['items']), 1)
        a = self.s.get('/v1/history?format=csv')
        rows = list(csv.DictReader(io.StringIO(a.body.decode())))
        self.assertEqual([r['call'] for r in rows], [self.id])
        self.assertTrue(a.headers['content-type'].startswith('text/csv'))
        a = self.s.ask('GET', '/v1/history', headers={'Accept': 'application/jsonl'})
        self.assertEqual([json.loads(line)['call'] for line in a.body.splitlines()], [self.id])
        self.assertEqual(self.s.ask('GET', '/v1/history', headers={'Accept': 'image/png'}).status, 406)


class Pages(unittest.TestCase):
    """Many calls, page by page and as a stream."""

    def test_cursor_and_export(self):
        peer = Peer()
        try:
            with Server(BATON, more=MORE % {'port': peer.port}, store=True) as s:
                for i in range(7):
                    call(peer, s.sip_port, f'many-{i}')
                end = time.monotonic() + SHORT
                while len(s.get('/v1/history').json()['items']) < 7 and time.monotonic() < end:
                    time.sleep(0.05)
                seen, after = [], ''
                for _ in range(5):
                    page = s.get('/v1/history?limit=3' + after).json()
                    seen += [c['call'] for c in page['items']]
                    if 'next' not in page:
                        break
                    after = '&after=' + page['next']
                self.assertEqual(len(seen), 7)
                self.assertEqual(len(set(seen)), 7)
                csv_ids = lambda q: [c['call'] for c in csv.DictReader(  # noqa: E731
                    io.StringIO(s.get('/v1/history?format=csv' + q).body.decode()))]
                self.assertEqual(csv_ids('&order=oldest'), seen[::-1])
                self.assertEqual(csv_ids('&order=newest&limit=2'), seen[:2])
                self.assertEqual(csv_ids('&order=oldest&limit=2'), seen[1::-1])  # of the newest two
                self.assertEqual(csv_ids('&limit=100000'), seen)
                for wrong in ('order=oldest', 'format=csv&order=first', 'limit=1001', 'format=csv&limit=0'):
                    self.assertEqual(s.get('/v1/history?' + wrong).status, 400, wrong)
                csv_rows = list(csv.DictReader(io.StringIO(s.get('/v1/history?format=csv').body.decode())))
                self.assertEqual([r['call'] for r in csv_rows], seen)
        finally:
            peer.close()


class Live(unittest.TestCase):
    def test_messages_as_they_come(self):
        peer = Peer()
        try:
            with Server(BATON, more=MORE % {'port': peer.port}) as s:
                c = s.connection()
                c.request('GET', '/v1/trace/live?protocol=sip')
                r = c.getresponse()
                self.assertEqual(r.getheader('content-type'), 'text/event-stream')
                caller = threading.Thread(target=call, args=(peer, s.sip_port))
                caller.start()
                got = []
                while len([m for m in got if m['label'] == 'BYE']) < 2:
                    line = r.readline()
                    if line.startswith(b'data: '):
                        got.append(json.loads(line[6:]))
                        contract.streamed(s, 'followTrace', got[-1])
                caller.join()
                c.close()
                self.assertEqual([m['n'] for m in got], sorted(m['n'] for m in got))
                self.assertEqual(len({m['callID'] for m in got if 'callID' in m}), 1)
                self.assertNotIn('bytes', got[0])
        finally:
            peer.close()


class Secrets(unittest.TestCase):
    def test_tokens_are_not_captured(self):
        """However their path is written."""
        with Server(BATON, store=True) as s:
            c = s.connection()
            c.request('GET', '/v1/trace/live?protocol=api&bytes=true&raw=true')
            r = c.getresponse()
            made = [s.fetch('POST', f'/v1/{path}', json.dumps({'name': name, 'scopes': ['observe:*']}),
                            {'Content-Type': 'application/json'})
                    for path, name in (('tokens', 'one'), ('%74okens', 'two'), ('toke%6Es', 'three'))]
            self.assertEqual([a.status for a in made], [201] * 3)
            s.ask('PUT', '/v1/devices/1001/features/doNotDisturb', {'doNotDisturbOn': True}, {'Prefer': 'wait=10'})
            seen = []
            while not seen or 'doNotDisturb' not in json.dumps(seen[-1]):
                line = r.readline()
                if line.startswith(b'data: '):
                    seen.append(json.loads(line[6:]))
            c.close()
            self.assertEqual(len(seen), 1, seen)


class Off(unittest.TestCase):
    def test_nothing_is_kept(self):
        with Server(BATON, more='trace: {enabled: false}\n') as s:
            self.assertEqual(s.get('/v1/trace').code, 'noTrace')
            self.assertEqual(s.get('/v1/trace/live').code, 'noTrace')


class Hep(unittest.TestCase):
    """What a collector gets: read by a reader of ours, and what is in it by tshark."""

    def chunks(self, p):
        """Of one packet: each chunk by its kind."""
        self.assertEqual(p[:4], b'HEP3')
        self.assertEqual(struct.unpack('>H', p[4:6])[0], len(p))
        chunks, at = {}, 6
        while at < len(p):
            _, kind, size = struct.unpack('>HHH', p[at:at + 6])
            chunks[kind] = p[at + 6:at + size]
            at += size
        return chunks

    def test_collector_gets_both_legs(self):
        peer, collector = Peer(), Peer()
        packets = {}  # by the message: what was only sent again is there once
        try:
            more = MORE % {'port': peer.port} + (f'hep: {{to: "udp:127.0.0.1:{collector.port}", node_id: 77, node_name: b1, '
                                                 'password: pw}\n')
            with Server(BATON, more=more) as s:
                call(peer, s.sip_port)
                while sum(said.startswith(b'BYE sip:') for said in packets) < 2:
                    chunks = self.chunks(collector.s.recv(65536))
                    packets.setdefault(chunks[15], chunks)
        finally:
            peer.close()
            collector.close()
        calls, said = set(), list(packets)
        for chunks in packets.values():
            self.assertEqual(chunks[11], b'\x01')
            self.assertEqual(struct.unpack('>I', chunks[12])[0], 77)
            self.assertEqual((chunks[14], chunks[19]), (b'pw', b'b1'))
            self.assertNotIn(b'5ec3e7', chunks[15])
            calls.add(chunks.get(17))
        self.assertEqual(len(calls), 1)
        self.assertEqual(len(calls.pop() or b''), 20)
        if shutil.which('tshark') is None:
            self.skipTest('there is no tshark')
        with tempfile.TemporaryDirectory() as folder:
            text, pcap = os.path.join(folder, 'sip.txt'), os.path.join(folder, 'sip.pcap')
            with open(text, 'w', encoding='ascii') as file:
                for p in said:
                    for at in range(0, len(p), 16):
                        file.write('%06x %s\n' % (at, p[at:at + 16].hex(' ')))
                    file.write('\n')
            subprocess.run(['text2pcap', '-q', '-u', '5060,5060', text, pcap], check=True, capture_output=True)
            got = subprocess.run(['tshark', '-r', pcap, '-T', 'fields', '-e', 'sip.Method', '-e', '_ws.malformed'], check=True,
                                 capture_output=True, text=True).stdout
        rows = [line.split('\t') for line in got.splitlines()]
        self.assertEqual([r[0] for r in rows].count('INVITE'), 2)
        self.assertEqual({r[1] for r in rows}, {''})


class HepOverTcp(unittest.TestCase):
    def test_collector_that_comes_back(self):
        """The first connection is cut: what was said meanwhile may be lost, what is said later is not."""
        peer = Peer()
        listener = socket.create_server(('127.0.0.1', 0))
        listener.settimeout(SHORT)
        try:
            more = MORE % {'port': peer.port} + f'hep: {{to: "tcp:127.0.0.1:{port_of(listener)}"}}\n'
            with Server(BATON, more=more) as s:
                call(peer, s.sip_port, 'first')
                first, _ = listener.accept()
                first.settimeout(SHORT)
                self.assertEqual(first.recv(4, socket.MSG_WAITALL), b'HEP3')
                first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                first.close()
                listener.settimeout(0.2)
                second, end, i = None, time.monotonic() + 3 * SHORT, 0
                while second is None and time.monotonic() < end:
                    call(peer, s.sip_port, f'again-{i}')  # writing tells that the first is gone
                    i += 1
                    try:
                        second, _ = listener.accept()
                    except TimeoutError:
                        pass
                second.settimeout(SHORT)
                call(peer, s.sip_port, 'last')
                said = b''
                while b'last' not in said:
                    said += second.recv(65536)
                self.assertEqual(said[:4], b'HEP3')
                second.close()
        finally:
            peer.close()
            listener.close()


class Uui(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server(BATON).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__(None, None, None)

    def post(self, what, body):
        return self.s.ask('POST', '/v1/uui/' + what, body)

    def test_decode_says_what_the_command_says(self):
        said = self.post('decode', {'value': 'User-to-User: 04C8034B3D31;encoding=hex, "a";purpose=crm'}).json()['items']
        told = json.loads(subprocess.run([BATON, 'uui', 'decode', '--json', 'User-to-User: 04C8034B3D31;encoding=hex, "a";purpose=crm'],
                                         capture_output=True, text=True).stdout)
        self.assertEqual(said, told)
        self.assertEqual(said[0]['octets'], '04C8034B3D31')

    def test_decode_dialect_and_message(self):
        said = self.post('decode', {'value': 'X-User-to-User: 41;encoding=hex', 'dialect': 'x-header'}).json()['items']
        self.assertEqual(said[0]['octets'], '0441')
        said = self.post('decode', {'text': 'INVITE sip:a@b SIP/2.0\nUser-to-User: 04AB\nContact: <sip:a@b?User-to-User=04AC>\n\n'})
        self.assertEqual({v['octets'] for v in said.json()['items']}, {'04AB', '04AC'})

    def test_encode(self):
        said = self.post('encode', {'text': 'hi', 'discriminator': 4, 'uri': True}).json()
        self.assertEqual(said['value'], '046869;encoding=hex;purpose=isdn-uui')
        self.assertEqual(said['uri'], '046869%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui')
        self.assertEqual(said['decoded']['octets'], '046869')
        self.assertEqual(self.post('encode', {'hex': '0448', 'dialect': 'x-header'}).json()['line'],
                         'X-User-to-User: 48;encoding=hex')
        self.assertEqual(self.post('encode', {'hex': '044'}).code, 'invalidHex')
        self.assertEqual(self.post('encode', {'hex': ''}).code, 'invalidUserToUser')
        self.assertEqual(self.post('encode', {}).code, 'octetsWanted')
        self.assertEqual(self.post('encode', {'hex': '04', 'dialect': 'klingon'}).code, 'unknownDialect')

    def test_lint(self):
        said = self.post('lint', {'text': 'BYE sip:a@b SIP/2.0\nCall-ID: x\nCSeq: 2 BYE\nUser-to-User: 04A;encoding=hex\n\n'}).json()
        self.assertEqual(said['summary']['wrong'], 1)
        self.assertEqual(said['values'][0]['findings'][0]['rule'], 'HEX_ODD')

    def test_bodies_that_are_none(self):
        for body in ('[]', '{"value":1', '{"value":{}}', '{"nonsense":"a"}', '{}', ''):
            self.assertIn(self.s.ask('POST', '/v1/uui/decode', body, {'Content-Type': 'application/json'}).status, (400, 422), body)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
