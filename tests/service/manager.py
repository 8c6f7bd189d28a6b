# SPDX-License-Identifier: Apache-2.0
"""A service manager for tests: it starts `baton serve` as systemd would, with sockets and a place
to be told things, and hears what it is told."""
import array
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion .* failed")
# Puts descriptors where sd_listen_fds(3) has them, and becomes the program.
LAUNCH = """
import fcntl, os, sys
fds = [int(n) for n in sys.argv[1].split(",") if n]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
if sys.argv[2] != "-":
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                      LISTEN_FDNAMES=sys.argv[2])
os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[3], sys.argv[3:])
"""


class Failure(Exception):
    """A check that did not hold."""


def check(ok, what, detail=""):
    if not ok:
        raise Failure(f"{what}{': ' if detail != '' else ''}{detail}")


def bound(kind, listen=True):
    """A socket of loopback at a port of its own."""
    s = socket.socket(socket.AF_INET, kind)
    s.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM and listen:
        s.listen(5)
    return s


def socket_unit(path):
    """The sockets that a .socket unit names, open as systemd hands them over: (name, socket)."""
    known = {"Backlog", "BindIPv6Only", "FileDescriptorName", "ListenDatagram", "ListenStream", "ReceiveBuffer"}
    section, rows = "", []
    with open(path, encoding="utf-8") as f:
        for line in map(str.strip, f):
            if line.startswith("["):
                section = line
            elif line and not line.startswith(("#", ";")) and section == "[Socket]":
                key, value = line.split("=", 1)
                check(key in known, "this test does not know what it would do", line)
                rows.append((key, value))
    one = dict(rows)
    name = one.get("FileDescriptorName", os.path.basename(path))
    sockets = []
    for key, value in rows:
        if key not in ("ListenDatagram", "ListenStream"):
            continue
        host, _, port = value.rpartition(":")
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM if key == "ListenDatagram" else socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and one.get("BindIPv6Only") == "ipv6-only":
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((host.strip("[]"), int(port)))
        if s.type == socket.SOCK_STREAM:
            s.listen(int(one.get("Backlog", 4096)))
        sockets.append((name, s))
    check(sockets, "it names sockets", path)
    return sockets


def options(branch, port=5060, transport="UDP", at=("127.0.0.1", 5062)):
    return (f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport} {at[0]}:{at[1]};rport;branch=z9hG4bK{branch}\r\n"
            f"From: <sip:t@127.0.0.1>;tag={branch}\r\nTo: <sip:127.0.0.1>\r\n"
            f"Call-ID: {branch}@t\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
            "Content-Length: 0\r\n\r\n").encode()


class Manager:
    """One service. `sockets` is a list of (name, socket)."""

    running = []  # those that a test which failed has left

    def __init__(self, baton, config, sockets=(), watchdog_ms=0, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="baton-service-")
        self.path = os.path.join(self.folder.name, "baton.yaml")
        self.baton = baton
        self.told, self.fds, self.output = [], [], []
        self.cond = threading.Condition()
        self.write(config)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.folder.name, "notify"))
        threading.Thread(target=self._hear, daemon=True).start()
        self.env = {**os.environ, "NOTIFY_SOCKET": os.path.join(self.folder.name, "notify"),
                    **(env or {})}
        if watchdog_ms:
            self.env["WATCHDOG_USEC"] = str(watchdog_ms * 1000)
        self.running.append(self)
        self.start(sockets)

    @classmethod
    def kill_all(cls):
        for m in cls.running:
            if m.child.poll() is None:
                m.child.kill()
                m.child.wait()

    def write(self, config):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(config)

    def start(self, sockets):
        fds = [s.fileno() for _, s in sockets]
        names = ":".join(name for name, _ in sockets) if sockets else "-"
        self.child = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, ",".join(map(str, fds)), names, self.baton, "serve",
             "-c", self.path], pass_fds=fds, env=self.env, stdin=subprocess.DEVNULL,
            cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, args=(self.child.stdout,), daemon=True).start()

    def _read(self, stream):
        for raw in stream:
            with self.cond:
                self.output.append(raw.decode("utf-8", "replace").rstrip())
                self.cond.notify_all()

    def _hear(self):
        while True:
            try:
                data, control, _, _ = self.notify.recvmsg(8192, socket.CMSG_SPACE(64))
            except OSError:
                return
            fds = array.array("i")
            for level, kind, octets in control:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds.frombytes(octets[:len(octets) - len(octets) % fds.itemsize])
            said = dict(line.split("=", 1) for line in data.decode().splitlines())
            with self.cond:
                self.told.append((time.monotonic(), said))
                self.fds += [(said.get("FDNAME"), socket.socket(fileno=fd)) for fd in fds]
                self.cond.notify_all()

    def wait(self, test, what, limit=30.0):
        """What `test` returns once that is true."""
        end = time.monotonic() + limit
        with self.cond:
            while True:
                got = test()
                if got:
                    return got
                left = end - time.monotonic()
                if left <= 0:
                    raise Failure(f"waited for {what}; ended with {self.child.poll()}; told {self.told[-10:]}; said:\n"
                                  + "\n".join(self.output[-40:]))
                self.cond.wait(min(left, 0.5))

    def mark(self):
        with self.cond:
            return len(self.told)

    def heard(self, name, since=0, value=None, limit=30.0):
        """The first message after `since` that has the variable."""
        return self.wait(lambda: next((said for _, said in self.told[since:]
                                       if name in said and value in (None, said[name])), None),
                         f"{name}={value or ''}", limit)

    def count(self, name):
        with self.cond:
            return sum(name in said for _, said in self.told)

    def says(self, pattern, limit=30.0):
        test = re.compile(pattern).search
        return self.wait(lambda: next(filter(None, map(test, self.output)), None), pattern, limit)

    def end(self, code=0, told=False):
        """@param told  it is on its way already"""
        if self.child.poll() is None and not told:
            self.child.terminate()
        try:
            got = self.child.wait(30)
        finally:
            if self.child.poll() is None:
                self.child.kill()
                self.child.wait()
            self.notify.close()
            for _, s in self.fds:
                s.close()
        bad = [line for line in self.output if SANITIZER.search(line)]
        self.folder.cleanup()
        check(not bad, "a sanitizer complained", "\n".join(self.output[-60:]))
        check(got == code, "exit code", f"{got}: " + "\n".join(self.output[-20:]))


def run(*tests):
    """One after the other, until one fails."""
    for test in tests:
        try:
            test()
        except Failure as e:
            sys.exit(f"{test.__name__}: {e}")
        finally:
            Manager.kill_all()
        print(f"{test.__name__}: ok", flush=True)
