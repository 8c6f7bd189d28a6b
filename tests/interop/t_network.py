# SPDX-License-Identifier: Apache-2.0
"""Where the packets go: IPv6, and phones behind NAT, whose Contact nobody can reach."""
import re
import signal
import socket

from lib import LONG, Failure, check, equal, scenario
from t_application import HEX, TEXT, order


def over_ipv6(w, transport):
    """The main job with every address in brackets."""
    s = w.server(ip="[::1]")
    a = w.phone(1001, s, transport=transport)
    b = w.phone(1002, s, transport=transport)
    app = w.csta(s, transport=transport)
    app.done("monitor 1001 1002")
    since = app.mark()
    app.done(f"make-call 1001 1002 --user-text '{TEXT}'")
    equal([u["text"] for u in b.event("incoming")["uui"]], [TEXT], "the context at 1002")
    equal(app.event("Delivered", "1002", since)["userData"], {"hex": HEX, "text": TEXT},
          "the context in Delivered")
    app.done("answer 1002")
    b.event("established")
    app.event("Established", "1001", since)
    app.done("hold 1001")
    b.event("held-by-peer")
    app.done("retrieve 1001")
    app.done("clear 1001")
    a.event("ended")
    b.event("bye")
    order(app, "1002", "Delivered", "Established", "Held", "Retrieved", "ConnectionCleared")
    for m in s.messages():
        check(m["remote"].startswith("[::1]:"), "an address of IPv6", m["remote"])


@scenario
def network_ipv6_udp(w):
    over_ipv6(w, "udp")


@scenario
def network_ipv6_tcp(w):
    over_ipv6(w, "tcp")


class Behind:
    """A phone that believes to be 10.9.9.9:7777, a place from which nothing ever comes back."""

    def __init__(self, server, kind):
        self.transport = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.settimeout(LONG)
        self.sock.connect((server.ip, server.port))

    def register(self, number, cseq):
        self.sock.sendall(
            (f"REGISTER sip:example.com SIP/2.0\r\n"
             f"Via: SIP/2.0/{self.transport} 10.9.9.9:7777;rport;branch=z9hG4bKn{cseq}\r\n"
             f"Max-Forwards: 70\r\nFrom: <sip:{number}@example.com>;tag=n\r\n"
             f"To: <sip:{number}@example.com>\r\nCall-ID: behind\r\nCSeq: {cseq} REGISTER\r\n"
             f"Contact: <sip:{number}@10.9.9.9:7777;transport={self.transport.lower()}>\r\n"
             f"Expires: 60\r\nContent-Length: 0\r\n\r\n").encode())
        return self.read()

    def read(self):
        try:
            return self.sock.recv(65536).decode()
        except TimeoutError:
            raise Failure("nothing came to the phone behind NAT") from None


def behind_nat(w, kind):
    """Registered with an unreachable Contact: the call comes on the flow that it opened."""
    s = w.server(template=OPEN)
    phone = Behind(s, kind)
    answer = phone.register(1001, 1)
    check(answer.startswith("SIP/2.0 200"), "registered", answer)
    port = phone.sock.getsockname()[1]
    via = re.search(r"(?m)^Via: (.*)\r$", answer).group(1)
    check(f"rport={port}" in via and f"received={s.ip}" in via, "rport and received", via)
    caller = w.phone(1002, s)
    caller.say("call sip:1001@example.com 04C8")
    invite = phone.read()
    check(invite.startswith("INVITE sip:1001@10.9.9.9:7777"), "the INVITE", invite[:80])
    check("User-to-User: 04C8" in invite, "with its context", invite)
    lines = invite.split("\r\n")
    kept = [x for x in lines[1:] if re.match("(Via|From|To|Call-ID|CSeq):", x)]
    phone.sock.sendall("\r\n".join(
        ["SIP/2.0 486 Busy Here"] + [x + ";tag=n" if x.startswith("To:") else x for x in kept] +
        ["Content-Length: 0", "", ""]).encode())
    check(phone.read().startswith("ACK sip:1001@10.9.9.9:7777"), "the ACK, on the same way")
    equal(caller.event("refused")["status"], 486, "what the caller hears")


# The address of this machine is a trusted peer, so that the phone needs no digest here.
OPEN = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
{devices}
peers:
  - {{name: neighbours, uri: "sip:{ip}", trusted: true}}
log: {{level: debug, sip_trace: {trace}}}
"""


@scenario
def network_behind_nat_udp(w):
    behind_nat(w, socket.SOCK_DGRAM)


@scenario
def network_behind_nat_tcp(w):
    behind_nat(w, socket.SOCK_STREAM)


@scenario
def network_limits_as_configured(w):
    """What the file allows is answered; one octet or line more is refused, and said why."""
    s = w.server(extra="limits: {message: 2000, headers: 20, uri: 100}\n")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(LONG)
    sock.connect((s.ip, s.port))

    def ask(n, uri="sip:example.com", lines=0, size=0):
        head = (f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {s.ip}:9;rport;branch=z9hG4bKl{n}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:x@example.com>;tag=l\r\nTo: <sip:example.com>\r\n"
                f"Call-ID: limit-{n}\r\nCSeq: {n} OPTIONS\r\n")
        head += "".join(f"X-{i}: 1\r\n" for i in range(lines - 7)) + "Content-Length: "
        left = size - len(head) - len("NNNN\r\n\r\n")
        body = "b" * max(left, 0)
        sock.sendall(f"{head}{len(body):04}\r\n\r\n{body}".encode())
        return sock.recv(65536).decode()

    uri = "sip:" + "a" * 84 + "@example.com"
    equal(len(uri), 100, "the length of the URI")
    for n, given, status, says in (
            (1, {"size": 2000}, "200", ""), (2, {"size": 2001}, "513", "Message too large"),
            (3, {"lines": 20}, "200", ""), (4, {"lines": 21}, "513", "Too many header lines"),
            (5, {"uri": uri}, "40", ""), (6, {"uri": "sip:a" + uri[4:]}, "414", "too long")):
        got = ask(n, **given)
        check(got.startswith("SIP/2.0 " + status) and says in got, f"{given}", got)
    s.child.send_signal(signal.SIGUSR1)
    s.wait(r"sip_malformed=3\b", what="the counter")
