# SPDX-License-Identifier: Apache-2.0
"""Who talks to whom: the RTP packets between phones of a scenario, counted on loopback.

Phones put their media on ports of their own (lib.rtp_base), so a packet's two ports name its
sender and its receiver. What SIP has agreed is one thing; this is what the callers would hear.
"""
import collections
import socket
import struct
import threading
import time

from lib import Failure, rtp_base

SPREAD = 40      # ports of a phone: rtp_base counts in steps of these
QUIET_S = 0.12   # silence is six packets in a row that do not come
LIMIT_S = 30.0


class Media:
    """Listens while it is open: `with Media() as media`."""

    def __init__(self):
        self.cond = threading.Condition()
        self.count = collections.Counter()
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.sock.bind(("lo", 0))
        self.sock.settimeout(0.2)
        self.open = True
        self.reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.open = False
        self.reader.join(5)
        self.sock.close()

    def _read(self):
        while self.open:
            try:
                packet, address = self.sock.recvfrom(2048)
            except TimeoutError:
                continue
            if address[2] == socket.PACKET_OUTGOING or packet[9] != socket.IPPROTO_UDP:
                continue
            ports = struct.unpack_from(">HH", packet, (packet[0] & 15) * 4)
            if all(p >= rtp_base(0) and p % 2 == 0 for p in ports):  # odd ones are RTCP's
                with self.cond:
                    self.count[tuple((p - rtp_base(0)) // SPREAD for p in ports)] += 1
                    self.cond.notify_all()

    def heard(self, a, b):
        """Packets from a to b so far."""
        return self.count[tuple((p.rtp - rtp_base(0)) // SPREAD for p in (a, b))]

    def both_ways(self, a, b):
        """Waits until each has heard the other, from now on."""
        with self.cond:
            want = [(x, y, self.heard(x, y) + 3) for x, y in ((a, b), (b, a))]
            for x, y, n in want:
                if not self.cond.wait_for(lambda x=x, y=y, n=n: self.heard(x, y) >= n, LIMIT_S):
                    raise Failure(f"{y.name} does not hear {x.name}")

    def silent(self, *pairs):
        """Waits until of each pair (a, b) b hears nothing of a any more."""
        def all_heard():
            return sum(self.heard(a, b) for a, b in pairs)

        end = time.monotonic() + LIMIT_S
        with self.cond:
            while time.monotonic() < end:
                n = all_heard()
                if not self.cond.wait_for(lambda n=n: all_heard() > n, QUIET_S):
                    return
        raise Failure("still heard: " + ", ".join(f"{a.name} by {b.name}" for a, b in pairs))
