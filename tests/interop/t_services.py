# SPDX-License-Identifier: Apache-2.0
"""Every service of TR/87's profiles, asked for by an application, with baresip and linphone as the
phones that carry it out. They know nothing of CSTA: what the phone alone could do, its speaker and
picking it up, is refused in the standard's words.

What was answered positively is noted, and at the end compared with docs/coverage-csta.md: a service
of a profile that no step asked for fails the test.
"""
import os
import re

import lib
from lib import check, equal
from media import Media
from t_application import order
from t_conference import Meeting
from t_two_calls import OTHER, step

COVERAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "coverage-csta.md")
# of the phone itself (speaker), or no request of an application
GROUPS = "groups: [{name: all, members: [\"100*\"]}]\n"
NOT_HERE = {"AnswerCall", "SystemStatus", "SwitchingFunctionDevices"}


def services_of_profiles():
    with open(COVERAGE, encoding="utf-8") as f:
        part = f.read().split("\n## Services\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| yes \| \S+ \| ([\w, ]+) \|", part, re.M)
    check(len(rows) > 20, "the table of services has rows", len(rows))
    return {name for name, profiles in rows if profiles != "speaker"} - NOT_HERE


class Desk(Meeting):
    def __init__(self, w, program, transport, media):
        super().__init__(w, program, transport, media, GROUPS)
        self.served = {"MonitorStart", "MonitorStop", "RequestSystemStatus"}
        done = self.app.done

        def noted(line, limit=30):
            answer = done(line, limit)
            self.served.update(re.findall(r"(\w+)Response$", answer.get("response", "")))
            return answer
        self.app.done = noted

    def refused(self, line, value):
        answer = self.app.request(line)
        equal((answer["kind"], answer.get("value")), ("error", value), line)


def make_deflect_hold(o):
    since, seen, mark = o.a.mark(), o.b.mark(), o.app.mark()
    call = o.app.done("make-call 1001 1002 --prompt")["connection"]["callID"]
    o.a.rings(since, 1002)
    o.a.answer()
    o.b.rings(seen, 1001)
    o.app.event("Delivered", "1002", mark)
    o.refused("answer 1002", "requestIncompatibleWithDevice")
    rung = o.c.mark()
    o.app.done(f"deflect {call}/1002 1003")
    o.b.ended(seen)
    o.c.rings(rung, 1001)
    order(o.app, "1002", "Delivered", "Diverted", since=mark)
    o.c.answer()
    o.c.talks(rung)
    o.media.both_ways(o.a, o.c)
    o.app.done("hold 1003")
    o.media.silent((o.a, o.c), (o.c, o.a))
    equal(len(o.app.done("snapshot 1003")["calls"]), 1, "calls of 1003")
    o.app.done("retrieve 1003")
    o.media.both_ways(o.a, o.c)
    with o.all_out(o.a, o.c):
        o.app.done("clear 1003")


def single_step_transfer(o):
    o.talk()
    with o.answered_at(o.c, o.b):
        o.app.say("transfer 1002 1003")
    o.served.add("SingleStepTransferCall")
    o.media.both_ways(o.a, o.c)
    o.hang_up(o.c, o.a)


def two_calls(o):
    first = o.talk()
    second = o.consult()
    o.app.done(f"alternate {first}/1001 {second}/1001")
    o.media.both_ways(o.a, o.b)
    o.app.done("alternate 1001 1001")
    with o.out(o.c):
        o.app.done(f"reconnect {second}/1001")
    o.media.both_ways(o.a, o.b)
    o.app.done("digits 1001 42")
    o.consult()
    with o.out(o.a):
        o.app.done("join 1001 1001")
    o.media.both_ways(o.b, o.c)
    o.hang_up(o.b, o.c)


def together(o):
    first = o.talk()
    second = o.consult()
    o.app.done(f"conference {first}/1001 {second}/1001")
    o.together(o.a, o.b, o.c)
    with o.all_out(o.a, o.b, o.c):
        o.app.done("clear-call 1001")
    first = o.talk()
    with o.answered_at(o.c):
        o.app.done(f"add {first}/1001 1003")
    o.together(o.a, o.b, o.c)
    with o.all_out(o.a, o.b, o.c):
        o.app.done("clear-call 1001")


def do_not_disturb(o):
    mark = o.app.mark()
    o.app.done("dnd 1002 on")
    o.app.event("DoNotDisturb", "1002", mark)
    equal(o.app.done("dnd 1002")["message"]["GetDoNotDisturbResponse"]["doNotDisturbOn"], "true",
          "do not disturb")
    mark, since = o.app.mark(), o.a.mark()
    o.a.dial(1002)
    equal(o.app.event("Failed", "1001", mark)["cause"], "doNotDisturb", "why the call failed")
    o.app.event("ConnectionCleared", "1001", mark)
    o.a.refused(since)
    o.app.done("dnd 1002 off")
    since, seen = o.rings_at(o.a, 1002, o.b)
    o.talk_then_over(o.a, since, o.b, seen)


def forwarding(o):
    o.app.done("forward 1002 immediate on 1003")
    since, seen = o.rings_at(o.a, 1002, o.c)
    o.talk_then_over(o.a, since, o.c, seen)
    o.app.done("forward 1002 immediate off")
    o.app.done("forward 1002 no-answer on 1003 1")
    since, rung = o.a.mark(), o.c.mark()
    o.rings_at(o.a, 1002, o.b)
    o.c.rings(rung, 1001)
    o.talk_then_over(o.a, since, o.c, rung)
    o.app.done("forward 1002 no-answer off")
    check("false" in str(o.app.done("forward 1002")["message"]), "forwarding is off")


def message_waiting(o):
    mark = o.app.mark()
    o.app.done("waiting 1002 on")
    o.app.event("MessageWaiting", "1002", mark)
    check("true" in str(o.app.done("waiting 1002")["message"]), "a message waits")
    o.app.done("waiting 1002 off")


def about(o):
    for name in ("GetSpeakerMute", "GetSpeakerVolume"):
        o.refused(f"request {name} device=1001", "serviceNotSupported")
    o.app.done("request GetCSTAFeatures")
    o.app.done("devices")  # its list is a second answer


def picked_up(o):
    since, mark = o.rings_at(o.a, 1002, o.b)[0], o.app.mark()
    with o.answered_at(o.c, o.b):
        o.app.say("pickup 1002 1003")
    o.a.talks(since)
    equal(o.app.event("Established", "1003", mark)["cause"], "callPickup", "why 1003 talks")
    o.media.both_ways(o.a, o.c)
    o.hang_up(o.a, o.c)
    o.rings_at(o.a, 1002, o.b)
    with o.answered_at(o.c, o.b):
        o.app.say("group-pickup 1003")
    o.hang_up(o.c, o.a)


def parked(o):
    call = o.talk()
    with o.out(o.b):
        o.app.done("park 1002 1003")
    check("1003" in str(o.app.done(f"snapshot-call {call}/1001")["message"]), "it waits at 1003")
    with o.answered_at(o.b):
        o.app.say(f"pickup {call}/1003 1002")
    o.media.both_ways(o.a, o.b)
    o.hang_up(o.b, o.a)


def called_back(o):
    """1002 did not answer, was used since, and both are rung."""
    mark = o.app.mark()
    o.rings_at(o.a, 1002, o.b)
    with o.out(o.b):
        o.app.done("call-back 1001")
    for number in ("1001", "1002"):
        e = o.app.event("CallBack", number, mark)
        equal((e["callingDevice"], e["calledDevice"]), ("1001", "1002"), "who is called back")
    since, rung, at = o.a.mark(), o.b.mark(), o.c.mark()
    o.b.dial(1003)
    o.c.rings(at, 1002)
    o.c.answer()
    o.c.talks(at)
    o.b.talks(rung)
    rung = o.b.mark()
    o.c.hangup()
    o.b.ended(rung)
    o.a.rings(since, 1002)
    rung = o.b.mark()
    o.a.answer()
    o.b.rings(rung, 1001)
    o.b.answer()
    o.b.talks(rung)
    o.hang_up(o.a, o.b)


def told(o):
    rung = o.rings_at(o.a, 1002, o.b)[1]
    mark = o.app.mark()
    o.app.done("send 1002 --user-text 'wait a moment'")
    equal(o.app.event("CallInformation", "1001", mark)["userData"]["text"], "wait a moment",
          "what the caller is told")
    o.app.done("associate 1002 --correlator 0102")
    o.b.hangup()
    o.app.event("ConnectionCleared", "1001", mark)
    o.over()


STEPS = (make_deflect_hold, single_step_transfer, two_calls, together, do_not_disturb, forwarding,
         message_waiting, picked_up, parked, called_back, told, about)

for _program in OTHER:
    def of_program(w, program=_program):
        with Media() as media:
            o = Desk(w, program, "udp", media)
            for do in STEPS:
                with step(do.__name__):
                    do(o)
            equal(services_of_profiles() - o.served, set(), "services that nobody asked for")
    of_program.__name__ = f"services_{_program}"
    lib.scenario(of_program)
