# SPDX-License-Identifier: Apache-2.0
"""Programs under test, as objects: the server, baresip, baton phone, baton csta.

Every wait has a limit and says what it waited for; nothing sleeps for a fixed time to hope that
something has happened. Limits are long, because a machine may stand still: what is right never
takes so long, and what is wrong may. Each object ends the process that it started, and only that.
A World owns what one scenario starts; closing it looks whether everything ended as it should.
"""
import collections
import itertools
import json
import os
import re
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BATON = os.environ.get("BATON", os.path.join(HERE, "..", "..", "build", "baton"))
DATA = os.path.normpath(os.environ.get("BATON_TEST_DATA",
                                       os.path.join(HERE, "..", "..", "..", "shared", "data")))
IP = "192.0.2.2"  # of the namespace's veth
LONG = 30.0  # seconds for anything that should take none
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion .* failed")


class Failure(Exception):
    """A check that did not hold."""


def check(ok, what, detail=""):
    if not ok:
        raise Failure(f"{what}{': ' if detail != '' else ''}{detail}")


def equal(got, want, what):
    check(got == want, what, f"got {got!r}, want {want!r}")


def data(*path):
    """A file of the test data, or None when the folder is not there."""
    name = os.path.join(DATA, *path)
    if not os.path.exists(name):
        return None
    with open(name, encoding="utf-8") as f:
        return f.read()


class Process:
    """A child whose output is collected line by line."""

    expected = (0,)  # exit codes that are right; an ended process may be asked again

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
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\r\n"))
                self.cond.notify_all()
        with self.cond:
            self.cond.notify_all()

    def mark(self):
        with self.cond:
            return len(self.lines)

    def search(self, test, since, limit, what):
        """What `test` makes of the first line after `since` for which it is true."""
        end = time.monotonic() + limit
        seen = since
        with self.cond:
            while True:
                for i in range(seen, len(self.lines)):
                    got = test(self.lines[i])
                    if got:
                        return got
                seen = len(self.lines)
                left = end - time.monotonic()
                if self.child.poll() is not None and not self.reader.is_alive():
                    raise Failure(f"{self.name} ended while we waited for {what}")
                if left <= 0:
                    raise Failure(f"{self.name}: waited {limit} s for {what}")
                self.cond.wait(min(left, 0.5))

    def wait(self, pattern, since=0, limit=LONG, what=None):
        """The first match of a regular expression in a line after `since`."""
        return self.search(re.compile(pattern).search, since, limit, what or repr(pattern))

    def say(self, line):
        self.child.stdin.write((line + "\n").encode())
        self.child.stdin.flush()

    def text(self, since=0):
        with self.cond:
            return "\n".join(self.lines[since:])

    def running(self):
        return self.child.poll() is None

    def exit_code(self, limit=LONG):
        """Wait until it has ended by itself."""
        try:
            self.child.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end in {limit} s") from None
        self.reader.join(5)
        return self.child.returncode

    def kill(self):
        self.child.kill()
        self.expected = (-9,)
        return self.exit_code()

    def end(self, limit=LONG):
        """Ask it to end; its exit status."""
        if self.running():
            self.child.terminate()
        try:
            return self.exit_code(limit)
        except Failure:
            self.child.kill()
            self.child.wait()
            raise


CONFIG = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
{devices}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
  - {{name: frontdesk, password: frontdesk-secret-1, grants: ["1001"]}}
peers:
  - {{name: caller, uri: "sip:{ip}:5190", trusted: true, numbers: ["9*"]}}
log: {{level: debug, sip_trace: {trace}}}
"""


class Server(Process):
    """baton serve with devices 1001 to 1009, whose passwords are secret-NNNN.

    `extra` is YAML behind the configuration `template`; in the usual one the port 5190 of this
    machine is a trusted peer.
    """

    def __init__(self, folder, ip=IP, port=5060, extra="", template=CONFIG, program=BATON):
        self.ip, self.port, self.folder = ip, port, folder
        self.ports = {}  # of transports that have another one
        self.trace = os.path.join(folder, "sip.json")
        config = os.path.join(folder, "baton.yaml")
        devices = "\n".join(f'  - {{number: "{n}", password: secret-{n}}}'
                            for n in range(1001, 1010))
        with open(config, "w", encoding="utf-8") as f:
            f.write(template.format(ip=ip, port=port, devices=devices, trace=self.trace) + extra)
            f.write("overload: {lag_ms: 0}\n")  # a machine that stumbles is not what is tested
        os.chmod(config, 0o600)
        super().__init__("server", [program, "serve", "-c", config])

    def ready(self):
        self.wait(r"server: Baton .* devices", limit=60, what="the server to be ready")
        return self

    def messages(self):
        """The SIP trace so far: one dict per message."""
        if not os.path.exists(self.trace):
            return []
        with open(self.trace, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def settle(self):
        """Waits for the answers to its BYEs: a phone that ends without holds its own end up."""
        end = time.monotonic() + 5
        while self.running() and unanswered(self.messages()) and time.monotonic() < end:
            time.sleep(0.05)

    def wait_message(self, test, what, limit=LONG, since=0):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for m in self.messages()[since:]:
                if test(m):
                    return m
            check(self.running(), "the server has ended while we waited for", what)
            with self.cond:
                self.cond.wait(0.05)
        raise Failure(f"server: waited {limit} s for {what} in its trace")


def unanswered(messages):
    """BYEs that were sent, and whose answers have not come."""
    def those(way, start):
        return {(m.get("call_id"), m.get("cseq")) for m in messages if m["direction"] == way
                and m["start"].startswith(start) and m.get("cseq", "").endswith(" BYE")}
    return those("sent", "BYE ") - those("received", "SIP/2.0 ")


def once(messages):
    """Without those that were only sent again, as somebody stood still for half a second."""
    seen = {}
    for m in messages:
        seen.setdefault((m["direction"], m["transport"], m["remote"], m["start"],
                         m.get("call_id"), m.get("cseq")), m)
    return list(seen.values())


def rtp_base(port):
    """Of the 40 UDP ports for media of a phone whose SIP port came from PORTS."""
    return 20000 + (port % 1000) * 10


class Baresip(Process):
    """A baresip without audio devices, steered over its ctrl_tcp module.

    Events of that module and what it prints are lines of the same list. It has nothing to say,
    unless there is `voice`, a file of 8000 samples a second.
    """

    def __init__(self, folder, number, server, port, answer="manual", transport="udp",
                 modules=(), account="", voice=None):
        self.number, self.server = number, server
        self.seen = len(server.messages())
        home = os.path.join(folder, f"baresip-{number}")
        os.makedirs(home, exist_ok=True)
        self.control_port = port + 1000
        self.rtp = rtp_base(port)
        source = f"aufile,{voice}" if voice else f"aubridge,s{number}"
        with open(os.path.join(home, "config"), "w", encoding="utf-8") as f:
            f.write("\n".join([
                "poll_method epoll", f"sip_listen {IP}:{port}", "call_local_timeout 60",
                "call_max_calls 4", f"audio_player aubridge,p{number}",
                f"audio_source {source}", f"audio_alert aubridge,a{number}",
                f"rtp_ports {self.rtp}-{self.rtp + 9}", "module_path /usr/lib/baresip/modules",
                "module g711.so", "module aubridge.so", "module aufile.so", "module_tmp uuid.so",
                "module_tmp account.so", "module_app menu.so", "module_app ctrl_tcp.so",
                "module_app debug_cmd.so", *(f"module_app {m}.so" for m in modules),
                f"ctrl_tcp_listen 127.0.0.1:{self.control_port}", ""]))
        with open(os.path.join(home, "accounts"), "w", encoding="utf-8") as f:
            f.write(f"<sip:{number}@example.com>;auth_user={number};auth_pass=secret-{number}"
                    f";outbound=\"sip:{server.ip}:{server.ports.get(transport, server.port)}"
                    f";transport={transport}\""
                    f";answermode={answer};regint=60{account}\n")
        with open(os.path.join(home, "contacts"), "w", encoding="utf-8"):
            pass
        super().__init__(f"baresip-{number}", ["baresip", "-f", home, "-s"], stdin=True)
        self.replies = {}
        self.token = 0

    def ready(self):
        """Listening to us, and registered: it may have told that before anybody listened."""
        self.sock = self._connect()
        threading.Thread(target=self._pump, daemon=True).start()
        self.server.wait_message(
            lambda m: m["start"].startswith("SIP/2.0 200") and m["cseq"].endswith(" REGISTER")
            and m["to"] == f"sip:{self.number}@example.com", f"{self.name} to register",
            since=self.seen)
        return self

    def _connect(self):
        end = time.monotonic() + LONG
        while time.monotonic() < end and self.running():
            try:
                return socket.create_connection(("127.0.0.1", self.control_port), 1)
            except OSError:
                with self.cond:
                    self.cond.wait(0.05)
        raise Failure(f"{self.name} did not start")

    def _pump(self):
        buffer = b""
        self.sock.settimeout(None)
        while True:
            try:
                got = self.sock.recv(65536)
            except OSError:
                got = b""
            if not got:
                return
            buffer += got
            while True:
                m = re.match(rb"(\d+):", buffer)
                if not m or len(buffer) < m.end() + int(m.group(1)) + 1:
                    break
                end = m.end() + int(m.group(1))
                item = json.loads(buffer[m.end():end])
                buffer = buffer[end + 1:]
                with self.cond:
                    if item.get("response"):
                        self.replies[item.get("token")] = item
                    else:
                        self.lines.append(f"EVENT {item.get('type', '')} {item.get('param', '')}")
                    self.cond.notify_all()

    def command(self, name, params="", limit=LONG):
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

    def event(self, name, since=0, limit=LONG):
        return self.wait(rf"^EVENT {name}\b.*", since, limit, f"the event {name}").group(0)

    # The keys that every phone of these tests has; see Linphone in peers.py.

    def dial(self, number):
        self.command("dial", f"sip:{number}@example.com")

    def rings(self, since, caller, uui=None):
        check(f"sip:{caller}@" in self.event("CALL_INCOMING", since), f"{self.name} sees who calls")
        if uui is not None:
            self.wait(rf"^User-to-User: {re.escape(uui)}$", since, what="the context")

    def answer(self):
        self.command("accept")

    def talks(self, since):
        self.event("CALL_ESTABLISHED", since)

    def hold(self):
        self.command("hold")

    def resume(self):
        self.command("resume")

    def transfer(self, uri):
        self.command("transfer", f"<{uri}>")

    def told(self, status, since):
        """A NOTIFY said this status of the call that the transfer has made: a body's only line."""
        before = [None]

        def is_sipfrag(line):
            before.append(line)
            return before[-2] == "" and line.startswith(f"SIP/2.0 {status} ")

        self.search(is_sipfrag, since, LONG, f"{status} in a NOTIFY")

    def hangup(self):
        self.command("hangup")

    def ended(self, since):
        self.event("CALL_CLOSED", since)

    refused = ended

    def end(self, limit=LONG):
        if self.running():
            try:
                self.command("quit", limit=10)
                return self.exit_code(10)
            except (Failure, OSError):
                pass
        return super().end(limit)


class Phone(Process):
    """baton phone, printing JSON."""

    def __init__(self, number, server, *options, transport="udp"):
        self.number = number
        super().__init__(f"phone-{number}", [
            BATON, "phone", "--json", "-s", f"sip:{server.ip}:{server.port};transport={transport}",
            *options, f"sip:{number}@example.com"], stdin=True,
            env={"BATON_PASSWORD": f"secret-{number}"})

    def ready(self):
        self.event("registered")
        return self

    def event(self, name, since=0, limit=LONG):
        m = self.wait(rf'^{{"event": "{name}".*', since, limit, f"the event {name}")
        return json.loads(m.group(0))

    def end(self, limit=LONG):
        if self.running():
            self.say("quit")
            try:
                return self.exit_code()
            except Failure:
                pass
        return super().end(limit)


def established(a, b, number=None):
    """Phone `a` calls that number (None: the one of `b`), and `b` answers."""
    am, bm = a.mark(), b.mark()
    a.say(f"call {number or b.number}")
    b.event("incoming", bm)
    b.say("answer")
    a.event("established", am)
    b.event("established", bm)


class Csta(Process):
    """A baton csta session that takes commands and prints JSON."""

    def __init__(self, server, *options, name="crm", transport="udp"):
        super().__init__(f"csta-{name}", [
            BATON, "csta", "--json", "-s", f"sip:{server.ip}:{server.port};transport={transport}",
            "-u", name, *options, "shell"], stdin=True,
            env={"BATON_PASSWORD": f"{name}-secret-1"})

    def ready(self):
        self.done("status")
        return self

    def item(self, test, since=0, limit=LONG, what="an object"):
        def of_line(line):
            item = json.loads(line) if line.startswith("{") else None
            return item if item and test(item) else None
        return self.search(of_line, since, limit, what)

    def items(self, kind, since=0):
        with self.cond:
            lines = self.lines[since:]
        got = [json.loads(line) for line in lines if line.startswith("{")]
        return [item for item in got if item.get("kind") == kind]

    def request(self, line, limit=LONG):
        """Say it, and return its answer: an object of kind response or error."""
        since = self.mark()
        self.say(line)
        answer = self.item(lambda i: i["kind"] in ("response", "error"), since, limit,
                           f"the answer to {line!r}")
        if answer["kind"] == "error":
            self.expected = (1,)  # the shell remembers
        return answer

    def done(self, line, limit=LONG):
        """As request, and it has to be a positive answer, once the call is in the middle of
        nothing else: phones may have something left to say when an event has told of it."""
        end = time.monotonic() + limit
        item = self.request(line, limit)
        while item.get("value") == "resourceBusy" and time.monotonic() < end:
            time.sleep(0.05)
            item = self.request(line, limit)
        check(item["kind"] == "response", f"{line!r} was refused", item)
        return item

    def event(self, name, device=None, since=0, limit=LONG):
        def test(i):
            return (i["kind"] == "event" and i["event"] == name and
                    (device is None or i.get("device") == device))
        return self.item(test, since, limit, f"{name} of {device}")

    def events(self, device, since=0):
        """Names of the call events of a device so far."""
        return [i["event"] for i in self.items("event", since)
                if i.get("device") == device and i["event"] != "BackInService"]

    def end(self, limit=LONG):
        if self.running():
            self.say("quit")
            try:
                return self.exit_code()
            except Failure:
                pass
        return super().end(limit)


PORTS = itertools.count(6200, 4)  # baresip takes the next one, too


class World:
    """What one scenario starts, in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.children = []

    def start(self, process):
        self.children.append(process)
        return process

    def add(self, process):
        return self.start(process).ready()

    def server(self, **options):
        return self.add(Server(self.folder, **options))

    def baresip(self, number, server, answer="manual", transport="udp", **more):
        return self.add(Baresip(self.folder, number, server, next(PORTS), answer, transport,
                                **more))

    def phone(self, number, server, *options, transport="udp"):
        return self.add(Phone(number, server, *options, transport=transport))

    def csta(self, server, *options, name="crm", transport="udp"):
        return self.add(Csta(server, *options, name=name, transport=transport))

    def run(self, *args, code=0, env=None, stdin=None):
        """A command that ends by itself; what it printed on both channels."""
        got = subprocess.run([BATON, *args], input=stdin, capture_output=True, timeout=60,
                             text=True, env={**os.environ, **(env or {})}, check=False)
        check(got.returncode == code, f"baton {' '.join(args)}: exit code {got.returncode}",
              got.stdout + got.stderr)
        return got.stdout + got.stderr

    def close(self):
        """End everything, clients before servers. @return complaints"""
        wrong = []
        clients = [p for p in self.children if not isinstance(p, Server)]
        servers = [p for p in self.children if isinstance(p, Server)]
        for s in servers:
            s.settle()
        for p in clients[::-1] + servers[::-1]:
            try:
                code = p.end()
                if code not in p.expected:
                    wrong.append(f"{p.name} ended with {code}")
            except Failure as e:
                wrong.append(str(e))
            if SANITIZER.search(p.text()):
                wrong.append(f"{p.name}: a sanitizer complains")
        return wrong

    def last_words(self, n=25):
        out = []
        for s in (p for p in self.children if isinstance(p, Server)):
            out.append("  == the last messages")
            for m in s.messages()[-60:]:
                arrow = "<-" if m["direction"] == "received" else "->"
                csta = m.get("csta", {}).get("message", "")
                out.append(f"    {m['time'][11:23]} {arrow} {m['remote']:<21} {m['start'][:70]}"
                           f"  {m.get('cseq', '')}  {csta} {' '.join(m.get('uui', []))}")
        for p in self.children:
            out.append(f"  == {p.name} (exit {p.child.poll()})")
            text = [line for line in p.text().splitlines() if line.strip()]
            out += ["    " + line[:300] for line in text[-n:]]
        return "\n".join(out)


Scenario = collections.namedtuple("Scenario", "name run")
SCENARIOS = []


def scenario(fn):
    """Decorator: fn(world) is a scenario, its name is the function's."""
    SCENARIOS.append(Scenario(fn.__name__, fn))
    return fn
