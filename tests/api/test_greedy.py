#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Slow, dead and greedy clients of the API, while phones call each other: who never reads, who comes again and again, who
asks for ten thousand events, of a journal on disk that has more. They are programs of their own.  test_greedy.py BATON GEN_API TABLE

That the engine waits for none of them is shown without a clock in tests/unit/test_api_http.c, that what is to be written, for
which an answer to REGISTER waits, waits for one page at most in tests/unit/test_store.c; here the bounds are wide.
"""
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import unittest

from phones import House, until
from server import SHORT, Server

ROUNDS, CALLS, EVENTS = 150, 4, 12000
MORE = 'peers: [{name: phones, uri: "sip:127.0.0.2", trusted: true}]\n'
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
    got, n = b"", 0
    while n < 10000:
        got = got[-12:] + s.recv(1 << 20)
        n += got.count(b'"specversion"')
    print("had", flush=True)
'''


class Clients:
    def __init__(self, path, kinds=('sleeps', 'returns', 'wants')):
        self.all = [subprocess.Popen([sys.executable, '-c', GREEDY, kind, path], stdout=subprocess.PIPE)
                    for kind in kinds]

    def __enter__(self):
        for one in self.all:
            one.stdout.readline()
        return self

    def had(self):
        """Ten thousand events came to who wants them."""
        return self.all[-1].stdout.readline() == b'had\n'

    def __exit__(self, *_):
        for one in self.all:
            one.kill()
            one.wait()
            one.stdout.close()


def fill(h):
    """The journal has more than ten thousand events: those that it has, again and again."""
    h.stop()
    db = sqlite3.connect(os.path.join(h.folder, 'kept.db'))
    rows = db.execute('SELECT * FROM events ORDER BY seq').fetchall()
    first, n = rows[-1][0] + 1, EVENTS
    db.executemany(f'INSERT INTO events VALUES ({", ".join("?" * len(rows[0]))})',
                   [(first + i, *rows[i % len(rows)][1:]) for i in range(n)])
    db.commit()
    db.close()
    h.start()


class Greedy(unittest.TestCase):
    def round_trips(self, h):
        """REGISTERs that change something, one after the other. @return seconds of the one in the middle"""
        took = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(('127.0.0.2', 0))
            s.settimeout(SHORT)
            at = f'127.0.0.2:{s.getsockname()[1]}'
            for n in range(ROUNDS):
                text = (f'REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{at[10:]}-{n}\r\n'
                        f'From: <sip:1003@example.com>;tag=1\r\nTo: <sip:1003@example.com>\r\nCall-ID: {at}\r\n'
                        f'CSeq: {n + 1} REGISTER\r\nContact: <sip:1003@{at}>;expires={600 + n}\r\n'
                        f'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n')
                began = time.monotonic()
                s.sendto(text.encode(), ('127.0.0.1', h.sip_port))
                answer = s.recv(65536).decode()
                took.append(time.monotonic() - began)
                self.assertTrue(answer.startswith('SIP/2.0 200 ') and f'-{n}' in answer, answer)
        return statistics.median(took)

    def test_snapshots_of_many_devices(self):
        """What costs the engine most is asked for without end: it is done one by one, with pauses."""
        numbers = ', '.join(f'{{number: "{n}"}}' for n in (1003, *range(20000, 22000)))
        with Server(sys.argv[1], store=True, more=f'domains: [example.com]\ndevices: [{numbers}]\n' + MORE) as s:
            quiet = self.round_trips(s)
            with Clients(s.socket, ['returns'] * 6):
                busy = self.round_trips(s)
            self.assertLess(busy, 0.05 + 20 * quiet)

    def test_signalling_goes_on(self):
        with House(sys.argv[1], numbers=(1001, 1002), store=True, more=MORE) as h:
            for _ in range(CALLS):
                h.talk(1001, 1002)
                h.all_over()
            fill(h)
            quiet = self.round_trips(h)
            with Clients(h.socket) as clients:
                until('they are at it', lambda: len(h.get('/v1/subscribers').json()['items']) >= 20)
                busy = self.round_trips(h)
                before = h.get('/v1/status').json()['counters']
                for _ in range(CALLS):
                    call = h.talk(1001, 1002)
                    h.done(f'/v1/calls/{call}/connections/1001/hold')
                    h.done(f'/v1/calls/{call}/connections/1001/retrieve')
                    h.all_over()
                after = h.get('/v1/status').json()['counters']
                self.assertTrue(clients.had())
            # each of them waited for the journal or for room in its own place, and signalling for none
            self.assertEqual(after['api']['jobs_refused'], 0)
            self.assertGreater(after['api']['requests'], before['api']['requests'] + CALLS)
            self.assertLess(busy, 0.05 + 20 * quiet)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
