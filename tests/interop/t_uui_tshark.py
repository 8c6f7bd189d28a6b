# SPDX-License-Identifier: Apache-2.0
"""What leaves Baton, read by others: tshark captures whole calls and dissects them.

Wireshark's dissectors of SIP and ISUP were written from the same documents by other people. For each
message that Baton sent they have to see the User-to-User that `baton uui lint` sees in the same capture,
line by line, and in ISUP bodies the octets that the header says.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import xml.etree.ElementTree as xml

import lib
from lib import BATON, IP, Process, check, equal, scenario

CONFIG = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com]
timers: {{t1_ms: 4000}}  # what is counted here is not sent again
devices:
{devices}
peers:
  - {{name: caller, uri: "sip:{ip}:5190", trusted: true}}
  - {{name: far, uri: "sip:{ip}:5191", trusted: true, numbers: ["6*"]}}
  - {{name: isup, uri: "sip:{ip}:5192", trusted: true, numbers: ["7*"], isup_body: true}}
  - {{name: made, uri: "sip:{ip}:5194", trusted: true, numbers: ["5*"], isup: create}}
  - {{name: gtd, uri: "sip:{ip}:5195", trusted: true, numbers: ["4*"], uui_dialect: cisco-gtd}}
  - {{name: cloud, uri: "sip:{ip}:5193", trusted: true, numbers: ["8*"], uui_dialect: genesys-pd}}
log: {{level: debug, sip_trace: {trace}}}
"""
LONG = "04" + "".join("%02X" % (i * 5 & 255) for i in range(128)) + ";encoding=hex;purpose=isdn-uui"
VALUES = [
    "04C8034B3D31;encoding=hex;purpose=isdn-uui",
    LONG,
    "56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar, 0448;encoding=hex",
    "\"a;b, c\";encoding=text;purpose=x-text",
]
SDP = ("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
       "m=audio 7000 RTP/AVP 0\r\n")
IAM = bytes.fromhex("01102001 0a00 020a 0804109700000000f0 0a028411 00".replace(" ", ""))


class Capture(Process):
    """dumpcap on the loopback of this namespace, through which everything goes."""

    def __init__(self, folder):
        self.file = os.path.join(folder, "calls.pcap")
        super().__init__("dumpcap", ["dumpcap", "-P", "-q", "-i", "lo", "-f", "udp", "-w",
                                     self.file])

    def ready(self):
        self.wait(r"^File:", what="the capture to begin")
        return self

    def has(self, octets, limit=lib.LONG):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if os.path.exists(self.file):
                with open(self.file, "rb") as f:
                    if octets in f.read():
                        return
            with self.cond:
                self.cond.wait(0.05)
        check(False, "the capture has", octets)


class Peer:
    """A socket that sends what it is told and waits for what it is asked."""

    def __init__(self, port):
        self.port = port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((IP, port))
        self.socket.settimeout(lib.LONG)

    def send(self, head, body=b""):
        text = "\r\n".join(head).encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        self.socket.sendto(text, (IP, 5060))

    def take(self, start):
        while True:
            message = self.socket.recv(65536)
            if message.startswith(start.encode()):
                return message

    def answer(self, request, status, *lines, body=b""):
        keep = re.findall(rb"^(?:Via|From|To|Call-ID|CSeq): .*$", request, re.M)
        keep = [line.decode().rstrip("\r") for line in keep]
        keep = [line + ";tag=t" if line.startswith("To:") and "tag=" not in line else line
                for line in keep]
        self.send([f"SIP/2.0 {status}", *keep, f"Contact: <sip:far@{IP}:{self.port}>", *lines], body)

    def close(self):
        self.socket.close()


def header(message, name):
    return re.search(rb"^%s: *(.*?)\r$" % name.encode(), message, re.M).group(1).decode()


def request(method, target, number, call_id, cseq, to_tag=""):
    return [f"{method} {target} SIP/2.0", f"Via: SIP/2.0/UDP {IP}:5190;branch=z9hG4bK{call_id}{cseq}"
            f"{method}", "Max-Forwards: 70", f"From: <sip:1@{IP}>;tag=f",
            f"To: <sip:{number}@example.com>{to_tag}", f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}", f"Contact: <sip:1@{IP}:5190>"]


def call(caller, callee, number, call_id, value, body=SDP.encode(), kind="application/sdp"):
    """INVITE, 180, 200, ACK, BYE and its 200, each but the ACK with User-to-User."""
    line = f"User-to-User: {value}"
    caller.send(request("INVITE", f"sip:{number}@example.com", number, call_id, 1) +
                [line, f"Content-Type: {kind}"], body)
    invite = callee.take("INVITE")
    callee.answer(invite, "180 Ringing", line)
    caller.take("SIP/2.0 180")
    callee.answer(invite, "200 OK", line, "Content-Type: application/sdp", body=SDP.encode())
    ok = caller.take("SIP/2.0 200")
    target = re.search("<([^>]*)>", header(ok, "Contact")).group(1)
    tag = ";tag=" + re.search(";tag=([^;]*)", header(ok, "To")).group(1)
    caller.send(request("ACK", target, number, call_id, 1, tag))
    callee.take("ACK")
    caller.send(request("BYE", target, number, call_id, 2, tag) + [line])
    callee.answer(callee.take("BYE"), "200 OK", line)
    caller.take("SIP/2.0 200")


def dissected(file):
    """(start line, User-to-User lines, octets in ISUP) of what port 5060 sent, by tshark."""
    got = subprocess.run(["tshark", "-r", file, "-Y", "sip && udp.srcport == 5060", "-T", "pdml"],
                         check=True, capture_output=True).stdout
    for packet in xml.fromstring(got).iter("packet"):
        fields = list(packet.iter("field"))
        bad = [p for p in packet.iter("proto") if p.get("name") == "_ws.malformed"]
        check(not bad, "tshark finds nothing malformed")

        def shown(name, what="show"):
            return [f.get(what) for f in fields if f.get("name") == name]
        start = (shown("sip.Request-Line") + shown("sip.Status-Line"))[0]
        yield start, shown("sip.uui"), shown("isup.user_to_user_info", "value")


def linted(file):
    """The values that our own reader finds in the same messages."""
    got = subprocess.run([BATON, "uui", "lint", "--json", file], capture_output=True, text=True,
                         check=False).stdout
    return [v["decoded"]["value"] for v in json.loads(got)["values"]
            if v["hops"].startswith(f"{IP}:5060 >")
            and not (v.get("in") or "").startswith("application/")]


def tools_missing():
    missing = [t for t in ("tshark", "dumpcap") if shutil.which(t) is None]
    if missing:
        print(f"  skipped: {' and '.join(missing)} not installed")
    return missing


@scenario
def uui_tshark_reads_sip(w):
    if tools_missing():
        return
    s = w.server(template=CONFIG)
    capture = w.add(Capture(w.folder))
    caller, far, cloud = Peer(5190), Peer(5191), Peer(5193)
    for i, value in enumerate(VALUES):
        call(caller, far, 600, f"sip{i}", value)
    call(caller, cloud, 800, "dialect", "0448656C6C6F;encoding=hex")
    capture.has(b"Call-ID: dialect\r\nCSeq: 2 BYE")
    capture.end()
    for peer in (caller, far, cloud):
        peer.close()
    seen = list(dissected(capture.file))
    with_value = [lines for _, lines, _ in seen if lines]
    check(len(with_value) >= 5 * len(VALUES), "five messages a call", len(with_value))
    sent = [m["uui"] for m in s.messages() if m["direction"] == "sent" and m.get("uui")]
    equal(with_value, sent, "the User-to-User lines of tshark and of the server's trace")
    elements = [e.strip() for lines in with_value for line in lines
                for e in re.findall(r'(?:"(?:\\.|[^"])*"|[^,"])+', line)]
    equal(linted(capture.file), elements, "the values of our reader and of tshark, in their order")
    check(any("pd=04" in lines[0] for lines in with_value), "the dialect is what leaves", with_value)


@scenario
def uui_tshark_reads_isup(w):
    """The octets of the header go into the IAM, and tshark finds them there."""
    if tools_missing():
        return
    w.server(template=CONFIG)
    capture = w.add(Capture(w.folder))
    caller, isup = Peer(5190), Peer(5192)
    body = (b"--b1\r\nContent-Type: application/sdp\r\n\r\n" + SDP.encode() +
            b"\r\n--b1\r\nContent-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n"
            b"Content-Disposition: signal;handling=optional\r\n\r\n" + IAM + b"\r\n--b1--\r\n")
    for i, value in enumerate(VALUES[:2]):
        call(caller, isup, 700, f"isup{i}", value, body, "multipart/mixed;boundary=b1")
    capture.has(b"Call-ID: isup1\r\nCSeq: 2 BYE")
    capture.end()
    for peer in (caller, isup):
        peer.close()
    invites = [(lines, octets) for start, lines, octets in dissected(capture.file)
               if start.startswith("INVITE")]
    want = [v.split(";")[0].lower() for v in VALUES[:2]]
    equal([octets for _, octets in invites], [[w] for w in want], "parameter 0x20 by tshark")
    equal([lines[0].split(";")[0].lower() for lines, _ in invites], want, "and the header")


@scenario
def uui_tshark_reads_made_isup(w):
    """A gateway that wants ISUP and callers who have none: IAM and REL are ours, well-formed to tshark."""
    if tools_missing():
        return
    w.server(template=CONFIG)
    capture = w.add(Capture(w.folder))
    caller, made = Peer(5190), Peer(5194)
    for i, value in enumerate(VALUES[:2]):
        call(caller, made, 500, f"made{i}", value)
    capture.has(b"Call-ID: made1\r\nCSeq: 2 BYE")
    capture.end()
    for peer in (caller, made):
        peer.close()
    want = [v.split(";")[0].lower() for v in VALUES[:2]]
    for method in ("INVITE", "BYE"):
        equal([octets for start, _, octets in dissected(capture.file) if start.startswith(method)],
              [[w] for w in want], f"parameter 0x20 of our own in {method}, by tshark")


@scenario
def uui_tshark_reads_made_gtd(w):
    """A gateway of Cisco's and callers without GTD: tshark finds the part, and in it what the header says."""
    if tools_missing():
        return
    w.server(template=CONFIG)
    capture = w.add(Capture(w.folder))
    caller, gtd = Peer(5190), Peer(5195)
    for i, value in enumerate(VALUES[:2]):
        call(caller, gtd, 400, f"gtd{i}", value)
    capture.has(b"Call-ID: gtd1\r\nCSeq: 2 BYE")
    capture.end()
    for peer in (caller, gtd):
        peer.close()
    kinds = subprocess.run(["tshark", "-r", capture.file, "-Y", "sip.Method == INVITE && udp.dstport == 5195",
                            "-T", "fields", "-e", "mime_multipart.header.content-type"],
                           check=True, capture_output=True, text=True).stdout.split()
    equal(kinds, ["application/sdp,application/gtd"] * 2, "the parts by tshark")
    equal(len(list(dissected(capture.file))), 12, "messages of ours, none of them malformed")
    found = json.loads(subprocess.run([BATON, "uui", "lint", "--json", capture.file], check=False,
                                      capture_output=True, text=True).stdout)["values"]
    bodies = [v for v in found if v.get("in") == "application/gtd"]
    equal([v["decoded"]["octets"] for v in bodies],
          [value.split(";")[0] for value in VALUES[:2] for _ in ("INVITE", "BYE")], "UUS in INVITE and BYE")
    equal([v["findings"] for v in bodies], [[]] * 4, "which say what the headers say")
