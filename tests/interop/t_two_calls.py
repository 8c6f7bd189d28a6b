# SPDX-License-Identifier: Apache-2.0
"""Two calls of one phone, commanded by an application: baresip and linphone, each as the phone
that has both calls while the others are of either program. Media tells who talks to whom.

The phone keeps its one dialog (src/call/share.c), so what is looked for is that any phone goes
along with what that asks of it: offers and re-INVITEs without an offer, another partner in the
same session.
"""
import contextlib
import os
import wave

import lib
from lib import check, equal
from media import Media
from t_application import order
from t_keys import VOICE_S, phone

OTHER = {"linphone": "baresip", "baresip": "linphone"}


@contextlib.contextmanager
def step(name):
    try:
        yield
    except lib.Failure as e:
        raise lib.Failure(f"{name}: {e}") from None


class Office:
    """Three phones and an application that watches them; `extra` configuration of the server."""

    def __init__(self, w, program, transport, media, extra=""):
        with wave.open(os.path.join(w.folder, "voice.wav"), "wb") as f:
            f.setparams((1, 2, 8000, 0, "NONE", ""))
            f.writeframes(bytes(16000 * VOICE_S))
        self.s = w.server(extra=extra)
        self.media = media
        other = {"udp": "tcp", "tcp": "udp"}[transport]
        self.a = phone(w, program, 1001, self.s, transport)
        self.b = phone(w, OTHER[program], 1002, self.s, transport)
        self.c = phone(w, program, 1003, self.s, other)
        for p in (self.a, self.b, self.c):
            p.ready()
        self.app = w.csta(self.s)
        for number in (1001, 1002, 1003):
            self.app.done(f"monitor {number}")
            self.app.event("BackInService", str(number))

    def talk(self):
        """a talks to b. @return the callID"""
        since, seen, mark = self.a.mark(), self.b.mark(), self.app.mark()
        self.a.dial(1002)
        self.b.rings(seen, 1001)
        self.b.answer()
        self.a.talks(since)
        self.b.talks(seen)
        self.media.both_ways(self.a, self.b)
        return self.app.event("Established", "1001", mark)["connection"]["callID"]

    def consult(self, answered=True):
        """And now to c. @return the callID of that"""
        seen, mark = self.c.mark(), self.app.mark()
        made = self.app.done("consult 1001 1003")["connection"]["callID"]
        self.c.rings(seen, 1001)
        order(self.app, "1001", "Held", "Originated", "Delivered", since=mark)
        self.media.silent((self.a, self.b), (self.b, self.a))
        if answered:
            self.c.answer()
            self.c.talks(seen)
            self.app.event("Established", "1001", mark)
            self.media.both_ways(self.a, self.c)
        return made

    def over(self):
        for number in (1001, 1002, 1003):
            equal(self.app.done(f"snapshot {number}")["calls"], [], f"{number} is in no call")

    @contextlib.contextmanager
    def out(self, *phones):
        """By what is done inside, the calls of these end."""
        marks = [(p, p.mark()) for p in phones]
        yield
        for p, mark in marks:
            p.ended(mark)

    @contextlib.contextmanager
    def all_out(self, *phones):
        """The same, and nobody is in a call then."""
        with self.out(*phones):
            yield
        self.over()

    @contextlib.contextmanager
    def answered_at(self, at, *left):
        """By what is done inside it rings at `at`, for 1001, who answers; `left` are out then."""
        rung = at.mark()
        with self.out(*left):
            yield
            at.rings(rung, 1001)
            at.answer()
            at.talks(rung)

    def hang_up(self, p, *others):
        with self.all_out(p, *others):
            p.hangup()

    def rings_at(self, caller, called, at):
        """The caller's key; it rings there, and that has come to the server. @return marks of both"""
        since, seen, mark = caller.mark(), at.mark(), self.app.mark()
        caller.dial(called)
        at.rings(seen, caller.number)
        self.app.event("Delivered", str(at.number), mark)
        return since, seen

    def talk_then_over(self, caller, since, at, seen):
        at.answer()
        at.talks(seen)
        caller.talks(since)
        self.hang_up(caller, at)


def alternate_and_reconnect(o):
    first = o.talk()
    second = o.consult()
    since = o.app.mark()
    o.app.done(f"alternate {first}/1001 {second}/1001", limit=30)
    order(o.app, "1001", "Held", "Retrieved", since=since)
    o.media.both_ways(o.a, o.b)
    o.media.silent((o.a, o.c), (o.c, o.a))
    o.app.done("alternate 1001 1001", limit=30)
    o.media.both_ways(o.a, o.c)
    since, seen = o.app.mark(), o.c.mark()
    o.app.done(f"reconnect {second}/1001", limit=30)
    o.c.ended(seen)
    order(o.app, "1001", "ConnectionCleared", "Retrieved", since=since)
    o.media.both_ways(o.a, o.b)
    o.hang_up(o.b, o.a)


def join(o):
    o.talk()
    o.consult()
    since, seen = o.app.mark(), o.a.mark()
    o.app.done("join 1001 1001", limit=30)
    o.a.ended(seen)
    for number in ("1001", "1002", "1003"):
        order(o.app, number, "Transferred", since=since)
    o.media.both_ways(o.b, o.c)
    o.hang_up(o.c, o.b)


def join_ringing(o):
    o.talk()
    o.consult(answered=False)
    seen, rung = o.a.mark(), o.c.mark()
    o.app.done("join 1001 1001", limit=30)
    o.a.ended(seen)
    o.c.answer()
    o.c.talks(rung)
    o.media.both_ways(o.b, o.c)
    o.hang_up(o.b, o.c)


def consulted_leaves(o):
    """c hangs up, then the phone hangs up what it takes for one call."""
    o.talk()
    o.consult()
    since = o.app.mark()
    o.c.hangup()
    o.app.event("ConnectionCleared", "1001", since)
    o.app.done("retrieve 1001", limit=30)
    o.media.both_ways(o.a, o.b)
    o.consult()
    o.hang_up(o.a, o.b, o.c)


def digits(o):
    """Both programs take digits by INFO; then a number in two parts."""
    o.talk()
    mark = o.app.mark()
    o.app.done("digits 1001 12#")
    e = o.app.event("DigitsGenerated", "1001", mark)
    check("12#" in str(e["message"]), "the digits that were taken", e)
    with o.all_out(o.a, o.b):
        o.app.done("clear-call 1001")
    since, seen, mark = o.a.mark(), o.b.mark(), o.app.mark()
    o.app.done("make-call 1001 10; --prompt")
    o.a.rings(since, 1001)
    o.a.answer()
    o.app.done("dial 1001 02")
    o.b.rings(seen, 1001)
    o.b.answer()
    o.b.talks(seen)
    o.app.event("Established", "1001", mark)
    o.media.both_ways(o.a, o.b)
    o.hang_up(o.a, o.b)


def two_calls(w, program, transport):
    with Media() as media:
        o = Office(w, program, transport, media)
        for do in (alternate_and_reconnect, join, join_ringing, consulted_leaves, digits):
            with step(do.__name__):
                do(o)


for _program in OTHER:
    for _transport in ("udp", "tcp"):
        def of_transport(w, program=_program, transport=_transport):
            two_calls(w, program, transport)
        of_transport.__name__ = f"two_calls_{_program}_{_transport}"
        lib.scenario(of_transport)
