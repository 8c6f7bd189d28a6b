# SPDX-License-Identifier: Apache-2.0
"""Route rules on the real server: they act, and they change while calls stand."""
import json
import os
import signal
import subprocess

from lib import BATON, check, equal, established, scenario


def rewrite(s, before, after):
    """Change the text of the configuration file."""
    path = os.path.join(s.folder, "baton.yaml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    check(before in text, "what is to be changed is there", before)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(before, after))
    return path


def reload(path):
    return subprocess.run([BATON, "reload", "-c", path], capture_output=True, text=True,
                          timeout=60)


def refused(s, a, number, status):
    since = len(s.messages())
    a.say(f"call {number}")
    s.wait_message(lambda m: m["start"].startswith(f"SIP/2.0 {status}")
                   and m["direction"] == "sent" and "INVITE" in m["cseq"], status, since=since)


@scenario
def route_rules_are_taken_over(w):
    """A new rule acts after `baton reload`; a bad file is refused whole; the call goes on."""
    s = w.server(extra=f"pid_file: {w.folder}/baton.pid\n"
                 "routes:\n"
                 "  - {name: lobby, match: {to: [\"700\"]}, targets: [{to: \"device:1002\"}]}\n")
    a, b, c = w.phone(1001, s), w.phone(1002, s), w.phone(1003, s)
    established(a, b, "700")

    path = rewrite(s, "to: \"device:1002\"", "to: \"device:1003\"")
    done = reload(path)
    equal(done.returncode, 0, "reload" + done.stderr)
    s.wait("baton.yaml taken over: 1 routes")
    check("BYE" not in " ".join(m["start"] for m in s.messages()), "the call goes on")
    bm = b.mark()
    a.say("hangup")
    b.event("ended", bm)
    established(a, c, "700")
    cm = c.mark()
    a.say("hangup")
    c.event("ended", cm)

    # wrong in one place: told with line and column, by both, and nothing changes
    rewrite(s, "match: {to: [\"700\"]}", "match: {to: [\"(\"]}")
    done = reload(path)
    equal(done.returncode, 1, "a bad file")
    check("baton.yaml:" in done.stderr and "not closed" in done.stderr, "its place", done.stderr)
    s.child.send_signal(signal.SIGHUP)
    s.wait(r"not taken over: line \d+, column \d+: to: the parenthesis is not closed")
    established(a, c, "700")
    cm = c.mark()
    a.say("hangup")
    c.event("ended", cm)

    # nor is one right whose certificates are not there
    with open(path, "a", encoding="utf-8") as f:
        f.write("tls: {certificates: [{cert: nowhere.pem, key: nowhere.key}]}\n")
    rewrite(s, "match: {to: [\"(\"]}", "match: {to: [\"701\"]}")
    done = reload(path)
    equal(done.returncode, 1, "a certificate that is not there")
    check("nowhere.pem: No such file" in done.stderr, "which", done.stderr)
    rewrite(s, "tls: {certificates: [{cert: nowhere.pem, key: nowhere.key}]}\n", "")
    rewrite(s, "match: {to: [\"701\"]}", "match: {to: [\"(\"]}")

    # put right, with another action; and a device that is gone
    rewrite(s, "match: {to: [\"(\"]}", "action: refuse, status: 410, match: {to: [\"700\"]}")
    rewrite(s, ", targets: [{to: \"device:1003\"}]", "")
    rewrite(s, "  - {number: \"1003\", password: secret-1003}\n", "")
    equal(reload(path).returncode, 0, "reload")
    s.wait("1 routes, 8 devices")
    refused(s, a, "700", 410)
    refused(s, a, "1003", 404)
    c.expected = (0, 1)  # it may not take back a registration that is gone


@scenario
def route_is_explained(w):
    """`baton route explain` says what the server then does."""
    s = w.server(extra="routes:\n"
                 "  - {name: never, match: {to: [\"8*\"]}, action: refuse}\n"
                 "  - {name: move, match: {to: [\"7(*)\"]}, called: {rewrite: \"100$1\"}}\n")
    path = os.path.join(s.folder, "baton.yaml")
    out = subprocess.run([BATON, "route", "explain", "-c", path, "--to", "72", "--from", "1001",
                          "--json"], capture_output=True, text=True, timeout=60, check=True)
    said = json.loads(out.stdout)
    equal((said["rule"], said["called"], said["targets"]), ("move", "1002", ["device 1002"]),
          "explained")
    a, b = w.phone(1001, s), w.phone(1002, s)
    established(a, b, "72")
    bm = b.mark()
    a.say("hangup")
    b.event("ended", bm)
