# SPDX-License-Identifier: Apache-2.0
"""User-to-User through the bridge, octet by octet: SIPp calls SIPp.

The caller is a trusted peer, the callee registers. Each message that may carry the header has it
in several spellings; what arrives must be what was sent, line for line.
"""
from lib import IP, equal, scenario
from sipp import Script, Sipp, header_lines

CALLER, CALLEE = 5190, 5192

PLAIN = "User-to-User: 56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar"
SPACED = "User-to-User:00C842  ;  encoding = hex ; purpose=isdn-uui"
CASE = "uSER-tO-uSER : 00c842;ENCODING=HEX;content=isdn-uui"
QUOTED = 'User-to-User: "say \\"hi\\", ok; a=b";encoding=text'
LIST = "User-to-User: 00C842;encoding=hex , 04C8;encoding=hex,\"x\""
FOLDED = "User-to-User: 00C842;encoding=hex,\r\n\t04C8;\r\n   encoding=hex"
ODD = "User-to-User: 3zzz;encoding=hex;x=%41;;y"
EMPTY = "User-to-User:"
UTF8 = 'User-to-User: "Grüße \u2603";encoding=text'
LONG = "User-to-User: " + "04" + "C8" * 600 + ";encoding=hex"

SDP = f"""v=0
o=- 1 1 IN IP4 {IP}
s=-
c=IN IP4 {IP}
t=0 0
m=audio 6000 RTP/AVP 0
"""


def register():
    def request(seq, auth=""):
        return f"""REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:1004@example.com>;tag=r[call_number]
To: <sip:1004@example.com>
Call-ID: [call_id]
CSeq: {seq} REGISTER
Contact: <sip:1004@[local_ip]:[local_port];transport=[transport]>
Expires: 600
{auth}Content-Length: 0
"""
    return (Script("register").send(request(1)).recv(401, auth=True)
            .send(request(2, "[authentication username=1004 password=secret-1004]\n")).recv(200))


def caller():
    common = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:+4930123@[local_ip]>;tag=c[call_number]
To: <sip:1004@example.com>[peer_tag_param]
Call-ID: [call_id]
"""
    return (Script("caller")
            .send("INVITE sip:1004@[remote_ip]:[remote_port] SIP/2.0\n" + common + """CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>
[invite]
Content-Type: application/sdp
Content-Length: [len]

""" + SDP)
            .recv(100, optional=True).recv(180, optional=True).recv(200, rrs=True)
            .send("ACK [next_url] SIP/2.0\n" + common + "CSeq: 1 ACK\nContent-Length: 0\n",
                  repeat=False)
            .send("BYE [next_url] SIP/2.0\n" + common + """CSeq: 2 BYE
[bye]
Content-Length: 0
""").recv(200))


def callee():
    mirror = ("[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n"
              "[last_CSeq:]\n")
    contact = "Contact: <sip:1004@[local_ip]:[local_port];transport=[transport]>\n"
    tagged = mirror.format(tag=";tag=e[call_number]")
    return (Script("callee").recv("INVITE")
            .send("SIP/2.0 180 Ringing\n" + tagged + contact + "[ringing]\nContent-Length: 0\n",
                  repeat=False)
            .send("SIP/2.0 200 OK\n" + tagged + contact + """[answer]
Content-Type: application/sdp
Content-Length: [len]

""" + SDP)
            .recv("ACK").recv("BYE")
            .send("SIP/2.0 200 OK\n" + mirror.format(tag="") + "[byeanswer]\nContent-Length: 0\n",
                  repeat=False))


def carried(w, transport, invite, ringing, answer, bye, byeanswer):
    """Lists of lines for each message; all of them must arrive as they were sent."""
    keys = {"invite": invite, "ringing": ringing, "answer": answer, "bye": bye,
            "byeanswer": byeanswer}
    keys = {name: "\r\n".join(lines) for name, lines in keys.items()}
    s = w.server()
    w.add(Sipp(w.folder, register(), s, CALLEE, transport,
               auth_uri="example.com")).done()
    e = w.add(Sipp(w.folder, callee(), s, CALLEE, transport, keys))
    c = w.add(Sipp(w.folder, caller(), s, CALLER, transport, keys)).done()
    e.done()
    for name, octets, sent in (
            ("INVITE", e.message("received", "INVITE"), c.message("sent", "INVITE")),
            ("180", c.message("received", "SIP/2.0 180"), e.message("sent", "SIP/2.0 180")),
            ("200", c.message("received", "SIP/2.0 200"), e.message("sent", "SIP/2.0 200")),
            ("BYE", e.message("received", "BYE"), c.message("sent", "BYE")),
            ("200 to BYE", last(c, "received"), last(e, "sent"))):
        equal(header_lines(octets, "User-to-User"), header_lines(sent, "User-to-User"),
              f"User-to-User of {name}")
    for key, octets in (("invite", e.message("received", "INVITE")),
                        ("answer", c.message("received", "SIP/2.0 200"))):
        got = b"\r\n".join(header_lines(octets, "User-to-User"))
        equal(got, keys[key].encode(), f"what SIPp was told to send, {key}")


def last(sipp, way):
    return [octets for got, octets in sipp.messages() if got == way][-1]


@scenario
def uui_octet_by_octet_udp(w):
    carried(w, "udp", [PLAIN], [SPACED], [CASE], [QUOTED], [LIST])


@scenario
def uui_octet_by_octet_tcp(w):
    carried(w, "tcp", [FOLDED], [LIST, PLAIN], [QUOTED, SPACED], [CASE], [FOLDED])


@scenario
def uui_several_and_odd_lines(w):
    carried(w, "udp", [PLAIN, QUOTED, EMPTY, LIST], [ODD], [UTF8, FOLDED], [LONG], [EMPTY, ODD])
