# SPDX-License-Identifier: Apache-2.0
"""The four use cases of call-control UUI (RFC 6567 §3), each with several kinds of peers.

Every hop is compared: what the sender put in, what each proxy saw, what the server received and
sent, and what the terminator got.
"""
import re

from lib import IP, check, equal, once, scenario
from peers import Kamailio, onward
from sipp import Script, Sipp, header_lines
from t_peers import linphone, talk
from t_uui import CALLEE, CALLER, PLAIN, QUOTED, SDP, callee, caller, register

VALUE = PLAIN.split(": ", 1)[1]
CONTEXT = "04C8034B3D31;encoding=hex;purpose=isdn-uui"
ESCAPED = "04C8034B3D31%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui"

RULES = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
{devices}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
peers:
  - {{name: caller, uri: "sip:{ip}:5190", trusted: true}}
  - {{name: kamailio, uri: "sip:{ip}:5460", trusted: true, numbers: ["3*"]}}
routes:
  - {{name: retarget, match: {{to: ["40*"]}}, action: proxy, targets: [{{to: "device:1004"}}]}}
  - {{name: away, match: {{to: ["50*"]}}, action: redirect, uui_hex: "04C8034B3D31",
     targets: [{{to: "sip:1004@{ip}:5192"}}]}}
  - {{name: straight, match: {{to: ["1*"]}}, action: proxy}}
log: {{level: debug, sip_trace: {trace}}}
"""
BEHIND = """\
  - {{name: behind, match: {{to: ["30*"]}}, action: proxy, uui_hex: "04C8034B3D31",
     targets: [{{to: "peer:kamailio"}}]}}
"""
FOLLOWED = """\
  - {{name: followed, match: {{to: ["33*"]}}, action: proxy, recurse: true,
     targets: [{{to: "peer:kamailio"}}]}}
"""
# Calls are bridged, so that the server is who acts on 3xx and REFER.
BRIDGE = re.sub(r"routes:\n(  .*\n)*", "", RULES)


def values_seen(server, way, method="INVITE"):
    """User-to-User of the requests of a method that the server received or sent, in order."""
    return [m.get("uui", []) for m in once(server.messages())
            if m["direction"] == way and m["start"].startswith(method + " ")]


# ---- 3.1 user agent to user agent, 3.2 proxy retargeting ----

def proxied_between_sipps(w, number, transport):
    s = w.server(template=RULES)
    w.add(Sipp(w.folder, register(), s, CALLEE, transport, auth_uri="example.com")).done()
    keys = {name: "X-Context: none" for name in ("ringing", "bye", "byeanswer")}
    keys.update(invite=QUOTED, answer=PLAIN)
    script = caller()
    script.steps = [x.replace("sip:1004@[remote_ip]", f"sip:{number}@[remote_ip]")
                    .replace("CSeq: 1 ACK", "[routes]\nCSeq: 1 ACK")
                    .replace("CSeq: 2 BYE", "[routes]\nCSeq: 2 BYE") for x in script.steps]
    e = w.add(Sipp(w.folder, callee(), s, CALLEE, transport, keys))
    c = w.add(Sipp(w.folder, script, s, CALLER, transport, keys)).done()
    e.done()
    invite = e.message("received", "INVITE")
    equal(header_lines(invite, "User-to-User"), [QUOTED.encode()], "at the terminator")
    equal(header_lines(c.message("received", "SIP/2.0 200"), "User-to-User"), [PLAIN.encode()],
          "of the answer, at the originator")
    check(b"Record-Route:" in invite and header_lines(invite, "Via")[1:], "it was proxied", invite)
    equal(header_lines(invite, "Call-ID"), header_lines(c.message("sent", "INVITE"), "Call-ID"),
          "the Call-ID: one dialog from end to end")
    return invite


@scenario
def uui_flow_1_sipp_udp(w):
    proxied_between_sipps(w, 1004, "udp")


@scenario
def uui_flow_1_sipp_tcp(w):
    proxied_between_sipps(w, 1004, "tcp")


def through_kamailio(w, number):
    """linphone, Kamailio, our proxy, linphone."""
    s = w.server(template=RULES)
    k = w.add(Kamailio(w.folder, route=onward(s, str(number))))
    b = linphone(w, 1004, s)
    a = linphone(w, 3001, k)
    a.say(f"call sip:{number}@example.com {PLAIN}")
    equal(b.state("IncomingReceived").get("User-to-User"), VALUE, "at the terminator")
    b.say("answer")
    a.state("StreamsRunning")
    equal(k.seen("INVITE")[1], VALUE, "at Kamailio")
    equal(values_seen(s, "received")[0], [VALUE], "received by the server")
    equal(values_seen(s, "sent"), [[VALUE]], "sent by the server")
    a.say("hangup")
    b.state("End")
    call_ids = {m["call_id"] for m in s.messages() if "INVITE" in m["cseq"]}
    equal(len(call_ids), 1, "one dialog from end to end")


@scenario
def uui_flow_1_linphone_and_kamailio(w):
    through_kamailio(w, 1004)


@scenario
def uui_flow_1_baresip_behind_kamailio(w):
    """linphone, Kamailio, our proxy, baresip: each hop has the header as it was."""
    s = w.server(template=RULES)
    k = w.add(Kamailio(w.folder, route=onward(s, "1004")))
    b = w.baresip(1004, s)
    a = linphone(w, 3001, k)
    since = b.mark()
    a.dial(1004, VALUE)
    b.rings(since, 3001, VALUE)
    b.answer()
    a.state("StreamsRunning")
    equal(k.seen("INVITE")[1], VALUE, "at Kamailio")
    equal(values_seen(s, "received")[0], [VALUE], "received by the server")
    equal(values_seen(s, "sent"), [[VALUE]], "sent by the server")
    a.say("hangup")
    b.ended(since)


@scenario
def uui_flow_1_baresip_calls(w):
    """baresip knows nothing of it: a rule gives its calls a context, which Kamailio passes on."""
    s = w.server(template=RULES.replace("routes:\n", "routes:\n" + BEHIND))
    k = w.add(Kamailio(w.folder))
    a = w.baresip(1001, s)
    b = linphone(w, 3001, k)
    a.dial(3001)
    equal(b.state("IncomingReceived").get("User-to-User"), CONTEXT, "at the terminator")
    equal(k.seen("INVITE")[1], CONTEXT, "at Kamailio")
    equal([v for v in values_seen(s, "received") if v], [], "received by the server")
    equal(values_seen(s, "sent"), [[CONTEXT]], "sent by the server")
    b.say("answer")
    since = a.mark()
    a.talks(0)
    b.say("hangup")
    a.ended(since)


@scenario
def uui_flow_2_kamailio_retargets(w):
    """Kamailio makes another number of it, our proxy the contact of a phone."""
    s = w.server(template=RULES)
    k = w.add(Kamailio(w.folder, route=(
        f'if (is_method("INVITE") && $rU == "4900") {{ $ru = "sip:4004@example.com"; '
        f'$du = "sip:{s.ip}:{s.port}"; t_relay(); exit; }}')))
    b = w.baresip(1004, s)
    a = linphone(w, 3001, k)
    since = b.mark()
    a.dial(4900, VALUE)
    b.rings(since, 3001, VALUE)
    equal(k.seen("INVITE")[:2], ("sip:4900@example.com", VALUE), "at Kamailio")
    equal(values_seen(s, "received")[0], [VALUE], "received by the server")
    starts = [m["start"] for m in s.messages() if m["start"].startswith("INVITE ")]
    check("sip:4004@" in starts[0] and "sip:1004-" in starts[-1], "retargeted twice", starts)
    a.say("hangup")
    b.ended(since)


@scenario
def uui_flow_2_sipp(w):
    invite = proxied_between_sipps(w, 4004, "udp")
    check(b"INVITE sip:1004@" in invite, "another target", invite[:80])


@scenario
def uui_flow_2_linphone_and_kamailio(w):
    through_kamailio(w, 4004)


# ---- 3.3 redirection ----

def redirected_caller():
    """Gets a 302 and sends the INVITE that its Contact asks for."""
    head = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:+4930123@[local_ip]>;tag=c[call_number]
To: <sip:5004@example.com>{tag}
Call-ID: [call_id]
CSeq: {seq}
"""
    contact = "Contact: <sip:caller@[local_ip]:[local_port]>\n"
    return (Script("redirected")
            .send("INVITE sip:5004@[remote_ip]:[remote_port] SIP/2.0\n" +
                  head.format(tag="", seq="1 INVITE") + contact +
                  "Content-Type: application/sdp\nContent-Length: [len]\n\n" + SDP)
            .recv(100, optional=True)
            .recv(302, save=(("uri", r"Contact: *<(sip:[^?>]*)"),
                             ("context", r"[Uu]ser-[Tt]o-[Uu]ser=([^&>]*)")))
            .send("ACK sip:5004@[remote_ip]:[remote_port] SIP/2.0\n" +
                  head.format(tag="[peer_tag_param]", seq="1 ACK") + "Content-Length: 0\n",
                  repeat=False))


def unescape(text):
    return re.sub("%([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), text)


@scenario
def uui_flow_3_server_redirects_sipp(w):
    """F2 carries what F4 has to say; F4 goes to a SIPp that shows it."""
    s = w.server(template=RULES)
    c = w.add(Sipp(w.folder, redirected_caller(), s, CALLER)).done()
    answer = c.message("received", "SIP/2.0 302")
    contact = header_lines(answer, "Contact")[0].decode()
    embedded = re.search(r"<(sip:1004@[^?>]*)\?(?:.*&)?User-to-User=([^&>]*)", contact)
    check(embedded, "User-to-User in the Contact", contact)
    equal(unescape(embedded.group(2)).split(";")[0], "04C8034B3D31", "its octets")
    check(";encoding=hex" in unescape(embedded.group(2)), "its encoding", contact)


def follows(w, s, a, redirector, terminator):
    """A calls the redirector; the server acts on its 3xx; the terminator gets the context."""
    a.say(f"call sip:{redirector}@example.com")
    return terminator.state("IncomingReceived")


@scenario
def uui_flow_3_linphone_redirects(w):
    s = w.server(template=BRIDGE)
    a, b, c = (linphone(w, n, s) for n in (1001, 1002, 1003))
    a.say("call sip:1002@example.com")
    b.state("IncomingReceived")
    b.say(f"redirect sip:1003@example.com?User-to-User={ESCAPED}")
    equal(c.state("IncomingReceived").get("User-to-User"), CONTEXT, "at the terminator")
    moved = s.wait_message(lambda m: m["start"].startswith("SIP/2.0 302"), "the 302")
    equal(moved["direction"], "received", "the 302 was for the server")
    equal(values_seen(s, "sent"), [[], [CONTEXT]], "of the INVITEs that the server sent")
    c.say("answer")
    a.state("StreamsRunning")
    a.say("hangup")
    c.state("End")


@scenario
def uui_flow_3_kamailio_redirects(w):
    """What the originator put in is never doubled, and what the redirector says goes along."""
    contact = f"<sip:1003@{IP}:5060?User-to-User={ESCAPED}>"
    s = w.server(template=BRIDGE)
    k = w.add(Kamailio(w.folder, route=(
        f'if ($rU == "3302") {{ append_to_reply("Contact: {contact}\\r\\n"); '
        'sl_send_reply("302", "Moved Temporarily"); exit; }')))
    a, c = (linphone(w, n, s) for n in (1001, 1003))
    a.say("call sip:3302@example.com")
    equal(c.state("IncomingReceived").get("User-to-User"), CONTEXT, "at the terminator")
    equal(k.seen("INVITE")[1], "<null>", "at Kamailio, before")
    c.say("answer")
    a.state("StreamsRunning")
    c.say("hangup")
    a.state("End")


@scenario
def uui_flow_3_the_proxy_follows(w):
    """Our proxy follows Kamailio's 302, and gives the next INVITE what stood in its Contact."""
    contact = f"<sip:1003@{IP}:5060?User-to-User={ESCAPED}>"
    s = w.server(template=RULES.replace("routes:\n", "routes:\n" + FOLLOWED))
    k = w.add(Kamailio(w.folder, route=(
        f'if ($rU == "3302") {{ append_to_reply("Contact: {contact}\\r\\n"); '
        'sl_send_reply("302", "Moved Temporarily"); exit; }')))
    a, b = linphone(w, 1001, s), w.baresip(1003, s)
    since = b.mark()
    a.dial(3302)
    b.rings(since, 1001, CONTEXT)
    equal(k.seen("INVITE")[1], "<null>", "at Kamailio, before")
    equal(values_seen(s, "sent"), [[], [CONTEXT]], "of the INVITEs that the server sent")
    b.answer()
    a.state("StreamsRunning")
    a.say("hangup")
    b.ended(since)


# ---- 3.4 referral ----

@scenario
def uui_flow_4_linphone_refers(w):
    s = w.server(template=BRIDGE)
    a, b, c = talk(w, s, 1001, 1002, 1003)
    b.say(f"transfer sip:1003@example.com?User-to-User={ESCAPED}")
    equal(c.state("IncomingReceived").get("User-to-User"), CONTEXT, "at the terminator")
    equal(values_seen(s, "sent")[-1], [CONTEXT], "of the INVITE that the server sent")
    c.say("answer")
    b.transferred("Connected")
    b.state("End")
    since = a.mark()
    c.say("hangup")
    a.state("End", since)


def referrer():
    """SIPp answers, sends REFER at once, and follows its NOTIFYs (RFC 3515 §4.1)."""
    mirror = "[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
    contact = "Contact: <sip:1004@[local_ip]:[local_port];transport=[transport]>\n"
    ok = "SIP/2.0 200 OK\n" + mirror.format(tag="") + contact + "Content-Length: 0\n"
    inside = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: [$us]
To: [$them]
Call-ID: [call_id]
CSeq: {seq}
"""
    return (Script("referrer")
            .recv("INVITE", save=(("them", "From: *([^[:cntrl:]]*)"),
                                  ("target", "Contact: *<([^>]*)>"),
                                  ("to", "To: *([^[:cntrl:]]*)")))
            .send("SIP/2.0 200 OK\n" + mirror.format(tag=";tag=e[call_number]") + contact +
                  "Content-Type: application/sdp\nContent-Length: [len]\n\n" + SDP)
            .recv("ACK")
            .send("REFER [$target] SIP/2.0\n" +
                  inside.format(seq="1 REFER").replace("[$us]", "[$to];tag=e[call_number]") +
                  contact + f"Refer-To: <sip:1003@example.com?User-to-User={ESCAPED}>\n"
                  "Content-Length: 0\n")
            .recv(202)
            .recv("NOTIFY", "100 Trying").send(ok, repeat=False)
            .recv("NOTIFY", "SIP/2.0 180").send(ok, repeat=False)
            .recv("NOTIFY", "SIP/2.0 200 OK", "terminated").send(ok, repeat=False)
            .recv("BYE").send(ok, repeat=False))


@scenario
def uui_flow_4_sipp_refers(w):
    s = w.server(template=BRIDGE)
    w.add(Sipp(w.folder, register(), s, CALLEE, auth_uri="example.com")).done()
    r = w.add(Sipp(w.folder, referrer(), s, CALLEE))
    a, c = (linphone(w, n, s) for n in (1001, 1003))
    a.say("call sip:1004@example.com")
    equal(c.state("IncomingReceived").get("User-to-User"), CONTEXT, "at the terminator")
    c.say("answer")
    c.state("StreamsRunning")
    r.done()
    a.say("hangup")
    c.state("End")


AWAY = BRIDGE.replace("log: ", """\
routes:
  - {{name: elsewhere, match: {{to: ["70*"]}}, action: refer, uui_hex: "04C8034B3D31",
     targets: [{{to: "device:1003"}}]}}
log: """)


@scenario
def uui_flow_4_baton_refers(w):
    """A rule answers the caller and sends it on by REFER: linphone obeys, and carries the context."""
    s = w.server(template=AWAY)
    a, c = (linphone(w, n, s) for n in (1001, 1003))
    a.say("call sip:700@example.com")
    refer = s.wait_message(lambda m: m["start"].startswith("REFER "), "the REFER")
    equal(refer["direction"], "sent", "Baton refers")
    got = c.state("IncomingReceived")
    equal(got.get("User-to-User"), CONTEXT, "at the terminator")
    c.say("answer")
    s.wait_message(lambda m: m["start"].startswith("BYE ") and m["direction"] == "sent",
                   "the end of the first call")
    since = a.mark()
    c.say("hangup")
    a.state("End", since)
