# SPDX-License-Identifier: Apache-2.0
"""Who follows events: over a WebSocket, by Server-Sent Events, as a webhook. Each word is held against asyncapi.json as it comes.

    w = Socket(server, token=text)      GET /v1/stream
    w.say(op='subscribe'); w.hear()
    with Events(server, '?from=snapshot') as e:
        e.next()                        an event, or the problem that it ends with
    with Taker() as t:
        t.url; t.wait(lambda got: …)    what was brought: [(headers, body), …]
"""
import base64
import http.server
import json
import os
import threading
import urllib.parse

import contract
from server import SHORT


class Socket:
    """A WebSocket; `token`: in the handshake."""

    def __init__(self, s, face='tcp', token=None, protocol='baton.v1'):
        self.server, self.sock = s, s.connect(face)
        key = base64.b64encode(os.urandom(16)).decode()
        auth = f'Authorization: Bearer {token}\r\n' if token else ''
        self.sock.sendall(f'GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                          f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{auth}'
                          f'Sec-WebSocket-Protocol: {protocol}\r\n\r\n'.encode())
        self.buffer, self.code = b'', None
        while b'\r\n\r\n' not in self.buffer:
            part = self.sock.recv(65536)
            if not part:
                break
            self.buffer += part
        self.head, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        if self.head.startswith(b'HTTP/1.1 101 '):
            contract.begun(s, 'getStream', 101)

    def close(self):
        self.sock.close()

    def send(self, data, opcode=1):
        if len(data) < 126:
            head = bytes((0x80 | opcode, 0x80 | len(data)))
        else:
            size = 2 if len(data) < 65536 else 8
            head = bytes((0x80 | opcode, 0x80 | (126 if size == 2 else 127))) + len(data).to_bytes(size, 'big')
        self.sock.sendall(head + bytes(4) + data)

    def say(self, **message):
        contract.message(self.server, 'hear', message)
        self.say_wrong(message)

    def say_wrong(self, message):
        """What the document does not have."""
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
            contract.close_code(self.server, self.code)
            return None
        if opcode == 9:
            return self.hear()
        message = json.loads(data)
        contract.message(self.server, 'tell', message)
        return message

    def hear_op(self, op):
        """The next message but events, which must be that one."""
        while True:
            said = self.hear()
            if said is None or 'op' in said:
                break
        if said is None or said['op'] != op:
            raise AssertionError(f'{said}, {self.code} in the place of {op}')
        return said

    def hear_type(self, kind):
        """The next event of that type."""
        while True:
            said = self.hear()
            if said is None or said.get('type') == kind:
                return said


class Events:
    """Server-Sent Events, over the UNIX socket or with a token."""

    def __init__(self, s, query='', token=None, last=None):
        self.server = s
        self.connection = s.connection('tcp' if token else 'unix')
        headers = {'Accept': 'text/event-stream', **({'Authorization': 'Bearer ' + token} if token else {}),
                   **({'Last-Event-ID': last} if last else {})}
        self.connection.request('GET', '/v1/events' + query, headers=headers)
        self.answer = self.connection.getresponse()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.answer.close()
        self.connection.close()

    def next(self):
        """The next with data; None: it has ended."""
        kind, data = '', None
        for line in iter(self.answer.readline, b''):
            name, _, value = line.decode().rstrip('\n').partition(': ')
            if name == 'event':
                kind = value
            elif name == 'data':
                data = json.loads(value)
            elif not name and data is not None:
                said = contract.message(self.server, 'follow', data)
                if (said == 'problem') != (kind == 'problem') or (kind != 'problem' and kind != data['type']):
                    raise AssertionError(f'event: {kind} of {data}')
                return data
        return None

    def until(self, kind):
        """The next of that type."""
        while True:
            said = self.next()
            if said is None or said.get('type') == kind:
                return said


class Taker(http.server.ThreadingHTTPServer):
    """Takes what webhooks bring, in order."""

    daemon_threads = True

    def __init__(self, server):
        super().__init__(('127.0.0.1', 0), Hook)
        self.baton, self.got, self.faults, self.cond = server, [], [], threading.Condition()
        self.url = f'http://127.0.0.1:{self.server_address[1]}/hook'

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *why):
        self.shutdown()
        self.server_close()

    def wait(self, test):
        with self.cond:
            if not self.cond.wait_for(lambda: self.faults or test(self.got), SHORT):
                raise AssertionError(f'waited in vain; there is {[body for _, body in self.got]}')
            if self.faults:
                raise AssertionError(self.faults[0])
            return list(self.got)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        octets = self.rfile.read(int(self.headers['Content-Length'])).decode()
        form = self.headers['Content-Type'] == 'application/x-www-form-urlencoded'
        body = dict(urllib.parse.parse_qsl(octets)) if form else json.loads(octets)
        with self.server.cond:
            try:
                contract.message(self.server.baton, 'bring', body, dict(self.headers))
            except AssertionError as fault:
                self.server.faults.append(str(fault))
            self.server.got.append((dict(self.headers), body))
            self.server.cond.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass
