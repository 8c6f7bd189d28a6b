# SPDX-License-Identifier: Apache-2.0
"""What outlives the server: it is killed and comes back with what it had kept."""
import json
import os

from lib import check, equal, established, once, scenario

STORE = "store: {path: kept.db, uui: length}\n"


def killed(w, s, **options):
    """Without a word, in the middle of everything; and there again."""
    s.kill()
    return w.server(extra=STORE, **options)


@scenario
def kept_server_is_killed(w):
    """Phones need not register, the call is commanded on, and the session is the same."""
    s = w.server(extra=STORE)
    a, b, c = w.phone(1001, s), w.phone(1002, s), w.phone(1003, s)
    app = w.csta(s)
    app.done("monitor 1001 1002 1003")
    established(a, b)
    app.event("Established", "1002")
    since = app.mark()
    s = killed(w, s)
    app.done("hold 1001")
    app.event("Held", "1001", since)
    s = killed(w, s)  # held it is, too
    app.done("retrieve 1001")
    app.event("Retrieved", "1001", since)
    cm = c.mark()
    app.say("transfer 1001 1003")
    c.event("incoming", cm)
    c.say("answer")
    c.event("established", cm)
    a.event("ended")
    s = killed(w, s)
    app.done("clear 1002")
    b.event("ended")
    c.event("ended", cm)
    app.event("ConnectionCleared", "1003", since)
    states = [i["state"] for i in app.items("session", since)]
    equal(states, [], "what became of the session")
    registers = [m for m in once(s.messages()) if m["start"].startswith("REGISTER")]
    known = {m["remote"] for m in registers}
    equal(len(registers), 2 * len(known), "REGISTERs: one, and one with credentials, a phone")
    established(a, c)  # nobody had to register for that
    a.say("hangup")
    c.event("ended")


@scenario
def kept_history(w):
    """Calls that were, read while the server runs, and after it was killed."""
    s = w.server(extra=STORE)
    a, b = w.phone(1001, s), w.phone(1002, s)
    established(a, b)
    a.say("hangup")
    b.event("ended")
    database = os.path.join(s.folder, "kept.db")
    first = [json.loads(line) for line in
             w.run("history", "--database", database, "--json").splitlines()]
    equal(len(first), 1, "calls")
    check("1001" in first[0]["calling"] and "1002" in first[0]["answeredBy"], "who", first)
    equal(first[0]["cause"], "normalClearing", "why it ended")
    established(a, b)
    s = killed(w, s)
    b.say("hangup")
    a.event("ended")
    lines = w.run("history", "-c", os.path.join(s.folder, "baton.yaml"), "--csv").splitlines()
    equal(len(lines), 3, "a line of names, two calls")
    check(lines[0].startswith("call,began,answered,ended"), "names", lines[0])
    check("normalClearing" in lines[2], "the second one has its end", lines[2])


@scenario
def kept_database_is_damaged(w):
    """It says so and does not start; with another one it does."""
    s = w.server(extra=STORE)
    s.end()
    path = os.path.join(s.folder, "kept.db")
    with open(path, "r+b") as f:
        f.seek(100)
        f.write(b"garbage" * 600)
    text = w.run("serve", "-c", os.path.join(s.folder, "baton.yaml"), code=1)
    check("kept.db" in text and ("damaged" in text or "no database" in text), "what it says", text)
    os.rename(path, path + ".bad")
    for more in ("-wal", "-shm"):
        if os.path.exists(path + more):
            os.remove(path + more)
    s = w.server(extra=STORE)
    a, b = w.phone(1001, s), w.phone(1002, s)
    established(a, b)
    a.say("hangup")
    b.event("ended")
