# SPDX-License-Identifier: Apache-2.0
"""The server between Kamailio and linphone: calls, hold, and what ends them."""
from lib import PORTS, check, equal, scenario
from peers import Kamailio, Linphone, onward
from t_uui import PLAIN


def linphone(w, number, server, **options):
    return w.add(Linphone(w.folder, number, server, next(PORTS), **options))


def hold_and_resume(a, b):
    since, seen = b.mark(), a.mark()
    a.say("hold")
    b.state("PausedByRemote", since)
    a.state("CallPaused", seen)
    seen = a.mark()
    a.say("resume")
    b.state("StreamsRunning", since)
    a.state("StreamsRunning", seen)


@scenario
def linphone_refuses_and_gives_up(w):
    s = w.server()
    a = linphone(w, 1001, s)
    b = linphone(w, 1002, s)
    for command, status in (("busy", "486"), ("decline", "603")):
        since, seen = b.mark(), a.mark()
        a.say("call sip:1002@example.com")
        b.state("IncomingReceived", since)
        b.say(command)
        s.wait_message(lambda m, want=status: m["start"].startswith("SIP/2.0 " + want) and
                       m["direction"] == "sent", f"{status} to the caller")
        a.state("Released", seen)
    since = b.mark()
    a.say("call sip:1002@example.com")
    b.state("IncomingReceived", since)
    a.say("hangup")
    b.state("End", since)


PEER = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
{devices}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
peers:
  - {{name: kamailio, uri: "sip:{ip}:5460", trusted: true, numbers: ["3*"]}}
log: {{level: debug, sip_trace: {trace}}}
"""


@scenario
def kamailio_downstream(w):
    """A call of ours goes to a phone that is registered with Kamailio."""
    s = w.server(template=PEER)
    k = w.add(Kamailio(w.folder))
    a = linphone(w, 1001, s)
    b = linphone(w, 3001, k)
    a.say(f"call sip:3001@example.com {PLAIN}")
    equal(b.state("IncomingReceived").get("User-to-User"), PLAIN.split(": ", 1)[1],
          "the context behind Kamailio")
    equal(k.seen("INVITE")[1], PLAIN.split(": ", 1)[1], "and in it")
    b.say("answer")
    a.state("StreamsRunning")
    hold_and_resume(a, b)
    since = b.mark()
    a.say("hangup")
    b.state("End", since)


@scenario
def kamailio_upstream(w):
    """A phone behind Kamailio calls one of ours; who hangs up is on our side."""
    s = w.server(template=PEER)
    k = w.add(Kamailio(w.folder, route=onward(s, "1001")))
    a = linphone(w, 1001, s)
    b = linphone(w, 3001, k)
    b.say(f"call sip:1001@example.com {PLAIN}")
    equal(a.state("IncomingReceived").get("User-to-User"), PLAIN.split(": ", 1)[1],
          "the context from behind Kamailio")
    a.say("answer")
    b.state("StreamsRunning")
    hold_and_resume(a, b)
    since = b.mark()
    a.say("hangup")
    b.state("End", since)
    check(k.seen("BYE")[0] != "", "the BYE went through Kamailio")


def talk(w, s, *numbers):
    """The first two phones of those talk; all are registered. @return the phones"""
    phones = [linphone(w, n, s) for n in numbers]
    a, b = phones[:2]
    a.say(f"call sip:{numbers[1]}@example.com")
    b.state("IncomingReceived")
    b.say("answer")
    a.state("StreamsRunning")
    b.state("StreamsRunning")
    return phones
