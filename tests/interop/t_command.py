# SPDX-License-Identifier: Apache-2.0
"""The command line: help, man pages, the configuration's faults, exit codes."""
import fcntl
import itertools
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import termios
import textwrap

import lib
from lib import check, equal, scenario

COMMANDS = ["", "serve", "phone", "csta", "uui"]


@scenario
def command_help_and_man(w):
    """Every command explains itself, alike in each way of asking, in lines that fit."""
    top = w.run("help")
    for name in COMMANDS:
        args = [name] if name else []
        text = w.run("help", *args)
        equal(w.run(*args, "--help"), text, f"{name} --help")
        check(not name or re.search(rf"(?m)^  {name}\b", top), f"{name} stands in the list")
        for line in text.split("\nExamples:\n")[0].splitlines():
            check(len(line) <= 80 or " " not in line.strip(), f"help {name}: too long", line)
        for title in ("Usage:", "Examples:", "Exit codes:"):
            check(title in text, f"help {name} has {title}")
        page = w.run("help", "--man", *args)
        check(page.startswith(".TH"), f"the man page of {name}")
        if shutil.which("mandoc"):
            got = subprocess.run(["mandoc", "-T", "lint", "-W", "style"], input=page, text=True,
                                 capture_output=True, check=False)
            equal(got.stdout.splitlines(), [], f"mandoc about {name}")
            shown = subprocess.run(["mandoc", "-T", "utf8"], input=page, text=True,
                                   capture_output=True, check=True).stdout
            shown = re.sub(".\b", "", shown)  # bold is printed twice
            check("NAME" in shown and "EXIT STATUS" in shown, f"the man page of {name}, shown")
    check(w.run("--version").startswith("baton "), "--version")


@scenario
def command_mistakes(w):
    """What is wrong is named, with the way out; exit code 2."""
    for args, says in ((["sreve"], 'Did you mean "serve"'), ([], "a command is missing"),
                       (["serve"], "-c FILE"), (["serve", "--nosuch"], "--nosuch"),
                       (["serve", "-c", "/nowhere"], "/nowhere"), (["phone"], "needed"),
                       (["phone", "-s", "127.0.0.1", "not a uri"], "not a uri"),
                       (["csta", "-s", "127.0.0.1", "-u", "a", "frobnicate"], "frobnicate"),
                       (["csta", "-s", "127.0.0.1", "status"], "--user"),
                       (["phone", "-s", "127.0.0.1", "--uui-bye", "4Z", "sip:1@a"], "hex digits"),
                       (["help", "nothing"], "nothing")):
        out = w.run(*args, code=2)
        check(says in out, f"baton {' '.join(args)} says {says!r}", out)


@scenario
def command_output_lost(w):
    """What cannot be written is no success; whoever stops reading knows that he does."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        for args in (["help", "csta"], ["--version"], ["uui", "decode", "04;encoding=hex"]):
            got = subprocess.run([lib.BATON] + args, stdout=full, stderr=subprocess.PIPE, text=True,
                                 check=False, timeout=60)
            equal(got.returncode, 1, f"exit code of {args} on a full disk")
            check("No space left" in got.stderr, "and it says so", got.stderr)


GOOD = """\
domains: [example.com]
devices:
  - number: "1001"
    password: p
"""


@scenario
def command_check_configuration(w):
    """serve --check: line and column of the first fault, and what would be right."""
    path = os.path.join(w.folder, "c.yaml")

    def checked(text, code):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return w.run("serve", "-c", path, "--check", code=code)

    check("right" in checked(GOOD, 0), "a good file")
    for extra, line, column, says in (
            ("logg: {}\n", 5, 1, "log"),
            ("log: {level: loud}\n", 5, 14, "debug"),
            ("limits: {calls: 0}\n", 5, 17, "1"),
            ("applications:\n  - name: crm\n    grants: [\"1*2\"]\n    password: x\n", 7, 14, "*"),
            ("applications:\n  - name: crm\n", 6, 5, "password"),
            ("peers:\n  - {name: p, uri: \"sip:host.example\", trusted: true}\n", 6, 20, "numeric"),
            ("listen: [\"tls:127.0.0.1:5061\"]\n", 5, 10, "tls.certificates"),
            ("realm: [\n", 6, 1, ""),
            ("\tx: y\n", 5, 1, "")):
        out = checked(GOOD + extra, 2)
        check(out.startswith(f"{path}:{line}:{column}: ") and says in out,
              f"{extra!r} is wrong at {line}:{column}", out)
        check(out.count("\n") == 1, "one line", out)


@scenario
def command_check_without_secrets(w):
    """The passwords are in the server's environment: who only looks does without."""
    path = os.path.join(w.folder, "c.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(GOOD.replace("password: p", "password_env: BATON_NOWHERE_SET"))
    out = w.run("serve", "-c", path, "--check", code=0)
    check("right" in out and "BATON_NOWHERE_SET" in out, "right, and what else it needs", out)
    w.run("route", "explain", "-c", path, "--to", "1001", code=0)
    check("BATON_NOWHERE_SET is not set" in w.run("serve", "-c", path, code=2), "not to serve")


@scenario
def command_serve_cannot_start(w):
    """An address in use and one that is not ours: exit code 1, and it says which."""
    s = w.server()
    config = os.path.join(s.folder, "baton.yaml")
    for where, says in ((f"udp:{lib.IP}:5060", "another program has it"),
                        ("tcp:203.0.113.1:5060", "does not have the address")):
        out = w.run("serve", "-c", config, "--listen", where, code=1)
        check(says in out, where, out)
    out = w.run("serve", "-c", config, "--sip-trace", "/nowhere/x", code=1)
    check("/nowhere/x" in out, "a trace that cannot be written", out)


@scenario
def command_explain_configuration(w):
    out = w.run("serve", "--explain-config")
    with open(os.path.join(lib.HERE, "..", "..", "docs", "configuration.md"),
              encoding="utf-8") as f:
        equal(out, f.read(), "docs/configuration.md")


def readme():
    """The configuration and the commands of the README's first steps."""
    with open(os.path.join(lib.HERE, "..", "..", "README.md"), encoding="utf-8") as f:
        text = f.read()
    block = re.search(r"(?s)    cat > (\S+) <<'EOF'\n(.*?)\n    EOF\n", text)
    code = re.findall(r"(?m)^    ((?:.*\\\n)*.*)", text[block.end():])
    commands = []
    for line in code:
        words = shlex.split(line.replace("\\\n", " "))
        env = dict(word.split("=", 1) for word in itertools.takewhile(
            lambda word: re.match(r"[A-Z_]+=", word), words))
        if words[len(env):][:1] == ["build/baton"]:
            commands.append((env, words[len(env) + 1:]))
    return block.group(1), textwrap.dedent(block.group(2)), commands


def readme_http(folder):
    """The README's lines for the configuration, and its commands, of the same over HTTP."""
    with open(os.path.join(lib.HERE, "..", "..", "README.md"), encoding="utf-8") as f:
        text = f.read().replace("/tmp/", folder + "/").replace("build/baton", lib.BATON)
    more = re.search(r"(?m)(^    api:\n(?:    .*\n)+)", text)
    commands = re.compile(r"(?m)(^    export BATON_SOCKET.*\n(?:    .*\n)+)").search(text, more.end())
    return textwrap.dedent(more.group(1)), textwrap.dedent(commands.group(1))


@scenario
def command_readme(w):
    """The README's first steps, as they stand there."""
    name, config, commands = readme()
    path = os.path.join(w.folder, "readme.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(config + "\n")
    more, over_http = readme_http(w.folder)
    with open(path, "a", encoding="utf-8") as f:
        f.write(more)
    equal([c[1][0] for c in commands], ["serve", "phone", "phone", "csta", "calls", "uui"],
          "the commands")

    def start(i, since=0):
        env, args = commands[i]
        args = [path if a == name else a for a in args]
        return w.start(lib.Process(f"readme-{args[0]}-{i}", [lib.BATON, *args], stdin=True,
                                   env=env))

    s = start(0)
    s.wait("server: Baton")
    a, b = start(1), start(2)
    a.wait("^registered")
    b.wait("^registered")
    app = start(3)
    b.wait(r"^call 1 incoming sip:1001@example.com")
    b.wait(r'order 4711')
    b.say("answer")
    app.wait("Established")
    b.say("hangup")
    app.wait("ConnectionCleared")
    equal(app.exit_code(), 0, "the application's exit code")
    got = subprocess.run(["sh", "-ec", over_http + "kill $!\n"], text=True, timeout=60,
                         capture_output=True, check=False)
    equal(got.returncode, 0, "the commands over HTTP: " + got.stderr)
    check('"service":"MakeCall"' in got.stdout and "1001" in got.stdout.splitlines()[-1],
          "an operation, and its call in the list", got.stdout)
    b.wait(r"^call 2 incoming sip:1001@example.com")
    b.say("hangup")
    start(5).wait("valid")
    for p in (a, b):
        p.say("quit")
        p.exit_code()


@scenario
def command_demo(w):
    """scripts/demo shows every step and says that all of it happened."""
    got = subprocess.run([os.path.join(lib.HERE, "..", "..", "scripts", "demo")], text=True,
                         capture_output=True, timeout=300, check=False)
    equal(got.returncode, 0, "the exit code of scripts/demo" + got.stdout[-3000:] + got.stderr)
    check("[ ]" not in got.stdout and "All of it happened" in got.stdout, "every step")
    for text in ("MakeCall 1001 to 1002", 'INVITE  User-to-User "case 4711"', "NOTIFY Event: talk"):
        check(text in got.stdout, f"the ladder shows {text}", got.stdout)
    got = subprocess.run([os.path.join(lib.HERE, "..", "..", "scripts", "demo")], text=True,
                         capture_output=True, timeout=300, check=False,
                         env={**os.environ, "BATON": "/bin/true"})
    equal(got.returncode, 1, "with a server that does nothing")
    check("demo: FAILED" in got.stdout, "says so", got.stdout)


@scenario
def command_demo_live(w):
    """scripts/demo-live has server, phones and console up, says where they are, and sees a call to its end."""
    script = os.path.join(lib.HERE, "..", "..", "scripts", "demo-live")
    got = subprocess.run([script], text=True, capture_output=True, timeout=100, check=False)
    equal(got.returncode, 0, "the exit code of scripts/demo-live" + got.stdout[-3000:] + got.stderr)
    for pattern in (r"The console: +http://127\.0\.0\.1:\d+/console/\n +sign in with +bt_\S+\n", "1001 calls 1002, about case 4711",
                    "The agent bar: +http", "the console was served, and every call came to its end"):
        check(re.search(pattern, got.stdout), f"it shows {pattern}", got.stdout)
    got = subprocess.run([script], text=True, capture_output=True, timeout=100, check=False,
                         env={**os.environ, "BATON": "/bin/true"})
    equal(got.returncode, 1, "with a server that does nothing" + got.stdout)


@scenario
def command_demo_live_ends_with_its_terminal(w):
    """Its server and phones end when the terminal is closed, and leave no folder behind."""
    folder = os.path.join(w.folder, "tmp")
    os.mkdir(folder)
    mine, its = pty.openpty()
    script = os.path.join(lib.HERE, "..", "..", "scripts", "demo-live")
    child = subprocess.Popen([script], stdin=its, stdout=its, stderr=its, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                             env={**os.environ, "TMPDIR": folder})
    os.close(its)
    try:
        said = b""
        while b"1001 calls 1002" not in said:
            check(select.select([mine], [], [], 60)[0], "it is up", said)
            said += os.read(mine, 4096)
        there = subprocess.run(["pgrep", "-s", str(child.pid)], text=True, capture_output=True, check=False)
        check(len(there.stdout.split()) >= 5, "itself, a server, three phones", there.stdout)
    finally:
        os.close(mine)
    child.wait(60)
    there = subprocess.run(["pgrep", "-s", str(child.pid)], text=True, capture_output=True, check=False)
    for pid in there.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    equal((there.stdout, os.listdir(folder)), ("", []), "nothing is left")


def scripted(w, server, number, commands, password=None):
    """baton phone with commands on standard input, which then ends. @return code and output"""
    got = subprocess.run([lib.BATON, "phone", "-s", f"{server.ip}:{server.port}",
                          f"sip:{number}@example.com"], input=commands, text=True, timeout=60,
                         env={**os.environ, "BATON_PASSWORD": password or f"secret-{number}"},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return got.returncode, got.stdout


@scenario
def command_phone_script(w):
    """Commands through a pipe: the phone leaves when its call has ended, and says how it went."""
    s = w.server()
    w.phone(1002, s, "--refuse", "486")
    code, out = scripted(w, s, 1001, "call 1002 04C8\n")
    equal(code, 1, f"the exit code of a refused call: {out}")
    check("refused sip:1002@example.com 486" in out and "unregistered" in out, "it left", out)
    code, out = scripted(w, s, 1001, "call 1002 0\nanswer\nhangup\nreject 603\nanswer 7\n")
    check("calling" not in out and "pairs of hex digits" in out, "no call without its UUI", out)
    check(out.count("no call rings") == 2 and "there is no call\n" in out and
          "there is no such call" in out, "what is missing", out)
    equal(code, 0, "nothing was refused")
    code, out = scripted(w, s, 1001, "quit\n", password="wrong")
    equal(code, 1, f"it was never registered: {out}")


@scenario
def command_screen_pop(w):
    """examples/screen_pop.py, the guide's client: who calls, and the text of the user data."""
    s = w.server()
    a = w.phone(1001, s)
    w.phone(1002, s)
    path = os.path.join(lib.HERE, "..", "..", "examples", "screen_pop.py")
    # a shell that starts something in the background has it ignore Ctrl-C
    p = w.start(lib.Process("screen_pop", ["env", "--default-signal=INT", path, s.ip, "crm", "1002"],
                            env={"BATON_PASSWORD": "crm-secret-1"}))
    p.wait("^1002 is monitored as 1$")
    a.say("call 1002 0463617365")
    p.wait("^sip:1001@example.com calls: case$")
    a.say("hangup")
    a.event("ended")
    p.child.send_signal(signal.SIGINT)
    equal(p.exit_code(), 0, "its exit code")
