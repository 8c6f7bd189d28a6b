# SPDX-License-Identifier: Apache-2.0
"""What the journal has to be in the end, and what the server says of it."""
import json
import os
import sqlite3

from follow import ask
from followers import until_equal
from lib import check, equal

OVER = {"ended", "refused", "cancelled", "failed"}


def opened(s):
    return sqlite3.connect(f"file:{os.path.join(s.folder, 'kept.db')}?mode=ro", uri=True)


def records(s, numbers):
    """By device: what its monitors are to tell of calls, as (event, callID)."""
    db = opened(s)
    return {str(n): db.execute("SELECT event, call FROM events WHERE watched = ? AND call NOT NULL "
                               "ORDER BY seq", (f"{n}@example.com",)).fetchall() for n in numbers}


def told(app):
    """By device: what a TR/87 application was told of calls."""
    got = {}
    for e in app.items("event"):
        if "connection" in e:
            got.setdefault(e["device"], []).append((e["event"] + "Event", e["connection"]["callID"]))
    return got


def check_database(s, pairs):
    """@return records in it, its calls"""
    db = opened(s)
    equal(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", "the database's own check")
    first, last, n = db.execute("SELECT min(seq), max(seq), count(*) FROM events").fetchone()
    equal(last - first + 1, n, "numbers without a hole")
    equal(db.execute("SELECT count(*) FROM events WHERE event = 'gap'").fetchone()[0], 0, "gaps")
    ended = dict(db.execute("SELECT call, sum(event = 'CallClearedEvent') FROM events "
                            "WHERE watched = '' AND call NOT NULL GROUP BY call"))
    equal({c: n for c, n in ended.items() if n != 1}, {}, "ends of calls in the journal")
    for pair in pairs:
        check(pair.made <= set(ended), "calls that were acknowledged and are not there",
              pair.made - set(ended))
    return n, set(ended)


def check_history(s, calls, pairs):
    """Each call is one line of the history; who was answered, and that it has ended."""
    lines, after = {}, ""
    while True:
        _, page = ask(s, "GET", f"/v1/history?limit=1000{after}")
        for line in page["items"]:
            check(line["call"] not in lines, "a call twice in the history", line)
            lines[line["call"]] = line
        if "next" not in page:
            break
        after = "&after=" + page["next"]
    equal(set(lines) ^ calls, set(), "calls of the history and of the journal")
    equal([x for x in lines.values() if "ended" not in x or "cause" not in x], [], "calls without an end")
    for pair in pairs:
        a, b = (f"sip:{n}@example.com" for n in pair.numbers)
        for call in pair.made:
            line = lines[call]
            equal((line["calling"], line["called"]), (a, b), f"whose call {call} was")
        for call in pair.talked:
            equal(lines[call].get("answeredBy"), b, f"who has answered {call}")
            check("answered" in lines[call], "when it was answered", lines[call])


def check_dialled(s, dialler):
    """Who dialled and was answered is in the journal, and nobody else but who could not hear of it."""
    n = opened(s).execute("SELECT count(*) FROM history WHERE calling LIKE ? AND answered NOT NULL",
                          (f"sip:{dialler.phone.number}@%",)).fetchone()[0]
    most = dialler.talked + dialler.refused + len(dialler.doubted)
    check(dialler.talked <= n <= most, "calls that a phone dialled", (dialler.talked, n, most))
    return n


def check_nothing_left(s, phones, dialler, monitors):
    """No call, no session or monitor more than there should be; no phone believes to be in a call,
    but who dialled when the server was killed, for a while."""
    equal(ask(s, "GET", "/v1/calls")[1]["items"], [], "calls that are left")
    shown = ask(s, "GET", "/v1/monitors?limit=1000")[1]["items"]
    equal(len(shown), monitors, "monitors")
    for phone in phones:
        known = dialler.doubted if phone is dialler.phone else ()
        until_equal(lambda: {n: x for n, x in in_calls(phone).items() if n not in known}, {}, f"calls in which {phone.name} believes to be")


def in_calls(phone):
    """By the numbers that the phone gives them: what it has said last."""
    last = {}
    for line in phone.text().splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if "call" in said:
            last[said["call"]] = said["event"]
    return {call: event for call, event in last.items() if event not in OVER}
