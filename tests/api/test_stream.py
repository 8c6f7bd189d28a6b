#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The WebSocket of events, and what ends with a token.  test_stream.py BATON GEN_API TABLE"""
import base64
import json
import os
import signal
import sys
import threading
import unittest

from phones import House, until

BATON = sys.argv[1]


class Socket:
    """A WebSocket; `token`: in the handshake."""

    def __init__(self, s, face='tcp', token=None, protocol='baton.v1'):
        self.sock = s.connect(face)
        key = base64.b64encode(os.urandom(16)).decode()
        auth = f'Authorization: Bearer {token}\r\n' if token else ''
        self.sock.sendall(f'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                          f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{auth}'
                          f'Sec-WebSocket-Protocol: {protocol}\r\n\r\n'.encode())
        self.buffer, self.code = b'', None
        while b'\r\n\r\n' not in self.buffer:
            self.buffer += self.sock.recv(65536)
        self.head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')

    def close(self):
        self.sock.close()

    def send(self, data, opcode=1):
        head = bytes((0x80 | opcode,)) + (bytes((0x80 | len(data),)) if len(data) < 126 else
                                          bytes((0xfe,)) + len(data).to_bytes(2, 'big'))
        self.sock.sendall(head + bytes(4) + data)

    def say(self, **message):
        self.send(json.dumps(message).encode())

    def need(self, n):
        while len(self.buffer) < n:
            part = self.sock.recv(65536)
            if not part:
                raise AssertionError(f'closed behind {self.buffer!r}')
            self.buffer += part

    def hear(self):
        """The next message; None: the server closes, with self.code."""
        self.need(2)
        opcode, n, at = self.buffer[0] & 15, self.buffer[1], 2
        if n > 125:
            at = 4 if n == 126 else 10
            self.need(at)
            n = int.from_bytes(self.buffer[2:at], 'big')
        self.need(at + n)
        data, self.buffer = self.buffer[at:at + n], self.buffer[at + n:]
        if opcode == 8:
            self.code = int.from_bytes(data[:2], 'big')
            return None
        return json.loads(data)

    def hear_op(self, op):
        """The next message but events, which must be that one."""
        while True:
            said = self.hear()
            if said is None or 'op' in said:
                break
        if said is None or said['op'] != op:
            raise AssertionError(f'{said}, {self.code} in the place of {op}')
        return said


def as_(token):
    return {'Authorization': 'Bearer ' + token}


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002, 1003), store=True,
                      more='routes: [{name: sales, match: {to: ["7*"]}, ask: "1005", targets: [{to: "device:1003"}]}]\n').__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.h.__exit__(None, None, None)

    def token(self, name, *scopes):
        answer = self.h.ask('POST', '/v1/tokens', {'name': name, 'scopes': list(scopes)})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()['token']

    def test_another_token_on_the_way(self):
        """What follows is the new one's; the old one may go."""
        w = Socket(self.h)
        w.say(op='auth', token=self.token('first', 'observe:1001'))
        w.hear_op('welcome')
        w.say(op='subscribe')
        w.hear_op('subscribed')
        w.say(op='auth', token=self.token('second', 'observe:*'))
        self.assertEqual(w.hear_op('welcome')['who'], 'token:second')
        self.h.ask('DELETE', '/v1/tokens/first')
        self.assertEqual([i['who'] for i in self.h.get('/v1/subscribers').json()['items']], ['token:second'])
        w.say(op='ping')
        w.hear_op('pong')
        self.h.ask('DELETE', '/v1/tokens/second')
        self.assertIsNone(w.hear())
        self.assertEqual(w.code, 4001)
        w.close()

    def test_what_ends_with_a_token(self):
        """Its streams, what it waits for, its registrations; not the calls: people talk in them."""
        text = self.token('acd', 'control:*')
        registered = self.h.ask('POST', '/v1/routes', {'routeingDevice': '1005'}, {**as_(text), 'Prefer': 'wait=5'}, face='tcp')
        self.assertEqual(registered.status, 200, registered.body)
        call = self.h.talk(1001, 1002)
        events = Socket(self.h, face='unix')
        events.say(op='subscribe', **{'from': 'now', 'filter': {'types': ['org.baton.operation.v1']}})
        events.hear_op('subscribed')
        own = Socket(self.h, token=text)
        own.say(op='subscribe')
        own.hear_op('subscribed')
        answers = []

        def hold():  # to which 1002 has nothing to say
            answers.append(self.h.ask('POST', f'/v1/calls/{call}/connections/1001/hold', {},
                                      {**as_(text), 'Prefer': 'wait=30'}, face='tcp'))
        waits = threading.Thread(target=hold)
        for number in (1001, 1002):
            self.h.phones[number].process.send_signal(signal.SIGSTOP)
            self.addCleanup(self.h.phones[number].process.send_signal, signal.SIGCONT)
        running = lambda: self.h.get('/v1/status').json()['counters']['engine']['operations_running']
        waits.start()
        until('it runs', running)
        self.assertEqual(self.h.ask('DELETE', '/v1/tokens/acd').status, 204)
        waits.join(25)
        self.assertFalse(waits.is_alive())
        said = answers[0].json()
        ended = events.hear()['data']
        self.assertEqual((ended['service'], ended['callID'], ended['state']), ('HoldCall', call, 'failed'))
        self.assertEqual((answers[0].status, said['code'], ended['problem']['code']), (503, 'lost', 'lost'))
        while own.hear() is not None:
            pass
        self.assertEqual(own.code, 4001)
        until('the registration ends', lambda: not self.h.get('/v1/routes').json()['items'])
        self.assertEqual(self.h.get(f'/v1/calls/{call}').status, 200)
        for number in (1001, 1002):
            self.h.phones[number].process.send_signal(signal.SIGCONT)
        self.h.all_over()
        events.say(op='ping')  # and no other end of it came; only those of all_over
        while 'op' not in (more := events.hear()):
            self.assertNotEqual(more['data']['operation'], ended['operation'])
        own.close()
        events.close()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
