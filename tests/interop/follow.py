# SPDX-License-Identifier: Apache-2.0
"""Clients of the HTTP API that follow events: Server-Sent Events and WebSocket, over the UNIX
socket of the server. Each reads in a thread of its own and keeps what it was told, in order.
"""
import base64
import json
import os
import socket
import struct
import threading
import time

from lib import LONG, Failure, check

API = 'api: {{listen: ["unix:api.sock"]{more}}}\n'


def api(more=""):
    """The section of the configuration."""
    return API.format(more=more)


def connect(server, rcvbuf=None):
    sock = socket.socket(socket.AF_UNIX)
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(LONG)
    sock.connect(os.path.join(server.folder, "api.sock"))
    return sock


def read_head(sock):
    """Status, header fields, and what came behind them."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = sock.recv(65536)
        if not more:
            raise Failure(f"the API closed before its answer: {got!r}")
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
    return int(lines[0].split()[1]), fields, rest


def send(server, method, path, body, accept="application/json", **fields):
    """One request. @return the socket, on which the answer comes"""
    sock = connect(server)
    data = b"" if body is None else json.dumps(body).encode()
    extra = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items())
    kind = "Content-Type: application/json\r\n" if body is not None else ""
    sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                 f"Accept: {accept}\r\n{kind}{extra}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return sock


def receive(sock):
    """The answer. @return status, body as JSON (or None)"""
    status, answer, rest = read_head(sock)
    while True:
        more = sock.recv(65536)
        if not more:
            break
        rest += more
    sock.close()
    return status, json.loads(rest) if rest and "json" in answer.get("content-type", "") else None


def ask(server, method, path, body=None, accept="application/json", **fields):
    """One request and its answer. @return status, body as JSON (or None)"""
    return receive(send(server, method, path, body, accept, **fields))


class Follower(threading.Thread):
    """What it was told, in order: events as dicts in `events`, other words in `said`."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.events, self.said = [], []
        self.last = None  # the cursor to go on from
        self.cond = threading.Condition()
        self.closed = None  # why
        self.sock = None
        self.again = False  # comes again when it is over (`once`), and goes on where it was

    def told(self, event):
        with self.cond:
            self.events.append(event)
            self.last = event["sequence"]
            self.cond.notify_all()

    def follow(self):
        while True:
            try:
                self.once()
            except (OSError, Failure):
                if not self.again or self.closed:
                    raise
            if not self.again or self.closed:
                return
            time.sleep(0.02)

    def run(self):
        try:
            self.follow()
            why = "the end"
        except (OSError, Failure) as e:
            why = str(e) or repr(e)
        with self.cond:
            self.closed = self.closed or why
            self.cond.notify_all()

    def wait(self, test, what, limit=LONG, since=0):
        """The first event for which it is true."""
        end = time.monotonic() + limit
        with self.cond:
            while True:
                for event in self.events[since:]:
                    if test(event):
                        return event
                left = end - time.monotonic()
                if left <= 0:
                    kinds = [e["type"] for e in self.events[since:]]
                    raise Failure(f"waited {limit} s for {what}; there was {kinds[-20:]}, closed: {self.closed}")
                self.cond.wait(left)

    def wait_type(self, name, since=0, limit=LONG, **ids):
        """An event of CSTA by its short name."""
        return self.wait(lambda e: e["type"] == f"org.baton.csta.{name}.v1" and all(
            e["data"].get("ids", {}).get(k) == v for k, v in ids.items()), f"{name} {ids}", limit, since)

    def wait_said(self, test, what, limit=LONG):
        end = time.monotonic() + limit
        with self.cond:
            while True:
                for word in self.said:
                    if test(word):
                        return word
                left = end - time.monotonic()
                check(left > 0, f"waited {limit} s for {what}", (self.said[-5:], self.closed))
                self.cond.wait(left)

    def wait_closed(self, what, limit=LONG):
        self.join(limit)
        check(not self.is_alive(), f"waited {limit} s for the end of {what}")
        return self.closed

    def numbers(self):
        with self.cond:
            return [int(e["sequence"]) for e in self.events if not is_control(e)]

    def stop(self):
        with self.cond:
            self.closed = self.closed or "our own"
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join(10)
        self.sock.close()
        return self


def is_control(event):
    return event["type"] in ("org.baton.snapshot.v1", "org.baton.gap.v1")


class Sse(Follower):
    """GET /v1/events. `again`: comes again by itself, as an EventSource does."""

    def __init__(self, server, query="from=now", last=None, again=False):
        super().__init__(server)
        self.query, self.again = query, again
        self.last = last
        self.times = 0
        self.start()
        self.wait_said(lambda w: w == "open" or isinstance(w, int), "the stream to open")

    def say(self, word):
        with self.cond:
            self.said.append(word)
            self.cond.notify_all()

    def once(self):
        self.sock = connect(self.server)
        last = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        self.sock.sendall(f"GET /v1/events?{self.query} HTTP/1.0\r\nHost: localhost\r\n"
                          f"Accept: text/event-stream\r\n{last}\r\n".encode())
        status, fields, buffer = read_head(self.sock)
        if status != 200:
            self.say(status)
            raise Failure(f"status {status}")
        check(fields["content-type"].startswith("text/event-stream"), "no stream", fields)
        self.times += 1
        self.say("open")
        self.sock.settimeout(None)
        while True:
            while b"\n\n" in buffer:
                block, _, buffer = buffer.partition(b"\n\n")
                self.block(block.decode())
            more = self.sock.recv(65536)
            if not more:
                return
            buffer += more

    def block(self, text):
        fields = {}
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            if name:
                fields[name] = value[1:] if value.startswith(" ") else value
        if "data" in fields:
            event = json.loads(fields["data"])
            check(event["type"] == fields["event"] and event["sequence"] == fields["id"],
                  "an event of a stream", fields)
            self.told(event)
        elif "id" in fields:
            with self.cond:
                self.last = fields["id"]
                self.said.append({"op": "here", "sequence": fields["id"]})
                self.cond.notify_all()


class Ws(Follower):
    """GET /v1/stream. `again`: comes again and goes on where it was."""

    def __init__(self, server, start="now", filters=None, again=False, protocol="baton.v1"):
        super().__init__(server)
        self.start_from, self.filters, self.again, self.protocol = start, filters, again, protocol
        self.code = None
        self.times = 0
        self.opened = threading.Event()
        self.start()
        check(self.opened.wait(LONG), "the WebSocket did not open", self.closed)

    def send(self, msg):
        data = msg if isinstance(msg, bytes) else json.dumps(msg).encode()
        mask = os.urandom(4)
        n = len(data)
        head = bytes([0x81]) + (bytes([0x80 | n]) if n < 126 else
                                bytes([0x80 | 126]) + struct.pack("!H", n) if n < 65536 else
                                bytes([0x80 | 127]) + struct.pack("!Q", n))
        self.sock.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def subscribe(self, start, filters=None):
        msg = {"op": "subscribe", "from": start}
        if filters:
            msg["filter"] = filters
        self.send(msg)

    def once(self):
        self.sock = connect(self.server)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(f"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                          f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                          f"Sec-WebSocket-Version: 13\r\n"
                          f"Sec-WebSocket-Protocol: {self.protocol}\r\n\r\n".encode())
        status, _, buffer = read_head(self.sock)
        check(status == 101, "no WebSocket", status)
        self.times += 1
        if self.start_from is not None:
            self.subscribe(self.last or self.start_from, self.filters)
        self.opened.set()
        self.sock.settimeout(None)
        while True:
            buffer = self.frames(buffer)
            if buffer is None:
                return
            more = self.sock.recv(65536)
            if not more:
                return
            buffer += more

    def frames(self, b):
        while len(b) >= 2:
            n, at = b[1] & 0x7f, 2
            if n == 126 and len(b) >= 4:
                n, at = struct.unpack("!H", b[2:4])[0], 4
            elif n == 127 and len(b) >= 10:
                n, at = struct.unpack("!Q", b[2:10])[0], 10
            elif n >= 126:
                return b
            if len(b) < at + n:
                return b
            opcode, data, b = b[0] & 0x0f, b[at:at + n], b[at + n:]
            if opcode == 8:
                self.code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                return None
            if opcode == 9:
                self.sock.sendall(bytes([0x8a, 0x80 | len(data)]) + b"\0\0\0\0" + data)
            if opcode == 1:
                self.message(json.loads(data))
        return b

    def message(self, msg):
        if "specversion" in msg:
            self.told(msg)
            return
        with self.cond:
            if msg.get("sequence") and msg["op"] in ("subscribed", "heartbeat"):
                self.last = msg["sequence"]
            self.said.append(msg)
            self.cond.notify_all()
