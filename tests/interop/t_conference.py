# SPDX-License-Identifier: Apache-2.0
"""Conferences of baresip and linphone phones, which know nothing of conferences. The focus is SIPp: it
answers every seat with an offer and a Contact that says isfocus, takes re-INVITEs, and sends
each party's media back. Media tells that each phone talks to the focus, and none to another.

No program of Debian 12 mixes several calls that wait for their ACK at a time: baresip has no
mixer there, and liblinphone answers the next call only when the last one is acknowledged.
"""
import os

import lib
from lib import IP, PORTS, Process, rtp_base
from media import Media
from t_application import order
from t_two_calls import OTHER, Office

ANSWER = """\
<send{retrans}><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:room@[local_ip]:[local_port]>;isfocus
Content-Type: application/sdp
Content-Length: [len]

v=0
o=focus [pid] [call_number]{version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {rtp} RTP/AVP 0 8
{aim}
]]></send>
<recv request="ACK"/>
"""
SEAT = """\
<?xml version="1.0" encoding="UTF-8"?>
<scenario name="focus">
<recv request="INVITE"/>
{first}
<label id="1"/>
<recv request="INVITE" optional="true" next="2"/>
<recv request="BYE"/>
<send next="3"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<label id="2"/>
{again}
<nop next="1"/>
<label id="3"/>
</scenario>
"""


class Focus(Process):
    def __init__(self, folder, port):
        self.rtp = rtp_base(port)
        path = os.path.join(folder, "focus.xml")
        answer = {"rtp": self.rtp, "aim": "a=sendrecv", "retrans": ' retrans="500"'}
        with open(path, "w", encoding="utf-8") as f:
            f.write(SEAT.format(first=ANSWER.format(tag=";tag=[call_number]", version="1", **answer),
                                again=ANSWER.format(tag="", version="2", **answer)))
        super().__init__("sipp-focus", [
            "sipp", "-sf", path, "-i", IP, "-p", str(port), "-mi", IP, "-mp", str(self.rtp),
            "-rtp_echo", "-nostdin", "-nd", "-t", "u1"], cwd=folder)

    def ready(self):
        return self


class Meeting(Office):
    """An office with a focus."""

    def __init__(self, w, program, transport, media, extra=""):
        port = next(PORTS)
        super().__init__(w, program, transport, media,
                         f"{extra}conference:\n  focus: \"sip:{IP}:{port}\"\n  room: \"conf-%s\"\n")
        self.focus = w.start(Focus(w.folder, port))

    def together(self, *phones):
        for p in phones:
            self.media.both_ways(p, self.focus)
        self.media.silent(*((p, q) for p in phones for q in phones if p is not q))


def of_two_calls(o):
    """ConferenceCall; one holds and comes back, one leaves, the next ends it."""
    first = o.talk()
    second = o.consult()
    since = o.app.mark()
    o.app.done(f"conference {first}/1001 {second}/1001", limit=30)
    for number in ("1001", "1002", "1003"):
        order(o.app, number, "Conferenced", since=since)
    o.together(o.a, o.b, o.c)
    o.app.done("hold 1002", limit=30)
    o.media.silent((o.b, o.focus))
    o.app.done("retrieve 1002", limit=30)
    o.together(o.a, o.b, o.c)
    since, left = o.app.mark(), o.b.mark()
    o.b.hangup()
    o.b.ended(left)
    o.app.event("ConnectionCleared", "1001", since)
    o.together(o.a, o.c)
    o.hang_up(o.a, o.c)


def of_one_call(o):
    """SingleStepConferenceCall; then everybody is cleared."""
    first, since = o.talk(), o.app.mark()
    with o.answered_at(o.c):
        o.app.done(f"add {first}/1001 1003", limit=30)
    order(o.app, "1003", "Delivered", "Established", "Conferenced", since=since)
    o.together(o.a, o.b, o.c)
    with o.all_out(o.a, o.b, o.c):
        o.app.done("clear-call 1001")


for _program in OTHER:
    def of_program(w, program=_program):
        with Media() as media:
            o = Meeting(w, program, "udp", media)
            of_two_calls(o)
            of_one_call(o)
    of_program.__name__ = f"conference_{_program}"
    lib.scenario(of_program)
