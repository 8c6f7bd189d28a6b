# SPDX-License-Identifier: Apache-2.0
"""Who watches lamps by SIP (RFC 6665, RFC 4235), from the trusted peer's port.

His subscriptions are never lost. NOTIFY comes in the dialogs of before, with CSeq and version
rising; each restart tells all of the present state; and in the end that is what there is. What
happened in between may be one document: a lamp shows what is, not what was.
"""
import re
import threading

from lib import LONG, check, equal
from t_events import Peer


class Watcher(threading.Thread, Peer):
    def __init__(self, server, numbers):
        threading.Thread.__init__(self, daemon=True)
        Peer.__init__(self, server)
        self.cond = threading.Condition()
        self.error, self.closing = None, False
        self.by_call, self.told = {}, {}  # number by Call-ID; by number: (CSeq, version), states
        for number in map(str, numbers):
            self.by_call[f"peer-{self.serial + 1}"] = number
            self.told[number] = []
            answer = self.request("SUBSCRIBE", number, ["Event: dialog", "Expires: 3600"])
            check(answer.startswith("SIP/2.0 200"), f"who watches {number}", answer)
        self.start()

    def take(self):
        """One message: NOTIFY is answered, and remembered in short."""
        try:
            text = self.sock.recv(65536).decode()
        except OSError:
            return ""
        if text.startswith("NOTIFY"):
            head, body = text.split("\r\n\r\n", 1)
            copied = [line for line in head.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
            self.sock.sendto("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]).encode(),
                             self.server)
            self.note(head, body)
        return text

    def note(self, head, body):
        call, cseq, state = (re.search(rf"^{name}: *(\S+)", head, re.M).group(1)
                             for name in ("Call-ID", "CSeq", "Subscription-State"))
        check(state.startswith("active"), "a subscription that goes on", head)
        check('state="full"' in body, "a whole document", body)
        order = (int(cseq), int(re.search(r'version="(\d+)"', body).group(1)))
        with self.cond:
            told = self.told[self.by_call[call]]
            if told and order[0] == told[-1][0][0]:
                return  # it was sent again
            check(not told or (order[0] > told[-1][0][0] and order[1] > told[-1][0][1]),
                  f"CSeq and version of what is told of {self.by_call[call]}", (told[-1:], order))
            told.append((order, set(re.findall(r"<state[^>]*>(\w+)<", body)) - {"terminated"}))
            self.cond.notify_all()

    def run(self):
        try:
            while not self.closing:
                self.take()
        except Exception as e:  # noqa: BLE001  told by the main thread
            self.error = e

    def mark(self, number):
        with self.cond:
            return len(self.told[str(number)])

    def state(self, number):
        """What the lamp shows: of calls that have not ended."""
        with self.cond:
            return self.told[str(number)][-1][1]

    def hears(self, number, since, limit=LONG):
        with self.cond:
            check(self.cond.wait_for(lambda: len(self.told[str(number)]) > since, limit),
                  f"a restart to be told to who watches {number}", self.error)

    def stop(self):
        """@return how many documents there were"""
        self.closing = True
        self.join(LONG)
        self.close()
        equal(self.error, None, "who watches")
        return sum(map(len, self.told.values()))
