#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A screen pop in TR/87, with nothing but the standard library of Python: docs/guide.md explains it.

    BATON_PASSWORD=cherry-pie-1 examples/screen_pop.py 127.0.0.1 crm 1002

opens a CSTA session, monitors 1002 and prints each call that rings there with the user data
that came with it, until Ctrl-C. UDP, digest (MD5, qop=auth), one device; a real application also
opens the session again when it was lost.
"""
import hashlib
import os
import re
import socket
import sys
import time
import uuid
import xml.etree.ElementTree as ET

NS = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
CSTA_TYPE = "Content-Type: application/csta+xml\r\nContent-Disposition: signal; handling=required"


def header(message, name):
    """The first value of a header, or ""."""
    found = re.search(rf"(?im)^{name}\s*:\s*(.*?)\r?$", message.split("\r\n\r\n")[0])
    return found.group(1) if found else ""


class Session:
    """One dialog: INVITE, then INFO both ways. A request of ours waits for its answer, and answers
    what comes in between."""

    def __init__(self, server, user, password, on_csta):
        self.user, self.password, self.on_csta = user, password, on_csta
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((server, 5060))
        self.local = "{}:{}".format(*self.sock.getsockname())
        self.uri = self.target = f"sip:csta@{server}"
        self.call_id, self.tag = uuid.uuid4().hex, uuid.uuid4().hex[:8]
        self.to, self.cseq, self.over = "", 0, False

    def send(self, method, xml="", extra="", cseq=None):
        body = xml and f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'
        lines = [f"{method} {self.target} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.local};branch=z9hG4bK{uuid.uuid4().hex};rport",
                 f"From: <sip:{self.user}@{self.local}>;tag={self.tag}",
                 f"To: {self.to or f'<{self.uri}>'}",
                 f"Call-ID: {self.call_id}", f"CSeq: {cseq or self.cseq} {method}",
                 f"Contact: <sip:{self.user}@{self.local}>", "Max-Forwards: 70",
                 *([extra] if extra else []), *([CSTA_TYPE] if body else []),
                 f"Content-Length: {len(body.encode())}", "", body]
        octets = "\r\n".join(lines).encode()
        self.sock.send(octets)
        return octets

    def receive(self, timeout):
        """The next response, or "" when a request was answered or nothing came."""
        self.sock.settimeout(timeout)
        try:
            message = self.sock.recv(65535).decode()
        except TimeoutError:
            return ""
        if message.startswith("SIP/2.0"):
            return message
        if not message.startswith("ACK"):  # INFO with an event; BYE; "are you there?"
            same = "\r\n".join(f"{h}: {header(message, h)}"
                               for h in ("Via", "From", "To", "Call-ID", "CSeq"))
            self.sock.send(f"SIP/2.0 200 OK\r\n{same}\r\nContent-Length: 0\r\n\r\n".encode())
        if message.startswith("INFO"):
            self.on_csta(ET.fromstring(message.split("\r\n\r\n", 1)[1]))
        if message.startswith("BYE"):
            self.over = True
            raise SystemExit("the server has ended the session")
        return ""

    def request(self, method, xml="", extra=""):
        """Send, repeat until answered, and return the final response."""
        self.cseq += 1
        octets = self.send(method, xml, extra)
        for wait in (0.5, 1, 2, 4, 4, 4, 4):
            end = time.monotonic() + wait
            while (left := end - time.monotonic()) > 0:
                message = self.receive(left)
                if (header(message, "CSeq") == f"{self.cseq} {method}" and
                        not message.startswith("SIP/2.0 1")):
                    return message
            self.sock.send(octets)
        raise SystemExit("the server does not answer")

    def credentials(self, challenge, method):
        """The Authorization line for a WWW-Authenticate value (RFC 2617)."""
        p = {k.lower(): v.strip('"') for k, v in
             re.findall(r'(\w+)=("[^"]*"|[^",\s]+)', challenge)}
        md5 = lambda *part: hashlib.md5(":".join(part).encode()).hexdigest()
        nc, cnonce = "00000001", uuid.uuid4().hex[:16]
        answer = md5(md5(self.user, p["realm"], self.password), p["nonce"], nc, cnonce, "auth",
                     md5(method, self.uri))
        return (f'Authorization: Digest username="{self.user}", realm="{p["realm"]}", '
                f'nonce="{p["nonce"]}", uri="{self.uri}", response="{answer}", algorithm=MD5, '
                f'qop=auth, nc={nc}, cnonce="{cnonce}"')

    def open(self):
        status = f'<RequestSystemStatus xmlns="{NS}"/>'
        answer = self.request("INVITE", status)
        if answer.startswith("SIP/2.0 401"):
            self.send("ACK")
            answer = self.request("INVITE", status, self.credentials(
                header(answer, "WWW-Authenticate"), "INVITE"))
        if not answer.startswith("SIP/2.0 200"):
            self.to = header(answer, "To")
            self.send("ACK")
            raise SystemExit(answer.split("\r\n")[0])
        self.to = header(answer, "To")  # with the server's tag
        self.target = re.search(r"<(.*?)>", header(answer, "Contact")).group(1)
        self.send("ACK")

    def csta(self, xml):
        """A service and its answer; a refusal is a CSTAErrorCode."""
        answer = self.request("INFO", xml)
        return ET.fromstring(answer.split("\r\n\r\n", 1)[1])


def text(element, name):
    found = element.find(f".//{{*}}{name}")
    return "" if found is None else "".join(found.itertext()).strip()


def on_csta(event):
    if event.tag.endswith("}DeliveredEvent") and text(event, "localConnectionInfo") == "alerting":
        data = bytes.fromhex(text(event, "userData"))
        what = data[1:].decode("ascii", "replace") if data[:1] == b"\x04" else data.hex(" ")
        print(f"{text(event, 'callingDevice')} calls: {what or '(no user data)'}", flush=True)


def watch(session, device):
    started = session.csta(f'<MonitorStart xmlns="{NS}"><monitorObject><deviceObject>{device}'
                           "</deviceObject></monitorObject></MonitorStart>")
    if not started.tag.endswith("}MonitorStartResponse"):
        raise SystemExit("refused: " + text(started, "*"))
    print(f"{device} is monitored as {text(started, 'monitorCrossRefID')}", flush=True)
    while True:
        session.receive(None)


def main():
    if len(sys.argv) != 4 or "BATON_PASSWORD" not in os.environ:
        raise SystemExit("usage: BATON_PASSWORD=... screen_pop.py SERVER APPLICATION DEVICE")
    server, user, device = sys.argv[1:]
    session = Session(server, user, os.environ["BATON_PASSWORD"], on_csta)
    session.open()
    try:
        watch(session, device)
    except KeyboardInterrupt:
        pass
    finally:
        if not session.over:
            session.request("BYE")


if __name__ == "__main__":
    main()
