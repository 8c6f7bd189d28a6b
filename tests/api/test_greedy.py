#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Slow, dead and greedy clients of the API, while phones call each other: who never reads, who comes again and again, who
asks for ten thousand events. They are programs of their own.  test_greedy.py BATON GEN_API TABLE

That the engine waits for none of them is shown without a clock in tests/unit/test_api_http.c; here the bounds are wide.
"""
import socket
import statistics
import subprocess
import sys
import time
import unittest

from phones import House, until
from server import SHORT

ROUNDS, CALLS = 150, 4
GREEDY = r'''
import socket, sys, time
kind, path = sys.argv[1:3]
def connect():
    s = socket.socket(socket.AF_UNIX)
    if kind == "sleeps":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(path)
    return s
def ask(s, target, accept="application/json"):
    s.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode())
print("here", flush=True)
if kind == "sleeps":      # never reads
    all = [connect() for _ in range(20)]
    for s in all:
        ask(s, "/v1/events?from=earliest", "text/event-stream")
    time.sleep(600)
while kind == "returns":  # a snapshot, and away
    s = connect()
    ask(s, "/v1/events?from=snapshot", "text/event-stream")
    s.recv(100)
    s.close()
    time.sleep(0.02)
s = connect()
while kind == "wants":    # ten thousand events, in pages, and once more
    for _ in range(10):
        ask(s, "/v1/events?from=earliest&limit=1000")
    got = b""
    while got.count(b"\r\n\r\n") < 10:
        got += s.recv(1 << 20)
'''


class Clients:
    def __init__(self, path):
        self.all = [subprocess.Popen([sys.executable, '-c', GREEDY, kind, path], stdout=subprocess.PIPE)
                    for kind in ('sleeps', 'returns', 'wants')]

    def __enter__(self):
        for one in self.all:
            one.stdout.readline()
        return self

    def __exit__(self, *_):
        for one in self.all:
            one.kill()
            one.wait()
            one.stdout.close()


class Greedy(unittest.TestCase):
    def round_trips(self, h):
        """OPTIONS, one after the other. @return seconds of the one in the middle"""
        took = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(('127.0.0.1', 0))
            s.settimeout(SHORT)
            port = s.getsockname()[1]
            for n in range(ROUNDS):
                text = (f'OPTIONS sip:127.0.0.1:{h.sip_port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}-{n}\r\n'
                        f'From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {port}-{n}@x\r\nCSeq: 1 OPTIONS\r\n'
                        f'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n')
                began = time.monotonic()
                s.sendto(text.encode(), ('127.0.0.1', h.sip_port))
                self.assertIn(f'branch=z9hG4bK{port}-{n}', s.recv(65536).decode())
                took.append(time.monotonic() - began)
        return statistics.median(took)

    def test_signalling_goes_on(self):
        with House(sys.argv[1], numbers=(1001, 1002)) as h:
            for _ in range(CALLS):
                h.talk(1001, 1002)
                h.all_over()
            quiet = self.round_trips(h)
            with Clients(h.socket):
                until('they are at it', lambda: len(h.get('/v1/subscribers').json()['items']) >= 20)
                busy = self.round_trips(h)
                before = h.get('/v1/status').json()['counters']
                for _ in range(CALLS):
                    call = h.talk(1001, 1002)
                    h.done(f'/v1/calls/{call}/connections/1001/hold')
                    h.done(f'/v1/calls/{call}/connections/1001/retrieve')
                    h.all_over()
                after = h.get('/v1/status').json()['counters']
            # each of them waited for the journal or for room in its own place, and signalling for none
            self.assertEqual(after['api']['jobs_refused'], 0)
            self.assertGreater(after['api']['requests'], before['api']['requests'] + CALLS)
            self.assertLess(busy, 0.05 + 20 * quiet)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
