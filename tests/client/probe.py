# SPDX-License-Identifier: Apache-2.0
"""tests/client/probe.c from Python, and servers that are none."""
import json
import queue
import socket
import subprocess
import threading
import time

MUTE = None
LONG = 30  # seconds for anything that should take none


class Probe:
    """with Probe(PROGRAM, url, token='…') as p: p.say('ask GET /v1/status'); p.next('answer')"""

    def __init__(self, program, url, **options):
        words = [f'{name}={value}' for name, value in options.items()]
        self.process = subprocess.Popen([program, url, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines, self.kept = queue.Queue(), []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        status = self.process.wait(LONG)
        self.reader.join(LONG)
        self.process.stdout.close()
        if kind is None and status != 0:
            raise AssertionError(f'the probe ended with {status}')

    def say(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()

    def next(self, name):
        """The next object that has that member: its value. Others are kept for later."""
        for i, o in enumerate(self.kept):
            if name in o:
                return self.kept.pop(i)[name]
        end = time.monotonic() + LONG
        while True:
            try:
                o = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f'no {name}; there was {self.kept}') from None
            if o is None:
                raise AssertionError(f'the probe has ended; no {name}')
            if name in o:
                return o[name]
            self.kept.append(o)

    def all(self, stop):
        """Whatever it says until `stop(object)`, in order."""
        got = []
        while not got or not stop(got[-1]):
            got.append(self.lines.get(timeout=LONG))
        return got

    def ask(self, text):
        self.say('ask ' + text)
        return self.next('answer')

    def events(self, stop):
        """Events until `stop(event)` is true, that one included."""
        got = []
        while not got or not stop(got[-1]):
            got.append(self.next('event'))
        return got


class Fake:
    """A server of HTTP that says what a test wants: script(n, request) -> octets, or None: hang up; n counts requests.

    `asked` has the requests. A script may give several octets one after the other, and MUTE: say nothing until the client, or the
    test, has had enough. The connection is closed behind them."""

    def __init__(self, script):
        self.script, self.asked, self.open, self.over = script, [], [], threading.Event()
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.socket.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(LONG)

    def paths(self):
        return [request.split(' ')[1] for request in self.asked]

    def until(self, test):
        """A request may still be on its way when who has sent it does not wait any more."""
        end = time.monotonic() + LONG
        while not test():
            if time.monotonic() > end:
                raise AssertionError(f'there was {self.paths()}')
            time.sleep(0.02)

    def accept(self):
        while not self.over.is_set():
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(s)
            thread = threading.Thread(target=self.serve, args=(s,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, s):
        with s, s.makefile('rb') as file:
            try:
                while True:
                    head = b''
                    while not head.endswith(b'\r\n\r\n'):
                        line = file.readline()
                        if not line:
                            return
                        head += line
                    text = head.decode()
                    length = [int(v.split(':')[1]) for v in text.split('\r\n') if v.lower().startswith('content-length:')]
                    body = file.read(length[0]) if length else b''
                    self.asked.append(text + body.decode())
                    said = self.script(len(self.asked), self.asked[-1])
                    if said is None:
                        return
                    if isinstance(said, bytes):
                        s.sendall(said)
                        continue
                    for part in said:
                        if part is MUTE:
                            self.over.wait(LONG)
                        else:
                            s.sendall(part)
                    return
            except OSError:
                return


def reply(status, body, *fields):
    text = json.dumps(body) if not isinstance(body, str) else body
    kind = 'application/problem+json' if status >= 400 else 'application/json'
    return '\r\n'.join([f'HTTP/1.1 {status} X', f'Content-Type: {kind}', f'Content-Length: {len(text)}', *fields, '', text]).encode()


EVENTS = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 2000\n\n'


def sse(number, kind='org.baton.csta.delivered.v1', **data):
    body = {'specversion': '1.0', 'id': str(number), 'sequence': str(number), 'type': kind, 'data': data}
    return f'id: {number}\ndata: {json.dumps(body)}\n\n'.encode()
