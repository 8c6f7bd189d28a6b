# SPDX-License-Identifier: Apache-2.0
"""Calls between real phones (baresip), commanded by nobody: what bridging alone has to do."""
import lib
from lib import check, equal, scenario


def two(w, transport="udp", other="udp"):
    s = w.server()
    a = w.baresip(1001, s, transport=transport)
    b = w.baresip(1002, s, transport=other)
    return s, a, b


def connect(a, b):
    """a calls b, b answers."""
    am, bm = a.mark(), b.mark()
    a.dial(b.number)
    check(f"sip:{a.number}@example.com" in b.event("CALL_INCOMING", bm), "b sees who calls")
    a.event("CALL_RINGING", am)
    b.command("accept")
    a.event("CALL_ESTABLISHED", am)
    b.event("CALL_ESTABLISHED", bm)


def reinvite(s, phone, command, other, direction):
    """A key of a phone, and the whole re-INVITE that it causes: a new one may follow then."""
    since, om = len(s.messages()), other.mark()
    phone.command(command)
    other.wait(rf"^a={direction}$", om)
    for way in ("received", "sent"):
        s.wait_message(lambda m, way=way: m["start"].startswith("ACK") and m["direction"] == way,
                       f"the ACK, {way}", since=since)


@scenario
def baresip_plain_call_udp_to_tcp(w):
    """One after the other, with everybody's keys, and nothing is refused."""
    s, a, b = two(w, "udp", "tcp")
    connect(a, b)
    am = a.mark()
    reinvite(s, a, "hold", b, "sendonly")
    a.wait(r"^a=recvonly$", am, what="the answer of the held phone")
    reinvite(s, a, "resume", b, "sendrecv")
    bm = b.mark()
    reinvite(s, b, "hold", a, "sendonly")
    b.wait(r"^a=recvonly$", bm)
    reinvite(s, b, "resume", a, "sendrecv")
    bm = b.mark()
    a.command("hangup")
    b.event("CALL_CLOSED", bm)
    connect(a, b)
    am = a.mark()
    b.command("hangup")
    a.event("CALL_CLOSED", am)
    for m in s.messages():
        status = m["start"].split()[1] if m["start"].startswith("SIP/2.0") else "0"
        check(status < "400" or status == "401", "an unexpected refusal", m["start"])


@scenario
def baresip_refusals(w):
    """Declined, cancelled, nobody there, no such number."""
    s, a, b = two(w)
    am, bm = a.mark(), b.mark()
    a.dial(1002)
    b.event("CALL_INCOMING", bm)
    b.command("hangup")
    check("486" in a.event("CALL_CLOSED", am), "the caller is told why",
          a.event("CALL_CLOSED", am))

    am, bm = a.mark(), b.mark()
    a.dial(1002)
    b.event("CALL_INCOMING", bm)
    a.event("CALL_RINGING", am)
    a.command("hangup")
    b.event("CALL_CLOSED", bm)
    s.wait_message(lambda m: m["start"].startswith("CANCEL") and m["direction"] == "sent",
                   "a CANCEL to the callee")
    s.wait_message(lambda m: m["start"].startswith("SIP/2.0 487") and m["direction"] == "sent",
                   "487 to the caller")

    for number, status in ((1003, "480"), (7777, "404")):
        am = a.mark()
        a.dial(number)
        closed = a.event("CALL_CLOSED", am)
        check(status in closed, f"{number} cannot be reached", closed)


@scenario
def baresip_wrong_password(w):
    """Nobody registers with a wrong password, and the right one works afterwards."""
    s = w.server()
    p = w.start(lib.Phone(1001, s, "--password", "not-it"))
    p.expected = (1,)
    equal(p.event("registration-failed").get("status"), 401, "a wrong password is refused")
    w.baresip(1001, s)


@scenario
def refer_command(w):
    """baton refer: an application has a phone call another one, over plain SIP."""
    s, a, b = two(w)
    am, bm = a.mark(), b.mark()
    r = w.start(lib.Process("refer", [
        lib.BATON, "refer", "-s", f"{s.ip}:{s.port}", "-u", "crm", "1001", "1002", "--uui",
        "0448;encoding=hex"], env={"BATON_PASSWORD": "crm-secret-1"}))
    a.event("CALL_INCOMING", am)
    a.command("accept")
    b.event("CALL_INCOMING", bm)
    b.command("accept")
    r.wait(r"^200 OK")
    equal(r.exit_code(5), 0, "the exit code is that of the outcome")
    b.wait(r"^User-to-User: 0448;encoding=hex$", bm)
    bm = b.mark()
    a.command("hangup")
    b.event("CALL_CLOSED", bm)
