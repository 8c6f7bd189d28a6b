# SPDX-License-Identifier: Apache-2.0
"""Calls of the kill test, each in a thread of its own while the server is killed and comes again.

  Pair      an application over TR/87 has calls made, answered and cleared, as fast as they go
  Dialler   a phone dials another one, which answers, and hangs up: no application has a part in it
  Standing  one call from the beginning to the end, held and retrieved over the HTTP API
  Moved     one call from the beginning to the end, transferred after each kill, with its context

Who asks the HTTP API and hears nothing asks again, with the same Idempotency-Key: so of each of
their commands the operation is known, and there is one.
"""
import json
import threading
import time

from follow import ask
from lib import Failure, check, equal

SERVICES = {"make-call": "MakeCall", "clear": "ClearConnection", "snapshot": "SnapshotDevice"}


class Worker(threading.Thread):
    """Does `once` again and again until it is told to stop; what went wrong is told by others."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop, self.error = False, None

    def run(self):
        try:
            while not self.stop:
                self.once()
            self.last()
        except Exception as e:  # noqa: BLE001  told by the main thread
            self.error = e

    def last(self):
        pass


class Pair(Worker):
    """Call, talk, clear."""

    def __init__(self, app, numbers):
        super().__init__()
        self.app, self.numbers = app, numbers
        self.calls, self.unsure = 0, 0
        self.made, self.talked = set(), set()

    def ask(self, line):
        """The answer, or None: it was refused, or lost with the server."""
        since = self.app.mark()
        self.app.say(line)
        service = SERVICES[line.split()[0]]
        answer = self.app.item(lambda i: i["kind"] == "session" or i.get("request") == service,
                               since, 60, f"the answer to {line!r}")
        if answer["kind"] == "session":
            raise Failure(f"{line!r}: the session was lost: {answer}")
        return answer if answer["kind"] == "response" else None

    def wait_event(self, call, since, what, *names):
        """The first event of these (name, number) of that call."""
        return self.app.item(
            lambda i: i["kind"] == "event" and i.get("connection", {}).get("callID") == call
            and (i["event"], i["connection"]["deviceID"]) in names, since, 60, what)["event"]

    def clean(self):
        """Whatever stands is cleared."""
        self.unsure += 1
        for _ in range(20):
            standing = 0
            for number in self.numbers:
                shown = self.ask(f"snapshot {number}")
                for call in (shown or {}).get("calls", ()):
                    standing += 1
                    self.ask(f"clear {call['callID']}:{number}" if "callID" in call
                             else f"clear {number}")
            if shown is not None and standing == 0:
                return
            time.sleep(0.1)
        raise Failure(f"{self.numbers}: calls that cannot be cleared")

    def once(self):
        """Nothing but what was commanded ends the call, and that does."""
        a, b = (str(n) for n in self.numbers)
        since = self.app.mark()
        made = self.ask(f"make-call {a} {b}")
        if made is None:
            self.clean()
            return
        call = made["connection"]["callID"]
        self.made.add(call)
        over = [("ConnectionCleared", a), ("ConnectionCleared", b)]
        if self.wait_event(call, since, f"what becomes of {call}", ("Established", b),
                           *over) == "Established":
            self.talked.add(call)
        if self.ask(f"clear {a}") is None:
            self.clean()
        else:
            self.wait_event(call, since, f"the end of {call}, which was commanded", over[0])
        self.calls += 1

    def last(self):
        self.clean()


class Dialler(Worker):
    """What the server was killed over while it was set up is given up by the phone, too; it lets go of it
    when its own time is over (RFC 3261 9.1). A call that stood is hung up by BYE, which is answered
    however often the server was killed meanwhile."""

    def __init__(self, phone, to, rng):
        super().__init__()
        self.phone, self.to, self.rng = phone, to, rng
        self.talked, self.refused, self.doubted = 0, 0, []

    def wait(self, call, names, since, limit):
        """@return the first of these events of that call, or None"""
        def said(line):
            e = json.loads(line) if line.startswith("{") else {}
            return e if e.get("call", call) == call and e.get("event") in names else None
        try:
            return self.phone.search(said, since, limit, f"{names} of call {call}")
        except Failure:
            check(self.phone.running(), "the phone that dials has ended")
            return None

    def once(self):
        since = self.phone.mark()
        self.phone.say(f"call {self.to}")
        call = self.phone.event("calling", since)["call"]
        became = self.wait(call, ("established", "refused", "ended", "failed"), since, 3)
        if became is None:
            self.doubted.append(call)  # a number that comes again, after 299 of them
            self.phone.say(f"hangup {call}")
        elif became["event"] == "established":
            self.talked += 1
            time.sleep(self.rng.uniform(0.0, 0.3))
            since = self.phone.mark()
            self.phone.say(f"hangup {call}")
            check(self.wait(call, ("ended",), since, 60), "a call that a phone cannot hang up", call)
        else:
            self.refused += 1  # by an upgrade, perhaps when the other one had answered
            time.sleep(0.1)


class Commander:
    """Asks the HTTP API until there is an answer."""

    def __init__(self, server, who):
        self.server, self.who = server, who
        self.keys, self.again, self.operations = 0, 0, set()

    def ask(self, method, path, body=None, **fields):
        end = time.monotonic() + 60
        while True:
            try:
                status, said = ask(self.server, method, path, body, **fields)
                if status != 503 and (said is not None or status == 204):
                    return status, said
            except (OSError, Failure, ValueError, IndexError):
                self.again += 1
            check(time.monotonic() < end, f"no answer to {method} {path}")
            time.sleep(0.01)

    def until(self, test, what):
        end = time.monotonic() + 40
        while True:
            got = test()
            if got:
                return got
            check(time.monotonic() < end, f"waited for {what}")
            time.sleep(0.01)

    def command(self, method, path, body):
        """@return the operation when it is done; None: the server was killed meanwhile, or it has
        to be tried again, as one of before the kill is not over yet"""
        self.keys += 1
        status, made = self.ask(method, path, body, Idempotency_Key=f"{self.who}-{self.keys}")
        if status == 409 and "sip" not in made:
            return None
        check(status in (200, 202), f"{method} {path}", made)
        self.operations.add(made["operation"])
        ended = {}

        def over():
            ended.update(self.ask("GET", "/v1/operations/" + made["operation"], Prefer="wait=5")[1])
            return ended.get("state") != "accepted"
        self.until(over, f"the end of {path}")
        if ended.get("state") == "done":
            return ended
        code = ended.get("code") or ended.get("problem", {}).get("code")
        check(code == "restarted", f"{path} failed", ended)
        return None

    def sure(self, path, body):
        """Of a call in which something else may not be over yet."""
        return self.until(lambda: self.command("POST", path, body), f"{path} to be done")

    def calls(self, a, b, **more):
        """@return the callID"""
        made = self.command("POST", f"/v1/devices/{a}/calls", {
            "calledDirectoryNumber": str(b), "autoOriginate": "doNotPrompt", **more})
        return made["result"]["MakeCallResponse"]["callingDevice"]["callID"]

    def shown(self, call):
        status, shown = self.ask("GET", f"/v1/calls/{call}")
        check(status == 200, "the standing call is gone", shown)
        return shown

    def states(self, call):
        """By the numbers of its devices."""
        return {c["number"]: c["localConnectionInfo"] for c in self.shown(call)["connections"]}


class Standing(Worker, Commander):
    """Held and retrieved all the time."""

    def __init__(self, server, numbers):
        Worker.__init__(self)
        Commander.__init__(self, server, "standing")
        self.numbers = [str(n) for n in numbers]
        self.held, self.done = False, 0
        self.call = self.calls(*self.numbers)
        self.until(lambda: self.state() == "connected", "the call to stand")

    def state(self):
        return self.states(self.call)[self.numbers[0]]

    def verb(self, name):
        return self.command("POST", f"/v1/calls/{self.call}/connections/{self.numbers[0]}/{name}", {})

    def once(self):
        """It is held, or goes on; then it is so."""
        verb, then = ("retrieve", "connected") if self.held else ("hold", "hold")
        if self.verb(verb):
            self.until(lambda: self.state() == then, f"the call after {verb}")
            self.done += 1
        self.held = self.state() == "hold"

    def check(self):
        """The same call still does what it is told."""
        done = self.done + 2

        def both():
            self.once()
            return self.done >= done
        self.until(both, "the call to be held and retrieved in the end")
        self.until(lambda: self.verb("clear"), "the call to be cleared")


class Moved(Commander):
    """One party stays; the other one is this or that phone, in turn. By turns, too, the server is
    killed in the middle of a consultation, which is then a transfer, and after the kill there is
    one in a single step. The call keeps its callID, and what it was told at its beginning."""

    UUI = "044849"

    def __init__(self, server, stays, phones):
        super().__init__(server, "moved")
        self.stays, self.phones, self.done = str(stays), phones, 0
        self.call = self.calls(stays, phones[0].number, userData={"string": self.UUI})
        self.second = None  # of a consultation
        self.stands()

    def stands(self):
        """With whom it should, and what it was told."""
        want = {self.stays: "connected", str(self.phones[0].number): "connected"}
        self.until(lambda: self.states(self.call) == want, f"the call to stand between {list(want)}")
        equal([u["hex"] for u in self.shown(self.call)["uui"]], [self.UUI], "what the call was told")

    def path(self, call):
        return f"/v1/calls/{call}/connections/{self.phones[0].number}"

    def before_kill(self):
        if self.done % 2 == 1:
            self.second = self.sure(self.path(self.call) + "/consult",
                                    {"consultedDevice": str(self.phones[1].number)})["callID"]
            want = {str(p.number): "connected" for p in self.phones}
            self.until(lambda: self.states(self.second) == want, "the second call")

    def after_kill(self):
        since = self.phones[1].mark()
        if self.second:
            self.sure(self.path(self.second) + "/transfer", {})
        else:
            self.sure(self.path(self.call) + "/single-step-transfer",
                      {"transferredTo": str(self.phones[1].number)})
            told = self.phones[1].event("incoming", since)
            equal([u["value"].split(";")[0] for u in told.get("uui", ())], [self.UUI],
                  "what the next phone is told")
        self.second = None
        self.phones.reverse()
        self.stands()
        self.done += 1

    def clear(self):
        self.sure(f"/v1/calls/{self.call}/clear", {})
