# SPDX-License-Identifier: Apache-2.0
"""An application (baton csta) commands and watches real phones (baresip, baton phone).

What an application sees may not depend on who acted: a command and the key of a phone give the
same events. The phones tell what they were sent by printing the SIP messages.
"""
from lib import check, equal, scenario
from sipp import Sipp, header_lines
from t_uui import CALLER, PLAIN, callee, caller

TEXT = "case 4711"
HEX = "04" + TEXT.encode().hex().upper()
ISDN = ";encoding=hex;purpose=isdn-uui"  # what a userData is written as


def order(app, device, *names, since=0):
    """These call events of a device came, in this order, and no other."""
    app.event(names[-1], device, since)
    equal(app.events(device, since), list(names), f"the events of {device}")


def uui_of(server, method, number, direction="sent"):
    """User-to-User of the first such request to a phone."""
    m = server.wait_message(
        lambda m: m["start"].startswith(f"{method} sip:{number}") and m["direction"] == direction,
        f"{method} to {number}")
    return m.get("uui", [])


def command_a_call(w, transport):
    """MakeCall with user data, hold, retrieve, transfer with the data, clear."""
    s = w.server()
    a = w.baresip(1001, s, answer="auto", transport=transport)
    b = w.baresip(1002, s, transport=transport)
    c = w.baresip(1003, s, transport=transport)
    app = w.csta(s, transport=transport)
    for number in (1001, 1002, 1003):
        app.done(f"monitor {number}")
        app.event("BackInService", str(number))
    bm = b.mark()
    made = app.done(f"make-call 1001 1002 --user-text '{TEXT}'")
    call = made["connection"]["callID"]
    b.event("CALL_INCOMING", bm)
    for number, state in (("1001", "connected"), ("1002", "alerting")):
        e = app.event("Delivered", number)
        equal(e["localConnectionInfo"], state, f"the state of {number} while 1002 rings")
        equal(e["userData"], {"hex": HEX, "text": TEXT}, f"user data at {number}")
        equal(e["connection"], {"callID": call, "deviceID": "1002"}, "the connection that rings")
    equal(uui_of(s, "INVITE", 1002), [HEX + ISDN], "the context in the INVITE")
    b.command("accept")
    b.event("CALL_ESTABLISHED", bm)
    order(app, "1001", "ServiceInitiated", "Originated", "Delivered", "Established")
    order(app, "1002", "Delivered", "Established")

    since, bm = app.mark(), b.mark()
    app.done("hold 1001")
    b.wait(r"^a=(sendonly|inactive)$", bm, what="1002 to be held")
    order(app, "1001", "Held", since=since)
    order(app, "1002", "Held", since=since)
    since, bm = app.mark(), b.mark()
    refused = app.request("hold 1001")
    equal((refused["kind"], refused["category"]), ("error", "stateIncompatibility"), "hold twice")
    app.done(f"retrieve {call}/1001")
    b.wait(r"^a=sendrecv$", bm, what="1002 to be retrieved")
    order(app, "1001", "Retrieved", since=since)
    order(app, "1002", "Retrieved", since=since)

    since, am, bm, cm = app.mark(), a.mark(), b.mark(), c.mark()
    app.say("transfer 1002 1003")
    c.event("CALL_INCOMING", cm)
    b.event("CALL_CLOSED", bm)
    for number in ("1001", "1002", "1003"):
        e = app.event("Transferred" if number != "1003" else "Delivered", number, since)
        equal(e["connection"]["callID"], call, f"the same call at {number}")
    equal(app.event("Delivered", "1003", since)["userData"]["text"], TEXT,
          "the context at the third phone")
    equal(uui_of(s, "INVITE", 1003), [HEX + ISDN], "the context in its INVITE")
    c.command("accept")
    c.event("CALL_ESTABLISHED", cm)
    app.event("Established", "1003", since)
    app.event("Established", "1001", since)
    a.wait(r"^a=sendrecv$", am, what="1001 to talk to 1003")
    equal(app.events("1002", since), ["Transferred"], "1002 left once")

    since, am, cm = app.mark(), a.mark(), c.mark()
    app.done("clear 1001 --user-text bye")
    a.event("CALL_CLOSED", am)
    c.event("CALL_CLOSED", cm)
    order(app, "1001", "ConnectionCleared", since=since)
    order(app, "1003", "ConnectionCleared", since=since)
    equal(app.done("snapshot 1001")["calls"], [], "no call is left")
    equal(uui_of(s, "BYE", 1003), ["04" + b"bye".hex().upper() + ISDN],
          "the context in the BYE")


@scenario
def application_commands_baresip_udp(w):
    command_a_call(w, "udp")


@scenario
def application_commands_baresip_tcp(w):
    command_a_call(w, "tcp")


@scenario
def application_watches_baresip(w):
    """Calls that phones make by themselves, as the application sees them."""
    s = w.server()
    a, b = w.baresip(1001, s), w.baresip(1002, s)
    app = w.csta(s)
    app.done("monitor 1001 1002")
    app.event("BackInService", "1002")

    def calls(end):
        """1001 calls 1002; what `end` does; the events of both."""
        since, am, bm = app.mark(), a.mark(), b.mark()
        a.dial(1002)
        b.event("CALL_INCOMING", bm)
        app.event("Delivered", "1002", since)
        a.event("CALL_RINGING", am)
        end()
        a.event("CALL_CLOSED", am)
        app.event("ConnectionCleared", "1002", since)
        app.event("ConnectionCleared", "1001", since)
        return app.events("1001", since), app.events("1002", since), since

    def answer():
        since, am = app.mark(), a.mark()
        b.command("accept")
        a.event("CALL_ESTABLISHED", am)
        app.event("Established", "1001", since)

    def talk():
        answer()
        for key, name in (("hold", "Held"), ("resume", "Retrieved")):
            since, n = app.mark(), len(s.messages())
            a.command(key)
            for number in ("1001", "1002"):
                e = app.event(name, number, since)
                equal(e["connection"]["deviceID"], "1001", f"{name}: whose connection")
            s.wait_message(lambda m: m["start"].startswith("ACK") and m["direction"] == "sent",
                           "the re-INVITE to be over", since=n)
        b.command("hangup")

    mine, theirs, _ = calls(talk)
    equal(mine, ["Originated", "Delivered", "Established", "Held", "Retrieved",
                 "ConnectionCleared"], "the events of 1001")
    equal(theirs, ["Delivered", "Established", "Held", "Retrieved", "ConnectionCleared"],
          "the events of 1002")

    mine, theirs, since = calls(lambda: b.command("hangup"))
    equal(mine, ["Originated", "Delivered", "Failed", "ConnectionCleared"], "busy: 1001")
    equal(app.event("Failed", "1001", since)["cause"], "busy", "why it failed")
    equal(theirs, ["Delivered", "ConnectionCleared"], "busy: 1002")

    mine, theirs, since = calls(lambda: a.command("hangup"))
    equal(mine, ["Originated", "Delivered", "ConnectionCleared"], "cancelled: 1001")
    equal(theirs, ["Delivered", "ConnectionCleared"], "cancelled: 1002")
    equal(app.event("ConnectionCleared", "1002", since)["cause"], "callCancelled", "why it ended")


@scenario
def application_answers_and_deflects(w):
    """What takes a phone that can be asked to talk: AnswerCall; and refusing, and deflecting."""
    s = w.server()
    a, b, c = w.phone(1001, s), w.phone(1002, s), w.phone(1003, s)
    app = w.csta(s)
    app.done("monitor 1001 1002 1003")
    app.event("BackInService", "1003")
    app.done("make-call 1001 1002 --user-data 00C842")
    e = b.event("incoming")
    equal(e["uui"][0]["value"], "00C842" + ISDN, "the context at the phone")
    app.event("Delivered", "1002")
    app.done("answer 1002")
    b.event("asked-to-talk")
    app.event("Established", "1001")
    app.done("clear 1002")
    app.event("ConnectionCleared", "1001")
    a.event("ended")

    since, bm, cm = app.mark(), b.mark(), c.mark()
    a.say("call 1002 04414243")
    b.event("incoming", bm)
    app.event("Delivered", "1002", since)
    app.done("deflect 1002 1003")
    equal(c.event("incoming", cm)["uui"][0]["text"], "ABC", "the context goes along")
    app.event("Diverted", "1002", since)
    d = app.event("Delivered", "1003", since)
    equal(d["lastRedirectionDevice"], "1002", "who sent it on")
    since = app.mark()
    app.done("clear 1003 --reason busy")
    app.event("ConnectionCleared", "1003", since)
    a.event("refused")
    failed = app.event("Failed", "1001", since)
    equal(failed["cause"], "busy", "why")


@scenario
def application_is_told_why_not(w):
    """Grants, unknown devices, phones that cannot answer, a wrong password."""
    s = w.server()
    a = w.baresip(1001, s, answer="auto")
    b = w.baresip(1002, s)
    app = w.csta(s, name="frontdesk")
    app.done("monitor 1001")
    refused = app.request("monitor 1002")
    check("privilege" in refused.get("value", ""), "1002 is not granted", refused)
    refused = app.request("make-call 1002 1001")
    check("privilege" in refused.get("value", ""), "a call of 1002 is not granted", refused)
    refused = app.request("make-call 1001 4711")
    check(refused.get("value", "").startswith("invalid"), "no such number", refused)
    refused = app.request("make-call 1001 1003")
    equal(refused["kind"] == "response" or "OutOfService" in refused.get("value", ""), True,
          "nobody at 1003")
    crm = w.csta(s)
    am, bm = a.mark(), b.mark()
    crm.done("make-call 1001 1002")
    b.event("CALL_INCOMING", bm)
    refused = crm.request("answer 1002")
    equal(refused["kind"], "error", "baresip cannot be asked to talk")
    crm.done("clear 1002")
    b.event("CALL_CLOSED", bm)
    a.event("CALL_CLOSED", am)
    out = w.run("csta", "-s", f"{s.ip}:{s.port}", "-u", "crm", "--password", "nonsense", "status",
                code=1)
    check("password" in out or "401" in out, "a wrong password is named", out)


@scenario
def application_watches_a_peer(w):
    """Calls to and from a PBX (SIPp), known by its address: NetworkReached, outside numbers."""
    s = w.server()
    w.phone(1004, s, "--auto-answer")
    a = w.phone(1001, s)
    app = w.csta(s)
    app.done("monitor 1001 1004")
    app.event("BackInService", "1004")
    none = {key: "X-None: 1" for key in ("invite", "ringing", "answer", "bye", "byeanswer")}
    pbx = w.add(Sipp(w.folder, callee(), s, CALLER, keys={**none, "answer": PLAIN}))
    since = app.mark()
    a.say("call 90123 00C842")
    a.event("established")
    order(app, "1001", "Originated", "NetworkReached", "Delivered", "Established", since=since)
    equal(app.event("Established", "1001", since)["userData"]["hex"],
          "56A390F3D2B7310023A2", "what the other side answered with")
    a.say("hangup")
    pbx.done()
    equal(header_lines(pbx.message("received", "INVITE"), "User-to-User"),
          [b"User-to-User: 00C842;encoding=hex;purpose=isdn-uui"], "the context at the PBX")

    since = app.mark()
    w.add(Sipp(w.folder, caller(), s, CALLER, keys={**none, "invite": PLAIN})).done()
    e = app.event("Delivered", "1004", since)
    check("+4930123" in e["callingDevice"], "who calls", e["callingDevice"])
    equal(e["userData"]["hex"], "56A390F3D2B7310023A2", "the context that it brought")
    order(app, "1004", "Delivered", "Established", "ConnectionCleared", since=since)
