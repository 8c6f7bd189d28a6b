#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The server under a service manager: what it tells it, and the sockets that it is given.

usage: test_service.py BATON
"""
import ctypes
import os
import signal
import socket
import sys
import tempfile
import time

from manager import Manager, bound, check, options, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402

BATON = os.path.abspath(sys.argv[1])


def config(*lines):
    return "\n".join(lines) + "\nlog: {level: debug}\n"


def udp_alone():
    return f'listen: ["udp:127.0.0.1:{free_port()}"]'


def listen(udp, *more):
    return f'listen: ["udp:127.0.0.1:{udp.getsockname()[1]}"' + "".join(
        f', "{kind}:127.0.0.1:{s.getsockname()[1]}"' for kind, s in more) + "]"


def answer(s, to, branch, limit=20):
    """Ask, and have it answered; over UDP it is asked again."""
    s.settimeout(limit)
    s.sendto(options(branch), to)
    return s.recv(4096).decode()


def told():
    """Ready with a state in words, reloading with the time, stopping with time to do so."""
    udp = bound(socket.SOCK_DGRAM)
    m = Manager(BATON, config(listen(udp)), [("udp", udp)])
    check("0 calls, 0 of 0 devices" in m.heard("READY")["STATUS"], "the state", m.told)
    since = m.mark()
    now = time.monotonic_ns() // 1000
    m.child.send_signal(signal.SIGHUP)
    at = int(m.heard("RELOADING", since)["MONOTONIC_USEC"])
    check(now <= at <= time.monotonic_ns() // 1000, "when it began to reload", at - now)
    check(m.heard("READY", since)["READY"] == "1", "and is ready again")
    with m.cond:
        order = [list(said)[0] for _, said in m.told[since:]]
    check(order[:2] == ["RELOADING", "READY"], "in that order", order)
    since = m.mark()
    m.child.terminate()
    check(int(m.heard("STOPPING", since)["EXTEND_TIMEOUT_USEC"]) > 5000000, "time to stop", m.told)
    check(m.count("WATCHDOG") == 0, "nobody asked for signs of life")
    m.end(told=True)


def given():
    """Sockets are taken by their listeners, with what came before; and kept by the manager."""
    udp, tcp, csta = bound(socket.SOCK_DGRAM), bound(socket.SOCK_STREAM), bound(socket.SOCK_STREAM)
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0))
    a.sendto(options("early", at=a.getsockname()), udp.getsockname())  # nobody reads that yet
    b = socket.create_connection(tcp.getsockname())
    b.sendall(options("queued", transport="TCP"))
    m = Manager(BATON, config(listen(udp, ("tcp", tcp)),
                              f"csta_tcp: [\"tcp:127.0.0.1:{csta.getsockname()[1]}\"]"),
                [("udp", udp), ("tcp", tcp), ("csta", csta)])
    m.heard("READY")
    for s, what in ((a, "the datagram"), (b, "the connection")):
        s.settimeout(20)
        check(s.recv(4096).startswith(b"SIP/2.0 200"), f"{what} that waited is answered")
    m.wait(lambda: len(m.fds) == 3, "three descriptors to keep")
    for kind, mine in (("udp", udp), ("tcp", tcp), ("csta", csta)):
        kept = [s.getsockname() for name, s in m.fds if name == kind]
        check(kept == [mine.getsockname()], f"the kept {kind}", m.fds)
    check(not any("was handed over is closed" in line for line in m.output), "all are used")
    with m.cond:
        order = [list(said)[0] for _, said in m.told if said.get("FDNAME") == "udp"]
    check(order == ["FDSTOREREMOVE", "FDSTORE"], "those of before are forgotten first", order)
    for s in (udp, tcp, csta):
        s.close()
    # It crashes, the manager has its descriptors still: who asks meanwhile is answered after.
    m.child.kill()
    m.child.wait()
    a.sendto(options("between", at=a.getsockname()), m.fds[0][1].getsockname())
    since, kept = m.mark(), m.fds
    m.fds = []
    m.start(kept)
    m.heard("READY", since)
    check(b"Call-ID: between@t" in a.recv(4096), "asked while nobody ran, answered after")
    m.fds += kept
    m.end()


def not_ours():
    """A socket that no listener is for is told and closed; the listener opens its own."""
    udp, other, plain = bound(socket.SOCK_DGRAM), bound(socket.SOCK_DGRAM), bound(socket.SOCK_STREAM)
    deaf, both = bound(socket.SOCK_STREAM, listen=False), socket.socket(socket.AF_INET6,
                                                                        socket.SOCK_DGRAM)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", 0))
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    m = Manager(BATON, config(listen(udp)),
                [("udp", udp), ("mistake", other), ("tls", plain), ("", deaf), ("six", both),
                 ("unix", unix)])
    m.heard("READY")
    m.says(r'"mistake", UDP 127.0.0.1:%d .* no listener' % other.getsockname()[1])
    m.says(r'"tls", TCP 127.0.0.1:%d .* no listener' % plain.getsockname()[1])
    m.says(r'"", TCP .* it does not listen')
    m.says(r'"six", UDP \[::\].*BindIPv6Only')
    m.says(r'"unix" .* no address of IPv4 or IPv6, and no path')
    m.end()
    # of the wrong kind by its name: TCP for a listener of TCP, but said to be for CSTA
    s = bound(socket.SOCK_STREAM)
    m = Manager(BATON, config(f'listen: ["udp:127.0.0.1:{free_port()}", "tcp:127.0.0.1:{s.getsockname()[1]}"]'),
                [("csta", s)])
    m.says("cannot listen on TCP .* another program has it")
    check(m.child.wait(20) == 1, "it does not start")
    m.end(1)


def ask_http(s):
    s.settimeout(20)
    s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got = s.recv(4096)
    check(got.startswith(b"HTTP/1.1 "), "an answer of HTTP", got)


def api():
    """The listeners of the HTTP API are given, too, by address and by path."""
    tcp, unix = bound(socket.SOCK_STREAM), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = tempfile.TemporaryDirectory(prefix="baton-api-")
    path = os.path.join(folder.name, "control")
    unix.bind(path)
    unix.listen(5)
    early = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    early.connect(path)
    other = os.path.join(folder.name, "other")
    wrong = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    wrong.bind(other)
    wrong.listen(5)
    m = Manager(BATON, config(udp_alone(), "api: {listen: "
                              f'["tcp:127.0.0.1:{tcp.getsockname()[1]}", "unix:{path}"]}}'),
                [("api", tcp), ("", unix), ("", wrong)])
    m.heard("READY")
    ask_http(early)
    ask_http(socket.create_connection(tcp.getsockname()))
    m.says(f"UNIX {other} that was handed over is closed: no listener")
    m.end()
    check(os.path.exists(path), "the path is whose socket it was")
    folder.cleanup()


def nobody():
    """Variables that are for another process, or make no sense, are nobody's descriptors."""
    for env in ({"LISTEN_PID": "1", "LISTEN_FDS": "2"}, {"LISTEN_FDS": "2"}):
        m = Manager(BATON, config(udp_alone()), env=env)
        m.heard("READY")
        check(not any("handed over" in line for line in m.output), "nothing was", m.output)
        m.end()


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def freeze(tid):
    for what in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        check(libc.ptrace(what, tid, None, None) == 0, "ptrace", os.strerror(ctypes.get_errno()))
    os.waitpid(tid, 0x40000000)  # __WALL: it has stopped


def thaw(tid):
    check(libc.ptrace(PTRACE_DETACH, tid, None, None) == 0, "ptrace", ctypes.get_errno())


def may_trace(m):
    if libc.ptrace(PTRACE_SEIZE, m.child.pid, None, None) != 0:
        print("service: ptrace is not permitted here; stopped threads are not tried")
        return False
    check(libc.ptrace(PTRACE_INTERRUPT, m.child.pid, None, None) == 0, "ptrace")
    os.waitpid(m.child.pid, 0x40000000)
    thaw(m.child.pid)
    return True


def beats(m, n=3):
    """So many signs of life from now on."""
    before = m.count("WATCHDOG")
    m.wait(lambda: m.count("WATCHDOG") >= before + n, f"{n} signs of life")


def watched():
    """Signs of life as long as the loop turns and the store's thread answers."""
    m = Manager(BATON, config(udp_alone(), "store: {path: kept.db}"),
                watchdog_ms=400)
    m.heard("READY")
    beats(m)
    if may_trace(m):
        m.wait(lambda: len(os.listdir(f"/proc/{m.child.pid}/task")) == 2, "two threads")
        threads = sorted(map(int, os.listdir(f"/proc/{m.child.pid}/task")))
        freeze(threads[1])
        m.says("store's thread does not answer")
        since = m.mark()
        m.child.send_signal(signal.SIGHUP)  # the loop turns: it does what it is told
        m.heard("READY", since)  # and what it has told before has been heard
        before, since = m.count("WATCHDOG"), m.mark()
        m.child.send_signal(signal.SIGHUP)
        m.heard("READY", since)
        check(m.count("WATCHDOG") == before, "no sign of life without the store")
        thaw(threads[1])
        beats(m)
    m.end()


run(told, given, api, not_ours, nobody, watched)
