# SPDX-License-Identifier: Apache-2.0
"""Events by HTTP, with real calls: SSE, WebSocket, pages; every way to begin; who is slow."""
import select
import sqlite3

from follow import Sse, Ws, api, ask, connect, is_control
from lib import check, equal, scenario

STORE = "store: {path: kept.db}\n"


def call(a, b, since_b=None):
    """`a` calls `b`, who answers by itself; both hang up. @return nothing: events tell of it"""
    at_a, at_b = a.mark(), b.mark()
    a.say(f"call {b.number}")
    a.event("established", at_a)
    b.event("established", at_b)
    a.say("hangup")
    a.event("ended", at_a)
    b.event("ended", at_b)


def two(w, extra):
    s = w.server(extra=extra)
    return s, w.phone(1001, s), w.phone(1002, s, "--auto-answer=1")


def last_of_call(follower, since=0):
    return follower.wait_type("callCleared", since)


@scenario
def follow_a_call(w):
    """One call: the same events by SSE, WebSocket and as a page, with what they say of it."""
    s, a, b = two(w, api())
    sse, ws = Sse(s), Ws(s)
    placed = ws.wait_said(lambda m: m["op"] == "subscribed", "subscribed")
    call(a, b)
    end = last_of_call(sse)
    last_of_call(ws)
    equal(sse.numbers(), ws.numbers(), "numbers by SSE and by WebSocket")
    kinds = [e["type"].split(".")[3] for e in sse.events if e["type"].startswith("org.baton.csta.")]
    for kind in ("originated", "delivered", "established", "connectionCleared", "callCleared"):
        check(kind in kinds, f"{kind} is missing", kinds)
    equal(kinds.count("connectionCleared"), 2, "connectionCleared, one a connection")
    equal(kinds.count("callCleared"), 1, "callCleared")
    delivered = sse.wait_type("delivered")
    ids = delivered["data"]["ids"]
    equal(ids["deviceID"], "sip:1002@example.com", "who is rung")
    equal(ids["callID"], end["data"]["ids"]["callID"], "one callID")
    equal(delivered["partition"], ids["callID"], "partition")
    check(any(m.get("call_id", m.get("callId")) == ids["sipCallID"] or ids["sipCallID"] in str(m)
              for m in s.messages()), "sipCallID is one of the trace", ids)
    equal(delivered["data"]["DeliveredEvent"]["monitorCrossRefID"], "0", "addressed to nobody")
    status, page = ask(s, "GET", f"/v1/events?from={placed['sequence']}&limit=1000")
    equal(status, 200, "a page")
    equal([e["sequence"] for e in page["items"]], [e["sequence"] for e in sse.events], "the page")
    equal(page["items"], sse.events, "the page, letter for letter")
    status, listed = ask(s, "GET", "/v1/subscribers")
    equal(sorted(i["kind"] for i in listed["items"]), ["sse", "websocket"], "subscribers")
    equal([i["lag"] for i in listed["items"]], [0, 0], "lag")
    ws.send({"op": "ack", "sequence": ws.last})
    ws.send({"op": "ping"})
    ws.wait_said(lambda m: m["op"] == "pong", "pong")
    status, listed = ask(s, "GET", "/v1/subscribers")
    equal([i.get("acked") for i in listed["items"] if i["kind"] == "websocket"], [ws.last], "acked")
    sse.stop()
    ws.stop()


@scenario
def follow_from_everywhere(w):
    """now, earliest, a number, Last-Event-ID; with filters; the journal in a file."""
    s, a, b = two(w, STORE + api())
    first = Sse(s, "from=earliest")
    call(a, b)
    last_of_call(first)
    middle = first.events[len(first.events) // 2]["sequence"]
    late = {"earliest": Sse(s, "from=earliest"), "number": Sse(s, f"from={middle}"),
            "resumed": Sse(s, "from=now", last=middle), "ws": Ws(s, middle), "wsEarliest": Ws(s, "earliest"),
            "now": Ws(s, "now")}
    late["now"].wait_said(lambda m: m["op"] == "subscribed", "subscribed")
    only = Ws(s, "earliest", {"devices": ["1002"], "types": ["delivered", "org.baton.csta.conn*"]})
    mark = len(first.events)
    call(a, b)
    last = last_of_call(first, mark)["sequence"]
    whole = first.numbers()
    for name, f in late.items():
        f.wait(lambda e: e["sequence"] == last, f"the last event ({name})")
        want = {"earliest": whole, "wsEarliest": whole, "now": first.numbers()[mark:]}.get(
            name, [n for n in whole if n > int(middle)])
        equal(f.numbers(), want, f"events from {name}")
        f.stop()
    only.wait(lambda e: e["type"].endswith("connectionCleared.v1") and int(e["sequence"]) > whole[mark],
              "what the filter lets through")
    kinds = {e["type"].split(".")[3] for e in only.events}
    equal(kinds, {"delivered", "connectionCleared"}, "the filter")
    only.stop()
    for path in ("from=yesterday", "from=now&device=1%2A1", "from=-1"):
        equal(ask(s, "GET", f"/v1/events?{path}")[0], 400, path)
    first.stop()


@scenario
def follow_from_a_snapshot(w):
    """What stands, and then what happens: one sequence, nothing between and nothing twice."""
    s, a, b = two(w, STORE + api())
    whole = Sse(s, "from=earliest")
    at_a, at_b = a.mark(), b.mark()
    a.say("call 1002")
    a.event("established", at_a)
    b.event("established", at_b)
    made = whole.wait_type("established")["data"]["ids"]["callID"]
    followers = [Sse(s, "from=snapshot"), Ws(s, "snapshot"), Ws(s, "snapshot", {"devices": ["1002"]}),
                 Ws(s, "snapshot", {"devices": ["1009"]})]
    for f in followers:
        f.wait(lambda e: e["type"] == "org.baton.snapshot.v1", "the snapshot")
    a.say("hangup")
    last = last_of_call(whole)["sequence"]
    for f in followers[:3]:
        f.wait(lambda e: e["sequence"] == last, "the end of the call")
        at = int(f.events[0]["sequence"])
        equal(f.events[0]["type"], "org.baton.snapshot.v1", "what comes first")
        want = [n for n in whole.numbers() if n > at]
        check(f.numbers() == want or (f is followers[2] and set(f.numbers()) < set(want)),
              "what comes behind it", (f.numbers(), want))
        data = f.events[0]["data"]
        equal([c["callID"] for c in data["calls"]], [made], "the call that stands")
        states = {c["deviceID"]: c["localConnectionInfo"] for c in data["calls"][0]["connections"]}
        equal(states, {"sip:1001@example.com": "connected", "sip:1002@example.com": "connected"}, "its states")
    devices = [len(f.events[0]["data"]["devices"]) for f in followers]
    equal(devices, [9, 9, 1, 1], "devices in the snapshots")
    equal(followers[3].events[0]["data"]["calls"], [], "calls of a device that has none")
    for f in followers + [whole]:
        f.stop()


@scenario
def follow_messages_that_are_none(w):
    """A WebSocket that is told nonsense says so, and closes when there is too much of it."""
    s = w.server(extra=api())
    ws = Ws(s, None)
    for text in (b"{", b"[]", b'{"op":"dance"}', b'{"op":"subscribe","from":"then"}', b'"op"', b'{"op":1}',
                 b'{"op":"subscribe","from":"now","filter":{"colour":"red"}}', b'{"op":"ack","sequence":7}',
                 b'{"op":"subscribe","filter":{"devices":["*1"]}}', b'{"op":"subscribe","filter":[]}'):
        ws.send(text)
    ws.send({"op": "ping"})
    ws.wait_said(lambda m: m["op"] == "pong", "pong")
    equal([m["op"] for m in ws.said], ["error"] * 10 + ["pong"], "answers")
    ws.subscribe("now")
    ws.wait_said(lambda m: m["op"] == "subscribed", "subscribed")
    for _ in range(12):
        ws.send(b"x")
    ws.wait_closed("the WebSocket")
    equal(ws.code, 1008, "the code")


@scenario
def follow_a_journal_that_forgets(w):
    """Who stood before the oldest event is told from where to where; earliest is no gap."""
    s, a, b = two(w, STORE + api())
    f = Sse(s, "from=earliest")
    call(a, b)
    last_of_call(f)
    first = f.events[0]["sequence"]
    f.stop()
    db = sqlite3.connect(f"{s.folder}/kept.db", timeout=10)
    s.expected = (0,)
    equal(s.end(), 0, "the server's end")
    oldest = db.execute("SELECT max(seq) - 1 FROM events").fetchone()[0]
    db.execute("DELETE FROM events WHERE seq < ?", (oldest,))
    db.commit()
    db.close()
    s = w.server(extra=STORE + api())
    gap = Ws(s, first)
    told = gap.wait(is_control, "the gap")
    equal(told["type"], "org.baton.gap.v1", "the first word")
    equal(told["data"], {"from": str(int(first) + 1), "to": str(oldest - 1), "reason": "retention"}, "the gap")
    gap.wait(lambda e: not is_control(e), "what is left")
    equal(gap.numbers()[0], oldest, "the oldest event")
    early = Sse(s, "from=earliest")
    early.wait(lambda e: True, "what is left")
    check(not any(is_control(e) for e in early.events), "no gap from the earliest")
    ahead = Sse(s, f"from={oldest + 100000}")
    told = ahead.wait(is_control, "that the journal is another one")
    equal(told["data"]["reason"], "reset", "the reason")
    for f in (gap, early, ahead):
        f.stop()


def answered(s, method):
    return sum(1 for m in s.messages() if m["direction"] == "sent" and m["start"].startswith("SIP/2.0 2")
               and m["cseq"].endswith(method))


@scenario
def follow_slow_dead_and_greedy(w):
    """One never reads, one comes again all the time, one asks for ten thousand events: calls go on."""
    s, a, b = two(w, STORE + api(", client_buffer_kb: 64, stalled_s: 2") + "timers: {t1_ms: 4000}\n")
    good = Sse(s, "from=earliest")
    call(a, b)
    last_of_call(good)
    slow = connect(s, 4096)  # subscribes, lets itself be answered, and reads nothing
    slow.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                 b"Sec-WebSocket-Version: 13\r\n\r\n")
    ping = b'{"op":"ping"}'
    try:
        for msg in [b'{"op":"subscribe","from":"earliest"}'] + 20000 * [ping]:
            slow.sendall(bytes([0x81, 0x80 | len(msg)]) + b"\0\0\0\0" + msg)
    except OSError:
        pass  # it was closed already
    dead = [connect(s) for _ in range(20)]
    for sock in dead:
        sock.sendall(b"GET /v1/events?from=earliest HTTP/1.1\r\nHost: localhost\r\n"
                     b"Accept: text/event-stream\r\n\r\n")
    mark = len(good.events)
    for i in range(6):
        for _ in range(10):  # one that comes again all the time
            sock = connect(s)
            sock.sendall(b"GET /v1/events?from=earliest HTTP/1.1\r\nHost: localhost\r\n"
                         b"Accept: text/event-stream\r\n\r\n")
            sock.close()
        status, page = ask(s, "GET", "/v1/events?limit=1000")  # and one that wants all of it
        equal(status, 200, "a page of all")
        call(a, b)
        check(len(page["items"]) >= mark, "the page has all", len(page["items"]))
    good.wait(lambda e: sum(x["type"] == "org.baton.csta.callCleared.v1" for x in good.events) == 7,
              "the ends of all calls")
    numbers = good.numbers()
    check(numbers == sorted(set(numbers)), "in order, once each")
    resent = [m["start"] for m in s.messages() if m["direction"] == "sent"
              and m["start"].startswith("INVITE ")]
    equal(len(resent), 7, "INVITEs to the phone: signalling has not waited for T1")
    hung = select.poll()
    hung.register(slow, 0)  # POLLHUP only: whoever reads is not slow
    check(hung.poll(30000), "the slow one is closed")
    for sock in dead:
        sock.close()
    good.stop()
