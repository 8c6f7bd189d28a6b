# SPDX-License-Identifier: Apache-2.0
"""Phones in a browser: JsSIP in headless Chromium over secure WebSocket (RFC 7118)."""
import os
import subprocess

from lib import IP, LONG, PORTS, check, equal, scenario
from peers import Browser, Linphone
from t_uui import PLAIN

WSS = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}", "wss:{ip}:5443"]
domains: [example.com]
tls:
  certificates: [{{cert: cert.pem, key: key.pem}}]
devices:
{devices}
log: {{level: debug, sip_trace: {trace}}}
"""
VALUE = PLAIN.split(": ", 1)[1]


def certificate(folder):
    """A key and a certificate of this scenario's own, for this machine and for example.com."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=example.com", "-addext",
                    f"subjectAltName=DNS:example.com,URI:sip:example.com,IP:{IP}",
                    "-keyout", os.path.join(folder, "key.pem"),
                    "-out", os.path.join(folder, "cert.pem")],
                   check=True, capture_output=True, timeout=60)
    os.chmod(os.path.join(folder, "key.pem"), 0o600)


def phones(w, *numbers):
    """A server, and a browser in which these numbers have a tab each."""
    certificate(w.folder)
    s = w.server(template=WSS)
    b = w.add(Browser(w.folder))
    for n in numbers:
        since = b.do(n, "register", ws=f"wss://{IP}:5443", uri=f"sip:{n}@example.com",
                     password=f"secret-{n}")
        b.event(n, "registered", since)
    return s, b


def talk(b, x, y, headers=()):
    """x calls y, who answers. @return what y was told of the call"""
    since = b.do(x, "call", to=f"sip:{y}@example.com", headers=list(headers))
    incoming = b.event(y, "incoming", since)
    b.event(x, "progress", since)
    b.do(y, "answer")
    b.event(x, "confirmed", since)
    b.event(y, "confirmed", since)
    return incoming


@scenario
def browser_calls_browser(w):
    """With media between the tabs; hold and retrieve; the called one hangs up."""
    s, b = phones(w, "1001", "1002")
    incoming = talk(b, "1001", "1002", [PLAIN])
    equal(incoming["uui"], [VALUE], "the context at the called tab")
    for tab in ("1001", "1002"):
        b.item(lambda i, t=tab: i.get("tab") == t and i["event"] == "media" and
               i["state"] == "connected", 0, LONG, f"media in tab {tab}")
    for x, y in (("1001", "1002"), ("1002", "1001")):
        since = b.do(x, "hold")
        equal(b.event(y, "hold", since)["by"], "remote", "who holds")
        since = b.do(x, "unhold")
        b.event(y, "unhold", since)
    since = b.do("1002", "hangup")
    b.event("1001", "ended", since)
    seen = {m["remote"] for m in s.messages() if m["start"].startswith("INVITE")}
    equal(len(seen), 2, "flows: one for each tab")


@scenario
def browser_and_linphone(w):
    """Its session descriptions are not a browser's: what matters is that each side hears so."""
    s, b = phones(w, "1001")
    p = w.add(Linphone(w.folder, 1002, s, next(PORTS)))
    since = b.do("1001", "call", to="sip:1002@example.com", headers=[PLAIN])
    check(b.item(lambda i: i.get("tab") == "1001" and i["event"] in ("progress", "refused"), since,
                 LONG, "an answer"), "an answer")
    s.wait_message(lambda m: m["start"].startswith("INVITE sip:1002@") and
                   m["direction"] == "sent" and m.get("uui") == [VALUE], "the context to linphone")
    p.state("IncomingReceived")
    b.do("1001", "hangup")
    p.state("Released")
    since = b.mark()
    p.say("call sip:1001@example.com " + PLAIN)
    equal(b.event("1001", "incoming", since)["uui"], [VALUE], "the context from linphone")
    b.do("1001", "refuse", status=486)
    s.wait_message(lambda m: m["start"].startswith("SIP/2.0 486") and m["direction"] == "sent",
                   "486 to linphone")


@scenario
def browser_calls_baresip(w):
    """Its signalling: it rings; then either the browser gives up, or what it answers is passed."""
    s, b = phones(w, "1001")
    w.baresip(1002, s)
    since = b.do("1001", "call", to="sip:1002@example.com")
    got = b.item(lambda i: i.get("tab") == "1001" and i["event"] in ("progress", "refused"),
                 since, LONG, "an answer of baresip's")
    if got["event"] == "progress":
        b.do("1001", "hangup")
        s.wait_message(lambda m: m["start"].startswith("CANCEL") and m["direction"] == "sent",
                       "the CANCEL to baresip")
    else:
        equal(got["status"], 488, "what baresip says to a browser's description")


@scenario
def browser_transfers(w):
    """1002 sends 1001 to 1003, with a context."""
    s, b = phones(w, "1001", "1002", "1003")
    talk(b, "1001", "1002")
    since = b.do("1002", "refer",
                 to="sip:1003@example.com?User-to-User=04C8034B3D31%3Bencoding%3Dhex")
    b.event("1002", "refer-accepted", since)
    equal(b.event("1003", "incoming", since)["uui"], ["04C8034B3D31;encoding=hex"],
          "the context at the third tab")
    b.do("1003", "answer")
    b.event("1003", "confirmed", since)
    b.event("1002", "refer-done", since)
    b.event("1002", "ended", since)
    since = b.do("1001", "hangup")
    b.event("1003", "ended", since)


@scenario
def browser_goes_away(w):
    """A tab that is closed cannot be reached; who calls it hears so at once, and the one that
    talked with it can hang up."""
    s, b = phones(w, "1001", "1002")
    talk(b, "1001", "1002")
    b.do("1002", "close")
    since = b.do("1001", "hangup")
    b.event("1001", "ended", since)
    since = b.do("1001", "call", to="sip:1002@example.com")
    equal(b.event("1001", "refused", since)["status"], 480, "of a phone without a flow")
    check(s.running(), "the server goes on")
