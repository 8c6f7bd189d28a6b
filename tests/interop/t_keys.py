# SPDX-License-Identifier: Apache-2.0
"""What phones do by themselves: hold, transfer, deflection, redirection, over each transport.

One scenario for each program and transport; in it the keys of the phone are pressed one after
another, and every step ends with nobody in a call. Of the three phones the first two are the
program's over that transport, and the third is the other program's over another one: so both are
transferred to, and redirected to, from everywhere. Media tells who talks to whom.

baresip 1.0 has no key for an attended transfer and none that answers 302: its list of commands
says so, and the scenario looks, so that a version that has them does not stay untested.
"""
import contextlib
import os
import wave

import lib
from lib import PORTS, check, equal
from media import Media
from peers import Linphone
from t_browser import certificate
from t_uui_flows import CONTEXT, ESCAPED, VALUE

CONFIG = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}", "tls:{ip}:5061"]
domains: [example.com]
tls: {{certificates: [{{cert: cert.pem, key: key.pem}}]}}
devices:
{devices}
routes:
  - {{name: to the phone, match: {{to: ["5003"]}}, action: redirect,
     targets: [{{to: "device:1003"}}]}}
  - {{name: to the number, match: {{to: ["6003"]}}, action: redirect,
     targets: [{{to: "sip:1003@example.com"}}]}}
log: {{level: debug, sip_trace: {trace}}}
"""
VOICE_S = 30
NEXT = {"udp": "tcp", "tcp": "tls", "tls": "udp"}


PROGRAMS = {"linphone": Linphone, "baresip": lib.Baresip}


def phone(w, program, number, server, transport):
    return w.start(PROGRAMS[program](w.folder, number, server, next(PORTS), transport=transport,
                                     voice=os.path.join(w.folder, "voice.wav")))


class Office:
    """The server `s`, the phones `a` and `b` of the program, `c` of the other, and their media."""

    def __init__(self, w, program, transport, media):
        certificate(w.folder)
        with wave.open(os.path.join(w.folder, "voice.wav"), "wb") as f:
            f.setparams((1, 2, 8000, 0, "NONE", ""))
            f.writeframes(bytes(16000 * VOICE_S))  # baresip does not begin again
        self.s = w.server(template=CONFIG)
        self.s.ports = {"tls": 5061}
        self.media, self.transport = media, transport
        # of calls, if it has a way; and with that of another package which a key embeds
        self.context = (VALUE,) if program == "linphone" else ()
        self.both = ", ".join([CONTEXT, *self.context])
        other = {"linphone": "baresip", "baresip": "linphone"}[program]
        self.a = phone(w, program, 1001, self.s, transport)
        self.b = phone(w, program, 1002, self.s, transport)
        self.c = phone(w, other, 1003, self.s, NEXT[transport])
        for p in (self.a, self.b, self.c):
            p.ready()

    def call(self, a, b):
        since, seen = a.mark(), b.mark()
        a.dial(b.number, *self.context)
        b.rings(seen, a.number, *self.context)
        self.answered(a, since, b, seen)

    def answered(self, a, since, b, seen):
        """b picks up; a and b talk."""
        b.answer()
        a.talks(since)
        b.talks(seen)
        self.media.both_ways(a, b)

    def hang_up(self, a, b):
        """a's key ends its call with b, and both are told."""
        since, seen, sent = a.mark(), b.mark(), len(self.s.messages())
        a.hangup()
        b.ended(seen)
        a.ended(since)
        for way in ("received", "sent"):
            self.s.wait_message(lambda m, way=way: m["start"].startswith("BYE ") and
                                m["direction"] == way, f"a BYE, {way}", since=sent)
        self.media.silent((a, b), (b, a))

    def context_sent(self, since, context):
        """One INVITE went to the third phone since then, with that User-to-User."""
        got = [m.get("uui", []) for m in lib.once(self.s.messages()[since:])
               if m["start"].startswith("INVITE sip:1003") and m["direction"] == "sent"]
        equal(got, [[context]], "the context as it was sent")


def agreed(s, since, direction):
    """A whole re-INVITE with that direction of media, through the server."""
    for way in ("received", "sent"):
        s.wait_message(lambda m, way=way: m["start"].startswith("INVITE ") and
                       m["direction"] == way and m.get("sdp") == direction,
                       f"the re-INVITE, {direction} and {way}", since=since)
    for way in ("received", "sent"):
        s.wait_message(lambda m, way=way: m["start"].startswith("ACK ") and m["direction"] == way,
                       f"its ACK, {way}", since=since)


def hold_and_resume(o):
    """Of the caller and of the callee; then the callee hangs up."""
    o.call(o.a, o.b)
    for holder, held in ((o.a, o.b), (o.b, o.a)):
        since = len(o.s.messages())
        holder.hold()
        agreed(o.s, since, "sendonly")
        o.media.silent((held, holder))
        since = len(o.s.messages())
        holder.resume()
        agreed(o.s, since, "sendrecv")
        o.media.both_ways(holder, held)
    o.hang_up(o.b, o.a)


def transfer_blind(o):
    """By the callee, then by the caller: to the third phone, with a context in Refer-To."""
    for caller, callee, mover, moved in ((o.a, o.b, o.b, o.a), (o.a, o.b, o.a, o.b)):
        o.call(caller, callee)
        since, told, seen = len(o.s.messages()), mover.mark(), o.c.mark()
        mover.transfer(f"sip:1003@example.com?User-to-User={ESCAPED}")
        o.c.rings(seen, moved.number, o.both)
        o.context_sent(since, o.both)
        mover.told(180, told)
        o.c.answer()
        o.c.talks(seen)
        mover.told(200, told)
        mover.ended(told)
        o.media.both_ways(moved, o.c)
        o.media.silent((mover, moved), (moved, mover))
        o.hang_up(o.c, moved)


def transfer_refused(o, stays):
    """Nobody has that number: the phone is told. It talks on, or hangs up by itself."""
    o.call(o.a, o.b)
    told, since = o.b.mark(), o.a.mark()
    o.b.transfer("sip:7777@example.com")
    o.b.told(404, told)
    if stays:
        o.media.both_ways(o.a, o.b)
        o.hang_up(o.b, o.a)
    else:
        o.a.ended(since)
        o.media.silent((o.a, o.b), (o.b, o.a))


def transfer_attended(o):
    """b holds a, asks c, and connects the two."""
    o.call(o.a, o.b)
    o.b.hold()
    told, seen = o.b.mark(), o.c.mark()
    o.b.dial(1003, *o.context)
    o.c.rings(seen, 1002, *o.context)
    o.answered(o.b, told, o.c, seen)
    told = o.b.mark()
    o.b.say("attend")
    o.b.told(200, told)
    o.b.ended(told)
    o.media.both_ways(o.a, o.c)
    o.media.silent((o.b, o.a), (o.b, o.c), (o.a, o.b), (o.c, o.b))
    o.hang_up(o.c, o.a)


def deflect(o):
    """b answers 302; the server calls c instead, with what b has embedded besides a's context."""
    since, seen, asked, rung = o.a.mark(), len(o.s.messages()), o.b.mark(), o.c.mark()
    o.a.dial(1002, *o.context)
    o.b.rings(asked, 1001, *o.context)
    o.b.say(f"redirect sip:1003@example.com?User-to-User={ESCAPED}")
    o.c.rings(rung, 1001, o.both)
    o.context_sent(seen, o.both)
    moved = o.s.wait_message(lambda m: m["start"].startswith("SIP/2.0 302"), "the 302", since=seen)
    equal(moved["direction"], "received", "the 302 is for the server")
    o.b.ended(asked)
    o.answered(o.a, since, o.c, rung)
    o.hang_up(o.a, o.c)


def redirected(o, number):
    """A rule answers 302 and a itself calls where that points: a contact of c's, or its number.

    The server is a's outbound proxy, so it has to know whose contact it is.
    """
    since, seen, rung = o.a.mark(), len(o.s.messages()), o.c.mark()
    o.a.dial(number, *o.context)
    o.c.rings(rung, 1001, *o.context)
    o.s.wait_message(lambda m: m["start"].startswith("SIP/2.0 302") and m["direction"] == "sent",
                     "the 302", since=seen)
    o.s.wait_message(lambda m: m["start"].startswith("INVITE sip:1003") and
                     m["direction"] == "received", "the phone's next INVITE", since=seen)
    o.answered(o.a, since, o.c, rung)
    o.hang_up(o.a, o.c)


def nothing_else(o, *refusals):
    """Whatever the two phones said and heard went their way, and nothing was refused."""
    for m in o.s.messages():
        status = m["start"].split()[1] if m["start"].startswith("SIP/2.0 ") else "0"
        check(status < "400" or status in ("401", *refusals), "an unexpected refusal", m["start"])
        own = m["from" if m["direction"] == "received" else "to"] in (
            "sip:1001@example.com", "sip:1002@example.com")
        if status == "0" and own and "sip:1003" not in m["start"]:
            equal(m["transport"], o.transport.upper(), f"the way of {m['start']}")


@contextlib.contextmanager
def step(name):
    try:
        yield
    except lib.Failure as e:
        raise lib.Failure(f"{name}: {e}") from None


def run(o, *steps):
    for do, *args in steps:
        with step(do.__name__):
            do(o, *args)


def linphone_keys(w, transport):
    with Media() as media:
        o = Office(w, "linphone", transport, media)
        run(o, (hold_and_resume,), (transfer_blind,), (transfer_attended,), (deflect,),
            (redirected, 5003), (redirected, 6003), (transfer_refused, True))
        nothing_else(o, "404")


def baresip_keys(w, transport):
    with Media() as media:
        o = Office(w, "baresip", transport, media)
        run(o, (hold_and_resume,), (transfer_blind,), (redirected, 5003), (redirected, 6003),
            (lacks,), (transfer_refused, False))
        nothing_else(o, "404")


def lacks(o):
    """The commands of this baresip, in a call and while it rings."""
    since = o.b.mark()
    o.a.dial(1002)
    o.b.rings(since, 1001)
    ringing = o.b.command("help")["data"]
    o.b.answer()
    o.b.talks(since)
    talking = o.b.command("help")["data"]
    check("/transfer" in talking and "/accept" in ringing, "the commands", talking)
    for word in ("attend", "redirect", "deflect", "302", "replace"):
        check(word not in (ringing + talking).lower(), "a key that is not tested yet", word)
    o.hang_up(o.b, o.a)


for keys in (linphone_keys, baresip_keys):
    for name in NEXT:
        def of_transport(w, keys=keys, name=name):
            keys(w, name)
        of_transport.__name__ = f"{keys.__name__}_{name}"
        lib.scenario(of_transport)
