#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Install the packages that lie beside this file, use them, purge them. See `run`.

usage: installed.py            in the copy of the system
       installed.py --unpacked FOLDER   they are only unpacked there
       installed.py --installed         they are installed, on a machine to be tried (debian/tests)
"""
import glob
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "service"))
from manager import Failure, Manager, check, options  # noqa: E402

DECODE, WALLBOARD = (next(filter(os.path.exists, (os.path.join(HERE, os.path.basename(name)),
                                                  os.path.join(HERE, "../../examples", name))), None)
                     for name in ("uui/decode.c", "client/wallboard.c"))
UNIT, SOCKET = "/lib/systemd/system/baton.service", "/lib/systemd/system/baton.socket"
OURS = ("baton", "libbaton-uui0", "libbaton-dev", "libbaton-client0", "libbaton-client-dev", "baton-doc")
EXPOSED_AT_MOST = 20  # of 100, as systemd-analyze reckons
# What dpkg and its triggers keep for themselves.
BOOKS = re.compile(r"/(var/(lib/(dpkg|systemd|ucf|man-db)|log|cache)|etc/(passwd|group|g?shadow|sub[ug]id)"
                   r"-?|etc/ld\.so\.cache|etc/\.pwd\.lock|package|root|tmp|run|proc|sys|dev)(/|$)")

# Becomes a program under the unit's filter of system calls, which kills where the unit refuses.
SANDBOX = """
import ctypes, json, os, sys
class Arg(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]
lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
lib.seccomp_init.restype = ctypes.c_void_p
lib.seccomp_init.argtypes = [ctypes.c_uint32]
lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                       ctypes.c_uint, ctypes.POINTER(Arg)]
lib.seccomp_load.argtypes = [ctypes.c_void_p]
KILL, ALLOW, EQ, MASKED_EQ = 0x80000000, 0x7fff0000, 4, 7
calls, families = json.loads(sys.argv[1]), json.loads(sys.argv[2])
ctx = lib.seccomp_init(KILL)
def allow(name, *args):
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0 and lib.seccomp_rule_add_array(ctx, ALLOW, number, len(args),
                                                  (Arg * len(args))(*args)) != 0:
        sys.exit("no filter for " + name)
for name in calls:
    if name == "socket":
        for family in families:
            allow(name, Arg(0, EQ, family, 0))
    elif name in ("mprotect", "pkey_mprotect"):  # MemoryDenyWriteExecute
        allow(name, Arg(2, MASKED_EQ, 4, 0))
    elif name == "mmap":
        allow(name, Arg(2, MASKED_EQ, 2, 0))
        allow(name, Arg(2, MASKED_EQ, 4, 0))
    else:
        allow(name)
if lib.seccomp_load(ctx) != 0:
    sys.exit("the filter cannot be loaded")
os.execv(sys.argv[3], sys.argv[3:])
"""


def run(*args, code=0, **more):
    got = subprocess.run(args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         stdin=subprocess.DEVNULL, timeout=120, check=False, **more)
    check(got.returncode == code, " ".join(args), f"{got.returncode}: {got.stdout}")
    return got.stdout


def unit(key):
    """The values of a key, as they stand; an empty one drops those before it."""
    values = []
    with open(UNIT, encoding="utf-8") as f:
        for line in f:
            if line.startswith(key + "="):
                values.append(line.split("=", 1)[1].strip())
    return values


# ---- the unit's sandbox ----

def calls_of(name, seen=None):
    """System calls of a set of systemd's."""
    seen = seen if seen is not None else set()
    if name in seen:
        return set()
    seen.add(name)
    found = set()
    for line in run("systemd-analyze", "syscall-filter", name).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls_of(word, seen)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def filtered():
    """What SystemCallFilter leaves."""
    left = set()
    for value in unit("SystemCallFilter"):
        words = value.lstrip("~").split()
        these = set().union(*(calls_of(w) if w.startswith("@") else {w} for w in words))
        left = left - these if value.startswith("~") else left | these
    check(len(left) > 200 and "ptrace" not in left and "setuid" not in left, "the filter", left)
    return left


class Service(Manager):
    """baton.service, started as its unit does it, without systemd."""

    def __init__(self):
        super().__init__("", "", watchdog_ms=2000)

    def start(self, sockets):
        os.chmod(self.folder.name, 0o755)
        os.chmod(self.env["NOTIFY_SOCKET"], 0o666)
        [command] = unit("ExecStart")
        self.command = command.split()
        families = [getattr(socket, name) for name in unit("RestrictAddressFamilies")[0].split()]
        user = pwd.getpwnam(unit("User")[0])
        for name, mode in (("/run/baton", 0o755), ("/var/lib/baton", 0o700),
                           ("/var/log/baton", 0o750)):  # Runtime-, State-, LogsDirectory
            os.makedirs(name, exist_ok=True)
            os.chmod(name, mode)
            os.chown(name, user.pw_uid, user.pw_gid)
        self.child = subprocess.Popen(
            ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
             "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
             sys.executable, "-c", SANDBOX, json.dumps(sorted(filtered())), json.dumps(families),
             *self.command],
            env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": self.env["NOTIFY_SOCKET"],
                 "WATCHDOG_USEC": self.env["WATCHDOG_USEC"]},
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        threading.Thread(target=self._read, args=(self.child.stdout,), daemon=True).start()


def ask_options():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(20)
    s.sendto(options("package", at=s.getsockname()), ("127.0.0.1", 5060))
    check(s.recv(4096).startswith(b"SIP/2.0 200"), "OPTIONS")
    s.close()


# ---- steps ----

def snapshot():
    found = set()
    for folder, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if not BOOKS.match(os.path.join(folder, f))
                      and not os.path.ismount(os.path.join(folder, f)) and f not in ("work", "old_root")]
        found.update(os.path.join(folder, f) for f in [*folders, *files]
                     if not BOOKS.match(os.path.join(folder, f)))
    return found


def install():
    debs = [d for d in glob.glob(os.path.join(HERE, "*.deb")) if "-dbgsym_" not in d]
    check(len(debs) == len(OURS), "packages", debs)
    run("dpkg", "--install", *debs, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    config = "/etc/baton/baton.yaml"
    st = os.stat(config)
    user = pwd.getpwnam("baton")
    check(stat.S_IMODE(st.st_mode) == 0o640 and (st.st_uid, st.st_gid) == (0, user.pw_gid),
          "who may read the configuration", oct(st.st_mode))
    check(user.pw_uid != 0 and user.pw_shell.endswith("nologin"), "the user", user)
    with open(config, encoding="utf-8") as f:
        text = "".join(line for line in f if not line.lstrip().startswith("#"))
    check("password" not in text and re.findall(r"(?:udp|tcp):(\S+):\d+", text)
          == ["127.0.0.1"] * 2, "no credentials, this machine only", text)
    check("right: 2 listeners" in run("baton", "serve", "-c", config, "--check"), "--check")


def documents():
    for page in glob.glob("/usr/share/man/man[15]/baton*"):
        text = run("gzip", "-dc", page)
        got = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=text, text=True,
                             capture_output=True, check=False)
        check(got.returncode == 0, page, got.stdout)
    for name in ("/usr/share/man/man5/baton.yaml.5.gz", "/usr/share/man/man1/baton-serve.1.gz",
                 "/usr/share/doc/baton-doc/docs/install.md", "/usr/share/baton/client/baton.js",
                 "/usr/share/baton/grafana/baton.json", "/usr/share/baton/prometheus/baton-alerts.yaml"):
        check(os.path.exists(name), name)


def unit_is_right():
    for name in (UNIT, SOCKET):
        said = run("systemd-analyze", "verify", "--recursive-errors=no", name)
        check(said.strip() == "", f"systemd-analyze verify {name}", said)
    state = run("systemctl", "--root=/", "is-enabled", "baton.socket", code=1)
    check(state.strip() == "disabled", "nobody has enabled the sockets", state)
    said = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}",
               UNIT)
    print("package:", re.search(r"Overall exposure.*", said).group(0))


def upgrades(s):
    """By the package that lies here; on a machine to be tried there is none."""
    debs = glob.glob(os.path.join(HERE, "baton_*.deb"))
    since = s.mark()
    if debs:
        said = run("dpkg", "--install", *debs)
        check(f"process {s.child.pid} is the installed version" in said, "an upgrade", said)
        s.heard("READY", since)
        ask_options()


def runs():
    """Under systemd, where it is: the package has started it, and its commands find it."""
    if not os.path.isdir("/run/systemd/system"):
        print("package: no systemd here; the unit is not started by it")
        return
    check(run("systemctl", "is-active", "baton.service").strip() == "active", "is-active")
    ask_options()
    check(json.loads(run("baton", "status", "--json")), "baton status")
    run("systemctl", "reload", "baton.service")
    run("systemctl", "stop", "baton.service")


def follows():
    """libbaton-client-dev is enough for a program that follows the server."""
    program = "/tmp/wallboard"
    run("cc", WALLBOARD, "-o", program, *run("pkg-config", "--cflags", "--libs", "baton-client").split())
    board = subprocess.Popen([program], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "BATON_URL": "unix:/run/baton/control"})
    line = board.stdout.readline()
    board.kill()
    board.wait()
    board.stdout.close()
    os.remove(program)
    check(line == "0 waiting, 0 standing, 0 ready\n", "the wallboard", line)


def serves():
    s = Service()
    try:
        s.heard("READY")
        with open(f"/proc/{s.child.pid}/status", encoding="utf-8") as f:
            text = f.read()
        check(re.search(r"CapEff:\s+0+\n", text) and "NoNewPrivs:\t1" in text
              and "Seccomp:\t2" in text, "without any privilege", text)
        ask_options()
        status = json.loads(run("baton", "status", "--json"))
        check(status, "baton status", status)
        s.heard("WATCHDOG")
        since = s.mark()
        for command in unit("ExecReload"):
            run(*command.replace("$MAINPID", str(s.child.pid)).split())
        s.heard("RELOADING", since)
        s.heard("READY", since)
        upgrades(s)
        run("baton", "status")
        follows()
        run("baton", "backup", "/tmp/copy.db")
        run("baton", "restore", "--check", "/tmp/copy.db")
        os.remove("/tmp/copy.db")
        since = s.mark()
        s.child.terminate()
        s.heard("STOPPING", since)
    finally:
        s.end(told=s.child.poll() is not None or s.count("STOPPING") > 0)


def compiles():
    """libbaton-dev is enough."""
    flags = run("pkg-config", "--cflags", "--libs", "baton-uui").split()
    program = "/tmp/decode"
    run("cc", DECODE, "-o", program, *flags)
    check("valid" in run(program, "0448;encoding=hex"), "the example")
    os.remove(program)


def purge(before):
    run("dpkg", "--purge", *OURS)
    left = sorted(snapshot() - before)
    check(left == [], "left behind", left)


def unpacked(root):
    """No maintainer scripts, no user of its own, no sandbox; the program and its configuration."""
    config = os.path.join(root, "baton.yaml")
    with open(os.path.join(root, "etc/baton/baton.yaml"), encoding="utf-8") as f:
        text = f.read()
    for name in ("/var/lib/baton", "/run/baton"):
        os.makedirs(root + name, exist_ok=True)
        text = text.replace(name, root + name)
    m = Manager(os.path.join(root, "usr/bin/baton"), text)
    m.heard("READY")
    ask_options()
    m.end()
    print("package: unpacked and served; not tried here: maintainer scripts, the unit, its user "
          "and sandbox, purging")


def main():
    if sys.argv[1:2] == ["--unpacked"]:
        unpacked(sys.argv[2])
        return
    installed = sys.argv[1:2] == ["--installed"]
    before = snapshot() if not installed else None
    for step in (runs if installed else install, documents, unit_is_right, serves, compiles):
        step()
        print(f"package: {step.__name__}: ok", flush=True)
    if not installed:
        purge(before)
        print("package: purge: ok")


try:
    main()
except Failure as e:
    sys.exit(f"package: {e}")
finally:
    Manager.kill_all()
