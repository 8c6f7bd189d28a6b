# SPDX-License-Identifier: Apache-2.0
"""What baton phone and the shell of baton csta read: keys, pipes and files."""
import os

import lib
from lib import check, equal, scenario


@scenario
def keyboard_enter_answers(w):
    """The key alone answers the call that rings, and means nothing at other times."""
    s = w.server()
    a, b = w.phone(1001, s), w.phone(1002, s)
    b.say("")
    a.say("call 1002")
    b.event("incoming")
    b.say("")
    a.event("established")
    b.event("established")
    b.say("")
    b.say("hangup")
    a.event("bye")


def from_file(w, name, args, text, password):
    """A command whose standard input is a file of this text."""
    path = os.path.join(w.folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return w.start(lib.Process(name, ["sh", "-c", 'exec "$@" <"$0"', path, lib.BATON, *args],
                               env={"BATON_PASSWORD": password}))


@scenario
def keyboard_is_a_file(w):
    """Commands from a file are carried out; the last line may lack its end."""
    s = w.server()
    w.phone(1002, s, "--refuse", "486")
    at = f"{s.ip}:{s.port}"
    a = from_file(w, "typed-1001", ["phone", "-s", at, "sip:1001@example.com"],
                  f"{'x' * 9000}\n\ncall 1002", "secret-1001")
    a.wait("^call 1 refused sip:1002@example.com 486")
    for options in ([], ["--json"]):
        app = from_file(w, f"typed-csta{len(options)}",
                        ["csta", "-s", at, "-u", "crm", *options, "shell"],
                        "status\nsnapshot 1001", "crm-secret-1")
        equal(app.exit_code(), 0, f"the shell {options}")
        check("normal" in app.text() and "1001" in app.text(), "both answers", app.text())


@scenario
def keyboard_wrong_password(w):
    """A phone that was never let in says so, and with its exit code."""
    s = w.server()
    a = w.start(lib.Process("phone-wrong", [
        lib.BATON, "phone", "-s", f"{s.ip}:{s.port}", "--password", "x", "sip:1001@example.com"],
        stdin=True))
    a.expected = (1,)
    a.wait("^registration-failed sip:1001@example.com 401")
    a.say("quit")
    equal(a.exit_code(), 1, "the exit code")
    out = w.run("phone", "-s", "127.0.0.1", "--auto-answer=soon", "sip:1@x", code=2)
    check("--auto-answer=soon" in out, "what is wrong", out)
