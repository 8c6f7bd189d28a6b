# SPDX-License-Identifier: Apache-2.0
"""A uaCSTA phone played by SIPp: it registers, takes the CSTA session on the port from which it
registered, and answers with the octets that snom's and Unitel's documents print, where the test
data is there; else with plain ones of ours.

What snom prints is a call that was there before anybody asked: callID -12, and it rings. The
application finds it in a snapshot, has the phone answer it, and hears of it what Unitel prints.
"""
from lib import check, data, equal, scenario
from sipp import Script, Sipp
from t_uacsta import EXTRA

PORT = 5196
LINE = "sip:1001@example.com"
NS = "http://www.ecma-international.org/standards/ecma-323/csta/ed5"
# what: (file of the data, what is replaced there, what stands for it otherwise)
SAID = {
    "monitor": ("snom_MonitorStartResponse.xml", {},
                "<MonitorStartResponse xmlns=\"" + NS + "\"><monitorCrossRefID>43"
                "</monitorCrossRefID></MonitorStartResponse>"),
    "snapshot": ("snom_SnapshotDeviceResponse.xml", {"sip:455455@ser.intern.snom.de": LINE},
                 "<SnapshotDeviceResponse xmlns=\"" + NS + "\"><crossRefIDorSnapshotData>"
                 "<snapshotData><snapshotDeviceResponseInfo><connectionIdentifier><callID>-12"
                 "</callID><deviceID>" + LINE + "</deviceID></connectionIdentifier>"
                 "<localCallState><compoundCallState><localConnectionState>alerting"
                 "</localConnectionState></compoundCallState></localCallState>"
                 "</snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>"
                 "</SnapshotDeviceResponse>"),
    "established": ("unitel_EstablishedEvent.xml",
                    {"u-12345678-200": "43", "SIP/hpbx-00000233": "-12",
                     "<deviceID>200</deviceID>": f"<deviceID>{LINE}</deviceID>",
                     "<deviceIdentifier>200</deviceIdentifier>":
                         "<deviceIdentifier>sip:777@elsewhere.example.net</deviceIdentifier>",
                     "22334455": LINE},
                    "<EstablishedEvent xmlns=\"" + NS + "\"><monitorCrossRefID>43"
                    "</monitorCrossRefID><establishedConnection><callID>-12</callID><deviceID>"
                    + LINE + "</deviceID></establishedConnection><answeringDevice>"
                    "<deviceIdentifier>" + LINE + "</deviceIdentifier></answeringDevice>"
                    "<callingDevice><deviceIdentifier>sip:777@elsewhere.example.net"
                    "</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>" + LINE
                    + "</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/>"
                    "</lastRedirectionDevice><localConnectionInfo>connected</localConnectionInfo>"
                    "<cause>normal</cause></EstablishedEvent>"),
}


def said(what):
    name, replaced, own = SAID[what]
    text = data("csta", "requests-events", name)
    if text is None:
        return own
    for old, new in replaced.items():
        check(old in text, f"{name} has {old}")
        text = text.replace(old, new)
    return text.strip()


def own(root, inner=""):
    return f'<{root} xmlns="{NS}">{inner}</{root}>'


class Registration(Script):
    def __init__(self, expires=600):
        super().__init__("phone-register")
        for seq in (1, 2):
            self.send(f"""REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <{LINE}>;tag=r[call_number]
To: <{LINE}>
Call-ID: [call_id]
CSeq: {seq} REGISTER
Contact: <sip:1001@[local_ip]:[local_port]>
Expires: {expires}
User-Agent: snom360/8.7.5.35
""" + ("[authentication username=1001 password=secret-1001]\n" if seq == 2 else "")
                      + "Content-Length: 0\n")
            self.recv(*((401,) if seq == 1 else (200, "Expires|expires=")), auth=seq == 1)


class Session(Script):
    """The phone's side of the session: what it is asked is what it has to be asked, in order."""

    HEAD = """[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:1001@[local_ip]:[local_port]>
"""

    def answer(self, text="", tag=""):
        body = f"Content-Type: application/csta+xml\nContent-Length: [len]\n\n{text}" if text \
            else "Content-Length: 0\n"
        return self.send("SIP/2.0 200 OK\n" + self.HEAD.format(tag=tag) + body, repeat=bool(tag))

    def asked(self, root, text):
        return self.recv("INFO", f"<{root} ").answer(text)

    def event(self, text, seq):
        """In the dialog that the other side has opened."""
        self.send(f"""INFO [$target] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <{LINE}>;tag=p[call_number]
To: [$peer]
Call-ID: [call_id]
CSeq: {seq} INFO
Content-Type: application/csta+xml
Content-Disposition: signal;handling=required
Content-Length: [len]

{text}""")
        return self.recv(200)


@scenario
def sipp_is_a_uacsta_phone(w):
    server = w.server(extra=EXTRA)
    w.add(Sipp(w.folder, Registration(), server, PORT, auth_uri="example.com")).done()
    p = Session("phone-session")
    p.recv("INVITE", "application/csta\\+xml", "<RequestSystemStatus",
           save=(("peer", "From: (<[^>]*>;tag=[A-Za-z0-9._~-]*)"), ("target", "Contact: <([^>]*)>")))
    p.answer(own("RequestSystemStatusResponse", "<systemStatus>normal</systemStatus>"),
             ";tag=p[call_number]")
    p.recv("ACK")
    p.asked("MonitorStart", said("monitor"))
    p.asked("SnapshotDevice", said("snapshot"))
    for name, inner in (("GetDoNotDisturb", "<doNotDisturbOn>false</doNotDisturbOn>"),
                        ("GetForwarding", "<forwardingList/>"),
                        ("GetMessageWaitingIndicator",
                         "<messageWaitingOn>false</messageWaitingOn>")):
        p.asked(name, own(name + "Response", inner))
    p.asked("AnswerCall", own("AnswerCallResponse"))
    p.event(said("established"), 1)
    p.asked("ClearConnection", own("ClearConnectionResponse"))
    p.event(own("ConnectionClearedEvent", "<monitorCrossRefID>43</monitorCrossRefID>"
                "<droppedConnection><callID>-12</callID><deviceID>" + LINE + "</deviceID>"
                "</droppedConnection><releasingDevice><deviceIdentifier>" + LINE +
                "</deviceIdentifier></releasingDevice><localConnectionInfo>null"
                "</localConnectionInfo><cause>normalClearing</cause>"), 2)
    phone = w.add(Sipp(w.folder, p, server, PORT))
    server.wait_message(lambda m: "GetMessageWaitingIndicator" in str(m), "the phone to be asked")
    app = w.csta(server)
    app.done("monitor 1001")
    calls = app.done("snapshot 1001")["calls"]
    equal(len(calls), 1, "calls of the phone")
    mark = app.mark()
    app.done("answer 1001")
    e = app.event("Established", "1001", mark)
    equal(e["callingDevice"], "sip:777@elsewhere.example.net", "who calls")
    app.done("clear 1001")
    app.event("ConnectionCleared", "1001", mark)
    equal(app.done("snapshot 1001")["calls"], [], "calls of the phone in the end")
    phone.done()
