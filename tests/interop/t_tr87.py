# SPDX-License-Identifier: Apache-2.0
"""TR/87 clients of the field, played by SIPp: their bodies, their habits, UDP and TCP.

The bodies are those of the test data with our devices put in; without the data, plain ones of
our own, so that the scenarios run anywhere.
"""
import re

from lib import check, data, equal, scenario
from sipp import Script, Sipp

PORT = 5194
NS = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
OWN = {
    "status": f'<RequestSystemStatus xmlns="{NS}"/>',
    "features": f'<GetCSTAFeatures xmlns="{NS}"/>',
    "monitor": f'<MonitorStart xmlns="{NS}"><monitorObject><deviceObject>LINE</deviceObject>'
               "</monitorObject></MonitorStart>",
    "stop": f'<MonitorStop xmlns="{NS}"><monitorCrossRefID>REF</monitorCrossRefID></MonitorStop>',
    "snapshot": f'<SnapshotDevice xmlns="{NS}"><snapshotObject>LINE</snapshotObject>'
                "</SnapshotDevice>",
    "make": f'<MakeCall xmlns="{NS}"><callingDevice>LINE</callingDevice><calledDirectoryNumber>'
            "TO</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate></MakeCall>",
    "clear": f'<ClearConnection xmlns="{NS}"><connectionToBeCleared><callID>CALL</callID>'
             "<deviceID>LINE</deviceID></connectionToBeCleared></ClearConnection>",
}
TEL = "tel:73124;phone-context=dialstring;partition=BE_BRS_INT"
# vendor: (folder and files by kind, what is replaced there, how it spells the line)
VENDORS = {
    "plain": ({}, {}, "1001"),
    "snom": ({"status": "requests-events/snom_RequestSystemStatus.xml",
              "monitor": "requests-events/snom_MonitorStart.xml",
              "snapshot": "requests-events/snom_SnapshotDevice.xml",
              "make": "requests-events/snom_MakeCall.xml"},
             {"sip:455455@ser.intern.snom.de": "LINE", "455455@ser.intern.snom.de": "LINE",
              "455360": "TO"}, "sip:1001@example.com"),
    "lync": ({"status": "samples/lync-rcc/01-RequestSystemStatus.xml",
              "features": "samples/lync-rcc/02-GetCSTAFeatures.xml",
              "monitor": "samples/lync-rcc/03-MonitorStart.xml",
              "stop": "samples/lync-rcc/04-MonitorStop.xml",
              "make": "samples/lync-rcc/05-MakeCall.xml",
              "clear": "samples/lync-rcc/06-ClearConnection.xml"},
             {TEL: "LINE", "tel:+3222220220": "TO", "0_99f261b4": "CALL", "99fda87c": "REF",
              "tel:73124;phone-context=dialstring": "LINE"},
             TEL.replace("73124", "1001")),
}


def body(vendor, kind, **values):
    files, replaced, line = VENDORS[vendor]
    text = data("csta", files[kind]) if kind in files else None
    if text is None:
        text = OWN[kind]
    else:
        for old, new in replaced.items():
            text = text.replace(old, new)
    for name, value in {"LINE": line, **values}.items():
        check(name in text or name == "LINE", f"{vendor} {kind} has no {name}")
        text = text.replace(name, value)
    return text.strip()


def ere(text):
    """As a POSIX extended regular expression."""
    return re.sub(r"([.*+?()\[\]{}^$|\\])", r"\\\1", text)


class Client(Script):
    """A CSTA session. A client without branches is one of RFC 2543."""

    def __init__(self, name, branch=True):
        super().__init__(name)
        self.seq = 0
        self.branch = ";branch=[branch]" if branch else ""

    def head(self, method, uri, seq, peer="[peer_tag_param]"):
        return f"""{method} {uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port]{self.branch}
Max-Forwards: 70
From: <sip:crm@example.com>;tag=t[call_number]
To: <sip:csta@example.com>{peer}
Call-ID: [call_id]
CSeq: {seq} {method}
Contact: <sip:crm@[local_ip]:[local_port];transport=[transport]>
"""

    def with_body(self, text):
        return f"""Content-Type: application/csta+xml
Content-Disposition: signal;handling=required
Content-Length: [len]

{text}"""

    def open(self, text):
        uri = "sip:csta@example.com"
        auth = "[authentication username=crm password=crm-secret-1]\n"
        supported = "Supported: timer\nSession-Expires: 600\n"
        self.send(self.head("INVITE", uri, 1, "") + supported + self.with_body(text))
        self.recv(100, optional=True).recv(401, auth=True)
        self.send(self.head("ACK", uri, 1) + "Content-Length: 0\n", repeat=False)
        self.send(self.head("INVITE", uri, 2, "") + auth + supported + self.with_body(text))
        self.recv(100, optional=True)
        self.recv(200, "systemStatus>normal<", "application/csta\\+xml", "Session-Expires", rrs=True)
        self.seq = 2
        return self.ack()

    def ack(self):
        return self.send(self.head("ACK", "[next_url]", self.seq) + "Content-Length: 0\n",
                         repeat=False)

    def ask(self, text, method="INFO"):
        self.seq += 1
        extra = "Supported: timer\nSession-Expires: 600;refresher=uac\n" * (method != "INFO")
        return self.send(self.head(method, "[next_url]", self.seq) + extra
                         + (self.with_body(text) if text else "Content-Length: 0\n"))

    def ask_together(self, *texts):
        """Several requests in one segment; SIPp counts one body only, so we count."""
        out = []
        for text in texts:
            self.seq += 1
            out.append(self.head("INFO", "[next_url]", self.seq)
                       + self.with_body(text).replace("[len]", str(len(text.encode()))))
        return self.send("".join(out), repeat=False)

    def info(self, text, *patterns, save=()):
        return self.ask(text).recv(200, *patterns, save=save)

    def refresh(self, text):
        self.ask(text, "INVITE").recv(100, optional=True)
        return self.recv(200, "systemStatus>normal<", "Session-Expires").ack()

    def update(self):
        return self.ask("", "UPDATE").recv(200, "Session-Expires")

    def event(self, *patterns, answered=True):
        self.recv("INFO", *patterns)
        if answered:
            self.send("SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n"
                      "[last_CSeq:]\nContent-Length: 0\n", repeat=False)
        return self

    def bye(self):
        self.seq += 1
        return self.send(self.head("BYE", "[next_url]", self.seq)
                         + "Content-Length: 0\n").recv(200)


def phones(w, **options):
    s = w.server(**options)
    return s, w.phone(1001, s), w.phone(1002, s, "--auto-answer")


def play(w, server, script, transport, **options):
    return w.add(Sipp(w.folder, script, server, PORT, transport, auth_uri="csta@example.com",
                      **options)).done()


CALL = (("call", "<callID>([^<]+)</callID>"),)
REF = (("ref", "<monitorCrossRefID>([^<]+)</monitorCrossRefID>"),)


def session(w, vendor, transport):
    """The whole life of a session, with a call in it."""
    line = ere(VENDORS[vendor][2])
    s, a, b = phones(w)
    c = Client(f"{vendor}-{transport}").open(body(vendor, "status"))
    c.info(body(vendor, "features"), "GetCSTAFeaturesResponse", "makeCall", "deliveredEvent|delivered")
    c.info(body(vendor, "monitor"), "MonitorStartResponse", save=REF)
    c.event("BackInServiceEvent", f">{line}<")
    c.info(body(vendor, "snapshot"), "SnapshotDeviceResponse")
    c.refresh(body(vendor, "status"))
    c.info(body(vendor, "make", TO="1002"), "MakeCallResponse", f"<deviceID>{line}</deviceID>",
           save=CALL)
    c.event("ServiceInitiatedEvent", "localConnectionInfo>initiated<")
    c.event("OriginatedEvent", f">{line}<", "localConnectionInfo>connected<")
    c.event("DeliveredEvent", "1002")
    c.event("EstablishedEvent", "1002")
    c.update()
    c.info(body(vendor, "snapshot"), "SnapshotDeviceResponse", "connected")
    c.info(body(vendor, "clear", CALL="[$call]"), "ClearConnectionResponse")
    c.event("ConnectionClearedEvent", "localConnectionInfo>null<", "normalClearing")
    c.info(body(vendor, "stop", REF="[$ref]"), "MonitorStopResponse")
    c.info(body(vendor, "stop", REF="[$ref]"), "CSTAErrorCode", "invalidMonitorCrossRefID")
    c.bye()
    play(w, s, c, transport)
    a.event("ended")
    b.event("ended")


@scenario
def tr87_plain_udp(w):
    session(w, "plain", "udp")


@scenario
def tr87_plain_tcp(w):
    session(w, "plain", "tcp")


@scenario
def tr87_snom_bodies_udp(w):
    session(w, "snom", "udp")


@scenario
def tr87_lync_bodies_tcp(w):
    session(w, "lync", "tcp")


@scenario
def tr87_sipe_habits(w):
    """pidgin-sipe: TCP, no branch, two requests at once, events left unanswered.

    An event that nobody answers times out after 64 T1, which must not end the session: the
    connection lives and the next requests are served.
    """
    s, a, _ = phones(w, extra="timers: {t1_ms: 50}\n")
    c = Client("sipe", branch=False).open(body("lync", "status"))
    c.ask_together(body("lync", "features"), body("lync", "monitor"))
    c.recv(200, "CSeq: 3 INFO", "GetCSTAFeaturesResponse")
    c.recv(200, "CSeq: 4 INFO", "MonitorStartResponse")
    c.event("BackInServiceEvent", answered=False)
    c.pause(4000)
    c.info(body("lync", "make", TO="tel:1002"), "MakeCallResponse", save=CALL)
    for name in ("ServiceInitiated", "Originated", "Delivered", "Established"):
        c.event(f"{name}Event", answered=False)
    c.refresh(body("lync", "status"))
    c.info(body("lync", "clear", CALL="[$call]"), "ClearConnectionResponse")
    c.event("ConnectionClearedEvent", answered=False)
    c.bye()
    play(w, s, c, "tcp")
    a.event("ended")


# The line as a client in Berlin knows it, and as its administrator has written it down.
BERLIN = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
devices:
  - {{number: "1001", password: secret-1001, tel: "+493012341001"}}
  - {{number: "1002", password: secret-1002, tel: "+493012341002"}}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"], dial_plan: berlin}}
dial_plans:
  - {{name: berlin, country: "49", area: "30", trunk: "0", international: "00", extension_digits: 4}}
log: {{level: debug, sip_trace: {trace}}}
"""


@scenario
def tr87_lync_dialling_plan(w):
    """Lines and numbers as people dial them, with and without +; the client's spelling is kept."""
    s, a, b = phones(w, template=BERLIN)
    line = "tel:03012341001;phone-context=dialstring;partition=BE_BRS_INT"
    VENDORS["berlin"] = (*VENDORS["lync"][:2], line)
    c = Client("berlin").open(body("berlin", "status"))
    c.info(body("berlin", "monitor"), "MonitorStartResponse", save=REF)
    c.event("BackInServiceEvent", f">{ere(line)}<")
    for to in ("tel:12341002;phone-context=dialstring", "tel:+49-30-1234-1002", "030 1234-1002"):
        c.info(body("berlin", "make", TO=to), "MakeCallResponse",
               f"<deviceID>{ere(line)}</deviceID>", save=CALL)
        c.event("ServiceInitiatedEvent", "localConnectionInfo>initiated<")
        c.event("OriginatedEvent", f">{ere(line)}<", "localConnectionInfo>connected<")
        c.event("DeliveredEvent", "1002")
        c.event("EstablishedEvent", "1002")
        c.info(body("berlin", "clear", CALL="[$call]"), "ClearConnectionResponse")
        c.event("ConnectionClearedEvent", "localConnectionInfo>null<")
    c.info(body("berlin", "make", TO="tel:12341003;phone-context=dialstring"), "CSTAErrorCode",
           "invalidCalledDeviceID|invalidDestination")
    c.info(body("berlin", "stop", REF="[$ref]"), "MonitorStopResponse")
    c.bye()
    play(w, s, c, "tcp")
    a.event("ended")
    b.event("ended")


@scenario
def tr87_refusals(w):
    """What is refused, and in which words."""
    s, _, _ = phones(w)
    c = Client("refusals").open(body("plain", "status"))
    for text, *patterns in (
            (OWN["make"].replace("LINE", "1001").replace("TO", "nobody"), "CSTAErrorCode",
             "invalidCalledDeviceID|invalidDestination"),
            (OWN["make"].replace("LINE", "4711").replace("TO", "1001"), "CSTAErrorCode",
             "invalidCallingDeviceID"),
            (OWN["make"].replace("LINE", "1003").replace("TO", "1001"), "CSTAErrorCode",
             "deviceOutOfService"),
            (OWN["clear"].replace("LINE", "1001").replace("CALL", "x"), "CSTAErrorCode",
             "invalidConnectionID|invalidCallID|noConnectionToClear"),
            (f'<CallBackCall xmlns="{NS}"/>', "CSTAErrorCode", "serviceNotSupported"),
            (f'<Nonsense xmlns="{NS}"/>', "CSTAErrorCode")):
        c.info(text, *patterns)
    c.ask("<MakeCall").recv(400)
    c.bye()
    play(w, s, c, "udp")


@scenario
def tr87_another_is_refused(w):
    """A session needs an application's credentials, and a device's do not do."""
    s = w.server()
    c = Client("intruder").send("")
    c.steps.clear()
    uri = "sip:csta@example.com"
    text = c.with_body(body("plain", "status"))
    c.send(c.head("INVITE", uri, 1, "") + text).recv(100, optional=True).recv(401, auth=True)
    c.send(c.head("ACK", uri, 1) + "Content-Length: 0\n", repeat=False)
    c.send(c.head("INVITE", uri, 2, "").replace("sip:crm@", "sip:1001@")
           + "[authentication username=1001 password=secret-1001]\n" + text)
    c.recv(100, optional=True).recv(403)
    c.send(c.head("ACK", uri, 2).replace("sip:crm@", "sip:1001@") + "Content-Length: 0\n",
           repeat=False)
    play(w, s, c, "udp")
    equal(s.running(), True, "the server runs")
