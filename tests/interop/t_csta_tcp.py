# SPDX-License-Identifier: Apache-2.0
"""baton csta over TCP and TLS: application sessions of ECMA-354, implicit ones, who is let in,
and an application on a connection that says where calls go."""
import socket

from lib import BATON, Csta, Process, check, equal, scenario
from t_transport import certificate

TCP, TLS = 8535, 8536
CONFIG = """\
listen: ["udp:{ip}:{port}"]
csta_tcp: ["tcp:{ip}:8535", "tls:{ip}:8536"]
domains: [example.com]
tls: {{certificates: [{{cert: server.pem, key: server.key}}]}}
devices:
{devices}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
  - {{name: recorder, grants: ["1001"], hosts: ["{ip}", "127.0.0.1"]}}
routes:
  - {{name: sales, match: {{to: ["7*"]}}, ask: "1009", ask_s: 20, targets: [{{to: "device:1003"}}]}}
log: {{level: debug, sip_trace: {trace}}}
"""


class TcpCsta(Csta):
    """As Csta, over a connection."""

    def __init__(self, *where, name="crm"):
        Process.__init__(self, f"csta-{name}",
                         [BATON, "csta", "--json", *where, "-u", name, "shell"], stdin=True,
                         env={"BATON_PASSWORD": f"{name}-secret-1"})


def serve(w):
    certificate(w.folder, "server", "first", "DNS:cti.example.com,IP:192.0.2.2")
    return w.server(template=CONFIG)


MUTUAL = """\
listen: ["udp:{ip}:{port}"]
csta_tcp: ["tls:{ip}:8536"]
domains: [example.com]
tls: {{certificates: [{{cert: server.pem, key: server.key}}], ca: app.pem, verify_client: request}}
devices:
{devices}
applications:
  - {{name: crm, tls_name: crm.example.com, grants: ["1001"]}}
log: {{level: debug, sip_trace: {trace}}}
"""


@scenario
def csta_tls_client_certificate(w):
    """An application that is known by its certificate; another one's proves nothing, nor does none."""
    certificate(w.folder, "server", "first", "DNS:cti.example.com,IP:192.0.2.2")
    certificate(w.folder, "app", "crm", "DNS:crm.example.com")
    certificate(w.folder, "other", "other", "DNS:crm.example.com")
    s = w.server(template=MUTUAL)

    def shows(name):
        return ("--tls-cert", f"{s.folder}/{name}.pem", "--tls-key", f"{s.folder}/{name}.key")

    for more in ((), ("-u", "crm")):
        said = w.run("csta", *tls(s, *shows("app")), *(more or ("--implicit",)), "snapshot", "1001")
        check("1001 has no calls" in said, "what it may see", said)
    said = w.run("csta", *tls(s, *shows("app")), "--implicit", "snapshot", "1002", code=1)
    check("privilegeViolationSpecifiedDevice" in said, "and what not", said)
    for more in (shows("other"), ()):
        said = w.run("csta", *tls(s, *more), "-u", "crm", "status", code=1)
        check("the session failed: " in said, "a stranger", said)
        w.run("csta", *tls(s, *more), "--implicit", "status", code=1)


def tcp(s):
    return "--tcp", f"{s.ip}:{TCP}"


def tls(s, *more):
    return "--tls", f"{s.ip}:{TLS}", "--tls-ca", f"{s.folder}/server.pem", *more


def body(item):
    """What stands in the root of a message."""
    return next(iter(item["message"].values()))


def command_a_call(w, s, where):
    """Monitors, a call with data from end to end, lists, features, a request by its name."""
    w.phone(1001, s, "--auto-answer")
    w.phone(1002, s, "--auto-answer=200")
    app = w.add(TcpCsta(*where))
    app.done("monitor 1001 1002 --without Held")
    app.done("make-call 1001 1002 --user-text hello")
    app.event("Established", "1002")
    since = app.mark()
    app.done("hold 1002")
    app.done("retrieve 1002")
    app.event("Retrieved", "1002", since)
    equal(app.events("1002", since), ["Retrieved"], "Held was not wanted")
    parties = body(app.done("snapshot-call 1001"))["crossRefIDorSnapshotData"]["snapshotData"]
    equal(len(parties["snapshotCallResponseInfo"]), 2, "who is in the call")
    app.done("clear 1001")
    app.event("ConnectionCleared", "1001", since)
    app.done("request SetDoNotDisturb device=1002 doNotDisturbOn=true")
    equal(body(app.done("dnd 1002"))["doNotDisturbOn"], "true", "what was set")
    refused = app.request("request SetDoNotDisturb device=1099 doNotDisturbOn=true")
    equal((refused["category"], refused["value"]), ("operation", "invalidDeviceID"), "no device")
    listed = [i for i in app.items("response") if i.get("request") == "SwitchingFunctionDevices"]
    equal(listed, [], "no list before it was asked for")
    app.done("devices")
    part = app.item(lambda i: i.get("request") == "SwitchingFunctionDevices", what="a list")
    equal(body(part)["deviceList"]["device"][0]["deviceCategory"], "station", "a device")
    app.done("register")
    app.done("status")
    return app


@scenario
def csta_tcp_session(w):
    s = serve(w)
    command_a_call(w, s, tcp(s))


@scenario
def csta_tls_session(w):
    """The name that the certificate proves, by the address or as it was given."""
    s = serve(w)
    command_a_call(w, s, tls(s, "--tls-name", "cti.example.com"))
    w.run("csta", *tls(s), "-u", "crm", "status", env={"BATON_PASSWORD": "crm-secret-1"})


@scenario
def csta_tls_strangers(w):
    """A certificate that proves another name, or nothing to us; TCP where TLS is spoken."""
    s = serve(w)
    secret = {"BATON_PASSWORD": "crm-secret-1"}
    for where in (tls(s, "--tls-name", "other.example.com"), ("--tls", f"{s.ip}:{TLS}"),
                  ("--tcp", f"{s.ip}:{TLS}"), ("--tls", f"{s.ip}:{TCP}")):
        said = w.run("csta", *where, "-u", "crm", "status", env=secret, code=1)
        check("the session failed: the server cannot be reached, or has closed the connection"
              in said, f"what is said of {where}", said)
    w.run("csta", *tcp(s), "-u", "crm", "status", env=secret)


@scenario
def csta_tcp_who_is_let_in(w):
    """A wrong password, none, nobody there, no frames; and a host that is known without one."""
    s = serve(w)
    for password, words in (("wrong", "the user name or the password is wrong"),
                            ("", "no password was given")):
        said = w.run("csta", *tcp(s), "-u", "crm", "status", env={"BATON_PASSWORD": password},
                     code=1)
        check(words in said, "why it is not let in", said)
    said = w.run("csta", "--tcp", f"{s.ip}:9", "-u", "crm", "status", code=1)
    check("cannot be reached" in said, "nobody is there", said)
    with socket.create_server((s.ip, 8600)) as stranger:
        child = w.start(Process("csta-lost", [BATON, "csta", "--tcp", f"{s.ip}:8600", "-u", "crm",
                                              "status"]))
        child.expected = (1,)
        connection, _ = stranger.accept()
        connection.sendall(b"SSH-2.0-stranger\r\n")
        child.wait("does not speak CSTA over TCP")
        equal(child.exit_code(), 1, "the exit code")
        connection.close()
    said = w.run("csta", *tcp(s), "--implicit", "status")
    check("RequestSystemStatus: normal" in said, "an implicit session", said)
    said = w.run("csta", *tcp(s), "--implicit", "snapshot", "1002", code=1)
    check("privilegeViolationSpecifiedDevice" in said, "it has its rights and no others", said)


@scenario
def csta_tcp_server_restarts(w):
    """The connection is lost; what was monitored is monitored again, and a snapshot is shown."""
    s = serve(w)
    app = w.add(TcpCsta(*tcp(s)))
    app.done("monitor 1001")
    since = app.mark()
    s.kill()
    app.item(lambda i: i["kind"] == "session" and i["state"] == "lost", since, what="the loss")
    app.expected = (0, 1)
    again = w.server(template=CONFIG)
    app.item(lambda i: i["kind"] == "session" and i["state"] == "up", since, 20, "the session")
    app.item(lambda i: i.get("request") == "SnapshotDevice", since, what="a snapshot")
    w.phone(1001, again)
    app.event("BackInService", "1001", since)


def route(w, s, app):
    """A call to 7…: the question comes over the connection, the answer goes back over it."""
    a, b = w.phone(1001, s), w.phone(1002, s, "--auto-answer=200")
    app.done("route-register 1009")
    since = app.mark()
    a.say("call 7001 04C8")
    asked = app.item(lambda i: i["kind"] == "session" and " where to?" in i.get("text", ""), since,
                     what="the question")
    ref = asked["text"].split()[1].rstrip(":")
    app.done(f"route {ref} 1002 --user-text vip")
    b.event("incoming")
    a.event("established")
    app.item(lambda i: i["kind"] == "session" and "over" in i.get("text", ""), since,
             what="the end of the dialogue")
    seen = a.mark()
    a.say("hangup")
    a.event("ended", seen)
    since, seen = app.mark(), a.mark()
    a.say("call 7002")
    asked = app.item(lambda i: i["kind"] == "session" and " where to?" in i.get("text", ""), since,
                     what="the second question")
    app.done(f"route-reject {asked['text'].split()[1].rstrip(':')}")
    equal(a.event("refused", seen)["status"], 480, "how the caller is refused")


@scenario
def csta_tcp_route_request(w):
    s = serve(w)
    route(w, s, w.add(TcpCsta(*tcp(s))))


@scenario
def csta_tls_route_request(w):
    s = serve(w)
    route(w, s, w.add(TcpCsta(*tls(s))))
