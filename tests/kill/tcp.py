# SPDX-License-Identifier: Apache-2.0
"""An application that follows over CSTA on TCP (ECMA-323 Annex J.2, ECMA-354).

Such a session ends with its connection, so `kill -9` ends it, and nothing acknowledges events: what
was on its way is gone. The application begins another session, monitors again, and asks for a
snapshot of each device. What it can rely on, and what is judged here by the records of the
journal for each device:

  in a session  events are those of the device, from one place on without a hole, each once, in
                order; an upgrade does not end it
  between two   a snapshot shows the calls of the device at its place among the events: a call that
                was there before the kill is in it or has ended, and what is in it ends by an event
                or in the gap before the next snapshot
"""
import re
import socket
import struct
import threading
import time

from lib import LONG, check

PORT = 8535
ED3 = 'xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3"'
APPL = "http://www.ecma-international.org/standards/ecma-354/appl_session"
START = (f'<StartApplicationSession xmlns="{APPL}"><applicationInfo><applicationID>crm</applicationID>'
         "<applicationSpecificInfo><x><LOGIN>crm</LOGIN><pwd>crm-secret-1</pwd></x></applicationSpecificInfo>"
         "</applicationInfo><requestedProtocolVersions><protocolVersion>http://www.ecma-international.org/"
         "standards/ecma-323/csta/ed3</protocolVersion></requestedProtocolVersions>"
         "<requestedSessionDuration>3600</requestedSessionDuration></StartApplicationSession>")
ROOT = re.compile(rb"<(\w+)[ >]")
REF = re.compile(rb"<monitorCrossRefID>([^<]*)<")
CALL = re.compile(rb"<callID>([^<]*)<")
EVENT = 9999


class Session:
    """What one connection has brought."""

    def __init__(self):
        self.devices = {}  # by monitorCrossRefID
        self.told = {}  # by device: (event, callID), in order
        self.snapshots = {}  # by device: how many events came before it, callIDs


class TcpApp(threading.Thread):
    def __init__(self, server, numbers):
        super().__init__(daemon=True)
        self.ip, self.numbers = server.ip, [str(n) for n in numbers]
        self.sessions, self.error, self.closing = [], None, False
        self.sock, self.ready = None, threading.Event()
        self.start()
        check(self.ready.wait(LONG), "a session over TCP", self.error)

    def say(self, invoke, xml):
        data = ('<?xml version="1.0" encoding="UTF-8"?>' + xml).encode()
        self.sock.sendall(struct.pack("!HH", 0, 8 + len(data)) + b"%04d" % invoke + data)

    def frames(self):
        """(invoke identifier, XML), until the connection is closed."""
        buffer = b""
        while True:
            while len(buffer) >= 8:
                n = struct.unpack("!H", buffer[2:4])[0]
                if len(buffer) < n:
                    break
                yield int(buffer[4:8]), buffer[8:n]
                buffer = buffer[n:]
            try:
                more = self.sock.recv(65536)
            except OSError:
                return
            if not more:
                return
            buffer += more

    def session(self):
        """Begin; monitor each device, then look what there is; listen."""
        s = Session()
        asked = {}  # by invoke identifier: what, of whom
        self.say(0, START)
        for invoke, xml in self.frames():
            root = ROOT.search(xml, 5).group(1).decode()
            if invoke == EVENT and root.endswith("Event"):
                self.event(s, root, xml)
            elif root == "StartApplicationSessionPosResponse":
                self.sessions.append(s)
                for i, number in enumerate(self.numbers):
                    asked[1 + i] = number
                    self.say(1 + i, f"<MonitorStart {ED3}><monitorObject><deviceObject>{number}"
                             "</deviceObject></monitorObject></MonitorStart>")
            elif root == "MonitorStartResponse":
                number = asked[invoke]
                s.devices[REF.search(xml).group(1)] = number
                s.told[number] = []
                self.say(100 + invoke, f"<SnapshotDevice {ED3}><snapshotObject>{number}"
                         "</snapshotObject></SnapshotDevice>")
            elif root == "SnapshotDeviceResponse":
                number = asked[invoke - 100]
                s.snapshots[number] = (len(s.told[number]), {c.decode() for c in CALL.findall(xml)})
                if len(s.snapshots) == len(self.numbers):
                    self.ready.set()
            else:
                check(False, "CSTA over TCP", xml)

    def event(self, s, root, xml):
        call = CALL.search(xml)
        ref = REF.search(xml).group(1)
        check(ref in s.devices, "an event of no monitor", xml)
        if call:  # else it is of the device alone
            s.told[s.devices[ref]].append((root, call.group(1).decode()))

    def run(self):
        while not self.closing:
            try:
                self.sock = socket.create_connection((self.ip, PORT), LONG)
                self.sock.settimeout(None)
                self.session()
            except OSError:
                pass  # it was killed, and is not there again
            except Exception as e:  # noqa: BLE001  told by the main thread
                self.error = e
                return
            time.sleep(0.02)

    def has_all(self, device, records):
        """Has it heard the end of all of that? Or there was nothing more when it looked."""
        s = self.sessions[-1] if self.sessions else Session()
        told = s.told.get(device)
        return told[-1] == records[-1] if told else device in s.snapshots

    def close(self):
        self.closing = True
        self.sock.shutdown(socket.SHUT_RDWR)
        self.join(LONG)
        self.sock.close()

    def check(self, records):
        """@param records  by device: (event, callID), all of the journal. @return sessions, events"""
        check(self.error is None, "CSTA over TCP", self.error)
        for device, all_ in records.items():
            Judge(device, all_).judge([s for s in self.sessions if device in s.told])
        return len(self.sessions), sum(len(t) for s in self.sessions for t in s.told.values())


class Judge:
    """Sessions by the records of one device."""

    def __init__(self, device, records):
        self.device, self.records = device, records
        self.spans = {}  # by callID: places of its first and last record
        for i, (_, call) in enumerate(records):
            self.spans[call] = (self.spans.get(call, (i,))[0], i)
        self.places = {}  # by record: where it is
        for i, record in enumerate(records):
            self.places.setdefault(record, []).append(i)

    def standing(self, place):
        """Calls that have begun and not ended when so many records are told."""
        return {c for c, (first, last) in self.spans.items() if first < place <= last}

    def place_of(self, told, after, what):
        """Where the records are that were told, none missing, none twice."""
        wrong = None
        for start in self.places.get(told[0], ()):
            run = self.records[start:start + len(told)]
            if start >= after and run == told:
                return start
            odd = next((i for i, (a, b) in enumerate(zip(told, run)) if a != b), len(run))
            wrong = wrong or (start - after, odd, told[odd - 2:odd + 1], run[odd - 2:odd + 1])
        return check(False, f"{what}: {told[0]} and what comes behind it: no such run of records", wrong)

    def judge(self, sessions):
        after = 0  # so many records are behind us
        for n, s in enumerate(sessions):
            what = f"session {n + 1} of {len(sessions)} over TCP, {self.device}"
            told = s.told[self.device]
            start = self.place_of(told, after, what) if told else None
            if self.device in s.snapshots:
                before, calls = s.snapshots[self.device]
                places = [start + before] if told else range(after, len(self.records) + 1)
                check(any(self.standing(p) == calls for p in places), f"{what}: the snapshot",
                      (calls, told[:3]))
            after = start + len(told) if told else after
