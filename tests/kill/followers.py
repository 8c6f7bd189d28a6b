# SPDX-License-Identifier: Apache-2.0
"""Who follows the journal in the kill test, from before the first event on, and what each of them
has to have been told in the end.

Of an event its number and a checksum are remembered: after many kills there are many of them.
"""
import hashlib
import hmac
import json
import os
import sqlite3
import time
import urllib.parse
import zlib

from follow import Sse, Ws, ask
from lib import check, equal
from t_webhook import Taker

SECRET = "0123456789abcdef0123456789abcdef"
GAP, OPERATION = "org.baton.gap.v1", "org.baton.operation.v1"
CAUSES = {"normalClearing", "cancel", "noAnswer", "busy", "congestion", "notFound", "forwarded"}


def brief(event):
    """What is remembered of an event. Its text is the same for everybody."""
    text = json.dumps(event, sort_keys=True)
    return {"sequence": event["sequence"], "type": event["type"], "sum": zlib.crc32(text.encode())}


class BriefSse(Sse):
    def told(self, event):
        super().told(brief(event))


class BriefWs(Ws):
    def told(self, event):
        super().told(brief(event))


class Late(Sse):
    """Begins after all of it. As it has every event, it knows what a CRM is to be brought, and which
    operations have ended."""

    def __init__(self, server):
        self.push, self.ended = Push(), []
        super().__init__(server, "from=earliest")

    def told(self, event):
        self.push.on(event)
        if event["type"] == OPERATION:
            self.ended.append(event["data"]["operation"])
        super().told(brief(event))


def number(event, member):
    """Of a device that an event names."""
    about = event["data"][next(iter(event["data"]))]
    return about[member]["deviceIdentifier"]["id"].partition(":")[2].partition("@")[0]


class Push:
    """Which forms, by docs/events.md, belong to events of calls within the house."""

    def __init__(self):
        self.want, self.calls = [], {}

    def on(self, event):
        name = event["type"].split(".")[-2]
        on = getattr(self, "on_" + name, None)
        call = event["data"].get("ids", {}).get("callID")
        if on and call:
            c = self.calls.setdefault(call, {"callId": call, "direction": "in", "from": "anonymous"})
            on(event, c)

    def tell(self, event, name, c, **more):
        both = {k: c[k] for k in ("callId", "direction", "from", "to") if k in c}
        self.want.append((int(event["sequence"]), {"event": name, **both, **more}))

    def new(self, event, c, at):
        """newCall, before anything else of that call; `at` is the member that says at which device."""
        if "to" not in c:
            c.update({"from": number(event, "callingDevice"), "to": number(event, "calledDevice")})
            self.tell(event, "newCall", c, **{"user[]": number(event, at)})

    def on_delivered(self, event, c):
        self.new(event, c, "alertingDevice")

    def on_failed(self, event, c):
        about = event["data"]["FailedEvent"]
        if about["failingDevice"] != about.get("callingDevice"):
            self.new(event, c, "failingDevice")

    def answer(self, event, c, who):
        if c.get("answered") != who:
            c["answered"] = who
            self.tell(event, "answer", c, user=who, answeringNumber=who)

    def on_established(self, event, c):
        self.new(event, c, "answeringDevice")
        self.answer(event, c, number(event, "answeringDevice"))

    def on_transfered(self, event, c):
        second = event["data"]["TransferedEvent"].get("secondaryOldCall", {}).get("callID")
        if "answered" in self.calls.get(second, {}):
            self.answer(event, c, number(event, "transferredToDevice"))

    def on_callCleared(self, event, c):  # noqa: N802  as the event is called
        if "to" not in c:
            return  # it reached nobody
        more = {"answeringNumber": c["answered"]} if "answered" in c else {}
        cause = event["data"]["CallClearedEvent"]["cause"]
        word = "forwarded" if cause == "transfer" else "normalClearing" if more else None
        self.tell(event, "hangup", c, **more, cause=word)


class Web(Taker):
    """A webhook of ours. Signatures are verified as it comes; what is remembered is up to `read`."""

    def __init__(self, read):
        super().__init__()
        self.read, self.wrong = read, []

    def take(self, fields, body):
        parts = dict(p.split("=") for p in fields["Baton-Signature"].split(","))
        good = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256)
        with self.cond:
            if parts["v1"] != good.hexdigest():
                self.wrong.append((fields, body))
            self.got.append((int(fields["Baton-Sequence"]), self.read(body)))
            self.cond.notify_all()
        return 204

    def each_once(self, last, what):
        """In order, each once; what came again was the same. @return those, and how many came again"""
        until_last(self.got, lambda one: one[0], last, f"the last one of {what}")
        equal(self.wrong, [], f"{what}: signatures")
        first = {}
        for sequence, content in self.got:
            part = content["event"] if isinstance(content, dict) else ""  # newCall and answer may be of one event
            check(first.setdefault((sequence, part), content) == content, f"{what}: another content", sequence)
        return [(sequence, content) for (sequence, _), content in first.items()], len(self.got) - len(first)


def differ(a, b):
    """Where the first difference is, for people."""
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return len(a), len(b), a[at:at + 2], b[at:at + 2]


class Followers:
    def __init__(self, s):
        self.sse = BriefSse(s, "from=earliest", again=True)
        self.ws = BriefWs(s, "earliest", again=True)
        self.hook = Web(lambda body: brief(json.loads(body))["sum"])
        self.push = Web(lambda body: dict(urllib.parse.parse_qsl(body.decode())))
        for taker, more in ((self.hook, {}), (self.push, {"form": "push"})):
            equal(ask(s, "POST", "/v1/webhooks", {"url": taker.url, "from": "earliest", "secret": SECRET,
                                                  **more})[0], 201, "the webhook")

    def check(self, s, operations):
        """@return events that each has had, and in words what came again"""
        db = sqlite3.connect(f"file:{os.path.join(s.folder, 'kept.db')}?mode=ro", uri=True)
        want = [row[0] for row in db.execute("SELECT seq FROM events WHERE watched = '' ORDER BY seq")]
        late = Late(s)
        until_last(late.events, sequence_of, want[-1], "the last event (a late one)")
        all_ = self.of(late)
        check([n for n, _ in all_] == want, "a late one: each event once, in order",
              differ([n for n, _ in all_], want))
        for name, f in (("SSE", self.sse), ("WebSocket", self.ws)):
            until_last(f.events, sequence_of, want[-1], f"the last event ({name})")
            equal([e for e in f.events if e["type"] == GAP], [], f"gaps told to {name}")
            check(self.of(f) == all_, f"{name}: each event once, in order", differ(self.of(f), all_))
        pages = self.pages(s)
        check(pages == all_, "pages: each event once, in order", differ(pages, all_))
        brought, again = self.hook.each_once(want[-1], "the webhook")
        check(brought == all_, "webhook: each event, in order", differ(brought, all_))
        forms, forms_again = self.check_push(late.push.want)
        check(sorted(late.ended) == sorted(operations), "ends of operations: one for each that was answered",
              (len(late.ended), len(operations), set(late.ended) ^ operations))
        for f in (self.sse, self.ws, late):
            f.stop()
        for taker in (self.hook, self.push):
            taker.close()
        return len(want), (f"the webhook: {again} again, a CRM: {len(forms)} and {forms_again} again, "
                           f"SSE: {self.sse.times} connections")

    @staticmethod
    def of(follower):
        return [(int(e["sequence"]), e["sum"]) for e in follower.events]

    @staticmethod
    def pages(s):
        got, more = [], "from=earliest"
        while more:
            page = ask(s, "GET", f"/v1/events?limit=1000&{more}")[1]
            got += [(int(e["sequence"]), brief(e)["sum"]) for e in page["items"]]
            more = "after=" + page["next"] if "next" in page else None
        return got

    def check_push(self, want):
        """Why a call ended that nobody had answered is not looked at, only that there is a word."""
        forms, again = self.push.each_once(want[-1][0], "the CRM's")
        for (_, form), (_, wanted) in zip(forms, want):
            if wanted.get("cause", "") is None and form.get("cause") in CAUSES:
                wanted["cause"] = form["cause"]
        check(forms == want, "CRM: newCall, answer, hangup of each call", differ(forms, want))
        return forms, again


def sequence_of(event):
    return int(event["sequence"])


def until_last(got, number_of, last, what):
    """However many there are: a minute for the next one."""
    n, end = 0, time.monotonic() + 60
    while not got or number_of(got[-1]) < last:
        if len(got) > n:
            n, end = len(got), time.monotonic() + 60
        check(time.monotonic() < end, f"waited for {what}", n)
        time.sleep(0.05)


def until_equal(get, want, what, limit=30):
    end = time.monotonic() + limit
    while True:
        got = get()
        if got == want:
            return
        check(time.monotonic() < end, what, differ(got, want) if isinstance(got, list) else (got, want))
        time.sleep(0.05)
