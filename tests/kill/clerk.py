# SPDX-License-Identifier: Apache-2.0
"""Whoever sets things: switches of a device, an agent, what belongs to a call, tokens.

What was answered has to be so until it is set otherwise, however often the server is killed in
between. Each thing is looked at before it is set again. Of a command that the server was killed
over (`restarted`) nobody knows; then it is as it was or as it was to be.

The last word before a kill: the server is killed the moment that the first octet of its answer is
there. So an answer that did not wait for the disk is noticed.
"""
import random
import select
import time

from calls import Commander, Worker
from follow import receive, send
from lib import LONG, Failure, check, equal

PAUSE = 0.01  # between two commands: others want to be served, too


class Feature:
    def __init__(self, device, name, values, seen):
        self.path, self.name = f"/v1/devices/{device}/features/{name}", name
        self.values, self.seen = values, seen

    def get(self, clerk):
        status, shown = clerk.ask("GET", self.path)
        check(status == 200, self.path, shown)
        return self.seen(shown)

    def set(self, clerk, value):
        return clerk.command("PUT", self.path, self.values[value])


class Agent:
    name, values = "agent", {None: "loggedOff", "agentNotReady": "notReady", "agentReady": "ready"}

    def __init__(self, device):
        self.device = device

    def get(self, clerk):
        _, shown = clerk.ask("GET", "/v1/agents")
        mine = [a for a in shown["items"] if a["deviceID"].startswith(f"sip:{self.device}@")]
        check(len(mine) <= 1, "agents", mine)
        return mine[0]["agentState"] if mine else None

    def set(self, clerk, value):
        state = self.values[value]
        if state != "loggedOff" and self.get(clerk) is None:
            state, value = "loggedOn", "agentNotReady"
        return value, clerk.command("POST", f"/v1/devices/{self.device}/agent",
                                    {"requestedAgentState": state, "agentID": "77"})


class Correlator:
    """Of a call that stands."""
    name, values = "correlator", {f"C{i}": None for i in range(10)}

    def __init__(self, call, device):
        self.call, self.device = call, device

    def get(self, clerk):
        return clerk.shown(self.call).get("correlatorData", {}).get("string")

    def set(self, clerk, value):
        return clerk.command("POST", f"/v1/calls/{self.call}/connections/{self.device}/data",
                             {"correlatorData": {"string": value}})


class Clerk(Worker, Commander):
    def __init__(self, server, device, call, party, seed):
        Worker.__init__(self)
        Commander.__init__(self, server, "clerk")
        self.rng, self.done = random.Random(seed), 0
        forward = {f"100{i}": {"forwardDN": f"100{i}", "activateForward": True} for i in range(1, 7)}
        on = "doNotDisturbOn"
        self.things = [
            Feature(device, "doNotDisturb", {v: {on: v} for v in (True, False)}, lambda s: s[on]),
            Feature(device, "messageWaiting", {v: {"messageWaitingOn": v} for v in (True, False)},
                    lambda s: s["messageWaitingOn"]),
            Feature(device, "forwardImmediate", forward, lambda s: s.get("forwardDN", {}).get("id")),
            Agent(device), Correlator(call, party)]
        self.known = {t: {t.get(self)} for t in self.things}
        self.tokens, self.dead, self.made = {}, [], 0  # name → token; those that were revoked

    def look(self, thing):
        got = thing.get(self)
        check(got in self.known[thing], f"{thing.name} is {got}, and was set to", self.known[thing])
        self.known[thing] = {got}
        return got

    def turn(self, thing):
        now = self.look(thing)
        value = self.rng.choice([v for v in thing.values if v != now])
        self.known[thing].add(value)
        done = thing.set(self, value)
        if isinstance(done, tuple):
            value, done = done
            self.known[thing].add(value)
        if done:
            self.known[thing] = {value}
            self.done += 1

    def may(self, token):
        """Is it one?"""
        status, _ = self.ask("GET", "/v1/devices/1001", Authorization="Bearer " + token)
        check(status in (200, 401, 429), "what a token is answered", status)
        return status == 200

    def token(self):
        """Makes one, or revokes the oldest. A request for that is no operation: one that was not
        answered may or may not have been done."""
        for name, token in self.tokens.items():
            check(self.may(token), "a token is gone", name)
        if len(self.tokens) < 3:
            self.made += 1
            status, made = self.ask("POST", "/v1/tokens", {"name": f"t{self.made}", "scopes": ["observe:*"]})
            check(status in (201, 409), "a token", made)
            if status == 201:
                self.tokens[f"t{self.made}"] = made["token"]
        else:
            name, token = next(iter(self.tokens.items()))
            status, _ = self.ask("DELETE", f"/v1/tokens/{name}")
            check(status in (204, 404), "a token is revoked", status)
            del self.tokens[name]
            self.dead.append(token)
        self.done += 1

    def once(self):
        turn = self.rng.randrange(len(self.things) + 1)
        if turn < len(self.things):
            self.turn(self.things[turn])
        else:
            self.token()
        time.sleep(PAUSE)

    def last(self):
        for thing in self.things:
            self.look(thing)
        for token in self.dead[-3:]:  # more would be too many wrong ones
            check(not self.may(token), "a token that was revoked is one")
        shown = {t["name"] for t in self.ask("GET", "/v1/tokens")[1]["items"] if t["name"].startswith("t")}
        check(set(self.tokens) <= shown, "tokens", (shown, self.tokens))


class LastWord(Commander):
    """A token, or a switch, by turns."""

    def __init__(self, server, device):
        super().__init__(server, "last")
        self.path = f"/v1/devices/{device}/features/forwardBusy"
        self.count, self.request, self.said = 0, None, None

    def kill(self, server):
        self.count += 1
        if self.count % 2 == 0:
            body = {"name": f"last{self.count}", "scopes": ["observe:*"]}
            self.request, fields = ("POST", "/v1/tokens", body), {}
        else:
            body = {"forwardDN": str(1001 + self.count % 6), "activateForward": True}
            self.request, fields = ("PUT", self.path, body), {"Idempotency_Key": f"last-{self.count}"}
        sock = send(server, *self.request, **fields, Prefer="wait=10")
        check(select.select([sock], [], [], LONG)[0], "an answer")
        server.child.kill()
        try:
            status, self.said = receive(sock)
        except (OSError, Failure, ValueError):
            self.said = None  # it was not whole, and so is none
            return
        check(status in (200, 201), "the last word", self.said)

    def check(self):
        """It is as it was answered; a command that comes again is the same operation."""
        if self.request is None:
            return
        if self.request[0] == "PUT":
            _, again = self.ask(*self.request, Idempotency_Key=f"last-{self.count}")
            self.operations.add(again["operation"])
            equal(again["operation"], (self.said or again)["operation"], "what came again")
            shown = self.ask("GET", self.path)[1].get("forwardDN", {}).get("id")
            if self.said:
                equal(shown, self.request[2]["forwardDN"], "a switch of just before the kill")
        elif self.said:
            status, _ = self.ask("GET", "/v1/devices/1001", Authorization="Bearer " + self.said["token"])
            equal(status, 200, "what a token is answered that was made just before the kill")
            equal(self.ask("DELETE", f"/v1/tokens/last{self.count}")[0], 204, "it is revoked")
        self.request = None
