# SPDX-License-Identifier: Apache-2.0
"""TLS and WebSocket: other people's TLS, and a WebSocket written by hand."""
import base64
import hashlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess

from lib import LONG, Failure, check, equal, scenario

# The address of this machine is a trusted peer, so that phones without digest may register.
OPEN = """\
listen: ["udp:{ip}:{port}", "tls:{ip}:5061", "ws:{ip}:5080", "wss:{ip}:5443"]
domains: [example.com]
tls: {{certificates: [{{cert: server.pem, key: server.key}}]}}
websocket: {{path: /sip, origins: ["https://phone.example.com"]}}
devices:
{devices}
peers:
  - {{name: neighbours, uri: "sip:{ip}", trusted: true}}
log: {{level: debug, sip_trace: {trace}}}
"""


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, cn, san):
    """A key and a certificate that signed itself: NAME.key, NAME.pem."""
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-keyout", name + ".key", "-out", name + ".pem",
            "-subj", "/CN=" + cn, "-addext", "subjectAltName=" + san)


def secure_server(w, template=OPEN):
    certificate(w.folder, "server", "first", f"DNS:example.com,IP:192.0.2.2")
    s = w.server(template=template)
    s.ports = {"tls": 5061}
    return s


class Stream:
    """A phone on a socket, whichever: says SIP, reads SIP."""

    transport = "TLS"

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(LONG)
        self.buffer = b""

    def send(self, text):
        self.sock.sendall(text.encode())

    def octets(self, n):
        while len(self.buffer) < n:
            try:
                got = self.sock.recv(65536)
            except TimeoutError:
                raise Failure(f"nothing came over {self.transport}") from None
            if not got:
                raise Failure(f"the server closed {self.transport}")
            self.buffer += got
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def until(self, end):
        got = b""
        while not got.endswith(end):
            got += self.octets(1)
        return got

    def read(self):
        head = self.until(b"\r\n\r\n").decode()
        length = int(re.search(r"(?im)^content-length: *(\d+)", head).group(1))
        return head + self.octets(length).decode()

    def register(self, number, cseq=1):
        self.send(
            f"REGISTER sip:example.com SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.transport} df7jal23ls0d.invalid;branch=z9hG4bKr{cseq}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{number}@example.com>;tag=n\r\n"
            f"To: <sip:{number}@example.com>\r\nCall-ID: over-{self.transport}\r\n"
            f"CSeq: {cseq} REGISTER\r\n"
            f"Contact: <sip:{number}@df7jal23ls0d.invalid;transport={self.transport.lower()}>\r\n"
            f"Expires: 60\r\nContent-Length: 0\r\n\r\n")
        return self.read()

    def refuse(self, invite):
        kept = [x for x in invite.split("\r\n")[1:]
                if re.match("(Via|From|To|Call-ID|CSeq|Record-Route):", x)]
        self.send("\r\n".join(
            ["SIP/2.0 486 Busy Here"] +
            [x + ";tag=n" if x.startswith("To:") else x for x in kept] +
            ["Content-Length: 0", "", ""]))


class WebSocket(Stream):
    """The client's side of RFC 6455, as far as it is needed."""

    def __init__(self, sock, transport):
        super().__init__(sock)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((
            f"GET /sip HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Origin: https://phone.example.com\r\nSec-WebSocket-Protocol: sip\r\n\r\n").encode())
        answer = self.until(b"\r\n\r\n").decode()
        check(answer.startswith("HTTP/1.1 101 "), "the upgrade", answer)
        want = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        check(f"Sec-WebSocket-Accept: {want}\r\n" in answer, "the proof", answer)
        check("Sec-WebSocket-Protocol: sip\r\n" in answer, "the protocol", answer)

    def frame(self, first, payload):
        mask = os.urandom(4)
        n = len(payload)
        head = bytes([first, 0x80 | n]) if n < 126 else struct.pack(">BBH", first, 0xFE, n)
        self.sock.sendall(head + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(payload)))

    def send(self, text):
        # no Content-Length is needed here (RFC 7118 section 5), so none is sent
        raw = text.replace("Content-Length: 0\r\n", "").encode()
        self.frame(0x01, raw[:10])  # in two fragments
        self.frame(0x80, raw[10:])

    def read_frame(self):
        first, n = self.octets(2)
        if n == 126:
            n = struct.unpack(">H", self.octets(2))[0]
        return first, self.octets(n)

    def read(self):
        first, payload = self.read_frame()
        equal(first, 0x81, "a text frame")
        return payload.decode()


def tls_socket(w, s, port, name="example.com", ca="server.pem"):
    context = ssl.create_default_context(cafile=os.path.join(w.folder, ca))
    return context.wrap_socket(socket.create_connection((s.ip, port), LONG), server_hostname=name)


def called_with_context(w, s, phone):
    """Register it, call it from UDP with User-to-User, let it refuse."""
    answer = phone.register(1001)
    check(answer.startswith("SIP/2.0 200"), "registered", answer)
    caller = w.phone(1002, s)
    caller.say("call sip:1001@example.com 04C8")
    invite = phone.read()
    check(invite.startswith("INVITE sip:1001@df7jal23ls0d.invalid"), "the INVITE", invite[:80])
    check("User-to-User: 04C8" in invite, "with its context", invite)
    via = re.search(r"(?m)^Via: (.*)\r$", invite).group(1)
    check(via.startswith(f"SIP/2.0/{phone.transport} {s.ip}:"), "our Via", via)
    phone.refuse(invite)
    check(phone.read().startswith("ACK sip:1001@"), "the ACK, on the same way")
    equal(caller.event("refused")["status"], 486, "what the caller hears")


@scenario
def transport_tls(w):
    s = secure_server(w)
    called_with_context(w, s, Stream(tls_socket(w, s, 5061)))


@scenario
def transport_websocket(w):
    s = secure_server(w)
    phone = WebSocket(socket.create_connection((s.ip, 5080), LONG), "WS")
    called_with_context(w, s, phone)
    phone.frame(0x89, b"ping")
    equal(phone.read_frame(), (0x8A, b"ping"), "the pong")
    phone.frame(0x88, struct.pack(">H", 1000))
    equal(phone.read_frame(), (0x88, struct.pack(">H", 1000)), "the goodbye")


@scenario
def transport_websocket_secure(w):
    s = secure_server(w)
    called_with_context(w, s, WebSocket(tls_socket(w, s, 5443), "WSS"))


@scenario
def transport_websocket_of_strangers(w):
    """A page of somebody else does not get in."""
    s = secure_server(w)
    sock = Stream(socket.create_connection((s.ip, 5080), LONG))
    sock.send("GET /sip HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
              "Origin: https://evil.example\r\nSec-WebSocket-Protocol: sip\r\n\r\n")
    check(sock.until(b"\r\n").startswith(b"HTTP/1.1 403 "), "403")


@scenario
def transport_tls_reload(w):
    """New certificates on SIGHUP; a bad file changes nothing; connections stay."""
    s = secure_server(w)
    old = Stream(tls_socket(w, s, 5061))
    check(old.register(1001, 1).startswith("SIP/2.0 200"), "registered")
    certificate(w.folder, "next", "second", "DNS:example.com")
    for kind in ("pem", "key"):
        os.replace(os.path.join(w.folder, f"next.{kind}"),
                   os.path.join(w.folder, f"server.{kind}"))
    since = s.mark()
    s.child.send_signal(signal.SIGHUP)
    s.wait("taken over", since)
    young = tls_socket(w, s, 5061)
    equal(dict(x[0] for x in young.getpeercert()["subject"])["commonName"], "second",
          "the new certificate")
    check(old.register(1001, 2).startswith("SIP/2.0 200"), "registered on the old connection")
    with open(os.path.join(w.folder, "server.key"), "w", encoding="utf-8") as f:
        f.write("nonsense\n")
    since = s.mark()
    s.child.send_signal(signal.SIGHUP)
    s.wait(r"error server: tls: key .*server\.key", since)
    again = tls_socket(w, s, 5061)
    check(again.version() in ("TLSv1.2", "TLSv1.3"), "served as before", again.version())


# A peer that is known by its certificate, both when it calls and when it is called.
TRUNK = """\
listen: ["udp:{ip}:{port}", "tls:{ip}:5061"]
domains: [example.com]
tls: {{certificates: [{{cert: server.pem, key: server.key}}], ca: trunk.pem, verify_client: request}}
devices:
{devices}
peers:
  - {{name: trunk, uri: "sip:{ip}:5071;transport=tls", tls_name: trunk.example, trusted: true,
     numbers: ["9*"]}}
  - {{name: neighbours, uri: "sip:{ip}", trusted: true}}
log: {{level: debug, sip_trace: {trace}}}
"""


def trunk_server(w, name="trunk.example"):
    certificate(w.folder, "trunk", "trunk", "URI:sip:" + name)
    return secure_server(w, TRUNK.replace('  - {{name: neighbours, uri: "sip:{ip}", trusted: '
                                          'true}}\n', ""))


@scenario
def transport_tls_peer_calls(w):
    """Whoever shows the trunk's certificate needs no password; others do."""
    s = trunk_server(w)
    for name, shown, status in (("stranger", None, 401), ("itself", "trunk", 200),
                                ("another", "server", 401)):
        context = ssl.create_default_context(cafile=os.path.join(w.folder, "server.pem"))
        if shown:
            context.load_cert_chain(*(os.path.join(w.folder, f"{shown}.{x}")
                                      for x in ("pem", "key")))
        phone = Stream(context.wrap_socket(socket.create_connection((s.ip, 5061), LONG),
                                           server_hostname="example.com"))
        answer = phone.register(1001)
        check(answer.startswith(f"SIP/2.0 {status} "), name, answer)


def trunk_listens(w):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*(os.path.join(w.folder, f"trunk.{x}") for x in ("pem", "key")))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(os.path.join(w.folder, "server.pem"))
    listener = socket.create_server(("192.0.2.2", 5071))
    listener.settimeout(LONG)
    return context, listener


@scenario
def transport_tls_peer_is_called(w):
    """A call to the trunk goes over TLS, with names sent and certificates shown both ways."""
    s = trunk_server(w)
    context, listener = trunk_listens(w)
    asked = []
    context.sni_callback = lambda sock, name, c: asked.append(name)
    caller = w.phone(1002, s)
    caller.say("call sip:911@example.com 04C8")
    sock, _ = listener.accept()
    trunk = Stream(context.wrap_socket(sock, server_side=True))
    invite = trunk.read()
    check(invite.startswith("INVITE sip:911@192.0.2.2:5071"), "the INVITE", invite[:80])
    check("User-to-User: 04C8" in invite, "with its context", invite)
    check("Via: SIP/2.0/TLS 192.0.2.2:5061" in invite, "our Via", invite)
    check(";transport=tls>" in invite, "our Contact", invite)
    equal(asked, ["trunk.example"], "whom Baton asked for")
    equal(trunk.sock.getpeercert()["subject"][0][0], ("commonName", "first"), "who Baton is")
    trunk.refuse(invite)
    check(trunk.read().startswith("ACK sip:911@"), "the ACK")
    equal(caller.event("refused")["status"], 486, "what the caller hears")


@scenario
def transport_tls_wrong_peer(w):
    """A server at the trunk's address that is not the trunk hears nothing."""
    s = trunk_server(w, "other.example")
    context, listener = trunk_listens(w)
    caller = w.phone(1002, s)
    caller.say("call sip:911@example.com 04C8")
    sock, _ = listener.accept()
    try:
        wrapped = context.wrap_socket(sock, server_side=True)
        wrapped.settimeout(LONG)
        got = wrapped.recv(1)
    except ssl.SSLError as e:
        got = e
    check(not got or isinstance(got, ssl.SSLError), "the alert", got)
    equal(caller.event("refused")["status"], 503, "what the caller hears")
    s.wait("hostname mismatch", what="the reason in the log")
