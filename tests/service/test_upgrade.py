#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The server becomes another program: what comes in meanwhile is answered by that one.

usage: test_upgrade.py BATON

The new program is a script that waits until it is told to go on and then is the real one: so
there is a gap between the two that is as long as the test wants. tests/interop/t_upgrade.py does
the same with phones and calls.
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

from manager import Manager, check, options, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402

BATON = os.path.abspath(sys.argv[1])
HOME = tempfile.TemporaryDirectory(prefix="baton-upgrade-")
PROGRAM, GO = os.path.join(HOME.name, "baton"), os.path.join(HOME.name, "go")
STORE = "store: {path: kept.db}\npid_file: pid\nlog: {level: debug}\n"
# No shell: dash lets signals in again that it was started without.
WAITS = f"""#!{sys.executable} -SE
import os, sys, time
end = time.monotonic() + 60
while "--check-start" not in sys.argv and not os.path.exists("{GO}") and time.monotonic() < end:
    time.sleep(0.05)
os.execv("{BATON}", sys.argv)
"""


def install(text=None, program=BATON):
    """A program takes the place of the one that runs, as packages do it."""
    fresh = PROGRAM + ".new"
    if text is None:
        shutil.copyfile(program, fresh)
    else:
        with open(fresh, "w", encoding="utf-8") as f:
            f.write(text)
    os.chmod(fresh, 0o755)
    os.replace(fresh, PROGRAM)
    if os.path.exists(GO):
        os.remove(GO)


def go():
    with open(GO, "w", encoding="utf-8"):
        pass


def started(store=STORE):
    udp, tcp = free_port(), free_port()
    install()
    m = Manager(PROGRAM, f'listen: ["udp:127.0.0.1:{udp}", "tcp:127.0.0.1:{tcp}"]\n{store}')
    m.heard("READY")
    return m, ("127.0.0.1", udp), ("127.0.0.1", tcp)


def phone(at):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(30)
    s.connect(at)
    return s


def ask(s, name):
    s.send(options(name, at=s.getsockname()))


def answered(s, name, what):
    text = b""
    while text.count(b"\r\n\r\n") == 0:
        got = s.recv(8192)
        check(got, f"{what}: the connection has ended")
        text += got
    check(text.startswith(b"SIP/2.0 200") and f"Call-ID: {name}@t".encode() in text, what, text)


def goes_on():
    """Nothing of what is said in the gap is lost, on sockets that were there before."""
    control = os.path.join(HOME.name, "control")
    m, udp, tcp = started(STORE + f'api: {{listen: ["unix:{control}"]}}\n')
    a, b = phone(udp), socket.create_connection(tcp)
    b.settimeout(30)
    ask(a, "before")
    answered(a, "before", "a datagram")
    b.sendall(options("first", transport="TCP"))
    answered(b, "first", "the connection")
    half = options("half", transport="TCP")
    b.sendall(half[:100])
    ask(a, "sync")  # behind that one: it has been read
    answered(a, "sync", "a datagram")
    pid, since = m.child.pid, m.mark()
    install(WAITS)
    m.child.send_signal(signal.SIGUSR2)
    m.says("upgrade: becoming .*; 0 connections end")
    m.heard("RELOADING", since)
    for i in range(50):
        ask(a, f"gap{i}")
    b.sendall(half[100:])
    c = socket.create_connection(tcp)
    c.settimeout(30)
    c.sendall(options("new", transport="TCP"))
    d = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    d.settimeout(30)
    d.connect(control)
    d.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
    m.child.send_signal(signal.SIGHUP)  # waits, too, and kills nobody
    go()
    m.heard("READY", since)
    for i in range(50):
        answered(a, f"gap{i}", "a datagram from the gap")
    answered(b, "half", "the rest of a message")
    answered(c, "new", "a connection from the gap")
    check(d.recv(4096).startswith(b"HTTP/1.1 "), "HTTP from the gap")
    b.sendall(options("more", transport="TCP"))
    answered(b, "more", "the connection goes on")
    m.says("1 connections go on")
    m.says("taken over")
    check(m.child.pid == pid and m.child.poll() is None, "it is the same process")
    with open(os.path.join(m.folder.name, "pid"), encoding="utf-8") as f:
        check(int(f.read()) == pid, "the pid file")
    # and once more, by the real one, with its command
    since = m.mark()
    install()
    done = subprocess.run([PROGRAM, "upgrade", "-c", m.path, "--json"], cwd=m.folder.name, text=True,
                          capture_output=True, check=False, timeout=120)
    check(done.returncode == 0, "baton upgrade", done)
    check(json.loads(done.stdout) == {"process": pid, "upgraded": True}, "what it says", done)
    m.heard("READY", since)
    b.sendall(options("again", transport="TCP"))
    answered(b, "again", "the connection goes on again")
    ask(a, "last")
    answered(a, "last", "a datagram")
    m.end()
    check(not os.path.exists(control), "the path of its own socket is gone with it")


ED3 = 'xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3"'


APPL = "http://www.ecma-international.org/standards/ecma-354/appl_session"


class Csta:
    """CSTA in frames over TCP."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 30)
        self.data = b""

    def say(self, invoke, xml, part=None):
        """@param part  only so many octets, or the rest of them when negative"""
        body = xml.encode()
        frame = b"\0\0" + (len(body) + 8).to_bytes(2, "big") + b"%04d" % invoke + body
        self.s.sendall(frame if part is None else frame[:part] if part > 0 else frame[-part:])

    def hear(self, invoke, word):
        """The next frame, which is that."""
        while len(self.data) < 8 or len(self.data) < int.from_bytes(self.data[2:4], "big"):
            more = self.s.recv(8192)
            check(more, f"{word}: the connection has ended")
            self.data += more
        size = int.from_bytes(self.data[2:4], "big")
        frame, self.data = self.data[:size], self.data[size:]
        check(frame[4:8] == b"%04d" % invoke and word in frame[8:].decode(), word, frame)
        return frame[8:].decode()


def sessions_go_on():
    """CSTA over TCP: the connection, its session, its monitors; each event once, requests in halves."""
    udp, csta, quiet = free_port(), free_port(), free_port()
    install()
    m = Manager(PROGRAM, f'listen: ["udp:127.0.0.1:{udp}"]\ncsta_tcp: ["tcp:127.0.0.1:{csta}", '
                f'"tcp:127.0.0.1:{quiet}"]\n{STORE}devices: [{{number: "1001"}}]\napplications: '
                '[{name: crm, password: crm-secret-1, grants: ["*"]}, '
                '{name: wall, grants: ["*"], hosts: ["127.0.0.1"]}]\n')
    m.heard("READY")
    crm, wall, nobody = Csta(csta), Csta(csta), Csta(quiet)
    crm.say(1, f'<StartApplicationSession xmlns="{APPL}"><applicationInfo><applicationID>crm</applicationID>'
            '<applicationSpecificInfo><x><LOGIN>crm</LOGIN><pwd>crm-secret-1</pwd></x></applicationSpecificInfo>'
            '</applicationInfo><requestedProtocolVersions><protocolVersion>http://www.ecma-international.org/'
            'standards/ecma-323/csta/ed3</protocolVersion></requestedProtocolVersions></StartApplicationSession>')
    session = re.search(r"sessionID>([^<]+)<", crm.hear(1, "StartApplicationSessionPosResponse")).group(1)
    ref = re.search(r"monitorCrossRefID>(\w+)<", ask_csta(wall, 2, "MonitorStart", "<monitorObject>"
                    "<deviceObject>1001</deviceObject></monitorObject>")).group(1)
    dnd = '<SetDoNotDisturb %s><device>1001</device><doNotDisturbOn>%s</doNotDisturbOn></SetDoNotDisturb>'
    wall.say(3, dnd % (ED3, "true"), 100)
    a = phone(("127.0.0.1", udp))
    ask(a, "sync")
    answered(a, "sync", "a datagram")
    for turn in range(2):
        since = m.mark()
        install()
        m.child.send_signal(signal.SIGUSR2)
        m.heard("READY", since)
        if turn == 0:
            wall.say(3, dnd % (ED3, "true"), -100)
        else:
            wall.say(4, dnd % (ED3, "false"))
        wall.hear(3 + turn, "SetDoNotDisturbResponse")
        event = wall.hear(9999, "DoNotDisturbEvent")
        check(f">{ref}<" in event, "of that monitor", event)
        ask_csta(wall, 5, "GetDoNotDisturb", "<device>1001</device>")
        crm.say(2, f'<ResetApplicationSessionTimer xmlns="{APPL}"><sessionID>{session}</sessionID>'
                '</ResetApplicationSessionTimer>')
        crm.hear(2, "ResetApplicationSessionTimerPosResponse")
    m.says("connections go on")
    ask_csta(nobody, 6, "GetDoNotDisturb", "<device>1001</device>")  # it had not said a word yet
    # after a crash there is no connection any more, and nothing of it
    m.child.kill()
    m.child.wait()
    since, kept = m.mark(), m.fds
    m.fds = []
    m.start(kept)
    m.heard("READY", since)
    m.fds += kept
    with m.cond:
        check(not any("is dropped" in line for line in m.output), "no row was left", m.output[-30:])
    m.end()


def ask_csta(c, invoke, service, body):
    c.say(invoke, f"<{service} {ED3}>{body}</{service}>")
    return c.hear(invoke, f"{service}Response")


def certificate():
    names = [os.path.join(HOME.name, n) for n in ("server.pem", "server.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=server", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", names[0], "-keyout", names[1]],
                   check=True, capture_output=True)
    return names


def web_socket(s, path, protocol):
    """@return what came behind the head"""
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        more = s.recv(4096)
        check(more, "a WebSocket", got)
        got += more
    check(got.startswith(b"HTTP/1.1 101"), "a WebSocket", got)
    return got.split(b"\r\n\r\n", 1)[1]


def rest(s, got=b""):
    while True:
        more = s.recv(4096)
        if not more:
            return got
        got += more


def says_goodbye():
    """What cannot be handed over ends as its protocol has it, not in the middle."""
    cert, key = certificate()
    control = os.path.join(HOME.name, "control2")
    tls, ws, wss = free_port(), free_port(), free_port()
    install()
    m = Manager(PROGRAM, f'listen: ["tls:127.0.0.1:{tls}", "ws:127.0.0.1:{ws}", "wss:127.0.0.1:{wss}"]\n{STORE}'
                f'tls: {{certificates: [{{cert: "{cert}", key: "{key}"}}]}}\n'
                f'api: {{listen: ["unix:{control}"]}}\n')
    m.heard("READY")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cert)
    ends = {}
    for name, port, over in (("tls", tls, True), ("ws", ws, False), ("wss", wss, True)):
        s = socket.create_connection(("127.0.0.1", port), 30)
        if over:
            s = context.wrap_socket(s, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        if name != "tls":
            check(web_socket(s, "/", "sip") == b"", "nothing yet")
        else:
            s.sendall(options("tls", transport="TLS"))
            answered(s, "tls", "over TLS")
        ends[name] = s
    quiet, half, stream, idle = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(4)]
    for s in (quiet, half, stream, idle):  # in that order they are accepted, too
        s.settimeout(30)
        s.connect(control)
    half.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: loc")
    web_socket(stream, "/v1/stream", "baton.v1")
    idle.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    check(idle.recv(4096).startswith(b"HTTP/1.1 200"), "a stream of events")
    since = m.mark()
    m.child.send_signal(signal.SIGUSR2)
    check(rest(ends["tls"]) == b"", "TLS ends with close_notify")  # else SSLEOFError
    for name in ("ws", "wss"):
        check(rest(ends[name])[:4] == b"\x88\x02\x03\xe9", f"{name}: 1001, going away")
    got = rest(stream)
    check(got[-2:-1] != b"" and b"\x0f\xa9" in got, "the stream: 4009", got)
    check(rest(idle).endswith(b"0\r\n\r\n"), "events: the end of the answer")
    for s in (quiet, half):  # whose request has not come, or not all of it
        got = rest(s)
        check(got.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: " in got and b"\r\nConnection: close" in got,
              "come again", got)
    m.heard("READY", since)
    m.end()


def refused():
    """Programs that cannot take over: the old one goes on as if nothing had been said."""
    m, udp, _ = started()
    a = phone(udp)
    for text, says in (("#!/bin/sh\necho first >&2\necho no such luck >&2\nexit 1\n", "no such luck"),
                       ("#!/bin/sh\nexit 1\n", "said nothing"),
                       ("#!/bin/sh\nkill -9 $$\n", "said nothing"),
                       ("#!/nowhere/sh\n", "no such file")):
        install(text)
        with m.cond:
            m.output.clear()
        m.child.send_signal(signal.SIGUSR2)
        m.says(f"upgrade: refused, we go on as before: .*{says}")
    os.remove(PROGRAM)
    with m.cond:
        m.output.clear()
    m.child.send_signal(signal.SIGUSR2)
    m.says("upgrade: refused, we go on as before: .*no such file")
    # the new version is right, the configuration is not
    install()
    m.write("listen: 7\n")
    m.child.send_signal(signal.SIGUSR2)
    m.says("refused, .*baton.yaml:1:")
    ask(a, "still")
    answered(a, "still", "it is there")
    m.end()
    m, udp, _ = started("log: {level: debug}\n")  # nothing is kept
    m.child.send_signal(signal.SIGUSR2)
    m.says("upgrade: refused: without a store")
    m.end()


def goes_back():
    """The new version is right by its own check, and cannot start: the old one is there again."""
    m, udp, tcp = started()
    a, b = phone(udp), socket.create_connection(tcp)
    b.settimeout(30)
    b.sendall(options("first", transport="TCP"))
    answered(b, "first", "the connection")
    with open(BATON, "rb") as f:
        broken = f.read().replace(b"BEGIN IMMEDIATE", b"BEGIN IMMEDIATX")
    spoilt = os.path.join(HOME.name, "spoilt")
    with open(spoilt, "wb") as f:
        f.write(broken)
    since = m.mark()
    install(program=spoilt)
    m.child.send_signal(signal.SIGUSR2)
    m.says("cannot be used.*IMMEDIATX")
    m.says("going back to the one before")
    m.heard("READY", since)
    ask(a, "back")
    answered(a, "back", "a datagram")
    b.sendall(options("on", transport="TCP"))
    answered(b, "on", "the connection")
    # a new listener that cannot be had is no reason either
    taken = socket.create_server(("127.0.0.1", 0))
    m.write(f'listen: ["udp:127.0.0.1:{udp[1]}", "tcp:127.0.0.1:{tcp[1]}", '
            f'"tcp:127.0.0.1:{taken.getsockname()[1]}"]\n{STORE}')
    since = m.mark()
    install()
    m.child.send_signal(signal.SIGUSR2)
    m.says("cannot listen on TCP .*another program has it")
    m.heard("READY", since)
    ask(a, "without")
    answered(a, "without", "a datagram")
    m.end()


run(goes_on, sessions_go_on, says_goodbye, refused, goes_back)
HOME.cleanup()
