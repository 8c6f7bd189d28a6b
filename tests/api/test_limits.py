#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one client may ask and hold, and what becomes of it when the server stops.  test_limits.py BATON GEN_API TABLE"""
import base64
import json
import os
import re
import sqlite3
import sys
import time
import unittest

from phones import House, until
from server import SHORT, Server, read_all, status_of

BATON = sys.argv[1]
CALLS = 3000


def token(s, name, *scopes):
    answer = s.ask('POST', '/v1/tokens', {'name': name, 'scopes': list(scopes)})
    if answer.status != 201:
        raise AssertionError(answer.body)
    return answer.json()['token']


def as_(text):
    return {'Authorization': 'Bearer ' + text}


def problems(raw):
    """Of answers to requests that were sent at once: [(status, head, body)]"""
    out = []
    while raw:
        head, _, rest = raw.partition(b'\r\n\r\n')
        length = int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0])
        out.append((status_of(head), head.decode(), rest[:length]))
        raw = rest[length:]
    return out


def open_stream(s, text, path='/v1/events'):
    c = s.connect('tcp')
    c.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer {text}\r\n\r\n'.encode())
    got = b''
    while b'\r\n\r\n' not in got:
        got += c.recv(65536)
    return c, got


def frame(text):
    """A masked text frame (RFC 6455 §5.2), shorter than 126 octets; the mask is zeros."""
    data = text.encode()
    return bytes((0x81, 0x80 | len(data), 0, 0, 0, 0)) + data


class WebSocket:
    def __init__(self, s):
        self.sock = s.connect('tcp')
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(f'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                          f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n'
                          f'Sec-WebSocket-Protocol: baton.v1\r\n\r\n'.encode())
        self.buffer = b''
        self.need(lambda b: b'\r\n\r\n' in b)
        self.head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')

    def need(self, test):
        while not test(self.buffer):
            part = self.sock.recv(65536)
            if not part:
                raise AssertionError(f'closed behind {self.buffer!r}')
            self.buffer += part

    def say(self, **message):
        self.sock.sendall(frame(json.dumps(message)))

    def hear(self):
        """The next message; of a close frame its code."""
        self.need(lambda b: len(b) >= 2)
        opcode, n, at = self.buffer[0] & 15, self.buffer[1] & 127, 2
        if n == 126:
            self.need(lambda b: len(b) >= 4)
            n, at = int.from_bytes(self.buffer[2:4], 'big'), 4
        self.need(lambda b: len(b) >= at + n)
        data, self.buffer = self.buffer[at:at + n], self.buffer[at + n:]
        return int.from_bytes(data[:2], 'big') if opcode == 8 else json.loads(data)


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server(BATON, store=True, api={'requests_per_s': 5, 'max_streams': 2}).__enter__()
        cls.tokens = {name: token(cls.s, name, 'observe:*', 'control:1001') for name in ('greedy', 'modest', 'holder', 'talker')}

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__(None, None, None)

    def counter(self, name):
        return self.s.get('/v1/status').json()['counters']['api'][name]

    def test_who_asks_too_much_is_told_to_wait(self):
        one = f'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.tokens["greedy"]}\r\n'
        raw = self.s.raw((one + '\r\n') * 39 + one + 'Connection: close\r\n\r\n', face='tcp')
        answers = problems(raw)
        refused = [a for a in answers if a[0] == 429]
        self.assertEqual(len(answers), 40)
        self.assertEqual([a[0] for a in answers[:10]], [200] * 10)  # two seconds' worth at once
        self.assertGreaterEqual(len(refused), 10)  # of 30; five more a second are right, however long it takes
        for _, head, body in refused:
            self.assertRegex(head, r'\r\nRetry-After: [12]\r\n')
            said = json.loads(body)
            self.assertEqual((said['code'], said['status']), ('tooManyRequests', 429))
            self.assertIn('token:greedy', said['detail'])
        self.assertGreaterEqual(self.counter('refused_pace'), len(refused))
        self.assertTrue(re.search(rb'\nbaton_api_refused_total\{reason="pace"\} [1-9]', self.s.get('/metrics').body))
        # it is his alone: another one, and who runs the server, are served
        self.assertEqual(self.s.get('/v1/whoami', headers=as_(self.tokens['modest']), face='tcp').status, 200)
        for _ in range(40):
            self.assertEqual(self.s.get('/v1/whoami').status, 200)
        # and he is again, when he has waited
        until('an answer', lambda: self.s.get('/v1/whoami', headers=as_(self.tokens['greedy']), face='tcp').status == 200)

    def test_streams_have_a_number(self):
        text = self.tokens['holder']
        first, second = open_stream(self.s, text), open_stream(self.s, text)
        self.assertEqual([status_of(got) for _, got in (first, second)], [200, 200])
        third = self.s.get('/v1/events', headers={**as_(text), 'Accept': 'text/event-stream'}, face='tcp')
        self.assertEqual((third.status, third.code), (429, 'tooManyStreams'))
        self.assertIn('retry-after', third.headers)
        export = self.s.get('/v1/history?format=csv', headers=as_(text), face='tcp')
        self.assertEqual((export.status, export.code), (429, 'tooManyStreams'))
        self.assertEqual(self.s.get('/v1/events', headers={**as_(text), 'Accept': 'application/json'}, face='tcp').status, 200)
        w = WebSocket(self.s)
        w.say(op='auth', token=text)
        self.assertEqual(w.hear(), 4029)
        w.sock.close()
        self.assertGreaterEqual(self.counter('refused_streams'), 3)

        def wait():
            """What `Prefer: wait` holds back is an answer that stays open, too."""
            return self.s.ask('PUT', '/v1/devices/1001/features/doNotDisturb', {'doNotDisturbOn': True},
                              headers={**as_(text), 'Prefer': 'wait=10'}, face='tcp')
        at_once = wait()
        self.assertEqual((at_once.status, at_once.headers.get('preference-applied')), (202, None))
        first[0].close()
        until('he may wait', lambda: wait().status == 200)

        def again():
            c, got = open_stream(self.s, text)
            c.close()
            return status_of(got) == 200
        until('a place is free', again)
        second[0].close()

    def test_messages_of_a_websocket_count(self):
        w = WebSocket(self.s)
        w.say(op='auth', token=self.tokens['talker'])
        self.assertEqual(w.hear(), {'op': 'welcome', 'who': 'token:talker'})
        w.sock.sendall(frame('{"op":"ping"}') * 60)
        said = [w.hear() for _ in range(30)]
        codes = [m.get('code') for m in said if isinstance(m, dict)]
        self.assertEqual([m['op'] for m in said[:8]], ['pong'] * 8)
        self.assertIn('tooManyRequests', codes)
        while said[-1] != 1008:  # who does not listen is closed
            said.append(w.hear())
        w.sock.close()


class Others(unittest.TestCase):
    def test_webhooks_leave_room(self):
        """One owner has half of them: the others are for others."""
        with Server(BATON, store=True, api={'max_webhooks': 6}) as s:
            def make(name):
                return s.ask('POST', '/v1/webhooks', {'url': 'https://crm.example.com/'}, headers=as_(tokens[name]))
            tokens = {name: token(s, name, 'observe:*') for name in ('greedy', 'modest')}
            self.assertEqual([make('greedy').status for _ in range(3)], [201] * 3)
            refused = make('greedy')
            self.assertEqual((refused.status, refused.code), (409, 'tooManyWebhooks'))
            self.assertEqual(make('modest').status, 201)

    def test_history_needs_no_disk(self):
        with House(BATON, numbers=(1001, 1002)) as h:
            self.assertEqual(h.get('/v1/history').json(), {'items': []})
            call = h.talk(1001, 1002)
            h.all_over()
            item = until('the call is history', lambda: [i for i in h.get('/v1/history').json()['items'] if 'ended' in i])[0]
            self.assertEqual((item['call'], item['calling'], item['answeredBy']),
                             (call, 'sip:1001@example.com', 'sip:1002@example.com'))
            self.assertIn(call, h.get('/v1/history?format=csv').body.decode())

    def test_status_says_that_it_drains(self):
        with House(BATON, numbers=(1001, 1002)) as h:
            self.assertEqual(h.get('/v1/status').json()['state'], 'running')
            self.assertNotIn('left', h.get('/v1/status').json())
            h.talk(1001, 1002)
            h.ask('POST', '/v1/admin/drain')
            said = h.get('/v1/status').json()
            self.assertEqual((said['state'], said['left']['calls'], said['left']['proxied']), ('draining', 1, 0))
            self.assertLessEqual(said['started'], said['since'])
            self.assertLessEqual(said['since'], said['time'])
            h.all_over()
            until('nothing is left', lambda: h.get('/v1/status').json()['left']['calls'] == 0)
            h.ask('POST', '/v1/admin/drain', {'drain': False})
            self.assertEqual(h.get('/v1/status').json()['state'], 'running')

    def fill(self, s):
        """A history that does not fit into what waits for a client and for the kernel."""
        db = sqlite3.connect(os.path.join(s.folder, 'kept.db'))
        with db:
            at = int(time.time() * 1000) - 10 ** 6
            rows = []
            for i in range(CALLS):
                party = f'sip:{i}-{"x" * 6000}@example.com'
                rows.append((i * 2 + 1, at + i, f'call{i}', 'DeliveredEvent', party))
                rows.append((i * 2 + 2, at + i, f'call{i}', 'CallClearedEvent', party))
            db.executemany("INSERT INTO events (seq, at, watched, call, event, calling) VALUES (?, ?, '', ?, ?, ?)", rows)
        db.close()

    def test_an_export_that_is_cut_off_is_no_whole_one(self):
        """The server stops while history is downloaded by one who reads on and one who does not: it ends, nothing leaks
        (the sanitizer of its end would say so), and neither takes the half for all of it."""
        with Server(BATON, store=True, api={'client_buffer_kb': 64}) as s:
            self.assertEqual(s.stop(), 0)
            self.fill(s)
            s.start()
            ask = b'GET /v1/history?format=jsonl HTTP/1.1\r\nHost: localhost\r\n\r\n'
            reads, sleeps = s.connect('unix'), s.connect('unix')
            for c in (reads, sleeps):
                c.sendall(ask)
            got = reads.recv(1000)
            self.assertEqual(status_of(got), 200)
            self.assertEqual(status_of(sleeps.recv(1) + sleeps.recv(999)), 200)
            s.process.terminate()
            got += read_all(reads)
            self.assertEqual(s.process.wait(SHORT), 0)  # however long it takes to read nothing
            for half in (got, read_all(sleeps)):
                self.assertFalse(half.endswith(b'\r\n0\r\n\r\n'))
            reads.close()
            sleeps.close()

    def begun(self, s, token, request):
        """What comes by a connection that nobody reads on: its status."""
        c = s.connect('tcp')
        c.sendall(f'{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n'
                  f'Authorization: Bearer {token}\r\n\r\n'.encode())
        return c

    def made(self, s, name, **more):
        a = s.ask('POST', '/v1/tokens', {'name': name, 'scopes': ['admin'], **more})
        self.assertEqual(a.status, 201, a.body)
        return a.json()['token']

    def cut(self, c):
        """It ends, and shows that this is not all."""
        got = read_all(c)
        c.close()
        self.assertFalse(got.endswith(b'\r\n0\r\n\r\n'))
        self.assertTrue(10000 < len(got) < CALLS * 6000, len(got))

    LONG_ANSWERS = ('GET /v1/history?format=jsonl', 'GET /v1/history?format=csv', 'POST /v1/admin/backup')

    def test_a_token_that_is_revoked_ends_what_it_was_given(self):
        """Exports and backups that are under way, and those that are still being made."""
        with Server(BATON, store=True, api={'client_buffer_kb': 64}) as s:
            self.assertEqual(s.stop(), 0)
            self.fill(s)
            s.start()
            for i, request in enumerate(self.LONG_ANSWERS):
                token = self.made(s, f'slow{i}')
                c = self.begun(s, token, request)
                self.assertEqual(status_of(c.recv(1000)), 200, request)
                self.assertEqual(s.ask('DELETE', f'/v1/tokens/slow{i}').status, 204)
                self.cut(c)
                token = self.made(s, f'quick{i}')
                c = self.begun(s, token, request)
                self.assertEqual(s.ask('DELETE', f'/v1/tokens/quick{i}').status, 204)
                head = c.recv(1000)
                self.assertIn(status_of(head), (200, 401), request)  # whatever came first
                if status_of(head) == 401:
                    self.assertIn(b'"invalidToken"', head + read_all(c))
                    c.close()
                else:
                    self.cut(c)
            until('another backup can be made', lambda: s.ask('POST', '/v1/admin/backup').status == 200)
            self.assertFalse([name for name in os.listdir(s.folder) if 'backup' in name])

    def test_a_token_that_expires_ends_what_it_was_given(self):
        with Server(BATON, store=True, api={'client_buffer_kb': 64}) as s:
            self.assertEqual(s.stop(), 0)
            self.fill(s)
            s.start()
            for i, request in enumerate(self.LONG_ANSWERS):
                for seconds in (1, 4, 15):  # on a machine that stands still the first is over too soon
                    name = f'short{i}-{seconds}'
                    c = self.begun(s, self.made(s, name, expiresIn=seconds), request)
                    head = c.recv(1000)
                    if status_of(head) == 200:
                        break
                    self.assertEqual(status_of(head), 401, request)
                    c.close()
                self.assertEqual(status_of(head), 200, request)
                until('it is over', lambda: [t for t in s.get('/v1/tokens').json()['items'] if t['name'] == name and t['expired']])
                self.cut(c)

    def test_a_whole_export_ends_as_one(self):
        with Server(BATON, store=True) as s:
            self.assertEqual(s.stop(), 0)
            self.fill(s)
            s.start()
            answer = s.get('/v1/history?format=jsonl')
            self.assertEqual((answer.status, len(answer.body.splitlines())), (200, CALLS))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
