# SPDX-License-Identifier: Apache-2.0
"""The verbs and switches of the HTTP API with real phones, baresip and linphone: what the answer says is what the
phones did. Each operation ends in exactly one event, and says there what its answer said.
"""
import concurrent.futures
import json

import lib
from follow import Sse, ask, connect, read_head
from lib import check, equal
from media import Media
from t_conference import Meeting
from t_two_calls import OTHER, step

MORE = 'api: {listen: ["unix:api.sock"]}\ngroups: [{name: all, members: ["100*"]}]\n'


class Desk(Meeting):
    """Three phones, a focus, and a client of the API that follows all events."""

    def __init__(self, w, program, transport, media):
        super().__init__(w, program, transport, media, MORE)
        self.sse = Sse(self.s, "from=earliest")
        self.ended = {}  # operations that we were told of: their state

    def rings_at(self, caller, called, at):
        mark = len(self.sse.events)
        marks = super().rings_at(caller, called, at)
        self.sse.wait_type("delivered", mark, deviceID=f"sip:{at.number}@example.com")
        return marks

    def post(self, path, body=None, status=200, **fields):
        """A verb, waited for. @return the operation or the problem"""
        got, said = ask(self.s, "POST", path, body or {}, Prefer="wait=30", **fields)
        equal(got, status, f"{path}: {said}")
        if status == 200:
            equal(said["state"], "done", path)
            self.ended[said["operation"]] = said
        return said

    def verb(self, call, number, verb, body=None, **more):
        return self.post(f"/v1/calls/{call}/connections/{number}/{verb}", body, **more)

    def begin(self, call, number, verb, body=None):
        """It is accepted; its end is told later. @return the operation's name"""
        got, said = ask(self.s, "POST", f"/v1/calls/{call}/connections/{number}/{verb}", body or {})
        equal(got, 202, f"{verb}: {said}")
        return said["operation"]

    def finish(self, name):
        got, said = ask(self.s, "GET", f"/v1/operations/{name}", Prefer="wait=30")
        equal((got, said.get("state")), (200, "done"), f"the operation {said}")
        self.ended[name] = said

    def put(self, number, feature, body, status=200, **fields):
        got, said = ask(self.s, "PUT", f"/v1/devices/{number}/features/{feature}", body, Prefer="wait=30", **fields)
        equal(got, status, f"{feature} of {number}: {said}")
        if status == 200:
            self.ended[said["operation"]] = said
        return said

    def feature(self, number, feature):
        """@return the switch and its ETag"""
        sock = connect(self.s)
        sock.sendall(f"GET /v1/devices/{number}/features/{feature} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        status, fields, rest = read_head(sock)
        while more := sock.recv(65536):
            rest += more
        sock.close()
        equal(status, 200, feature)
        return json.loads(rest), fields["etag"]

    def call_of(self, number):
        return self.party(number)[0]

    def party(self, number):
        """@return callID and state of the only call of a device"""
        calls = ask(self.s, "GET", f"/v1/devices/{number}")[1]["calls"]
        equal(len(calls), 1, f"calls of {number}")
        said = ask(self.s, "GET", f"/v1/calls/{calls[0]}/connections/{number}")[1]
        return calls[0], said["localConnectionInfo"]

    def check_operations(self):
        """Each that was answered ended in one event, which says the same, and no other operation did."""
        check(len(self.ended) > 10, "operations were asked for", len(self.ended))
        for name in self.ended:
            self.sse.wait(lambda e, n=name: e["type"] == "org.baton.operation.v1" and
                          e["data"]["operation"] == n, f"the end of {name}")
        told = [e["data"] for e in self.sse.events if e["type"] == "org.baton.operation.v1"]
        equal(sorted(t["operation"] for t in told), sorted(self.ended), "operations that ended, each once")
        for t in told:
            equal((t["service"], t["state"]), (self.ended[t["operation"]]["service"], "done"), t["operation"])


def do_not_disturb(o):
    said, old = o.feature(1002, "doNotDisturb")
    equal(said["doNotDisturbOn"], False, "do not disturb")
    o.put(1002, "doNotDisturb", {"doNotDisturbOn": True}, If_Match=old)
    since = o.a.mark()
    o.a.dial(1002)
    failed = o.sse.wait_type("failed")
    equal(failed["data"]["FailedEvent"]["cause"], "doNotDisturb", "why the call failed")
    o.a.refused(since)
    problem = o.put(1002, "doNotDisturb", {"doNotDisturbOn": False}, status=412, If_Match=old)
    equal(problem["code"], "preconditionFailed", "it is another one now")
    o.put(1002, "doNotDisturb", {"doNotDisturbOn": False}, If_Match=o.feature(1002, "doNotDisturb")[1])
    equal(o.feature(1002, "doNotDisturb")[1], old, "the same again")
    since, seen = o.rings_at(o.a, 1002, o.b)
    o.talk_then_over(o.a, since, o.b, seen)


def forwarding(o):
    """Of several who have seen the same, one is let change it; it takes effect."""
    old = o.feature(1002, "forwardImmediate")[1]

    def try_one(to):
        return ask(o.s, "PUT", "/v1/devices/1002/features/forwardImmediate",
                   {"activateForward": True, "forwardDN": to}, Prefer="wait=30", If_Match=old)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        came = list(pool.map(try_one, ["1003"] * 8))
    equal(sorted(status for status, _ in came), [200] + [412] * 7, "one of eight")
    for status, said in came:
        if status == 200:
            o.ended[said["operation"]] = said
    since, seen = o.rings_at(o.a, 1002, o.c)
    o.talk_then_over(o.a, since, o.c, seen)
    o.put(1002, "forwardImmediate", {"activateForward": False}, If_Match="*")
    o.put(1002, "forwardNoAns", {"activateForward": True, "forwardDN": "1003", "ringDuration": 1})
    since, rung = o.a.mark(), o.c.mark()
    o.rings_at(o.a, 1002, o.b)
    o.c.rings(rung, 1001)
    o.talk_then_over(o.a, since, o.c, rung)
    o.put(1002, "forwardNoAns", {"activateForward": False})
    since, seen = o.rings_at(o.a, 1002, o.b)
    o.talk_then_over(o.a, since, o.b, seen)


def deflect(o):
    since = o.rings_at(o.a, 1002, o.b)[0]
    at = o.c.mark()
    with o.out(o.b):
        o.verb(o.call_of(1002), 1002, "deflect", {"newDestination": "1003"})
    o.c.rings(at, 1001)
    o.talk_then_over(o.a, since, o.c, at)


def single_step_transfer(o):
    call = o.talk()
    with o.answered_at(o.c, o.b):
        name = o.begin(call, 1002, "single-step-transfer", {"transferredTo": "1003"})
    o.finish(name)
    o.media.both_ways(o.a, o.c)
    o.hang_up(o.c, o.a)


def park_and_pick_up(o):
    call = o.talk()
    with o.out(o.b):
        o.verb(call, 1002, "park", {"parkTo": "1003"})
    waits = ask(o.s, "GET", f"/v1/calls/{call}")[1]
    check(any("1003" in c["deviceID"] for c in waits["connections"]), "it waits at 1003", waits)
    with o.answered_at(o.b):
        name = o.begin(call, 1003, "pickup", {"requestingDevice": "1002"})
    o.finish(name)
    o.media.both_ways(o.a, o.b)
    o.verb(call, 1001, "digits", {"charactersToSend": "42#"})
    o.hang_up(o.b, o.a)
    # and what rings: by name, and in the group
    for path, body in (("/v1/calls/{call}/connections/1002/pickup", {"requestingDevice": "1003"}),
                       ("/v1/devices/1003/pickup", {})):
        since = o.rings_at(o.a, 1002, o.b)[0]
        with o.answered_at(o.c, o.b):
            got, said = ask(o.s, "POST", path.format(call=o.call_of(1002)), body)
            equal(got, 202, f"{path}: {said}")
        o.finish(said["operation"])
        o.a.talks(since)
        o.hang_up(o.a, o.c)


def conference(o):
    """Two calls become one at the focus; one holds and comes back; a third is brought in; all are cleared."""
    first = o.talk()
    with o.answered_at(o.c):
        made = o.verb(first, 1001, "consult", {"consultedDevice": "1003"})
    second = made["result"]["ConsultationCallResponse"]["initiatedCall"]["callID"]
    o.media.both_ways(o.a, o.c)
    o.verb(second, 1001, "conference")
    o.together(o.a, o.b, o.c)
    call = o.call_of(1001)
    equal([o.call_of(n) for n in (1002, 1003)], [call, call], "one call")
    parties = ask(o.s, "GET", f"/v1/calls/{call}")[1]["connections"]
    equal([c["localConnectionInfo"] for c in parties], ["connected"] * 3, "its parties")
    o.verb(call, 1002, "hold")
    o.media.silent((o.b, o.focus))
    equal(o.party(1002)[1], "hold", "1002")
    o.verb(call, 1002, "retrieve")
    o.together(o.a, o.b, o.c)
    with o.all_out(o.a, o.b, o.c):
        o.post(f"/v1/calls/{call}/clear")


def conference_in_one_step(o):
    first = o.talk()
    with o.answered_at(o.c):
        name = o.begin(first, 1001, "single-step-conference", {"deviceToJoin": "1003", "participationType": "active"})
    o.finish(name)
    o.together(o.a, o.b, o.c)
    with o.all_out(o.a, o.b, o.c):
        o.post(f"/v1/calls/{o.call_of(1003)}/clear")


STEPS = (do_not_disturb, forwarding, deflect, single_step_transfer, park_and_pick_up, conference,
         conference_in_one_step)

for _program in OTHER:
    def of_program(w, program=_program):
        with Media() as media:
            o = Desk(w, program, "udp", media)
            for do in STEPS:
                with step(do.__name__):
                    do(o)
            o.check_operations()
            o.sse.stop()
    of_program.__name__ = f"api_{_program}"
    lib.scenario(of_program)
