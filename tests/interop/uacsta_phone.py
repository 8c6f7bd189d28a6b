# SPDX-License-Identifier: Apache-2.0
"""A phone that speaks uaCSTA over UDP, as a process: usage SERVER PORT NUMBER PASSWORD OWN-PORT.

It registers with digest, takes the CSTA session that comes over the way of its registration, and
answers as snom's phones do: in edition 5 whatever it was asked in, callIDs that are small
numbers, negative for calls that come in. It is told by lines on stdin what its user and the far
ends of its calls do, and prints a line for all that it is asked.

    rings NUMBER · answers · holds · retrieves · clears · mute · register · forget · restart
"""
import hashlib
import os
import re
import select
import socket
import sys

NS = "http://www.ecma-international.org/standards/ecma-323/csta/ed5"


def token():
    return os.urandom(6).hex()


def header(text, name):
    m = re.search(rf"^{name}\s*:\s*(.*?)\r?$", text, re.M | re.I)
    return m.group(1).strip() if m else ""


class Phone:
    def __init__(self, server, number, password, port):
        self.server, self.number, self.password = server, number, password
        self.port = port
        self.life = token()
        self.cseq = 0
        self.session = None
        self.call = None
        self.calls = 0
        self.muted = False
        self.open()

    def open(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("0.0.0.0", self.port))
        self.sock.connect(self.server)
        self.me = self.sock.getsockname()

    def send(self, lines, body=""):
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
        self.sock.send(text.encode())

    def contact(self):
        return f"<sip:{self.number}@{self.me[0]}:{self.me[1]}>"

    def register(self, credentials=""):
        self.cseq += 1
        self.send([f"REGISTER sip:example.com SIP/2.0",
                   f"Via: SIP/2.0/UDP {self.me[0]}:{self.me[1]};branch=z9hG4bK{token()};rport",
                   "Max-Forwards: 70",
                   f"From: <sip:{self.number}@example.com>;tag={token()}",
                   f"To: <sip:{self.number}@example.com>", f"Call-ID: {self.life}",
                   f"CSeq: {self.cseq} REGISTER", f"Contact: {self.contact()}"
                   ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000413260001>"',
                   "Expires: 600", "User-Agent: snom360/8.7.5.35",
                   *([credentials] if credentials else [])])

    def on_response(self, text):
        status = int(text.split(" ", 2)[1])
        cseq = header(text, "CSeq")
        if cseq.endswith("REGISTER") and status == 401:
            challenge = header(text, "WWW-Authenticate")
            realm = re.search(r'realm="([^"]*)"', challenge).group(1)
            nonce = re.search(r'nonce="([^"]*)"', challenge).group(1)
            qop = "qop=" in challenge

            def md5(s):
                return hashlib.md5(s.encode()).hexdigest()
            a1 = md5(f"{self.number}:{realm}:{self.password}")
            a2 = md5("REGISTER:sip:example.com")
            middle = f"{nonce}:00000001:c:auth" if qop else nonce
            self.register(f'Authorization: Digest username="{self.number}", realm="{realm}", '
                          f'nonce="{nonce}", uri="sip:example.com", '
                          f'response="{md5(f"{a1}:{middle}:{a2}")}", algorithm=MD5'
                          + (', qop=auth, nc=00000001, cnonce="c"' if qop else ""))
        else:
            print(f"answer {status} {cseq.split(' ')[1]}", flush=True)

    # ---- the session ----

    def xml(self, root, inner=""):
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NS}">{inner}</{root}>'

    def answer(self, text, status, body="", tag=""):
        to = header(text, "To")
        vias = re.findall(r"^Via\s*:\s*(.*?)\r?$", text, re.M | re.I)
        lines = [f"SIP/2.0 {status}", *[f"Via: {v}" for v in vias],
                 f"From: {header(text, 'From')}",
                 f"To: {to}" + ("" if ";tag=" in to else f";tag={tag or token()}"),
                 f"Call-ID: {header(text, 'Call-ID')}", f"CSeq: {header(text, 'CSeq')}",
                 f"Contact: {self.contact()}", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO"]
        if body:
            lines += ["Content-Type: application/csta+xml",
                      "Content-Disposition: signal;handling=required"]
        self.send(lines, body)

    def line(self):
        return f"sip:{self.number}@example.com"

    def serve(self, root):
        connection = f"<callID>{self.call}</callID><deviceID>{self.line()}</deviceID>"
        answers = {
            "RequestSystemStatus": "<systemStatus>normal</systemStatus>",
            "MonitorStart": "<monitorCrossRefID>1</monitorCrossRefID>"
                            "<monitorExistingCalls>true</monitorExistingCalls>",
            "GetDoNotDisturb": "<doNotDisturbOn>false</doNotDisturbOn>",
            "GetForwarding": "<forwardingList/>",
            "GetSpeakerMute": "<speakerMuteList><speakerMuteItem><auditoryApparatus>1"
                              "</auditoryApparatus><speakerMuteOn>"
                              f"{'true' if self.muted else 'false'}</speakerMuteOn>"
                              "</speakerMuteItem></speakerMuteList>",
            "GetMessageWaitingIndicator": "<messageWaitingOn>false</messageWaitingOn>",
            "SnapshotDevice": "<crossRefIDorSnapshotData><snapshotData>" + (
                "" if self.call is None else
                f"<snapshotDeviceResponseInfo><connectionIdentifier>{connection}"
                "</connectionIdentifier><localCallState><compoundCallState>"
                "<localConnectionState>connected</localConnectionState><localConnectionState>"
                "connected</localConnectionState></compoundCallState></localCallState>"
                "</snapshotDeviceResponseInfo>") + "</snapshotData></crossRefIDorSnapshotData>",
        }
        return self.xml(root + "Response", answers.get(root, ""))

    def on_request(self, text):
        method = text.split(" ", 1)[0]
        body = text.split("\r\n\r\n", 1)[1]
        root = (re.search(r"<([A-Z][A-Za-z]+)", re.sub(r"<\?.*?\?>", "", body)) or [None, ""])[1]
        inside = ";tag=" in header(text, "To")
        known = self.session and self.session["id"] == header(text, "Call-ID")
        if method == "ACK":
            return
        if inside and not known:
            print(f"unknown {method} {root}", flush=True)
            self.answer(text, "481 Call/Transaction Does Not Exist")
            return
        print(f"asked {method} {root}", flush=True)
        if method == "INVITE" and not inside:
            self.session = {"id": header(text, "Call-ID"), "tag": token(), "cseq": 0,
                            "peer": header(text, "From"), "self": header(text, "To"),
                            "target": re.search(r"<([^>]*)>", header(text, "Contact")).group(1)}
            self.answer(text, "200 OK", self.serve(root), self.session["tag"])
        elif method == "BYE":
            self.session = None
            self.answer(text, "200 OK")
        else:
            self.answer(text, "200 OK", self.serve(root) if root else "")
            if root == "AnswerCall":
                self.event("established")
            elif root == "ClearConnection":
                self.event("cleared")
            elif root == "SetSpeakerMute":
                self.mute("<speakerMuteOn>true" in body)

    def info(self, body):
        s = self.session
        if s is None:
            print("no session", flush=True)
            return
        s["cseq"] += 1
        self.send([f"INFO {s['target']} SIP/2.0",
                   f"Via: SIP/2.0/UDP {self.me[0]}:{self.me[1]};branch=z9hG4bK{token()};rport",
                   "Max-Forwards: 70", f"From: {s['self']};tag={s['tag']}", f"To: {s['peer']}",
                   f"Call-ID: {s['id']}", f"CSeq: {s['cseq']} INFO",
                   "Content-Type: application/csta+xml",
                   "Content-Disposition: signal;handling=required"], body)

    def event(self, what):
        def ref(name, device):
            return f"<{name}><deviceIdentifier>{device}</deviceIdentifier></{name}>"
        mine = f"<callID>{self.call}</callID><deviceID>{self.line()}</deviceID>"
        parties = ref("callingDevice", self.far) + ref("calledDevice", self.line()) + \
            "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>"
        ref1 = "<monitorCrossRefID>1</monitorCrossRefID>"
        if what == "delivered":
            self.info(self.xml("DeliveredEvent", f"{ref1}<connection>{mine}</connection>"
                               + ref("alertingDevice", self.line()) + parties +
                               "<localConnectionInfo>alerting</localConnectionInfo>"
                               "<cause>newCall</cause>"))
        elif what == "established":
            self.info(self.xml(
                "EstablishedEvent", f"{ref1}<establishedConnection>{mine}</establishedConnection>"
                + ref("answeringDevice", self.line()) + parties +
                "<localConnectionInfo>connected</localConnectionInfo><cause>normal</cause>"))
        elif what in ("held", "retrieved"):
            name = what[0].upper() + what[1:]
            doing = "holding" if what == "held" else "retrieving"
            state = "hold" if what == "held" else "connected"
            self.info(self.xml(f"{name}Event", f"{ref1}<{what}Connection>{mine}</{what}Connection>"
                               + ref(f"{doing}Device", self.line()) +
                               f"<localConnectionInfo>{state}</localConnectionInfo>"
                               "<cause>normal</cause>"))
        else:
            self.info(self.xml(
                "ConnectionClearedEvent", f"{ref1}<droppedConnection>{mine}</droppedConnection>"
                + ref("releasingDevice", self.line()) +
                "<localConnectionInfo>null</localConnectionInfo><cause>normalClearing</cause>"))
            self.call = None

    def mute(self, on):
        self.muted = on
        self.info(self.xml("SpeakerMuteEvent", "<monitorCrossRefID>1</monitorCrossRefID>"
                           f"<invokingDevice><deviceIdentifier>{self.line()}</deviceIdentifier>"
                           "</invokingDevice><auditoryApparatus>1</auditoryApparatus>"
                           f"<speakerMuteOn>{'true' if on else 'false'}</speakerMuteOn>"))

    # ---- its user ----

    def command(self, line):
        word, *rest = line.split()
        if word == "rings":
            self.calls += 1
            self.call, self.far = f"-{self.calls}", rest[0]
            self.event("delivered")
        elif word == "mute":
            self.mute(True)
        elif word == "register":
            self.register()
        elif word == "forget":  # what comes in the session is 481 from now on
            self.session = None
        elif word == "restart":  # another port, as a NAT has after a while, and nothing known
            self.session, self.call, self.life = None, None, token()
            self.sock.close()
            self.port = 0
            self.open()
            self.register()
        else:
            self.event({"answers": "established", "holds": "held", "retrieves": "retrieved",
                        "clears": "cleared"}[word])

    def run(self):
        self.register()
        typed = b""
        while True:
            ready = select.select([self.sock, 0], [], [])[0]
            if 0 in ready:
                got = os.read(0, 4096)
                if not got:
                    return
                *lines, typed = (typed + got).split(b"\n")
                for line in lines:
                    self.command(line.decode())
                continue
            if self.sock in ready:
                try:
                    text = self.sock.recv(65536).decode()
                except ConnectionRefusedError:  # the server is not there just now
                    continue
                if text.startswith("SIP/2.0"):
                    self.on_response(text)
                elif text.strip():
                    self.on_request(text)


Phone((sys.argv[1], int(sys.argv[2])), sys.argv[3], sys.argv[4], int(sys.argv[5])).run()
