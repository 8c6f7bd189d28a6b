#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units of systemd that come with the server: what systemd says of them, and a server that is started with the sockets that
baton.socket names and the configuration that the package has.

usage: test_sockets.py BATON FOLDER    FOLDER has the units and the configuration

The addresses are those of the files, so the server is tried in a network of its own; where none can be had, that is said.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from manager import Failure, Manager, check, options, socket_unit

BATON, SYSTEM = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
OWN = "own-network"


def configuration(home):
    """That of the package; its folders are `home`."""
    with open(os.path.join(SYSTEM, "baton.yaml"), encoding="utf-8") as f:
        text = f.read()
    return re.sub(r"/(run|var/lib)/baton(?=/)", home, text)


def verified():
    """systemd-analyze has nothing to say."""
    if shutil.which("systemd-analyze") is None:
        print("sockets: systemd-analyze is missing; the units are not verified")
        return
    with tempfile.TemporaryDirectory(prefix="baton-units-") as home:
        program = os.path.join(home, "baton")
        os.symlink(BATON, program)
        with open(os.path.join(SYSTEM, "baton.service.in"), encoding="utf-8") as f:
            text = f.read().replace("@bindir@", home).replace("@confdir@", home)
        check("@" not in re.sub(r"@(system-service|privileged|resources)", "", text), "all is filled in", text)
        with open(os.path.join(home, "baton.service"), "w", encoding="utf-8") as f:
            f.write(text)
        shutil.copy(os.path.join(SYSTEM, "baton.socket"), home)
        for unit in ("baton.service", "baton.socket"):
            # The path ends with ':' for the units of the system; a mistake is said, not always returned.
            got = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", os.path.join(home, unit)],
                                 env={**os.environ, "SYSTEMD_UNIT_PATH": home + ":"}, text=True, capture_output=True,
                                 timeout=120, check=False)
            said = [line for line in (got.stdout + got.stderr).splitlines() if "baton" in line]
            check(got.returncode == 0 and not said, f"systemd-analyze verify {unit}", got)


def ask(s, to, name, transport="UDP"):
    """@param to  None: it is connected"""
    s.settimeout(30)
    text = options(name, transport=transport, at=s.getsockname())
    if to is None:
        s.sendall(text)
    else:
        s.sendto(text, to)


def answered(s, what):
    check(s.recv(8192).startswith(b"SIP/2.0 200"), what)


def activated():
    """Each socket of the unit is taken by a listener of the configuration, each listener has got one, and who came before the
    server is answered."""
    with tempfile.TemporaryDirectory(prefix="baton-activated-") as home:
        given = socket_unit(os.path.join(SYSTEM, "baton.socket"))
        early = []
        for i, (_, s) in enumerate(given):
            c = socket.socket(s.family, s.type)
            if s.type == socket.SOCK_DGRAM:
                c.bind((s.getsockname()[0], 0))
                ask(c, s.getsockname(), f"early{i}")
            else:
                c.connect(s.getsockname())
                ask(c, None, f"early{i}", "TCP")
            early.append(c)
        m = Manager(BATON, configuration(home) + "log: {level: debug}\n", given)
        m.heard("READY")
        for c in early:
            answered(c, "who came before the server")
            c.close()
        with m.cond:
            text = "\n".join(m.output)
        check("was handed over is closed" not in text, "each has its listener", text)
        ears = re.findall(r"listening on (\w+) (\S+)", text)
        want = sorted(("UDP" if s.type == socket.SOCK_DGRAM else "TCP", f"{s.getsockname()[0]}:{s.getsockname()[1]}")
                      for _, s in given)
        check(sorted(e for e in ears if e[0] != "UNIX") == want, "the listeners are those of the unit", (ears, want))
        for _, s in given:
            s.close()
        m.end()


def by_systemd():
    """The first who comes starts it: systemd's own program hands the socket over."""
    if shutil.which("systemd-socket-activate") is None:
        print("sockets: systemd-socket-activate is missing; activation is not tried with it")
        return
    sockets = socket_unit(os.path.join(SYSTEM, "baton.socket"))
    at = [s.getsockname() for _, s in sockets if s.type == socket.SOCK_STREAM]
    for _, s in sockets:
        s.close()
    with tempfile.TemporaryDirectory(prefix="baton-activated-") as home:
        path = os.path.join(home, "baton.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(configuration(home))
        command = ["systemd-socket-activate"]
        for host, port in at:
            command += ["-l", f"{host}:{port}"]
        child = subprocess.Popen([*command, "--fdname=baton.socket", BATON, "serve", "-c", path], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said = ""
            while "Listening on" not in said:
                line = child.stdout.readline()
                check(line, "systemd-socket-activate listens", said)
                said += line
            c = socket.create_connection(at[0], 30)
            ask(c, None, "first", "TCP")
            answered(c, "the first who comes")
            c.close()
        finally:
            child.terminate()
            said += child.communicate(timeout=60)[0]
        check(child.returncode == 0 and "was handed over is closed" not in said, "it was taken", said)


def main():
    if sys.argv[3:] != [OWN]:
        run(verified)
        enter = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-rn"]
        inside = 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && exec "$@"'
        if subprocess.run([*enter, "sh", "-c", inside, "sh", "true"], capture_output=True, check=False).returncode != 0:
            print("sockets: there is no network of its own here; the sockets are not tried")
            return
        os.execvp("unshare", [*enter, "sh", "-c", inside, "sh", sys.executable, *sys.argv[:3], OWN])
    run(activated)
    run(by_systemd)


def run(test):
    try:
        test()
    except (Failure, OSError) as e:
        sys.exit(f"{test.__name__}: {e}")
    finally:
        Manager.kill_all()
    print(f"{test.__name__}: ok", flush=True)


main()
