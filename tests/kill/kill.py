# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random points under load, again and again.

Three pairs of phones; an application for each pair has its own calls made, answered and cleared as
fast as they go, and watches both phones (calls.py). The server is killed after a random time and
started again at once. Afterwards:

  commands   every call whose MakeCall was answered is in the journal and once in the history;
             every ClearConnection that was answered has ended its call, without another word;
             every switch, agent, correlator and token is as it was answered, if only just before the
             kill (clerk.py)
  operations every command of the HTTP API that was answered 202 has ended in exactly one event, and
             there are no others. Who was not answered asks again with the same Idempotency-Key:
             it is one operation
  sessions   over TR/87 none is lost and no monitor, and each monitor was told all records of its
             device, once and in order. Over TCP each session is without a hole, and its snapshot
             fits (tcp.py)
  lamps      who watches by SIP is told of each restart in his subscription of before (watcher.py)
  streams    who follows by SSE or WebSocket, comes again by himself and goes on where he was, has
             had each of nobody's events in the journal once, in order, and with the same content;
             so has one who begins after all of it at the earliest, and who reads pages. A webhook
             was brought each at least once, signed, in order: what came twice was the same. A CRM
             was told newCall, answer and hangup of each call likewise (followers.py)
  journal    numbers have no hole; each call in it has one end
  database   sound, by its own check
  a call     stands from the beginning to the end, and is held and retrieved all the time; another
             one is transferred after each kill, in one step or after a consultation that was
             before it, and keeps what it was told in User-to-User
  phones     registered once, and never again; one dials, talks and hangs up all the time; in the end
             none believes to be in a call that is over

Between kills it is upgraded now and then, to the same program: it hands its sockets over in the
middle of all that, and the same has to hold.

A command that was not answered when the server died may or may not have been done; its pair
takes a snapshot and clears what is there.
"""
import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import lib  # noqa: E402
from calls import Dialler, Moved, Pair, Standing  # noqa: E402
from clerk import Clerk, LastWord  # noqa: E402
from follow import api  # noqa: E402
from followers import Followers, until_equal  # noqa: E402
from journal import (check_database, check_dialled, check_history, check_nothing_left,  # noqa: E402
                     records, told)
from lib import Failure, check, equal  # noqa: E402
from tcp import PORT, TcpApp  # noqa: E402
from watcher import Watcher  # noqa: E402

PAIRS = [(1001, 1002), (1003, 1004), (1005, 1006)]
STANDING, MOVED, SET, DIALLING = (1007, 1008), (1009, 1010, 1011), 1012, (1013, 1014)
MORE = "".join(f'\n  - {{{{number: "{n}", password: secret-{n}}}}}' for n in (*MOVED[1:], SET, *DIALLING))
CONFIG = lib.CONFIG.replace("{devices}", "{devices}" + MORE)
# On a server that is as busy as this one there is hardly a moment without half done calls.
STORE = (f'store: {{path: kept.db}}\ntimers: {{upgrade_s: 1}}\ncsta_tcp: ["tcp:{lib.IP}:{PORT}"]\n'
         + api(", webhook_private: true"))


def serve(w):
    return w.server(template=CONFIG, extra=STORE)


def upgrade(s):
    since = s.mark()
    s.child.send_signal(signal.SIGUSR2)
    s.wait(r"server: Baton .* devices", since, 60, "the next program")


def registers(s):
    return sum(m["start"].startswith("REGISTER") for m in lib.once(s.messages()))


class Scene:
    """All who take part."""

    def __init__(self, w, s, seed):
        self.followers = Followers(s)
        self.phones = {n: w.phone(n, s, "--auto-answer=1", "--expires=86400")
                       for group in (*PAIRS, STANDING, MOVED, DIALLING) for n in group}
        self.pairs = []
        for numbers in PAIRS:
            app = w.csta(s)
            app.done(f"monitor {numbers[0]} {numbers[1]}")
            self.pairs.append(Pair(app, numbers))
        self.watched = [n for pair in PAIRS for n in pair]
        self.tcp = TcpApp(s, self.watched)
        self.standing = Standing(s, STANDING)
        self.moved = Moved(s, MOVED[0], [self.phones[n] for n in MOVED[1:]])
        self.clerk = Clerk(s, SET, self.moved.call, MOVED[0], seed)
        self.last_word = LastWord(s, SET)
        # one phone of a pair, one that is in a call all the time, and one of which there is nothing to
        # tell but after a restart
        self.lamps = Watcher(s, (PAIRS[0][0], STANDING[0], SET))
        self.dialler = Dialler(self.phones[DIALLING[0]], DIALLING[1], random.Random(seed))
        self.workers = [*self.pairs, self.standing, self.clerk, self.dialler]
        for worker in self.workers:
            worker.start()

    def wrong(self, when):
        for x in (*self.workers, self.tcp, self.lamps):
            check(x.error is None, when, x.error)

    def kill(self, s, answered):
        """@param answered  not at any time, but when something has just been answered"""
        self.moved.before_kill()
        self.quiet = self.lamps.mark(SET)
        if answered:
            self.last_word.kill(s)
        s.kill()

    def after_kill(self):
        self.last_word.check()
        self.lamps.hears(SET, self.quiet)
        equal(self.lamps.state(STANDING[0]), {"confirmed"}, "the lamp of who is in a call")
        self.moved.after_kill()

    def calls(self):
        return sum(p.calls for p in self.pairs)

    def end(self):
        for worker in self.workers:
            worker.stop = True
        for worker in self.workers:
            worker.join(120)
            check(not worker.is_alive(), "somebody who does not come to his end")
        self.wrong("at the end")
        self.moved.clear()
        self.standing.check()

    def operations(self):
        return set().union(*(x.operations for x in (self.standing, self.moved, self.clerk, self.last_word)))

    def check(self, s):
        """@return in words what was looked at"""
        kept = records(s, self.watched)
        for pair in self.pairs:
            for number in map(str, pair.numbers):
                until_equal(lambda: told(pair.app).get(number, []), kept[number],
                            f"what the monitor of {number} was told, and the journal")
            pair.app.expected = (0, 1)  # the shell remembers what was refused
        for number, all_ in kept.items():
            until_equal(lambda: self.tcp.has_all(number, all_), True, f"the end of {number}'s calls over TCP")
        sessions, over_tcp = self.tcp.check(kept)
        for lamp in (PAIRS[0][0], STANDING[0], SET):
            until_equal(lambda: self.lamps.state(lamp), set(), f"the lamp of {lamp}")
        lamps = self.lamps.stop()
        check_nothing_left(s, self.phones.values(), self.dialler, 2 * len(self.watched))
        each, again = self.followers.check(s, self.operations())
        journal, calls = check_database(s, self.pairs)
        check_history(s, calls, self.pairs)
        check_dialled(s, self.dialler)
        self.tcp.close()
        return (f"{sum(map(len, kept.values()))} events told over TR/87, {over_tcp} in {sessions} sessions over TCP, {lamps} documents of lamps, "
                f"{journal} records in the journal, {each} of them to each who follows ({again}), "
                f"{len(self.operations())} operations")

    def summary(self):
        asked = sum(x.again for x in (self.standing, self.moved, self.clerk))
        return (f"{self.dialler.talked} calls dialled, {len(self.dialler.doubted)} given up, "
                f"{sum(p.unsure for p in self.pairs) - len(self.pairs)} commands in doubt, {asked} requests asked "
                f"again, {self.clerk.done} things set, one call held or retrieved {self.standing.done} times, one "
                f"transferred {self.moved.done} times")


def play(w, args):
    rng = random.Random(args.seed)
    s = serve(w)
    scene = Scene(w, s, args.seed)
    registered = upgrades = 0
    lived = 0.0  # seconds in which calls could be made
    for i in range(args.rounds):
        lives = time.monotonic()
        time.sleep(rng.uniform(0.2, 1.2))
        if rng.random() < 0.4:
            upgrade(s)
            upgrades += 1
            time.sleep(rng.uniform(0.0, 0.5))
        scene.kill(s, rng.random() < 0.5)
        lived += time.monotonic() - lives
        registered += registers(s)
        os.remove(s.trace)
        s = serve(w)
        scene.after_kill()
        scene.wrong(f"round {i + 1}")
    rate = scene.calls() / lived
    scene.end()
    looked_at = scene.check(s)
    registered += registers(s)
    equal(registered, 2 * len(scene.phones), "REGISTERs: one, and one with credentials, a phone")
    print(f"kill: {args.rounds} times, upgraded {upgrades} times, {scene.calls()} calls, {rate:.0f} a second, "
          f"{looked_at}; {scene.summary()}")
    check(rate >= args.at_least, f"calls a second, of which there were to be {args.at_least:g}", f"{rate:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-least", type=float, default=0.0, metavar="N",
                        help="fail when fewer calls a second were made while the server was there")
    args = parser.parse_args()
    w = lib.World(tempfile.mkdtemp(prefix="baton-kill-"))
    try:
        play(w, args)
        wrong = w.close()
    except Exception as e:  # noqa: BLE001  whatever it is, what was started is ended
        print(f"kill: FAILED: {e if isinstance(e, Failure) else traceback.format_exc()}")
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
