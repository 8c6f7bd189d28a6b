# SPDX-License-Identifier: Apache-2.0
"""The server becomes another program while phones talk: nobody notices.

The new program is a script that waits until it is told to go on, and then is the real one.
"""
import os
import shutil
import signal

from lib import BATON, check, equal, established, once, scenario

STORE = "store: {path: kept.db}\n"
WAITS = """#!/bin/sh
case "$*" in
*--check-start*) exec {baton} "$@" ;;
esac
n=0
while [ ! -e {go} ] && [ $n -lt 300 ]; do n=$((n + 1)); sleep 0.1; done
exec {baton} "$@"
"""


class Programs:
    """Each stands where the one before was started from, and then is a file of its own."""

    def __init__(self, w):
        self.folder, self.n = w.folder, 0
        self.current = os.path.join(w.folder, "baton-0")
        shutil.copyfile(BATON, self.current)
        os.chmod(self.current, 0o755)
        os.link(self.current, os.path.join(w.folder, "baton"))

    def install(self):
        """@return the file that the new program waits for"""
        self.n += 1
        own, go = (os.path.join(self.folder, f"{what}-{self.n}") for what in ("baton", "go"))
        os.link(os.path.join(self.folder, "baton"), own)
        script = os.path.join(self.folder, "script")
        with open(script, "w", encoding="utf-8") as f:
            f.write(WAITS.format(baton=own, go=go))
        os.chmod(script, 0o755)
        os.replace(script, self.current)
        self.current = own
        return go


def start(w, extra=""):
    programs = Programs(w)
    return programs, w.server(extra=STORE + extra, program=programs.current)


def gap(programs, s):
    """The old program has ended, the new one has not begun."""
    since, go = s.mark(), programs.install()
    s.child.send_signal(signal.SIGUSR2)
    s.wait("upgrade: becoming", since, limit=20)
    return since, go


def over(s, since, go):
    with open(go, "w", encoding="utf-8"):
        pass
    s.wait(r"server: Baton .* devices", since, limit=30)


@scenario
def upgrade_call_goes_on(w):
    """Phones on UDP and TCP, and an application: what they say in the gap is answered after it."""
    programs, s = start(w)
    a, b, c = w.phone(1001, s), w.phone(1002, s, transport="tcp"), w.phone(1003, s)
    app = w.csta(s, transport="tcp")
    app.done("monitor 1001 1002 1003")
    established(a, b)
    app.event("Established", "1002")
    since = app.mark()
    began, go = gap(programs, s)
    app.say("hold 1001")
    over(s, began, go)
    app.event("Held", "1001", since)
    app.done("retrieve 1001")
    app.event("Retrieved", "1001", since)
    began, go = gap(programs, s)
    over(s, began, go)
    cm = c.mark()
    app.say("transfer 1001 1003")
    c.event("incoming", cm)
    c.say("answer")
    c.event("established", cm)
    a.event("ended")
    began, go = gap(programs, s)
    b.say("hangup")  # its BYE waits in the connection
    over(s, began, go)
    b.event("ended")
    c.event("ended", cm)
    app.event("ConnectionCleared", "1003", since)
    equal([i["state"] for i in app.items("session", since)], [], "what became of the session")
    messages = once(s.messages())
    registers = [m for m in messages if m["start"].startswith("REGISTER")]
    equal(len(registers), 2 * len({m["remote"] for m in registers}),
          "REGISTERs: one, and one with credentials, a phone")
    equal(len({m["remote"] for m in messages if m["transport"] == "TCP"}), 2,
          "connections of TCP: the phone's and the application's, to the end")
    established(a, b)  # the server calls a phone over a connection of before
    b.say("hangup")
    a.event("ended")


@scenario
def upgrade_waits_for_a_call(w):
    """A call that rings is not cut off: it is answered first."""
    programs, s = start(w, "timers: {upgrade_s: 60}\n")
    a, b = w.phone(1001, s), w.phone(1002, s)
    am, bm = a.mark(), b.mark()
    a.say("call 1002")
    b.event("incoming", bm)
    since, go = s.mark(), programs.install()
    s.child.send_signal(signal.SIGUSR2)
    s.wait("upgrade: to ", since)
    c = w.phone(1003, s)  # the trial is over long before this one has registered
    check("upgrade: becoming" not in s.text(since), "it waits", s.text(since))
    b.say("answer")
    a.event("established", am)
    s.wait("upgrade: becoming", since, limit=20)
    over(s, since, go)
    b.say("hangup")
    a.event("ended", am)
    established(a, c)
    a.say("hangup")
    c.event("ended")
