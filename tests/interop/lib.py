# SPDX-License-Identifier: Apache-2.0
"""Programs under test, as objects: the server, baresip, baton phone, baton csta, SIPp.

Every wait has a limit and says what it waited for; nothing sleeps for a fixed time to hope that
something has happened. Each object ends the process that it started, and only that.
"""
import collections
import json
import os
import re
import socket
import subprocess
import threading
import time

BATON = os.environ["BATON"]
DATA = os.path.normpath(os.environ.get("BATON_TEST_DATA", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")))


class Failure(Exception):
    """A check that did not hold."""


def check(ok, what, detail=""):
    if not ok:
        raise Failure(f"{what}{': ' if detail else ''}{detail}")


class Process:
    """A child whose output is collected line by line."""

    def __init__(self, name, args, stdin=False, env=None, cwd=None):
        self.name = name
        self.lines = []
        self.cond = threading.Condition()
        self.child = subprocess.Popen(
            args, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
            env={**os.environ, **(env or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for raw in self.child.stdout:
            with self.cond:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self.cond.notify_all()
        with self.cond:
            self.cond.notify_all()

    def mark(self):
        with self.cond:
            return len(self.lines)

    def wait(self, pattern, since=0, limit=10.0, what=None):
        """The first match of a regular expression in a line after `since`."""
        rx = re.compile(pattern)
        end = time.monotonic() + limit
        seen = since
        with self.cond:
            while True:
                for i in range(seen, len(self.lines)):
                    m = rx.search(self.lines[i])
                    if m:
                        return m
                seen = len(self.lines)
                left = end - time.monotonic()
                if left <= 0 or (self.child.poll() is not None and not self.reader.is_alive()):
                    raise Failure(f"{self.name}: waited for {what or pattern!r}; its last lines:\n    "
                                  + "\n    ".join(self.lines[-15:]))
                self.cond.wait(min(left, 0.5))

    def say(self, line):
        self.child.stdin.write((line + "\n").encode())
        self.child.stdin.flush()

    def text(self, since=0):
        with self.cond:
            return "\n".join(self.lines[since:])

    def end(self, limit=10.0):
        """Ask it to end; its exit status."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            self.child.wait(limit)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failure(f"{self.name} did not end in {limit} s")
        self.reader.join(5)
        return self.child.returncode


CONFIG = """\
listen:
  - udp:{ip}:{port}
  - tcp:{ip}:{port}
domains: [example.com]
devices:
{devices}
applications:
  - name: crm
    password: crm-secret-1
    grants: ["*"]
  - name: frontdesk
    password: frontdesk-secret-1
    grants: ["1001"]
peers:
  - name: caller
    uri: sip:{ip}:{peer_port}
    trusted: true
    numbers: ["9*"]
log:
  level: debug
"""


class Server(Process):
    """baton serve with devices 1001 to 1009, whose passwords are secret-NNNN."""

    def __init__(self, folder, ip="192.0.2.2", port=5060, peer_port=5090, extra="", trace=True):
        self.ip, self.port = ip, port
        self.folder = folder
        self.config = os.path.join(folder, "baton.yaml")
        devices = "\n".join(f"  - number: \"{n}\"\n    password: secret-{n}" for n in range(1001, 1010))
        with open(self.config, "w") as f:
            f.write(CONFIG.format(ip=ip, port=port, devices=devices, peer_port=peer_port) + extra)
        super().__init__("server", [BATON, "serve", "-c", self.config])
        self.wait(r"listening|ready", what="the server to be ready")


class Baresip(Process):
    """A baresip without audio devices, steered over its ctrl_tcp module."""

    def __init__(self, folder, number, server, port, answer="manual", password=None, transport="udp"):
        self.number = number
        self.events = collections.deque()
        home = os.path.join(folder, f"baresip-{number}-{port}")
        os.makedirs(home, exist_ok=True)
        self.control_port = port + 1000
        with open(os.path.join(home, "config"), "w") as f:
            f.write("\n".join([
                "poll_method epoll", f"sip_listen {server.ip}:{port}", "call_local_timeout 60",
                "call_max_calls 4", f"audio_player aubridge,p{number}", f"audio_source aubridge,s{number}",
                f"audio_alert aubridge,a{number}", f"rtp_ports {20000 + (port % 1000) * 10}-{20009 + (port % 1000) * 10}",
                "module_path /usr/lib/baresip/modules", "module g711.so", "module aubridge.so",
                "module_tmp uuid.so", "module_tmp account.so", "module_app menu.so",
                "module_app ctrl_tcp.so", "module_app debug_cmd.so",
                f"ctrl_tcp_listen 127.0.0.1:{self.control_port}", ""]))
        with open(os.path.join(home, "accounts"), "w") as f:
            f.write(f"<sip:{number}@example.com>;auth_user={number};auth_pass={password or 'secret-' + str(number)}"
                    f";outbound=\"sip:{server.ip}:{server.port};transport={transport}\""
                    f";answermode={answer};regint=60\n")
        open(os.path.join(home, "contacts"), "w").close()
        super().__init__(f"baresip-{number}", ["baresip", "-f", home, "-s"], stdin=True)
        self.sock = self._connect()
        self.buffer = b""
        self.replies = {}
        self.token = 0
        threading.Thread(target=self._pump, daemon=True).start()

    def _connect(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                return socket.create_connection(("127.0.0.1", self.control_port), 1)
            except OSError:
                if self.child.poll() is not None:
                    break
                with self.cond:
                    self.cond.wait(0.05)
        raise Failure(f"{self.name} did not start:\n{self.text()}")

    def _pump(self):
        self.sock.settimeout(None)
        while True:
            try:
                got = self.sock.recv(65536)
            except OSError:
                got = b""
            if not got:
                return
            self.buffer += got
            while True:
                m = re.match(rb"(\d+):", self.buffer)
                if not m or len(self.buffer) < m.end() + int(m.group(1)) + 1:
                    break
                start, n = m.end(), int(m.group(1))
                item = json.loads(self.buffer[start:start + n])
                self.buffer = self.buffer[start + n + 1:]
                with self.cond:
                    if item.get("response"):
                        self.replies[item.get("token")] = item
                    else:
                        self.lines.append("EVENT " + item.get("type", "") + " " + item.get("param", ""))
                    self.cond.notify_all()

    def command(self, name, params="", limit=5.0):
        self.token += 1
        token = str(self.token)
        body = json.dumps({"command": name, "params": params, "token": token}).encode()
        self.sock.sendall(b"%d:%s," % (len(body), body))
        end = time.monotonic() + limit
        with self.cond:
            while token not in self.replies:
                left = end - time.monotonic()
                check(left > 0, f"{self.name} did not answer the command {name}")
                self.cond.wait(left)
            return self.replies.pop(token)

    def event(self, name, since=0, limit=10.0):
        return self.wait(rf"^EVENT {name}\b", since, limit, f"the event {name}")

    def registered(self):
        self.event("REGISTER_OK")
        return self

    def end(self, limit=10.0):
        try:
            self.command("quit", limit=2.0)
        except (Failure, OSError):
            pass
        try:
            self.child.wait(3)
        except subprocess.TimeoutExpired:
            pass
        return super().end(limit)


class Phone(Process):
    """baton phone, printing JSON."""

    def __init__(self, number, server, *options):
        self.number = number
        super().__init__(f"phone-{number}", [
            BATON, "phone", "--json", "-s", f"sip:{server.ip}:{server.port}", *options,
            f"sip:{number}@example.com"], stdin=True, env={"BATON_PASSWORD": f"secret-{number}"})

    def event(self, name, since=0, limit=10.0):
        m = self.wait(rf'^{{"event": "{name}".*', since, limit, f"the event {name}")
        return json.loads(m.group(0))


class Csta(Process):
    """A baton csta session that takes commands and prints JSON."""

    def __init__(self, server, *options, name="crm", password=None, transport="udp"):
        super().__init__(f"csta-{name}", [
            BATON, "csta", "--json", "-s", f"sip:{server.ip}:{server.port};transport={transport}",
            "-u", name, *options, "shell"], stdin=True,
            env={"BATON_PASSWORD": password or f"{name}-secret-1"})

    def find(self, test, since=0, limit=10.0, what="an object"):
        end = time.monotonic() + limit
        seen = since
        with self.cond:
            while True:
                for i in range(seen, len(self.lines)):
                    if self.lines[i].startswith("{"):
                        item = json.loads(self.lines[i])
                        if test(item):
                            return item
                seen = len(self.lines)
                left = end - time.monotonic()
                if left <= 0 or self.child.poll() is not None and not self.reader.is_alive():
                    raise Failure(f"{self.name}: waited for {what}; its last lines:\n    "
                                  + "\n    ".join(self.lines[-12:]))
                self.cond.wait(min(left, 0.5))
