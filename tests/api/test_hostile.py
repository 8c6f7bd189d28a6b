#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile clients of the HTTP API: broken requests of every kind, slow, dead and greedy ones.

    test_hostile.py BATON GEN_API TABLE

After each kind a well-behaved client must still be answered, at once. What is sent comes from a generator with a fixed seed:
every run is the same. The server runs as it was built, under the sanitizers in the builds of the tests.
"""
import json
import random
import re
import socket
import sys
import threading
import time
import unittest

from server import SHORT, Server, read_all, status_of

BATON = sys.argv[1]
GOOD = b'GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n'
POST = (b'POST /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
        b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')
UPGRADE = (b'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
PIECES = [b'\r\n', b'\r\n\r\n', b'\n', b'\r', b' ', b'\t', b'\0', b':', b'%', b'%00', b'/../', b'//', b'?', b'#', b'*',
          b'HTTP/1.1', b'HTTP/0.9', b'HTTP/1.2', b'Content-Length: 0\r\n', b'Content-Length: 7\r\n', b'Content-Length: +1\r\n',
          b'Content-Length: 18446744073709551616\r\n', b'Transfer-Encoding: chunked\r\n', b'Transfer-Encoding: x, chunked\r\n',
          b'Transfer-Encoding:\x0bchunked\r\n', b'Connection: upgrade, close\r\n', b'Connection: keep-alive\r\n',
          b'Upgrade: websocket\r\n', b'Expect: 100-continue\r\n', b'Host: a\r\n', b'Host: [::1\r\n', b'Origin: null\r\n',
          b'Authorization: Bearer x\r\n', b'Authorization: ' + b'A' * 3000 + b'\r\n', b'X: ' + b'\xff' * 100 + b'\r\n',
          b'If-None-Match: *\r\n', b'Accept-Encoding: gzip;q=0.0000001,,,\r\n', b'Range: bytes=0-,1-,2-\r\n', b'ffffffffffffffff\r\n',
          b'0\r\n\r\n', b'-1\r\n', b'DELETE /v1/status HTTP/1.1\r\n', b'OPTIONS * HTTP/1.1\r\n', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
          b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'<xml/>', b'{"a":', b'[' * 500]


def spoiled(rng):
    """A request, or several, with something wrong."""
    text = bytearray(rng.choice([GOOD, GOOD, POST, UPGRADE, GOOD + POST, b'']))
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(text))
        kind = rng.randint(0, 4)
        if kind == 0 and text:
            text[rng.randrange(len(text))] = rng.randrange(256)
        elif kind == 1:
            text[at:at + rng.randint(0, 20)] = b''
        elif kind == 2:
            text[at:at] = rng.choice(PIECES)
        elif kind == 3:
            text[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 40)))
        else:
            text[at:at] = text[:rng.randint(0, 60)]
    return bytes(text)


def other_address():
    """One of this machine's that is not loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(('192.0.2.1', 9))
        except OSError:
            return None
        return s.getsockname()[0] if not s.getsockname()[0].startswith('127.') else None


class Hostile(unittest.TestCase):
    def check_good(self, s):
        """503 with Retry-After is an answer, too, while places are taken."""
        end = time.monotonic() + SHORT
        answer = s.get('/v1/status')
        while answer.status == 503 and time.monotonic() < end:
            time.sleep(0.05)
            answer = s.get('/v1/status')
        self.assertEqual(answer.json()['state'], 'running')

    def test_broken_requests(self):
        rng = random.Random(1)
        with Server(BATON, api={'request_s': 1, 'idle_s': 1, 'max_clients': 200}) as s:
            for i in range(1500):
                octets = spoiled(rng)
                with s.connect('unix' if i % 2 else 'tcp') as c:
                    try:
                        if i % 3 == 0 and len(octets) > 1:
                            cut = rng.randrange(1, len(octets))
                            c.sendall(octets[:cut])
                            c.sendall(octets[cut:])
                        else:
                            c.sendall(octets)
                        if i % 4 == 0:
                            c.shutdown(socket.SHUT_WR)
                            answer = read_all(c)
                            self.assertTrue(answer == b'' or status_of(answer), (octets, answer[:100]))
                    except (BrokenPipeError, ConnectionResetError):
                        pass
            self.check_good(s)
            counts = s.get('/v1/status').json()['counters']['api']
            self.assertGreater(counts['closed_bad'], 100)

    def test_trickle_is_told_and_ends(self):
        with Server(BATON, api={'request_s': 1}) as s:
            with s.connect('unix') as c:
                begun = time.monotonic()
                try:
                    for octet in GOOD[:-2] * 40:
                        c.sendall(bytes([octet]))
                        time.sleep(0.01)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.assertEqual(status_of(read_all(c)), 408)
                self.assertGreaterEqual(time.monotonic() - begun, 0.9)
            self.check_good(s)

    def test_many_dead_ones_make_room(self):
        with Server(BATON, api={'max_clients': 20, 'request_s': 1}) as s:
            dead = [s.connect('tcp') for _ in range(60)]
            self.check_good(s)
            half = []
            for _ in range(20):
                c = s.connect('tcp')
                c.sendall(b'GET /v1/')
                half.append(c)
            full = s.raw(b'GET /', face='tcp')
            self.assertIn(status_of(full), (503, 408))
            for c in half:
                self.assertIn(status_of(read_all(c)), (408, 503))
            self.check_good(s)
            for c in dead + half:
                c.close()

    def test_who_runs_the_server_gets_in(self):
        """All places are taken by clients that are busy: the UNIX socket has its own."""
        with Server(BATON, store=True, api={'max_clients': 4}) as s:
            made = s.ask('POST', '/v1/tokens', {'name': 'greedy', 'scopes': ['observe:*']}).json()['token']
            streams = []
            for _ in range(4):
                c = s.connect('tcp')
                c.sendall(b'GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ' + made.encode() + b'\r\n\r\n')
                self.assertEqual(status_of(c.recv(100)), 200)
                streams.append(c)
            with s.connect('tcp') as c:
                self.assertEqual(status_of(read_all(c)), 503)
            for _ in range(3):
                self.assertEqual(s.get('/v1/status').status, 200)
            for c in streams:
                c.close()

    def test_of_whom_nothing_is_known_little_is_read(self):
        """A WebSocket takes a long message, but not before its client has said who it is."""
        long = b'{"op":"ping","x":"' + b'x' * 5000 + b'"}'
        frame = b'\x81\xfe' + len(long).to_bytes(2, 'big') + bytes(4) + long
        with Server(BATON) as s:
            for face, op in (('tcp', b'\x88'), ('unix', b'\x81')):
                with s.connect(face) as c:
                    c.sendall(UPGRADE)
                    head = b''
                    while not head.endswith(b'\r\n\r\n'):
                        head += c.recv(1)
                    c.sendall(frame)
                    said = c.recv(4)
                    self.assertEqual(said[:1], op, said)
                    if face == 'tcp':
                        self.assertEqual(int.from_bytes(said[2:4], 'big'), 1009, said)

    def test_greedy_one_costs_itself(self):
        """Thousands of requests without reading an answer: others are served meanwhile."""
        with Server(BATON, api={'client_buffer_kb': 64, 'stalled_s': 1}) as s:
            with s.connect('unix') as greedy:
                greedy.settimeout(0.2)
                sent, end, closed = 0, time.monotonic() + SHORT, False
                while not closed and sent < 64 << 20:
                    try:
                        sent += greedy.send(GOOD * 20)
                    except TimeoutError:  # it is not read any more, or the server stands still
                        self.check_good(s)
                        self.assertLess(time.monotonic(), end, 'the greedy client may stay')
                    except (BrokenPipeError, ConnectionResetError):
                        closed = True
                self.assertTrue(closed, 'the greedy client is read without end')
                end = time.monotonic() + SHORT
                while s.get('/v1/status').json()['counters']['api']['clients'] > 1:
                    self.assertLess(time.monotonic(), end, 'the greedy client is still there')
                    time.sleep(0.05)

    def test_one_address_does_not_take_all_places(self):
        address = other_address()
        if address is None:
            self.skipTest('this machine has loopback only')
        with Server(BATON, api={'max_per_address': 3}, more_listen=[f'tcp:{address}:0']) as s:
            port = int(re.search(rf'listening on TCP {re.escape(address)}:(\d+)', s.log())[1])
            there = [socket.create_connection((address, port), SHORT) for _ in range(3)]
            for c in there:
                c.sendall(GOOD)
                self.assertEqual(status_of(c.recv(100)), 401)
            with socket.create_connection((address, port), SHORT) as one_more:
                self.assertEqual(status_of(read_all(one_more)), 503)
            self.check_good(s)
            there.pop().close()
            end = time.monotonic() + SHORT
            status = 503
            while status == 503 and time.monotonic() < end:
                with socket.create_connection((address, port), SHORT) as again:
                    try:
                        again.sendall(GOOD.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n'))
                    except OSError:
                        pass
                    status = status_of(read_all(again))
            self.assertEqual(status, 401)
            for c in there:
                c.close()

    def test_reconnecting_without_end(self):
        with Server(BATON, api={'max_clients': 50}) as s:
            stop = threading.Event()

            def reconnect():
                while not stop.is_set():
                    try:
                        with s.connect('tcp') as c:
                            c.sendall(GOOD[:9])
                    except OSError:
                        pass
            threads = [threading.Thread(target=reconnect) for _ in range(4)]
            for t in threads:
                t.start()
            try:
                for _ in range(10):
                    self.check_good(s)
            finally:
                stop.set()
                for t in threads:
                    t.join()

    def test_reset_in_the_middle(self):
        with Server(BATON) as s:
            for i in range(50):
                c = s.connect('tcp')
                c.sendall((GOOD * 50)[:50 * i])
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                c.close()
            self.check_good(s)

    def test_end_under_load(self):
        """SIGTERM while clients ask: every answer is whole, and the server ends with 0."""
        with Server(BATON) as s:
            faults, stop = [], threading.Event()

            def ask():
                try:
                    c = s.connection()
                    while not stop.is_set():
                        c.request('GET', '/v1/status')
                        a = c.getresponse()
                        said = json.loads(a.read())
                        if a.status not in (200, 503):
                            faults.append(said)
                        if a.getheader('Connection') == 'close':
                            return
                except OSError:
                    pass  # nobody listens any more
                except Exception as e:  # noqa: BLE001
                    if type(e).__name__ not in ('RemoteDisconnected', 'BadStatusLine'):
                        faults.append(repr(e))
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for t in threads:
                t.start()
            time.sleep(0.3)
            status = s.stop()
            stop.set()
            for t in threads:
                t.join()
            self.assertEqual(status, 0)
            self.assertEqual(faults, [])


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
