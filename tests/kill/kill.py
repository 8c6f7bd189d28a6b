# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random points under load, again and again.

Three pairs of phones; an application for each pair has its own calls made, answered and cleared as
fast as they go, and watches both phones. The server is killed after a random time and started
again at once. Afterwards:

  commands   every call whose MakeCall was answered is in the history; every ClearConnection that
             was answered has ended its call; no monitor is lost: the sessions were never ended
  events     no monitor was told the same event of a connection twice; each connection that a
             monitor has heard of has ended exactly once
  journal    numbers have no hole; each call in it has one end
  database   sound, by its own check
  streams    who follows by SSE or WebSocket, comes again by himself and goes on where he was, has
             had each of nobody's events in the journal once and in order; so has one who begins
             after all of it at the earliest. A webhook was brought each at least once: what came
             twice has the same id, and nothing came before what precedes it
  late ones  who reads pages of the journal after all of it has each event once and in order, too
  operations every command of the HTTP API that was answered 202 has ended in exactly one event. Who
             was not answered asks again with the same Idempotency-Key: it is one operation
  a call     stands from the beginning to the end, and is held and retrieved all the time
  phones     registered once, and never again

Between kills it is upgraded now and then, to the same program: it hands its sockets over in the
middle of all that, and the same has to hold.

A command that was not answered when the server died may or may not have been done; its pair
takes a snapshot and clears what is there.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import lib  # noqa: E402
from follow import Sse, Ws, api, ask  # noqa: E402
from lib import BATON, Failure, check, equal  # noqa: E402
from t_webhook import Taker  # noqa: E402

PAIRS = [(1001, 1002), (1003, 1004), (1005, 1006)]
STANDING = (1007, 1008)
# On a server that is as busy as this one there is hardly a moment without half done calls.
STORE = "store: {path: kept.db}\ntimers: {upgrade_s: 1}\n" + api(", webhook_private: true")
ENDS = ("ConnectionCleared",)
SERVICES = {"make-call": "MakeCall", "clear": "ClearConnection", "snapshot": "SnapshotDevice"}


class Pair(threading.Thread):
    """Call, talk, clear, until told to stop."""

    def __init__(self, app, numbers):
        super().__init__(daemon=True)
        self.app, self.numbers = app, numbers
        self.stop, self.calls, self.unsure = False, 0, 0
        self.made, self.cleared = set(), set()
        self.error = None

    def ask(self, line):
        """The answer, or None: it was refused, or lost with the server."""
        since = self.app.mark()
        self.app.say(line)
        service = SERVICES[line.split()[0]]
        answer = self.app.item(lambda i: i["kind"] == "session" or i.get("request") == service,
                               since, 60, f"the answer to {line!r}")
        if answer["kind"] == "session":
            raise Failure(f"{line!r}: the session was lost: {answer}")
        return answer if answer["kind"] == "response" else None

    def wait_event(self, call, name, since, limit=40):
        self.app.item(lambda i: i["kind"] == "event" and i["event"] == name
                      and i.get("connection", {}).get("callID") == call, since, limit,
                      f"{name} of {call}")

    def clean(self):
        """Whatever stands is cleared."""
        self.unsure += 1
        for _ in range(20):
            standing = 0
            for number in self.numbers:
                shown = self.ask(f"snapshot {number}")
                for call in (shown or {}).get("calls", ()):
                    standing += 1
                    self.ask(f"clear {call['callID']}:{number}" if "callID" in call
                             else f"clear {number}")
            if shown is not None and standing == 0:
                return
            time.sleep(0.1)
        raise Failure(f"{self.numbers}: calls that cannot be cleared")

    def once(self):
        a, b = self.numbers
        since = self.app.mark()
        made = self.ask(f"make-call {a} {b}")
        if made is None:
            self.clean()
            return
        call = made["connection"]["callID"]
        self.made.add(call)
        names = ("Established", "ConnectionCleared")
        self.app.item(lambda i: i["kind"] == "event" and i["event"] in names
                      and i.get("connection", {}).get("callID") == call
                      and (i["event"] == "ConnectionCleared"
                           or i["connection"]["deviceID"] == str(b)), since, 60,
                      f"what becomes of {call}")
        if self.ask(f"clear {a}") is None:
            self.clean()
        else:
            self.cleared.add(call)
        self.calls += 1

    def run(self):
        try:
            while not self.stop:
                self.once()
            self.clean()
        except Exception as e:  # noqa: BLE001  told by the main thread
            self.error = e


class Standing(threading.Thread):
    """One call that stands through all of it: held and retrieved over the HTTP API, all the time."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stop, self.error = server, False, None
        self.held, self.done, self.keys, self.again, self.operations = False, 0, 0, 0, set()
        a, b = STANDING
        status, made = self.ask("POST", f"/v1/devices/{a}/calls", {
            "calledDirectoryNumber": str(b), "autoOriginate": "doNotPrompt"}, Prefer="wait=10")
        check(status == 200, "the call that is to stand", made)
        self.call = made["result"]["MakeCallResponse"]["callingDevice"]["callID"]
        self.until(lambda: self.state() == "connected", "the call to stand")

    def ask(self, method, path, body=None, **fields):
        """Until there is an answer: who hears nothing asks again, a command with the same key."""
        end = time.monotonic() + 60
        while True:
            try:
                status, said = ask(self.server, method, path, body, **fields)
                if status != 503 and said is not None:
                    return status, said
            except (OSError, Failure, ValueError, IndexError):
                self.again += 1
            check(time.monotonic() < end, f"no answer to {method} {path}")
            time.sleep(0.01)

    def until(self, test, what):
        end = time.monotonic() + 40
        while not test():
            check(time.monotonic() < end, f"waited for {what}")
            time.sleep(0.01)

    def state(self):
        status, shown = self.ask("GET", f"/v1/calls/{self.call}")
        check(status == 200, "the standing call is gone", shown)
        return {c["deviceID"]: c for c in shown["connections"]}[f"sip:{STANDING[0]}@example.com"]["localConnectionInfo"]

    def command(self, verb):
        """@return it was done; False: the server was killed meanwhile, or it has to be tried again"""
        self.keys += 1
        status, made = self.ask("POST", f"/v1/calls/{self.call}/connections/{STANDING[0]}/{verb}", {},
                                Idempotency_Key=f"key-{self.keys}")
        if status == 409 and "sip" not in made:
            return False  # the step before, which may be one of before the kill, is not over yet
        check(status in (200, 202), verb, made)
        self.operations.add(made["operation"])
        ended = {}

        def over():
            ended.update(self.ask("GET", "/v1/operations/" + made["operation"], Prefer="wait=5")[1])
            return ended.get("state") != "accepted" or None
        self.until(over, f"the end of {verb}")
        if ended.get("state") == "done":
            return True
        code = ended.get("code") or ended.get("problem", {}).get("code")
        check(code == "restarted", f"{verb} failed", ended)
        return False

    def once(self):
        """It is held, or goes on; then it is so."""
        verb, then = ("retrieve", "connected") if self.held else ("hold", "hold")
        if self.command(verb):
            self.until(lambda: self.state() == then, f"the call after {verb}")
            self.done += 1
        self.held = self.state() == "hold"

    def run(self):
        try:
            while not self.stop:
                self.once()
        except Exception as e:  # noqa: BLE001  told by the main thread
            self.error = e

    def check(self):
        """The same call still does what it is told."""
        done = self.done + 2

        def both():
            self.once()
            return self.done >= done
        self.until(both, "the call to be held and retrieved in the end")
        check(self.command("clear"), "the call cannot be cleared")


def check_events(pair):
    """Nothing twice, and each connection that was heard of has ended once."""
    told, ends, heard = set(), {}, set()
    for event in pair.app.items("event"):
        if "connection" not in event:
            continue
        ref, at = event["monitorCrossRefID"], event["connection"]
        key = (ref, event["event"], at["callID"], at["deviceID"])
        check(key not in told, "told twice", event)
        told.add(key)
        own = (ref, at["callID"])
        heard.add(own)
        if event["event"] in ENDS:
            ends[own] = ends.get(own, 0) + 1
    for own in heard:
        equal(ends.get(own, 0), 1, f"ends of call {own[1]} on monitor {own[0]}")
    return len(told)


def check_database(path, pairs):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    equal(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", "the database's own check")
    first, last, n = db.execute("SELECT min(seq), max(seq), count(*) FROM events").fetchone()
    equal(last - first + 1, n, "numbers without a hole")
    equal(db.execute("SELECT count(*) FROM events WHERE event = 'gap'").fetchone()[0], 0, "gaps")
    ended = {row[0]: row[1] for row in db.execute(
        "SELECT call, sum(event = 'CallClearedEvent') FROM events WHERE watched = '' "
        "AND call NOT NULL GROUP BY call")}
    for call, ends in ended.items():
        equal(ends, 1, f"ends of call {call} in the journal")
    for pair in pairs:
        check(pair.made <= set(ended), "calls that were acknowledged and are not there",
              pair.made - set(ended))
    return n


def upgrade(s):
    since = s.mark()
    s.child.send_signal(signal.SIGUSR2)
    s.wait(r"server: Baton .* devices", since, 60, "the next program")


class Followers:
    """One of each kind, from before the first event on."""

    def __init__(self, s):
        self.sse = Sse(s, "from=earliest", again=True)
        self.ws = Ws(s, "earliest", again=True)
        self.taker = Taker()
        status, _ = ask(s, "POST", "/v1/webhooks", {"url": self.taker.url, "from": "earliest"})
        equal(status, 201, "the webhook")

    def check(self, s, operations):
        """@return events that each has had, how often the webhook was brought one again"""
        db = sqlite3.connect(f"file:{os.path.join(s.folder, 'kept.db')}?mode=ro", uri=True)
        want = [row[0] for row in db.execute("SELECT seq FROM events WHERE watched = '' ORDER BY seq")]
        late, pages, more = Sse(s, "from=earliest"), [], "from=earliest"
        while more:
            page = ask(s, "GET", f"/v1/events?limit=1000&{more}")[1]
            pages += [int(e["sequence"]) for e in page["items"]]
            more = "after=" + page["next"] if "next" in page else None
        check(pages[:len(want)] == want, "pages: each event once, in order", (len(pages), len(want)))
        for name, f in (("SSE", self.sse), ("WebSocket", self.ws), ("a late one", late)):
            f.wait(lambda e: int(e["sequence"]) >= want[-1], f"the last event ({name})", 60)
            equal([e for e in f.events if e["type"] == "org.baton.gap.v1"], [], f"gaps told to {name}")
            check(f.numbers() == want, f"{name}: each event once, in order",
                  (len(f.numbers()), len(want), sorted(set(want) ^ set(f.numbers()))[:5]))
        self.taker.wait(lambda got: got and int(json.loads(got[-1][1])["id"]) >= want[-1],
                        "the webhook's last event", 120)
        brought = [int(json.loads(body)["id"]) for _, body in self.taker.got]
        check(list(dict.fromkeys(brought)) == want, "webhook: each at least once, in order",
              (len(set(brought)), len(want), sorted(set(want) ^ set(brought))[:5]))
        ends = [e["data"]["operation"] for e in self.sse.events if e["type"] == "org.baton.operation.v1"]
        for operation in operations:
            equal(ends.count(operation), 1, f"events of the end of {operation}")
        for f in (self.sse, self.ws, late):
            f.stop()
        self.taker.close()
        return len(want), len(brought) - len(want)


def play(w, rounds, seed):
    rng = random.Random(seed)
    s = w.server(extra=STORE)
    followers = Followers(s)
    phones = [w.phone(n, s, "--auto-answer=1", "--expires=86400") for pair in [*PAIRS, STANDING] for n in pair]
    pairs = []
    for numbers in PAIRS:
        app = w.csta(s)
        app.done(f"monitor {numbers[0]} {numbers[1]}")
        pairs.append(Pair(app, numbers))
    for pair in pairs:
        pair.start()
    registered = upgrades = 0
    standing = Standing(s)
    standing.start()
    lived = 0.0  # seconds in which calls could be made
    for i in range(rounds):
        lives = time.monotonic()
        time.sleep(rng.uniform(0.2, 1.2))
        if rng.random() < 0.4:
            upgrade(s)
            upgrades += 1
            time.sleep(rng.uniform(0.0, 0.5))
        s.kill()
        lived += time.monotonic() - lives
        registered += sum(m["start"].startswith("REGISTER") for m in lib.once(s.messages()))
        os.remove(s.trace)
        s = w.server(extra=STORE)
        for thread in [*pairs, standing]:
            check(thread.error is None, f"round {i + 1}", thread.error)
    rate = sum(p.calls for p in pairs) / lived
    for thread in [*pairs, standing]:
        thread.stop = True
    for pair in [*pairs, standing]:
        pair.join(120)
        check(pair.error is None, "at the end", pair.error)
        check(not pair.is_alive(), "a pair that does not come to its end")
    time.sleep(1)
    registered += sum(m["start"].startswith("REGISTER") for m in lib.once(s.messages()))
    equal(registered, 2 * len(phones), "REGISTERs: one, and one with credentials, a phone")
    events = sum(check_events(pair) for pair in pairs)
    standing.check()
    told, again = followers.check(s, standing.operations)
    kept = check_database(os.path.join(s.folder, "kept.db"), pairs)
    for pair in pairs:
        pair.app.expected = (0, 1)  # the shell remembers what was refused
    print(f"kill: {rounds} times, upgraded {upgrades} times, {sum(p.calls for p in pairs)} calls, {rate:.0f} a second, {events} events told, "
          f"{kept} in the journal, {told} of them to each who follows (the webhook: {again} again, SSE: "
          f"{followers.sse.times} connections), {sum(p.unsure for p in pairs) - len(pairs)} commands in doubt; {len(standing.operations)} operations, "
          f"{standing.again} requests asked again, one call held or retrieved {standing.done} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    w = lib.World(tempfile.mkdtemp(prefix="baton-kill-"))
    try:
        play(w, args.rounds, args.seed)
        wrong = w.close()
    except Failure as e:
        print(f"kill: FAILED: {e}")
        print(w.last_words())
        print("kill: what every server said of sessions and of what stands again:")
        for p in w.children:
            if isinstance(p, lib.Server):
                print("\n".join(x for x in p.text().splitlines() if re.search(r" (warn|error) | (cti|store): ", x)))
        w.close()
        return 1
    for line in wrong:
        print(f"kill: {line}")
    if not wrong:
        shutil.rmtree(w.folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
