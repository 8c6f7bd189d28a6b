# SPDX-License-Identifier: Apache-2.0
"""Webhooks, with real calls: signed, in order, again until taken, paused, and as CRM take them."""
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import socket
import ssl
import threading
import time
import urllib.parse

from follow import api, ask
from lib import IP, PORTS, check, equal, scenario
from sipp import Sipp
from t_follow import STORE, call, two
from t_transport import certificate
from t_uui import CALLEE, register


class Taker(http.server.ThreadingHTTPServer):
    """Takes what is brought, in order; answers with `answers` one after the other, then 204."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Hook)
        self.got, self.answers, self.fields = [], [], []
        self.cond = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"

    def handle_error(self, request, client_address):
        pass  # the server was killed: what it brought comes again

    def take(self, fields, body):
        """One is brought. @return the status that it is answered with"""
        with self.cond:
            status = self.answers.pop(0) if self.answers else 204
            self.got.append((status, body))
            self.fields.append(fields)
            self.cond.notify_all()
        return status

    def wait(self, test, what, limit=30):
        end = time.monotonic() + limit
        with self.cond:
            while not test(self.got):
                left = end - time.monotonic()
                check(left > 0, f"waited {limit} s for {what}", self.got[-5:])
                self.cond.wait(left)
            return list(self.got)

    def close(self):
        self.shutdown()
        self.server_close()


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.take(dict(self.headers), body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status in (301, 302, 307):
            self.send_header("Location", "/elsewhere")
        self.end_headers()


def until(fn, test, what, limit=30):
    """What `fn` gives, once it is as it should be."""
    end = time.monotonic() + limit
    while True:
        got = fn()
        if test(got):
            return got
        check(time.monotonic() < end, f"waited {limit} s for {what}", got)
        time.sleep(0.02)


PRIVATE = api(", webhook_private: true")


def events(got):
    return [json.loads(body) for status, body in got if 200 <= status < 300]


@scenario
def webhook_signed_and_in_order(w):
    """Every event once it was taken, in order, signed; what fails is brought again before the next."""
    s, a, b = two(w, STORE + PRIVATE)
    taker = Taker()
    taker.answers = [204, 500, 302, 503]
    status, made = ask(s, "POST", "/v1/webhooks", {"url": taker.url, "filter": {"devices": ["1002"]}})
    equal(status, 201, "made")
    check(len(made["secret"]) >= 32, "a secret is told", made)
    call(a, b)
    taker.wait(lambda got: got and got[-1][1].find(b"callCleared") > 0 and got[-1][0] == 204, "all events")
    status, page = ask(s, "GET", "/v1/events?limit=1000&device=1002")
    want = [e for e in page["items"] if int(e["sequence"]) > int(made["sequence"])]
    equal(events(taker.got), want, "events that were taken")
    again = [json.loads(body)["id"] for status, body in taker.got if status >= 300]
    equal(again, [want[1]["id"]] * 3, "what was brought again")
    for (_, body), fields in zip(taker.got, taker.fields):
        parts = dict(p.split("=") for p in fields["Baton-Signature"].split(","))
        sum_ = hmac.new(made["secret"].encode(), parts["t"].encode() + b"." + body, hashlib.sha256)
        equal(parts["v1"], sum_.hexdigest(), "the signature")
        check(abs(int(parts["t"]) - time.time()) < 60, "its time")
        equal(fields["Baton-Webhook"], made["webhook"], "whose it is")
        check(fields["Content-Type"].startswith("application/cloudevents+json"), "the type", fields)
    shown = until(lambda: ask(s, "GET", f"/v1/webhooks/{made['webhook']}")[1],
                  lambda x: x["delivered"] == len(want), "the last one to be taken")
    check("secret" not in shown, "the secret is told once")
    equal((shown["state"], shown["delivered"], shown["failed"]), ("active", len(want), 3), "how it goes")
    equal(ask(s, "POST", f"/v1/webhooks/{made['webhook']}/test")[1], {"taken": True, "status": 204}, "a test")
    equal(json.loads(taker.got[-1][1])["type"], "org.baton.test.v1", "what a test brings")
    call_id = want[0]["data"]["ids"]["callID"]
    ladder = ask(s, "GET", f"/v1/trace/{call_id}")[1]
    brought = [m for m in ladder["messages"] if m["protocol"] == "webhook"]
    check(len(brought) >= len(want), "the ladder of the call has what was brought", ladder["messages"][-1:])
    check("/hook" not in json.dumps(brought), "the path of the URL may be a secret", brought[:1])
    for where in (json.dumps(ask(s, "GET", "/v1/webhooks")[1]), json.dumps(ladder), s.text()):
        check(made["secret"] not in where, "the secret is told once")
    equal(ask(s, "DELETE", f"/v1/webhooks/{made['webhook']}")[0], 204, "removed")
    equal(ask(s, "GET", f"/v1/webhooks/{made['webhook']}")[0], 404, "and gone")
    n = len(taker.got)
    call(a, b)
    equal(len(taker.got), n, "nothing more is brought")
    taker.close()


@scenario
def webhook_paused_and_resumed(w):
    """410 pauses; what happened meanwhile comes after the pause, after kill -9 too."""
    s, a, b = two(w, STORE + PRIVATE)
    taker = Taker()
    taker.answers = [410]
    made = ask(s, "POST", "/v1/webhooks", {"url": taker.url, "secret": "0123456789abcdef"})[1]
    path = f"/v1/webhooks/{made['webhook']}"
    call(a, b)
    taker.wait(lambda got: got, "the first")
    until(lambda: ask(s, "GET", path)[1], lambda x: x["state"] == "paused", "the pause")
    equal(len(taker.got), 1, "nothing behind it")
    s.kill()
    s = w.server(extra=STORE + PRIVATE)
    until(lambda: ask(s, "GET", path), lambda x: x[0] == 200, "the webhook to be back")
    equal(ask(s, "GET", path)[1]["state"], "paused", "the state after the kill")
    equal(ask(s, "POST", path + "/resume")[1]["state"], "active", "resumed")
    taker.wait(lambda got: b"callCleared" in got[-1][1], "the rest")
    page = ask(s, "GET", "/v1/events?limit=1000")[1]
    want = [e["id"] for e in page["items"] if int(e["id"]) > int(made["sequence"])]
    got = [e["id"] for e in events(taker.got)]
    equal(got[:len(want)], want[:len(got)], "all of them, in order")
    taker.close()


def token(s, name, *scopes, **more):
    status, made = ask(s, "POST", "/v1/tokens", {"name": name, "scopes": list(scopes), **more})
    equal(status, 201, "a token")
    return {"Authorization": "Bearer " + made["token"]}


@scenario
def webhook_in_the_name_of_a_token(w):
    """What the token may observe is brought, no more; revoked or expired, its webhook is paused, and goes on
    where it was in the name of the next one."""
    s, a, b = two(w, STORE + PRIVATE)
    taker, short = Taker(), Taker()
    crm, other = token(s, "crm", "observe:1002"), token(s, "other", "observe:*")
    soon = token(s, "soon", "observe:*", expiresIn=5)
    equal(ask(s, "POST", "/v1/webhooks", {"url": short.url}, **soon)[0], 201, "of a token that expires")
    status, made = ask(s, "POST", "/v1/webhooks", {"url": taker.url}, **crm)
    equal((status, made["owner"]), (201, "token:crm"), "made")
    path = "/v1/webhooks/" + made["webhook"]
    equal(ask(s, "GET", path, **other)[0], 404, "another's")
    equal(ask(s, "DELETE", path, **other)[0], 404, "another's")
    equal([x["webhook"] for x in ask(s, "GET", "/v1/webhooks", **crm)[1]["items"]], [made["webhook"]], "its own")
    page = ask(s, "POST", "/v1/tokens/browser", {"origin": "https://crm.example"}, **crm)[1]
    equal(ask(s, "POST", "/v1/webhooks", {"url": taker.url}, Authorization="Bearer " + page["token"])[0], 409,
          "of a page's token")
    call(a, b)
    taker.wait(lambda got: got and b"callCleared" in got[-1][1], "the call")
    for event in events(taker.got):
        check("1002@example.com" in json.dumps(event), "what the token may not see", event)
    ask(s, "DELETE", "/v1/tokens/crm")
    shown = until(lambda: ask(s, "GET", path)[1], lambda x: x["state"] == "paused", "the pause")
    equal(shown["reason"], "the token of its owner was revoked", "why")
    n = len(taker.got)
    call(a, b)
    equal(ask(s, "POST", path + "/resume")[1]["state"], "paused", "it is nobody's")
    equal(len(taker.got), n, "nothing is brought")
    again = token(s, "crm", "observe:1002")
    equal(ask(s, "POST", path + "/resume", **again)[1]["state"], "active", "of the next one")
    taker.wait(lambda got: len(got) > n and b"callCleared" in got[-1][1], "the second call")
    listed = ask(s, "GET", "/v1/events?limit=1000", **again)[1]["items"]
    want = [e["id"] for e in listed if int(e["id"]) > int(made["sequence"])]
    equal([e["id"] for e in events(taker.got)], want, "each once, in order")
    late = until(lambda: ask(s, "GET", "/v1/webhooks")[1]["items"][0], lambda x: x["state"] == "paused", "the pause")
    equal(late["reason"], "the token of its owner has expired", "why")
    s.kill()
    s = w.server(extra=STORE + PRIVATE)
    until(lambda: ask(s, "GET", path, **again), lambda x: x[0] == 200, "the webhook to be back")
    equal(ask(s, "GET", path, **again)[1]["state"], "active", "in the name of the token after a restart")
    taker.close()
    short.close()


def ask_as(s, port, name, method, path, body=None):
    """As `ask`, over TLS, with the certificate of that name. None: without one"""
    context = ssl.create_default_context(cafile=os.path.join(s.folder, "server.pem"))
    if name:
        context.load_cert_chain(os.path.join(s.folder, name + ".pem"), os.path.join(s.folder, name + ".key"))
    c = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    c.request(method, path, json.dumps(body) if body else None,
              {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})})
    answer = c.getresponse()
    got = answer.read()
    c.close()
    return answer.status, json.loads(got) if got else None


@scenario
def webhook_in_the_name_of_a_certificate(w):
    """Made over mutual TLS: what the certificate may observe is brought, after kill -9 too. Once it is not named any
    more the webhook is paused, and goes on where it was when it is named again."""
    port = next(PORTS)
    certificate(w.folder, "server", "first", "DNS:example.com,IP:127.0.0.1")
    certificate(w.folder, "acd", "acd", "DNS:acd.example.com")
    named = ", clients: [{certificate: acd.example.com, scopes: [\"observe:1002\"]}]"
    extra = (STORE + "tls: {certificates: [{cert: server.pem, key: server.key}], ca: acd.pem}\n"
             f"api: {{listen: [\"unix:api.sock\", \"tls:127.0.0.1:{port}\"], verify_client: request, "
             f"webhook_private: true{named}}}\n")
    s, a, b = two(w, extra)
    taker = Taker()
    equal(ask_as(s, port, None, "POST", "/v1/webhooks", {"url": taker.url})[0], 401, "without a certificate")
    status, made = ask_as(s, port, "acd", "POST", "/v1/webhooks", {"url": taker.url})
    equal((status, made.get("owner")), (201, "certificate:acd.example.com"), "made")
    path = "/v1/webhooks/" + made["webhook"]
    call(a, b)
    taker.wait(lambda got: got and b"callCleared" in got[-1][1], "the call")
    for event in events(taker.got):
        check("1002@example.com" in json.dumps(event), "what the certificate may not see", event)
    until(lambda: ask(s, "GET", path)[1], lambda x: x["delivered"] == len(events(taker.got)), "the last one to be taken")
    s.kill()
    s = w.server(extra=extra)
    until(lambda: ask_as(s, port, "acd", "GET", path), lambda x: x[0] == 200, "the webhook to be back")
    equal(ask(s, "GET", path)[1]["state"], "active", "in the name of the certificate after the kill")
    n = len(taker.got)
    call(a, b)
    taker.wait(lambda got: len(got) > n and b"callCleared" in got[-1][1], "the second call")

    def rewrite(old, new):
        config = os.path.join(s.folder, "baton.yaml")
        with open(config, encoding="utf-8") as f:
            text = f.read()
        check(old in text, "the configuration", text)
        with open(config, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        equal(ask(s, "POST", "/v1/admin/reload")[0], 200, "the reload")

    rewrite(named, "")
    shown = until(lambda: ask(s, "GET", path)[1], lambda x: x["state"] == "paused", "the pause")
    equal(shown["reason"], "the certificate of its owner is not named in api.clients any more", "why")
    equal(ask_as(s, port, "acd", "GET", path)[0], 401, "the certificate is nobody's")
    n = len(taker.got)
    call(a, b)
    equal(ask(s, "POST", path + "/resume")[1]["state"], "paused", "it is nobody's")
    equal(len(taker.got), n, "nothing is brought")
    rewrite("webhook_private: true", "webhook_private: true" + named)
    equal(ask_as(s, port, "acd", "POST", path + "/resume")[1]["state"], "active", "named again")
    taker.wait(lambda got: len(got) > n and b"callCleared" in got[-1][1], "the third call")
    listed = ask_as(s, port, "acd", "GET", "/v1/events?limit=1000")[1]["items"]
    want = [e["id"] for e in listed if int(e["id"]) > int(made["sequence"])]
    # what was taken just before the kill may come once more
    equal(list(dict.fromkeys(e["id"] for e in events(taker.got))), want, "all of them, in order")
    taker.close()


@scenario
def webhook_to_where_it_may(w):
    """Private addresses are refused unless they are allowed, and nonsense always."""
    s = w.server(extra=api())
    bad = ["http://127.0.0.1/x", "http://localhost:1/", "http://[::1]/", "http://10.1.2.3/", "ftp://x.example/",
           "http://user:pw@x.example/", "x", "", "http://169.254.169.254/latest", "http://[::ffff:127.0.0.1]/",
           "http://0.0.0.0/", "http://192.168.1.1/"]
    for url in bad:
        equal(ask(s, "POST", "/v1/webhooks", {"url": url})[0], 400, url)
    ok = {"url": "https://crm.example.invalid/events"}
    for more in ({"form": "fax"}, {"secret": "short"}, {"from": "snapshot"}, {"colour": 1}, {"filter": {"x": 1}}):
        equal(ask(s, "POST", "/v1/webhooks", {**ok, **more})[0], 400, str(more))
    status, made = ask(s, "POST", "/v1/webhooks", ok)
    equal(status, 201, "a public one")
    trial = ask(s, "POST", f"/v1/webhooks/{made['webhook']}/test")[1]
    check(not trial["taken"] and trial["reason"], "what became of a test", trial)
    equal(len(ask(s, "GET", "/v1/webhooks")[1]["items"]), 1, "all of them")


@scenario
def webhook_as_crm_take_it(w):
    """newCall, answer and hangup in the form of sipgate.io and Zammad."""
    s, a, b = two(w, PRIVATE)
    taker = Taker()
    made = ask(s, "POST", "/v1/webhooks", {"url": taker.url, "form": "push"})
    equal(made[0], 201, "made")
    call(a, b)
    got = taker.wait(lambda all_: len(all_) >= 3, "three events")
    said = [dict(urllib.parse.parse_qsl(body.decode())) for _, body in got]
    ids = {x["callId"] for x in said}
    equal(len(ids), 1, "one callId")
    both = {"from": "1001", "to": "1002", "direction": "in", "callId": ids.pop()}
    equal(said[0], {"event": "newCall", **both, "user[]": "1002"}, "newCall")
    equal(said[1], {"event": "answer", **both, "user": "1002", "answeringNumber": "1002"}, "answer")
    equal(said[2], {"event": "hangup", **both, "cause": "normalClearing", "answeringNumber": "1002"}, "hangup")
    equal(taker.fields[0]["Content-Type"], "application/x-www-form-urlencoded", "the type")
    taker.close()


@scenario
def webhook_over_a_restart_as_crm_take_it(w):
    """A call that stands over kill -9 is told as one, and its hangup has the numbers. The same of a call that began
    before the webhook was made; what a filter keeps back is not learned either."""
    s, a, b = two(w, STORE + PRIVATE)
    taker, late, other = Taker(), Taker(), Taker()
    equal(ask(s, "POST", "/v1/webhooks", {"url": taker.url, "form": "push"})[0], 201, "made")
    at_a, at_b = a.mark(), b.mark()
    a.say("call 1002")
    b.event("established", at_b)
    a.event("established", at_a)
    taker.wait(lambda got: len(got) >= 2, "newCall and answer")
    s.kill()
    s = w.server(extra=STORE + PRIVATE)
    until(lambda: ask(s, "GET", "/v1/webhooks"), lambda x: x[0] == 200 and x[1]["items"], "the webhook to be back")
    equal(ask(s, "POST", "/v1/webhooks", {"url": late.url, "form": "push"})[0], 201, "made during the call")
    equal(ask(s, "POST", "/v1/webhooks", {"url": other.url, "form": "push", "filter": {"devices": ["1009"]}})[0], 201,
          "of another device")
    a.say("hangup")
    b.event("ended", at_b)
    both = {"from": "1001", "to": "1002", "direction": "in"}
    want = {"event": "hangup", **both, "cause": "normalClearing", "answeringNumber": "1002"}
    for t, events_ in ((taker, ["newCall", "answer", "hangup"]), (late, ["hangup"])):
        got = t.wait(lambda all_: all_ and b"hangup" in all_[-1][1], "the end of the call")
        said = [dict(urllib.parse.parse_qsl(body.decode())) for _, body in got]
        equal(len({x.pop("callId") for x in said}), 1, "one callId")
        # what was taken just before the kill may come once more
        equal(list(dict.fromkeys(x["event"] for x in said)), events_, "in order")
        equal(said[-1], want, "hangup")
        t.close()
    equal(other.got, [], "nothing for another device")
    other.close()


def story(got):
    said = [dict(urllib.parse.parse_qsl(body.decode())) for _, body in got]
    return [" ".join(filter(None, (x["event"], x["callId"][:3], x.get("cause"), x.get("answeringNumber"))))
            for x in said]


@scenario
def webhook_transfers_as_crm_take_them(w):
    """A call that is transferred after a word with the third, and one that nobody takes. What a CRM refuses, as it
    has had it before, does not stop what comes behind it."""
    s, a, b = two(w, STORE + PRIVATE)
    w.phone(1003, s, "--auto-answer=1")
    w.phone(1004, s)
    taker = Taker()
    taker.answers = [200, 422, 200]
    made = ask(s, "POST", "/v1/webhooks", {"url": taker.url, "form": "push"})[1]
    app = w.csta(s)
    a.say("call 1002")
    taker.wait(lambda got: len(got) >= 2, "the answer")
    until(lambda: app.request("consult 1002 1003"), lambda x: x["kind"] == "response", "the consultation")
    taker.wait(lambda got: len(got) >= 4, "the second call")
    until(lambda: app.request("join 1002 1002"), lambda x: x["kind"] == "response", "the transfer")
    taker.wait(lambda got: len(got) >= 6, "the transfer")
    a.say("hangup")
    got = taker.wait(lambda got: len(got) >= 7, "the end")
    first, second = (dict(urllib.parse.parse_qsl(got[i][1].decode()))["callId"][:3] for i in (0, 2))
    equal(story(got), [f"newCall {first}", f"answer {first} 1002", f"newCall {second}", f"answer {second} 1003",
                       f"answer {first} 1003", f"hangup {second} forwarded 1003", f"hangup {first} normalClearing 1003"],
          "what is said of a transfer")
    a.say("call 1004")
    taker.wait(lambda got: len(got) >= 8, "the third call")
    a.say("hangup")
    got = taker.wait(lambda got: len(got) >= 9, "its end")
    equal([x.split()[0] + " " + x.split()[-1] for x in story(got)[8:]], ["hangup cancel"], "a missed call")
    shown = until(lambda: ask(s, "GET", "/v1/webhooks/" + made["webhook"])[1],
                  lambda x: x["delivered"] == 8, "the last one to be taken")
    equal((shown["state"], shown["refused"], shown["failed"]), ("active", 1, 0), "how it goes")
    taker.close()


class Machine(threading.Thread):
    """The phone of 1004 as a machine that answers at once, as announcements do: 200 to all that it is asked, no
    180."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((IP, CALLEE))
        self.start()

    def close(self):
        self.sock.sendto(b"", (IP, CALLEE))
        self.join()
        self.sock.close()

    def run(self):
        while True:
            text, asked = self.sock.recvfrom(65535)
            if not text:
                return
            head = text.decode().split("\r\n\r\n", maxsplit=1)[0].split("\r\n")
            if head[0].startswith(("SIP/2.0", "ACK")):
                continue
            kept = [x + ";tag=m" if x.startswith("To:") and "tag=" not in x else x for x in head
                    if x.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")]
            sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                   "m=audio 9 RTP/AVP 0\r\n") if head[0].startswith("INVITE") else ""
            answer = ["SIP/2.0 200 OK", *kept, f"Contact: <sip:1004@{IP}:{CALLEE}>",
                      f"Content-Length: {len(sdp)}", *(["Content-Type: application/sdp"] if sdp else []), "", sdp]
            self.sock.sendto("\r\n".join(answer).encode(), asked)


@scenario
def webhook_newcall_comes_first(w):
    """Of a call that finds its device busy, and of one that is answered without ringing, newCall is told before the
    rest; also by way of a CRM that takes each of them at the second try only."""
    s = w.server(extra=STORE + PRIVATE)
    w.add(Sipp(w.folder, register(), s, CALLEE, auth_uri="example.com")).done()
    with contextlib.closing(Machine()), contextlib.closing(Taker()) as taker:
        a = w.phone(1001, s)
        w.phone(1002, s, "--refuse=486")
        taker.answers = [500, 204] * 5
        made = ask(s, "POST", "/v1/webhooks", {"url": taker.url, "form": "push"})[1]
        told = []  # of each try
        for number, tries in (("1002", 4), ("1004", 6)):
            at = a.mark()
            a.say("call " + number)
            if number == "1004":
                a.event("established", at)
                a.say("hangup")
                a.event("ended", at)
            end = len(told) + tries
            told = taker.wait(lambda got, end=end: len(got) >= end, f"all of the call to {number}")
        said = [dict(urllib.parse.parse_qsl(body.decode())) for _, body in told]
        equal(said[::2], said[1::2], "each was brought again")
        said = [" ".join(x[k] for k in ("event", "direction", "from", "to") if k in x) for x in said[::2]]
        equal(said, ["newCall in 1001 1002", "hangup in 1001 1002", "newCall in 1001 1004", "answer in 1001 1004",
                     "hangup in 1001 1004"], "what is told")
        numbers = [int(fields["Baton-Sequence"]) for fields in taker.fields[::2]]
        check(numbers == sorted(numbers) and numbers[2] == numbers[3], "two of one event", numbers)
        shown = until(lambda: ask(s, "GET", "/v1/webhooks/" + made["webhook"])[1],
                      lambda x: x["delivered"] == 5, "the last one to be taken")
        equal((shown["state"], shown["failed"]), ("active", 5), "how it goes")


@scenario
def webhook_slow_one_delays_nobody(w):
    """One that takes its time, and one that never answers: others have their events at once."""
    s, a, b = two(w, PRIVATE)
    deaf = socket.create_server(("127.0.0.1", 0))
    taker = Taker()
    for url in (f"http://127.0.0.1:{deaf.getsockname()[1]}/", taker.url):
        equal(ask(s, "POST", "/v1/webhooks", {"url": url})[0], 201, "made")
    call(a, b)
    taker.wait(lambda got: got and b"callCleared" in got[-1][1], "all events")
    slow = ask(s, "GET", "/v1/webhooks")[1]["items"][0]
    check(slow["delivered"] == 0 and slow["lag"] > 0, "the deaf one is behind", slow)
    taker.close()
    deaf.close()
