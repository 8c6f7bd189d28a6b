# SPDX-License-Identifier: Apache-2.0
"""Lamps and mailboxes: baresip subscribes to its mailbox, a peer watches baresip's calls."""
import re
import socket
import time
import xml.etree.ElementTree as xml

import lib
from lib import LONG, Failure, check, equal, scenario

DIALOG = "{urn:ietf:params:xml:ns:dialog-info}"


class Peer:
    """The trusted neighbour on port 5190, in a few lines: requests, and answers to NOTIFY."""

    def __init__(self, server):
        self.server = (server.ip, server.port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((lib.IP, 5190))
        self.sock.settimeout(0.2)
        self.serial = 0
        self.notes = []

    def close(self):
        self.sock.close()

    def request(self, method, number, lines, body=""):
        """Send it, and return the final answer."""
        self.serial += 1
        me = f"{lib.IP}:5190"
        self.sock.sendto("\r\n".join([
            f"{method} sip:{number}@example.com SIP/2.0",
            f"Via: SIP/2.0/UDP {me};branch=z9hG4bKp{self.serial};rport", "Max-Forwards: 70",
            f"From: <sip:peer@{me}>;tag=p{self.serial}", f"To: <sip:{number}@example.com>",
            f"Call-ID: peer-{self.serial}", f"CSeq: 1 {method}", f"Contact: <sip:peer@{me}>",
            *lines, f"Content-Length: {len(body)}", "", body]).encode(), self.server)
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            text = self.take()
            if text.startswith("SIP/2.0") and not text.startswith("SIP/2.0 1"):
                return text
        raise lib.Failure(f"no answer to {method}")

    def take(self):
        """One message, NOTIFY answered and kept; empty when none came."""
        try:
            text = self.sock.recv(65536).decode()
        except TimeoutError:
            return ""
        if text.startswith("NOTIFY"):
            head, body = text.split("\r\n\r\n", 1)
            copied = [line for line in head.split("\r\n")
                      if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
            self.sock.sendto("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""])
                             .encode(), self.server)
            cseq = int(re.search(r"^CSeq: (\d+)", head, re.M).group(1))
            if not any(n["cseq"] == cseq for n in self.notes):
                self.notes.append({"head": head, "body": body, "cseq": cseq})
        return text

    def wait(self, test, what):
        """The first NOTIFY for which `test` is true."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            for n in self.notes:
                if test(n):
                    return n
            self.take()
        raise lib.Failure(f"waited for NOTIFY: {what}; there were "
                          + " ".join(n["body"] for n in self.notes))


def state_of(note):
    dialog = xml.fromstring(note["body"]).find(f"{DIALOG}dialog")
    return dialog.find(f"{DIALOG}state").text if dialog is not None else "idle"


@scenario
def baresip_busy_lamp(w):
    s = w.server(extra="events: {interval_ms: 100}\n")
    a = w.baresip(1001, s)
    b = w.baresip(1002, s)
    peer = Peer(s)
    try:
        answer = peer.request("SUBSCRIBE", 1002, ["Event: dialog", "Expires: 600"])
        check(answer.startswith("SIP/2.0 200"), "SUBSCRIBE", answer)
        peer.wait(lambda n: state_of(n) == "idle", "idle at first")
        bm = b.mark()
        a.dial(1002)
        b.event("CALL_INCOMING", bm)
        early = peer.wait(lambda n: state_of(n) == "early", "early")
        dialog = xml.fromstring(early["body"]).find(f"{DIALOG}dialog")
        invite = s.wait_message(lambda m: m["start"].startswith("INVITE") and
                                m["direction"] == "sent", "the INVITE to 1002")
        equal(dialog.get("call-id"), invite["call_id"], "the Call-ID for pick-up")
        equal(dialog.get("direction"), "recipient", "the direction")
        b.command("accept")
        peer.wait(lambda n: state_of(n) == "confirmed", "confirmed")
        b.command("hangup")
        peer.wait(lambda n: state_of(n) == "terminated", "terminated")
        versions = [int(xml.fromstring(n["body"]).get("version")) for n in peer.notes]
        equal(versions, list(range(len(versions))), "the versions")
    finally:
        peer.close()


def lamp_of_baresip(w, s):
    """A baresip that has subscribed to its mailbox and shows that it is empty. One in ten of
    version 1.0 that is started subscribes in an endless loop, before or after it was answered,
    and reads nothing: that one is replaced."""
    for _ in range(8):
        since = len(s.messages())
        b = w.baresip(1002, s, modules=("mwi",), account=";mwi=yes")
        end = time.monotonic() + LONG
        while sum(m["start"].startswith("SUBSCRIBE") for m in s.messages()[since:]) < 50:
            try:
                b.wait(r"Messages-Waiting: no", limit=0.5)
                return b
            except Failure:
                check(time.monotonic() < end, "baresip shows that its mailbox is empty")
        b.kill()
    raise Failure("no baresip subscribes as it should")


@scenario
def baresip_message_lamp(w):
    s = w.server()
    peer = Peer(s)
    try:
        b = lamp_of_baresip(w, s)
        m = b.mark()
        answer = peer.request(
            "PUBLISH", 1002, ["Event: message-summary", "Expires: 600",
                              "Content-Type: application/simple-message-summary"],
            "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n")
        check(answer.startswith("SIP/2.0 200"), "PUBLISH", answer)
        check("SIP-ETag:" in answer, "an entity-tag", answer)
        b.wait(r"Voice-Message: 2/8", m)
    finally:
        peer.close()
