# SPDX-License-Identifier: Apache-2.0
"""Servers that are found by DNS (RFC 3263): a real name server (nsd) with a zone of ours, a caller
that is a trusted peer, and gateways behind the names, which note every request that they get.
"""
import os
import re
import socket
import threading
import time

from lib import IP, LONG, Failure, Process, check, equal, scenario

ZONE = """\
$ORIGIN example.net.
$TTL 2
@ SOA ns.example.net. root.example.net. 1 3600 600 86400 2
@ NS ns.example.net.
ns A 127.0.0.1
gw A 192.0.2.2

naptr NAPTR 10 10 "s" "SIP+D2W" "" _sips._ws.naptr
naptr NAPTR 20 20 "s" "SIP+D2U" "" _sip._udp.naptr
naptr NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.naptr
_sip._udp.naptr SRV 1 1 5301 gw
_sip._tcp.naptr SRV 1 1 5302 gw

_sip._udp.two SRV 1 1 5301 gw
_sip._udp.two SRV 2 1 5302 gw

_sip._tcp.dead SRV 1 1 5399 gw
_sip._tcp.dead SRV 2 1 5302 gw

_sip._udp.even SRV 1 10 5301 gw
_sip._udp.even SRV 1 10 5302 gw

dual AAAA ::1
dual A 192.0.2.2

plain A 192.0.2.2
"""

NSD = """\
server:
  ip-address: 127.0.0.1@5353
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: ""
  zonelistfile: "{folder}/zone.list"
  verbosity: 1
remote-control:
  control-enable: no
zone:
  name: example.net
  zonefile: example.net.zone
"""

CONFIG = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}", "udp:[::1]:{port}", "tcp:[::1]:{port}"]
domains: [example.com]
devices:
{devices}
peers:
  - {{name: caller, uri: "sip:{ip}:5190", trusted: true, numbers: ["0*"]}}
  - {{name: naptr, uri: "sip:naptr.example.net", numbers: ["1*"]}}
  - {{name: two, uri: "sip:two.example.net", numbers: ["2*"]}}
  - {{name: dead, uri: "sip:dead.example.net;transport=tcp", numbers: ["3*"]}}
  - {{name: even, uri: "sip:even.example.net", numbers: ["4*"]}}
  - {{name: dual, uri: "sip:dual.example.net:5302;transport=tcp", numbers: ["5*"]}}
  - {{name: none, uri: "sip:nobody.example.net", numbers: ["6*"]}}
log: {{level: debug, sip_trace: {trace}}}
network:
  dns_servers: ["127.0.0.1:5353"]
  dns_timeout_ms: 2000
  dns_tries: 2
  resolve_min_s: 1
"""

SDP = ("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
       "m=audio 4000 RTP/AVP 0\r\n")


class NameServer(Process):
    """nsd with ZONE; it stops when it is told, as a name server that is out of order."""

    expected = (0, -9, -15)

    def __init__(self, folder):
        config = os.path.join(folder, "nsd.conf")
        with open(os.path.join(folder, "example.net.zone"), "w", encoding="utf-8") as f:
            f.write(ZONE)
        with open(config, "w", encoding="utf-8") as f:
            f.write(NSD.format(folder=folder))
        super().__init__("nsd", ["nsd", "-d", "-c", config])

    def ready(self):
        question = (b"\x12\x34\0\0\0\1\0\0\0\0\0\0\2gw\7example\3net\0\0\1\0\1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            end = time.monotonic() + LONG
            while time.monotonic() < end:
                check(self.running(), "the name server runs", self.text())
                try:
                    s.sendto(question, ("127.0.0.1", 5353))
                    if s.recv(512)[7] == 1:
                        return self
                except OSError:
                    pass
        raise Failure("the name server does not answer")


def header(text, name):
    m = re.search(rf"(?im)^{name}:[ \t]*(.*?)\r?$", text)
    return m.group(1) if m else ""


class Gateway:
    """Answers over UDP and TCP on one port: `answer` is a status, None is silence."""

    def __init__(self, port, answer=200, lines=""):
        self.port, self.answer, self.lines = port, answer, lines
        self.requests = []
        self.cond = threading.Condition()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((IP, port))
        self.tcp = socket.create_server((IP, port))
        self.open = [self.udp, self.tcp]
        threading.Thread(target=self._datagrams, daemon=True).start()
        threading.Thread(target=self._connections, daemon=True).start()

    def _datagrams(self):
        while True:
            try:
                data, who = self.udp.recvfrom(65536)
            except OSError:
                return
            if who is None:
                return  # shut down
            for answer in self._on(data.decode(), "UDP"):
                self.udp.sendto(answer.encode(), who)

    def _connections(self):
        while True:
            try:
                one, _ = self.tcp.accept()
            except OSError:
                return
            self.open.append(one)
            threading.Thread(target=self._stream, args=(one,), daemon=True).start()

    def _stream(self, sock):
        data = ""
        while True:
            try:
                got = sock.recv(65536)
            except OSError:
                return
            if not got:
                return
            data += got.decode()
            while "\r\n\r\n" in data:
                head, rest = data.split("\r\n\r\n", 1)
                n = int(header(head, "Content-Length") or 0)
                if len(rest) < n:
                    break
                data = rest[n:]
                for answer in self._on(head + "\r\n\r\n" + rest[:n], "TCP"):
                    sock.sendall(answer.encode())

    def _on(self, text, transport):
        method = text.split(" ", 1)[0]
        with self.cond:
            self.requests.append((method, transport, text))
            self.cond.notify_all()
        status = 200 if method == "BYE" else self.answer
        if method == "ACK" or status is None or method.startswith("SIP/2.0"):
            return []
        kept = "".join(line + "\r\n" for line in text.split("\r\n\r\n")[0].split("\r\n")[1:]
                       if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line))
        body = SDP if status == 200 and method == "INVITE" else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return [f"SIP/2.0 {status} Said so\r\n{kept}To: {header(text, 'To')};tag=g{self.port}\r\n"
                f"Contact: <sip:{IP}:{self.port};transport={transport.lower()}>\r\n{self.lines}"
                f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"]

    def count(self, method):
        """How many different ones, repetitions left out."""
        with self.cond:
            return len({header(r[2], "Via") for r in self.requests if r[0] == method})

    def wait(self, method, n=1, limit=LONG):
        end = time.monotonic() + limit
        with self.cond:
            while sum(r[0] == method for r in self.requests) < n:
                left = end - time.monotonic()
                check(left > 0, f"gateway {self.port} waited {limit} s for {method}")
                self.cond.wait(left)
            return [r for r in self.requests if r[0] == method][n - 1]

    def _shut(self, sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def stop_tcp(self):
        self._shut(self.open[1:])

    def close(self):
        self._shut(self.open)


class Caller:
    """The trusted peer: one call after the other."""

    def __init__(self, server):
        self.server = server
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((IP, 5190))
        self.n = 0

    def _send(self, method, number, tag, cseq, body=""):
        kind = "Content-Type: application/sdp\r\n" if body else ""
        branch = f"z9hG4bKc{self.n}{method if method == 'BYE' else ''}"
        self.sock.sendto((f"{method} sip:{number}@example.com SIP/2.0\r\n"
                          f"Via: SIP/2.0/UDP {IP}:5190;branch={branch}\r\nMax-Forwards: 70\r\n"
                          f"From: <sip:0@example.com>;tag=c\r\nTo: <sip:{number}@example.com>{tag}"
                          f"\r\nCall-ID: dns-{self.n}\r\nCSeq: {cseq} {method}\r\n"
                          f"Contact: <sip:{IP}:5190>\r\n{kind}Content-Length: {len(body)}"
                          f"\r\n\r\n{body}").encode(), (self.server.ip, self.server.port))

    def _final(self, cseq, end):
        """The final answer to the request with that CSeq."""
        while True:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                text = self.sock.recv(65536).decode()
            except TimeoutError:
                raise Failure(f"no answer to {cseq} of call {self.n}") from None
            if (text.startswith("SIP/2.0") and header(text, "Call-ID") == f"dns-{self.n}"
                    and header(text, "CSeq") == cseq and int(text.split(" ", 2)[1]) >= 200):
                return text

    def call(self, number, body=SDP):
        """Status of a call that is hung up at once: sooner than any transaction times out."""
        self.n += 1
        end = time.monotonic() + 20
        self._send("INVITE", number, "", 1, body)
        text = self._final("1 INVITE", end)
        status = int(text.split(" ", 2)[1])
        tag = ";" + header(text, "To").split(">;", 1)[1]
        self._send("ACK", number, tag, 1)
        if status == 200:
            self._send("BYE", number, tag, 2)
            self._final("2 BYE", time.monotonic() + LONG)
        return status

    def close(self):
        self.sock.close()


class Zone:
    """All of it: name server, server, two gateways, caller."""

    def __init__(self, w, first=200, second=200, lines="", extra="", name_server=True):
        self.nsd = w.add(NameServer(w.folder)) if name_server else None
        self.server = w.server(template=CONFIG, extra=extra)
        self.one = Gateway(5301, first, lines)
        self.two = Gateway(5302, second)
        self.caller = Caller(self.server)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for it in (self.one, self.two, self.caller):
            it.close()


@scenario
def dns_naptr_and_srv(w):
    """The most preferred way that we can go: TCP, at the port of its SRV record."""
    with Zone(w) as z:
        equal(z.caller.call("1234"), 200, "the call")
        _, transport, text = z.two.wait("INVITE")
        equal(transport, "TCP", "the transport")
        check(header(text, "Via").startswith("SIP/2.0/TCP "), "Via says so", text)
        check("transport=tcp" in header(text, "Contact").lower(), "Contact says so", text)
        check(text.startswith("INVITE sip:1234@naptr.example.net SIP/2.0"), "Request-URI", text)
        equal(z.two.wait("ACK")[1], "TCP", "ACK goes there as well")
        z.two.wait("BYE")
        equal(z.one.count("INVITE"), 0, "calls at the other one")


@scenario
def dns_answers_are_kept(w):
    """The second call needs no name server, and a longer time after the TTL neither."""
    with Zone(w) as z:
        equal(z.caller.call("2234"), 200, "the call")
        z.nsd.end()
        equal(z.caller.call("2234"), 200, "the call without a name server")
        end = time.monotonic() + 2.5  # beyond the TTL, with what was known before
        calls = 2
        while time.monotonic() < end:
            equal(z.caller.call("2234"), 200, "a call without a name server")
            calls += 1
        equal(z.one.count("INVITE"), calls, "calls at the first server")


@scenario
def dns_next_server_after_503(w):
    """The caller hears 200; the 503 is acknowledged; the next call begins with the second one."""
    with Zone(w, first=503) as z:
        equal(z.caller.call("2234"), 200, "the call")
        z.one.wait("ACK")
        z.two.wait("BYE")
        equal(z.caller.call("2234"), 200, "the second call")
        equal(z.one.count("INVITE"), 1, "calls at the one that refuses")
        equal(z.two.count("INVITE"), 2, "calls at the other one")


@scenario
def dns_blacklist_heals(w):
    with Zone(w, first=503, extra="  blacklist_s: 4\n") as z:
        equal(z.caller.call("2234"), 200, "the call")
        z.one.answer = 200
        equal(z.caller.call("2234"), 200, "the second call")
        equal(z.one.count("INVITE"), 1, "calls at the one that has refused")
        end = time.monotonic() + LONG
        while z.one.count("INVITE") == 1 and time.monotonic() < end:
            equal(z.caller.call("2234"), 200, "a call")
            time.sleep(0.2)
        equal(z.one.count("INVITE"), 2, "calls at the one that has refused, later")


@scenario
def dns_all_refuse(w):
    with Zone(w, first=503, second=503) as z:
        equal(z.caller.call("2234"), 503, "the call")
        equal(z.caller.call("2234"), 503, "the second call")
        check(z.one.count("INVITE") + z.two.count("INVITE") >= 3, "the least bad one is tried")


@scenario
def dns_next_server_after_silence(w):
    with Zone(w, first=None, extra="timers: {t1_ms: 50, t2_ms: 100}\n") as z:
        begin = time.monotonic()
        equal(z.caller.call("2234"), 200, "the call")
        check(time.monotonic() - begin >= 3.1, "not before 64 T1", time.monotonic() - begin)
        equal(z.caller.call("2234"), 200, "the second call")
        equal(z.one.count("INVITE"), 1, "the second call does not wait for who is silent")


@scenario
def dns_dead_first_target(w):
    """Nobody listens at the first one: refused connections are noticed at once."""
    with Zone(w) as z:
        equal(z.caller.call("3234"), 200, "the call")
        equal(z.two.wait("INVITE")[1], "TCP", "the transport")
        z.server.wait("cannot be connected: connection refused", what="the first attempt")


@scenario
def dns_weights(w):
    """Equal weights: of 40 calls each has a good part (fewer than five: once in 10^7 runs)."""
    with Zone(w, first=486, second=486) as z:
        for _ in range(40):
            equal(z.caller.call("4234"), 486, "the call")
        equal(z.one.count("INVITE") + z.two.count("INVITE"), 40, "all calls")
        check(5 <= z.one.count("INVITE") <= 35, "the first one's part", z.one.count("INVITE"))


@scenario
def dns_both_families(w):
    """AAAA first, where nobody listens, then A."""
    with Zone(w) as z:
        equal(z.caller.call("5234"), 200, "the call")
        equal(z.two.wait("INVITE")[1], "TCP", "the transport")
        z.server.wait(r"\[::1\]:5302: cannot be connected: connection refused", what="the first attempt")


@scenario
def dns_no_such_name(w):
    with Zone(w) as z:
        equal(z.caller.call("6234"), 503, "the call")


@scenario
def dns_no_name_server(w):
    with Zone(w, name_server=False) as z:
        equal(z.caller.call("2234"), 503, "the call")
        equal(z.one.count("INVITE"), 0, "calls at the gateway")


PROBED = """\
  - {{name: watched, uri: "sip:two.example.net", numbers: ["7*"], probe_s: 1, max_calls: 1}}
"""


@scenario
def dns_probes(w):
    """A peer with servers behind a name is down when all of them say so, and comes back."""
    template = CONFIG.replace("log:", PROBED + "log:", 1)
    w.add(NameServer(w.folder))
    server = w.server(template=template, extra="  blacklist_s: 1\n")
    one, two, caller = Gateway(5301, 503), Gateway(5302, 503), Caller(server)
    try:
        server.wait(r"peers: watched is down: it answered 503")
        before = one.count("INVITE") + two.count("INVITE")
        equal(caller.call("7234"), 503, "a call while it is down")
        equal(one.count("INVITE") + two.count("INVITE"), before, "INVITEs")
        mark = server.mark()
        two.answer = 404
        server.wait(r"peers: watched is up: it answered 404", since=mark)
        two.answer = one.answer = 200
        equal(caller.call("7234"), 200, "a call when it is up again")
        equal(caller.call("7234"), 200, "and another, when the first one has ended")
    finally:
        for it in (one, two, caller):
            it.close()


@scenario
def dns_large_request(w):
    """More than 1300 octets: over TCP to the same address, over UDP where nobody listens."""
    with Zone(w) as z:
        z.server.end()
        server = w.server(template=CONFIG.replace("name: two, uri: \"sip:two.example.net\"",
                                                  "name: two, uri: \"sip:192.0.2.2:5301\""))
        z.caller.server = server
        small = z.caller.call("2234")
        equal((small, z.one.wait("INVITE")[1]), (200, "UDP"), "the small one")
        large = SDP + "a=x:" + 1300 * "y" + "\r\n"
        equal(z.caller.call("2235", large), 200, "the large one")
        _, transport, text = z.one.wait("INVITE", 2)
        equal(transport, "TCP", "its transport")
        check(header(text, "Via").startswith("SIP/2.0/TCP "), "its Via", text)
        z.one.stop_tcp()
        equal(z.caller.call("2236", large), 200, "the large one without TCP")
        equal(z.one.wait("INVITE", 3)[1], "UDP", "its transport")
