#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands that ask a running server, with a real call; and that no secret is in its log.

usage: test_commands.py BATON
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

from manager import Failure, Manager, check

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402

BATON = os.path.abspath(sys.argv[1])
PASSWORDS = {"1001": "pw-Kj7Qw1", "1002": "pw-Zr5Lm2", "desk": "pw-Xc9Vb3"}
VALUE = "04C0FFEE5EC2E7BEEF"  # User-to-User of the call
USER_DATA = "5ec2e7da7a"
SPELLINGS = [VALUE, VALUE[2:], USER_DATA, bytes.fromhex(USER_DATA).decode("latin-1")]


def config(port):
    return f"""listen: ["udp:127.0.0.1:{port}"]
domains: [example.com]
devices:
  - {{number: "1001", password: {PASSWORDS["1001"]}}}
  - {{number: "1002", password: {PASSWORDS["1002"]}}}
applications:
  - {{name: desk, password: {PASSWORDS["desk"]}, grants: ["*"]}}
store: {{path: kept.db}}
api: {{listen: ["unix:control"]}}
uui: {{packages: [{{name: acme, contents: [acme-ticket]}}]}}
log: {{level: debug}}
overload: {{lag_ms: 0}}
"""


class Phone:
    """`baton phone`, told what to do by lines."""

    def __init__(self, number, port, *options):
        self.lines, self.cond = [], threading.Condition()
        self.child = subprocess.Popen(
            [BATON, "phone", "-s", f"127.0.0.1:{port}", *options, f"sip:{number}@example.com"],
            env={**os.environ, "BATON_PASSWORD": PASSWORDS[number]}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            with self.cond:
                self.lines.append(line)
                self.cond.notify_all()

    def says(self, pattern):
        with self.cond:
            check(self.cond.wait_for(lambda: any(re.search(pattern, x) for x in self.lines), 30),
                  f"the phone says {pattern}", self.lines)

    def type(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def end(self):
        self.child.send_signal(signal.SIGINT)
        self.child.wait(30)


def baton(m, *words, code=0, env=None):
    """One command. @return what it said, both streams"""
    got = subprocess.run([BATON, *words], capture_output=True, text=True, timeout=60, check=False,
                         cwd=m.folder.name, env={**os.environ, **(env or {})})
    check(got.returncode == code, f"baton {' '.join(words)}: {got.returncode}", got.stderr)
    return got.stdout + got.stderr


def ask(m, *words):
    return baton(m, *words, "-c", m.path)


def lists(m):
    """Every list is a table and, with --json, one value or one a line."""
    check("1001" in ask(m, "devices"), "devices")
    for what in ("status", "devices", "calls", "sessions", "monitors", "agents", "peers",
                 "registrations", "listeners", "subscribers", "log", "trace"):
        json.loads(ask(m, what, "--json"))
        check(ask(m, what).strip() != "", f"{what} says something")
    check("registered" in ask(m, "device", "1001"), "device")
    json.loads(ask(m, "device", "1001", "--json"))


def others(m):
    """What is at the socket is no server of ours: in words."""
    path = os.path.join(m.folder.name, "other")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(30)

        def speak():
            s, _ = listener.accept()
            s.recv(4096)
            s.sendall(b"SSH-2.0-other\r\n")
            s.close()
        thread = threading.Thread(target=speak)
        thread.start()
        said = baton(m, "status", "--socket", path, code=1)
        thread.join()
    check("is no Baton" in said, "another program", said)
    said = baton(m, "status", "--socket", path, code=1)
    check("nobody listens at" in said, "a socket that was left", said)


def diagnosed(m, port):
    """As an application and over the socket: the same words, but that the former is told first that
    the server lets it in. Nobody is registered, which is a failure for both."""
    env = {"BATON_PASSWORD": PASSWORDS["desk"]}
    for _ in range(10):  # what DNS says may come between the two, once
        asked = baton(m, "diagnose", "-s", f"127.0.0.1:{port}", "-u", "desk@example.com", "1001", env=env, code=1)
        first, words = asked.split("\n", 1)
        check(first.startswith("server "), "the server knows the application", asked)
        check("registered  no phone" in words and "services " in words, "a diagnosis", words)
        over = baton(m, "diagnose", "1001", "--socket", "control", code=1)
        if over == words:
            break
    check(over == words, "the same words over the socket", (over, words))
    for where in (["--socket", "control"], ["-c", m.path]):
        said = json.loads(baton(m, "diagnose", "1001", "--json", *where, code=1))
        check(said["deviceID"] == "sip:1001@example.com", "as JSON", said)


def nobody_there(m):
    """A port that is closed is said at once, by the machine's own refusal; one that is silent is waited
    for, and that is said as well."""
    env = {"BATON_PASSWORD": "x"}
    at = ["-s", f"127.0.0.1:{free_port()}", "-u", "desk@example.com"]
    said = baton(m, "csta", *at, "status", env=env, code=1)
    check("nobody listens at that UDP port" in said, "a closed port", said)
    said = baton(m, "diagnose", *at, "1001", env=env, code=1)
    check("nobody listens" in said and "-> does it run" in said, "a closed port, diagnosed", said)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        child = subprocess.Popen([BATON, "csta", "-s", f"127.0.0.1:{s.getsockname()[1]}", "-u", "desk", "status"],
                                 stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                 env={**os.environ, **env})
        try:
            said = child.stderr.readline()
            check("no answer from 127.0.0.1 yet; it is waited for" in said, "a silent port", said)
        finally:
            child.kill()
            child.communicate()


def call(m, port):
    """With User-to-User, watched and moved by an application."""
    a, b = Phone("1001", port), Phone("1002", port, "--auto-answer")
    env = {"BATON_PASSWORD": PASSWORDS["desk"]}
    csta = ["csta", "-s", f"127.0.0.1:{port}", "-u", "desk@example.com"]
    a.says("registered")
    b.says("registered")
    check(re.search(r"sip:1001@example.com +1 +sip:1001@127\.0\.0\.1:\d+", ask(m, "registrations")), "where the phone is",
          ask(m, "registrations"))
    a.type(f"call 1002 {VALUE}")
    b.says(VALUE[2:])
    for _ in range(100):
        [one] = json.loads(ask(m, "calls", "--json"))
        if one["connections"][1]["localConnectionInfo"] == "connected":
            break
    check(one["callID"] in ask(m, "calls"), "calls")
    check(re.search(r"isdn-uui=\S", ask(m, "calls")), "their context", ask(m, "calls"))
    json.loads(ask(m, "call", one["callID"], "--json"))
    baton(m, *csta, "snapshot", "1001", env=env)
    baton(m, *csta, "features", env={"BATON_PASSWORD": "pw-wrong-0987"}, code=1)
    wrong = Phone("1001", port, "--password", "pw-wrong-0987", "--expires", "60")
    wrong.says("password|40[13]")
    wrong.end()
    a.type("hangup")
    a.says("(?i)ended|bye|over")
    a.end()
    b.end()
    return one["callID"]


def traced(m, call_id):
    """Without a call: which there are, and who was in them; with one: its ladder."""
    table = ask(m, "trace")
    check(call_id in table and "1001" in table and "1002" in table and " - " not in table,
          "the calls that are remembered", table)
    check("INVITE" in ask(m, "trace", call_id), "a ladder")
    ladder = json.loads(ask(m, "trace", call_id, "--json"))
    check(any(u["hex"] == VALUE for x in ladder["messages"] for u in x.get("uui", [])),
          "User-to-User in the ladder", ladder)
    ask(m, "trace", call_id, "--format", "pcap", "-o", "call.pcap")
    with open(os.path.join(m.folder.name, "call.pcap"), "rb") as f:
        check(f.read(4) == b"\xd4\xc3\xb2\xa1", "packets")


def newest(m, call_id):
    """The newest events without --from, the oldest behind the number with it."""
    every = [json.loads(x) for x in ask(m, "events", "--from", "earliest", "--limit", "1000",
                                        "--json").splitlines()]
    check(len(every) > 10, "events", every)
    last = [json.loads(x) for x in ask(m, "events", "--limit", "3", "--json").splitlines()]
    check(last == every[-3:], "the newest three", (last, every[-3:]))
    of_call = [e for e in every if e.get("subject") == call_id]
    last = [json.loads(x) for x in ask(m, "events", "--call", call_id, "--limit", "2",
                                       "--json").splitlines()]
    check(last == of_call[-2:], "the newest two of the call", (last, of_call))
    first = [json.loads(x) for x in ask(m, "events", "--from", every[0]["sequence"], "--limit",
                                        "1", "--json").splitlines()]
    check(first == every[1:2], "what came behind the first", (first, every[1]))


def remembered(m, call_id):
    """The server that runs and its database say the same, byte for byte; with -c whichever is there."""
    for form in ([], ["--csv"], ["--json"]):
        for which in ([], ["--party", "1002"], ["--party", "no & body"], ["--since", "1h", "--limit", "100000"],
                      ["--until", "2020-01-01"]):
            asked = baton(m, "history", "--socket", "control", *form, *which)
            read = baton(m, "history", "--database", "kept.db", *form, *which)
            check(asked == read, f"history {form} {which}", (asked, read))
            check(ask(m, "history", *form, *which) == read, f"history -c {form} {which}")
    row = json.loads(baton(m, "history", "--json", env={"BATON_SOCKET": "control"}))
    check((row["call"], row["seconds"] >= 0) == (call_id, True), "the call", row)
    check("not running" in baton(m, "history", "--socket", "none", code=1), "no server")
    with open(os.path.join(m.folder.name, "elsewhere.yaml"), "w", encoding="utf-8") as f:
        f.write('store: {path: kept.db}\napi: {listen: ["unix:nowhere"]}\n')
    check(call_id in baton(m, "history", "-c", "elsewhere.yaml", "--json"), "the database, when no server runs")


def backed_up(m):
    said = ask(m, "backup", "copy.db")
    check(said.startswith("copy.db: sound"), "the copy by its name", said)
    check(json.loads(ask(m, "backup", "copy.db", "--force", "--json"))["file"] == "copy.db", "JSON")
    check(not os.path.exists(os.path.join(m.folder.name, "copy.db.part")), "no part is left")
    check("--force" in baton(m, "backup", "copy.db", "-c", m.path, code=1), "it is there already")
    check("sound" in baton(m, "restore", "--check", "copy.db"), "restore --check")
    check(json.loads(baton(m, "restore", "--check", "copy.db", "--json"))["rows"] > 0, "and as JSON")


def levels(m):
    said = ask(m, "log", "level", "debug", "cti")
    check(re.search(r"^cti +debug$", said, re.M), "a level of its own", said)
    said = baton(m, "log", "level", "debug", "NOSUCHMODULE", "-c", m.path, code=1)
    check("NOSUCHMODULE" in said and " cti, " in said and " registrar, " in said, "the modules that there are", said)
    ask(m, "log", "level", "default", "cti")


def where(m):
    """--socket, -c, $BATON_SOCKET; and a sentence when there is none."""
    control = os.path.join(m.folder.name, "control")
    for words, env in ((["-c", m.path], None), (["--socket", control], None),
                       ([], {"BATON_SOCKET": control})):
        check("version" in baton(m, "status", *words, env=env), f"status {words}")
    other = os.path.join(m.folder.name, "other.yaml")
    with open(other, "w", encoding="utf-8") as f:
        f.write('listen: ["udp:127.0.0.1:5060"]\n')
    check("api.listen" in baton(m, "status", "-c", other, code=2), "no socket in it")
    check("nowhere.yaml" in baton(m, "status", "-c", "nowhere.yaml", code=2), "no such file")
    check("the server is not running" in baton(m, "status", "--socket", "none", code=1), "no server")


def tokens(m):
    """@return what must not be in the log of it"""
    said = json.loads(ask(m, "token", "create", "crm", "--scope", "observe:*", "--json"))
    secret = said["token"]
    check(secret.startswith("bt_"), "a token", said)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(m.folder.name, "control"))
        s.sendall(f"GET /v1/devices HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}x"
                  "\r\nConnection: close\r\n\r\n".encode())
        check(b" 401 " in s.recv(4096), "a token that is none")
    return secret.split("_", 2)[2]  # which may have one itself


def http(m, method, path, body, **fields):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(m.folder.name, "control"))
        head = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items())
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{head}Connection: close\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return s.recv(65536).decode()


def mistakes(m, port):
    """Messages that are refused, and quoted perhaps."""
    said = http(m, "POST", "/v1/devices/1001/calls",
                json.dumps({"calledDirectoryNumber": "1002", "userData": {"hex": USER_DATA}}))
    check(said.startswith("HTTP/1.1 4") or "202" in said, "MakeCall", said)
    http(m, "POST", "/v1/devices/1001/calls", '{"userData": "' + USER_DATA)
    http(m, "POST", "/v1/uui/decode", json.dumps({"value": VALUE + "ZZ;encoding=hex"}))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        at = "%s:%d" % s.getsockname()
        for i, line in enumerate((f"User-to-User: {VALUE}ZZ;encoding=hex", f"User-to-User: {VALUE};;=\"",
                                  f"User-to-User {VALUE}", "CSeq: x " + VALUE,
                                  f'Authorization: Digest username="1001", response="{VALUE}',
                                  f"Proxy-Authorization: Basic {PASSWORDS['1001']}")):
            s.sendto((f"INVITE sip:1002@example.com?User-to-User={VALUE} SIP/2.0\r\n"
                      f"Via: SIP/2.0/UDP {at};branch=z9hG4bKbad{i}\r\nMax-Forwards: 70\r\n"
                      f"From: <sip:1001@example.com>;tag=x{i}\r\nTo: <sip:1002@example.com>\r\n"
                      f"Call-ID: bad{i}\r\nCSeq: 1 INVITE\r\n{line}\r\n"
                      f"Contact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n").encode(), ("127.0.0.1", port))
            s.settimeout(20)
            s.recv(8192)


def private(m, port):
    """A package of the configuration is known to all that explains User-to-User."""
    said = json.loads(http(m, "POST", "/v1/uui/decode", json.dumps(
        {"value": "0102;purpose=acme;content=acme-ticket"})).split("\r\n\r\n")[1])
    check(said["items"][0]["verdict"] == "valid", "the package is known", said)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        at = "%s:%d" % s.getsockname()
        s.sendto((f"INVITE sip:1002@example.com SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKprivate\r\n"
                  "Max-Forwards: 70\r\nFrom: <sip:1001@example.com>;tag=p\r\nTo: <sip:1002@example.com>\r\n"
                  "Call-ID: private\r\nCSeq: 1 INVITE\r\nUser-to-User: 0102;purpose=acme;content=acme-ticket\r\n"
                  f"User-to-User: 0102;purpose=other\r\nContact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n"
                  ).encode(), ("127.0.0.1", port))
        s.recv(8192)
    ladder = json.loads(ask(m, "trace", "private", "--json"))
    uui = {u["package"]: u["verdict"] for u in ladder["messages"][0]["uui"] if u["change"] != "removed"}
    check(uui == {"acme": "valid", "other": "ignored"}, "in the ladder as well", uui)


def nothing_in(m, secrets):
    """@param secrets  what no line of the log may have, in any case"""
    with m.cond:
        text = "\n".join(m.output)
    check(text.count("\n") > 50 and "callID=" in text, "a whole log with ids", text)
    devices = {d for x in m.output if " api: " not in x for d in re.findall(r" device=(\S+)", x)}
    check("sip:1001@example.com" in devices and all(d.startswith("sip:") for d in devices),
          "devices are spelled in one way", devices)
    for secret in secrets:
        at = text.lower().find(secret.lower())
        check(at < 0, "a secret is in the log", text[max(0, at - 300):at + 100])


def main():
    port = free_port()
    m = Manager(BATON, config(port))
    try:
        m.heard("READY")
        ask(m, "log", "follow", "1001")
        nobody_there(m)
        diagnosed(m, port)
        call_id = call(m, port)
        lists(m)
        others(m)
        traced(m, call_id)
        newest(m, call_id)
        remembered(m, call_id)
        backed_up(m)
        where(m)
        levels(m)
        secret = tokens(m)
        mistakes(m, port)
        private(m, port)
        m.end()
        nothing_in(m, [*PASSWORDS.values(), "pw-wrong-0987", secret, *SPELLINGS])
    except Failure as e:
        sys.exit(f"commands: {e}")
    finally:
        Manager.kill_all()
    print("commands: ok")


main()
