# SPDX-License-Identifier: Apache-2.0
"""Restarts and ends: of phones, of the server, in the middle of everything."""
import os
import signal
import time

from lib import LONG, check, equal, established, scenario


@scenario
def life_phone_restarts_with_its_instance(w):
    """baresip keeps its instance: the new registration takes the place of the old one."""
    s = w.server()
    a = w.phone(1001, s)
    b = w.baresip(1002, s)
    b.kill()
    again = w.baresip(1002, s, answer="auto")
    am, since = a.mark(), len(s.messages())
    a.say("call 1002")
    a.event("established", am)
    again.event("CALL_ESTABLISHED")
    invites = {m["remote"] for m in s.messages()[since:]
               if m["start"].startswith("INVITE") and m["direction"] == "sent"}
    equal(len(invites), 1, "the dead contact is not called")
    a.say("hangup")
    again.event("CALL_CLOSED")


@scenario
def life_phone_restarts_without_instance(w):
    """Two contacts then: both are called, the one that lives answers, the other is no harm."""
    s = w.server(extra="timers: {t1_ms: 20}\n")
    a = w.phone(1001, s)
    dead = w.phone(1002, s)  # baton phone has another instance at each start
    dead.kill()
    b = w.phone(1002, s, "--auto-answer=300")
    app = w.csta(s)
    app.done("monitor 1001")
    am = a.mark()
    a.say("call 1002")
    a.event("established", am)
    b.event("established")
    equal(app.event("Established", "1001")["subjectDevice"], "sip:1002@example.com", "who answered")
    equal(app.events("1001").count("Delivered"), 1, "it rang once")
    since = app.mark()
    b.say("hangup")
    app.event("ConnectionCleared", "1001", since)


@scenario
def life_server_is_killed(w):
    """A session and a call stand; the server dies and comes back, and remembers nothing.

    The application finds out by a 481, opens a new session, monitors again, and is shown that
    the calls of before are gone. The phones end theirs when they hang up.
    """
    s = w.server()
    a, b = w.phone(1001, s, "--expires", "60"), w.phone(1002, s, "--expires", "60")
    app = w.csta(s)
    app.done("monitor 1001 1002")
    established(a, b)
    app.event("Established", "1002")
    s.kill()
    since = app.mark()
    s = w.server()
    app.say("snapshot 1001")
    app.item(lambda i: i["kind"] == "session" and i["state"] == "lost", since, what="its loss")
    app.item(lambda i: i["kind"] == "session" and i["state"] == "up", since, what="a new session")
    s.wait_message(lambda m: m["start"].startswith("SIP/2.0 481") and "INFO" in m["cseq"],
                   "481 to the INFO of the old dialog")
    for number in ("1001", "1002"):
        shown = app.item(lambda i, number=number: i.get("request") == "SnapshotDevice"
                         and i.get("about") == number and i["kind"] == "response", since,
                         what=f"the snapshot of {number}")
        equal(shown["calls"], [], f"the calls of {number} in the snapshot")
    for p in (a, b):
        p.say("hangup")
        p.event("ended")
    # they register again in their own time; new ones need not wait for it
    gone(a, b)
    a2 = w.phone(1001, s)
    b2 = w.phone(1002, s)
    since = app.mark()
    established(a2, b2)
    app.event("Established", "1001", since)
    app.done("clear 1001")
    b2.event("ended")
    app.expected = (0, 1)  # what was said to the dead server failed


def gone(*clients):
    """Nobody is there to say goodbye to; it would take them some seconds to believe that."""
    for p in clients:
        p.kill()


def everything(w, **options):
    s = w.server(**options)
    a, b = w.phone(1001, s), w.phone(1002, s)
    app = w.csta(s)
    app.done("monitor 1001 1002")
    established(a, b)
    app.event("Established", "1002")
    return s, a, b, app


@scenario
def life_sigterm_ends_all(w):
    """BYE to both phones and to the application, then exit code 0."""
    s, a, b, app = everything(w)
    since = app.mark()
    s.child.terminate()
    for p in (a, b):
        p.event("bye")
        p.event("ended")
    app.item(lambda i: i["kind"] == "session" and i["state"] == "lost", since, what="the BYE")
    equal(s.exit_code(), 0, "the server's exit code")
    byes = [m for m in s.messages() if m["start"].startswith("BYE") and m["direction"] == "sent"]
    check(len(byes) >= 3, "three BYEs", [m["start"] for m in byes])
    gone(a, b, app)


@scenario
def life_sigterm_with_a_dead_phone(w):
    """A phone that answers nothing holds the end up for stop_s, and the code says so."""
    s, a, b, app = everything(w, extra="timers: {stop_s: 1}\n")
    a.child.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    s.child.terminate()
    b.event("ended")
    equal(s.exit_code(), 1, "the server's exit code")
    s.expected = (1,)
    check(time.monotonic() - begin > 0.8, "not before stop_s")
    s.wait("not ended within timers.stop_s, 1 s; stopping anyway")
    gone(a, b, app)


@scenario
def life_second_sigterm(w):
    """Told twice: at once."""
    s, a, b, app = everything(w, extra="timers: {stop_s: 60}\n")
    a.child.send_signal(signal.SIGSTOP)
    s.child.terminate()
    s.wait("server: stopping")
    b.event("ended")
    s.child.terminate()
    equal(s.exit_code(), 1, "the server's exit code")
    s.expected = (1,)
    check("timers.stop_s" not in s.text(), "at once")
    gone(a, b, app)


@scenario
def life_trace_is_rotated(w):
    """SIGHUP opens the trace anew; SIGUSR1 writes the counters."""
    s = w.server()
    w.phone(1001, s)
    s.child.send_signal(signal.SIGUSR1)
    s.wait("engine: sip_received=2 ")
    os.rename(s.trace, s.trace + ".1")
    s.child.send_signal(signal.SIGHUP)
    end = time.monotonic() + LONG
    while not os.path.exists(s.trace) and time.monotonic() < end:
        time.sleep(0.02)
    w.phone(1002, s)
    check(any(m["start"].startswith("REGISTER") for m in s.messages()), "the new trace is used")
