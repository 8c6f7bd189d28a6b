# SPDX-License-Identifier: Apache-2.0
"""Kamailio as registrar behind Baton: phones register through Baton, and are called from there."""
from lib import IP, PORTS, check, equal, scenario
from peers import Kamailio, Linphone
from t_uui import PLAIN

TEMPLATE = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
{devices}
peers:
  - {{name: registrar, uri: "sip:{ip}:5460", trusted: true}}
routes:
  - {{name: registrations, match: {{method: [REGISTER]}}, action: proxy,
     targets: [{{to: "peer:registrar"}}]}}
  - {{name: calls, action: proxy, targets: [{{to: "peer:registrar"}}]}}
log: {{level: debug, sip_trace: {trace}}}
"""


def call_over_the_registrar(w, transport):
    s = w.server(template=TEMPLATE)
    registrar = w.add(Kamailio(w.folder))
    a = w.add(Linphone(w.folder, 1001, s, next(PORTS)))
    b = w.add(Linphone(w.folder, 1002, s, next(PORTS), transport=transport))
    path = [m for m in s.messages() if m["start"].startswith("REGISTER") and
            m["direction"] == "sent" and m["remote"] == f"{IP}:5460"]
    check(len(path) >= 2, "both registrations went on")
    mark = registrar.mark()
    a.say(f"call sip:1002@example.com {PLAIN}")
    seen = registrar.seen("INVITE", mark)
    value = PLAIN.split(": ", 1)[1]
    equal(seen[1], value, "the context at the registrar")
    equal(b.state("IncomingReceived").get("User-to-User"), value, "the context at the phone")
    b.say("answer")
    a.state("StreamsRunning")
    since = a.mark()
    b.say("hangup")
    a.state("End", since)


@scenario
def registrar_behind_baton_udp(w):
    call_over_the_registrar(w, "udp")


@scenario
def registrar_behind_baton_tcp(w):
    """The one that is called has registered over TCP: only that connection leads to it."""
    call_over_the_registrar(w, "tcp")
