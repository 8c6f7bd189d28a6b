# SPDX-License-Identifier: Apache-2.0
"""TCP as it comes: octets one by one, several messages at once, ends in the middle.

Raw sockets, because no SIP program does this on purpose. After each the server must go on.
"""
import itertools
import re
import socket
import struct

from lib import IP, LONG, Failure, check, equal, scenario

COUNT = itertools.count(1)


def options(body="", length=None, extra=""):
    n = next(COUNT)
    return (f"OPTIONS sip:{IP}:5060 SIP/2.0\r\nVia: SIP/2.0/TCP {IP}:9;branch=z9hG4bKs{n};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:x@{IP}>;tag=a\r\nTo: <sip:{IP}>\r\n"
            f"Call-ID: stream-{n}\r\nCSeq: {n} OPTIONS\r\n{extra}"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n{body}").encode(), n


class Link:
    """A TCP connection to the server."""

    def __init__(self, server):
        self.sock = socket.create_connection((server.ip, server.port), LONG)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, octets):
        self.sock.sendall(octets)

    def more(self, what):
        try:
            got = self.sock.recv(65536)
        except TimeoutError:
            raise Failure(f"nothing came while we waited for {what}") from None
        except ConnectionResetError:
            got = b""
        self.buffer += got
        return bool(got)

    def answer(self, n):
        """The answer whose CSeq is n comes next. @return its status"""
        while b"\r\n\r\n" not in self.buffer.lstrip(b"\r\n"):
            check(self.more(f"the answer to {n}"), "the connection was closed")
        head, _, rest = self.buffer.lstrip(b"\r\n").partition(b"\r\n\r\n")
        length = int(re.search(rb"(?im)^content-length: *(\d+)", head).group(1))
        while len(rest) < length:
            check(self.more("a body"), "the connection was closed")
            rest = self.buffer.lstrip(b"\r\n").partition(b"\r\n\r\n")[2]
        self.buffer = rest[length:]
        equal(int(re.search(rb"(?m)^CSeq: (\d+)", head).group(1)), n, "the answer's CSeq")
        return int(head.split()[1])

    def closed(self):
        while self.more("the end of the connection"):
            pass

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def alive(server):
    link = Link(server)
    text, n = options()
    link.send(text)
    equal(link.answer(n), 200, "the server answers")
    link.sock.close()


@scenario
def stream_fragments(w):
    """One message in pieces of every size, and many in one piece."""
    s = w.server()
    link = Link(s)
    text, n = options(body="x" * 20)
    for i in range(len(text)):
        link.send(text[i:i + 1])
    equal(link.answer(n), 200, "octet by octet")
    for size in (2, 3, 7, 64, 200):
        text, n = options(body="y" * 300)
        for i in range(0, len(text), size):
            link.send(text[i:i + size])
        equal(link.answer(n), 200, f"in pieces of {size}")
    many = [options() for _ in range(20)]
    link.send(b"".join(text for text, _ in many))
    for _, n in many:
        equal(link.answer(n), 200, "many at once")
    first, n1 = options()
    second, n2 = options(body="z" * 100)
    link.send(first + second[:150])
    equal(link.answer(n1), 200, "one and a half")
    link.send(b"\r\n\r\n"[:0] + second[150:])
    equal(link.answer(n2), 200, "the other half")
    link.send(b"\r\n\r\n")
    while link.buffer != b"\r\n":
        check(link.more("the answer to a keep-alive"), "the connection was closed")
    link.buffer = b""
    text, n = options()
    link.send(b"\r\n" + text)
    equal(link.answer(n), 200, "after an empty line")


@scenario
def stream_ends_in_the_middle(w):
    """Resets and closes at every stage of a message; others notice nothing."""
    s = w.server()
    other = Link(s)
    for at in (1, 10, 60, 250, None):
        for how in ("reset", "close"):
            link = Link(s)
            text, _ = options(body="b" * 50)
            link.send(text[:at] if at else text[:-10])
            link.reset() if how == "reset" else link.sock.close()
    text, n = options()
    other.send(text)
    equal(other.answer(n), 200, "another connection")
    link = Link(s)  # asked, then only our side is closed: the answer still comes
    text, n = options()
    link.send(text)
    link.sock.shutdown(socket.SHUT_WR)
    equal(link.answer(n), 200, "half-closed")
    link.closed()
    alive(s)


@scenario
def stream_that_is_none(w):
    """What cannot be framed is answered when that is possible, and the connection closed."""
    s = w.server()
    for octets in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01" * 30,
                   b"\x00" * 70000, options(length="many")[0], options(length="99999999")[0],
                   options(extra="X: " + "a" * 70000 + "\r\n")[0]):
        link = Link(s)
        try:
            link.send(octets)
            link.closed()
        except (BrokenPipeError, ConnectionResetError):
            pass
        alive(s)
    link = Link(s)  # malformed, but framed: a 400, and the connection stays
    text, n = options(extra="Max-Forwards: 70\r\nMax-Forwards: x\r\n")
    link.send(text)
    equal(link.answer(n), 400, "malformed")
    text, n = options()
    link.send(text)
    equal(link.answer(n), 200, "the next one")


@scenario
def stream_full_of_idlers(w):
    """When all connections are taken, one that was silent for long makes room."""
    s = w.server(extra="limits: {connections: 4}\nnetwork: {evict_s: 1}\n")
    idle = [Link(s) for _ in range(4)]
    for link in idle:
        text, n = options()
        link.send(text)
        equal(link.answer(n), 200, "an early one")
    s.wait_message(lambda m: True, "anything")
    end = 50
    while True:
        try:
            alive(s)
            break
        except (Failure, OSError):
            end -= 1
            check(end > 0, "a newcomer never gets in")
            with s.cond:
                s.cond.wait(0.1)
