# SPDX-License-Identifier: Apache-2.0
"""Phones that speak uaCSTA: commanded over the way of their registration, through a NAT too."""
import os
import subprocess
import sys

from lib import HERE, PORTS, Process, check, equal, scenario

EXTRA = "\nphones: {driver: auto, refresh_s: 10, profile_folder: %s}\n" % os.path.join(
    HERE, "..", "..", "profiles")


class UaPhone(Process):
    """uacsta_phone.py, perhaps in another network namespace."""

    expected = (0, -15)

    def __init__(self, server, number, inside=()):
        super().__init__(f"uacsta-{number}", [
            *inside, sys.executable, "-u", os.path.join(HERE, "uacsta_phone.py"), server.ip,
            str(server.port), str(number), f"secret-{number}", str(next(PORTS))], stdin=True)

    def ready(self):
        self.looked_at()
        return self

    def looked_at(self, since=0, limit=10.0):
        """Its session stands: this is the last that it is asked."""
        self.wait(r"asked INFO GetMessageWaitingIndicator", since, limit, "its session")


def follow(phone, csta):
    """A call that the server never sees, from the first ring to its end."""
    since = csta.mark()
    phone.say("rings sip:777@elsewhere.example.net")
    csta.event("Delivered", "1001", since)
    phone.say("answers")
    csta.event("Established", "1001", since)
    phone.say("holds")
    csta.event("Held", "1001", since)
    phone.say("retrieves")
    csta.event("Retrieved", "1001", since)
    phone.say("clears")
    csta.event("ConnectionCleared", "1001", since)
    equal(csta.events("1001", since),
          ["Delivered", "Established", "Held", "Retrieved", "ConnectionCleared"], "the story")


@scenario
def a_uacsta_phone_is_followed_and_commanded(world):
    server = world.server(extra=EXTRA)
    phone = world.add(UaPhone(server, 1001))
    csta = world.csta(server)
    csta.done("monitor 1001")
    follow(phone, csta)
    since, asked = csta.mark(), phone.mark()
    phone.say("rings 4711")
    call = csta.event("Delivered", "1001", since)["connection"]["callID"]
    csta.done(f"answer {call}/1001")
    phone.wait("asked INFO AnswerCall", asked)
    csta.event("Established", "1001", since)
    csta.done(f"clear {call}/1001")
    phone.wait("asked INFO ClearConnection", asked)
    csta.event("ConnectionCleared", "1001", since)


@scenario
def a_uacsta_session_that_was_forgotten_is_made_anew(world):
    server = world.server(extra=EXTRA)
    phone = world.add(UaPhone(server, 1001))
    csta = world.csta(server)
    csta.done("monitor 1001")
    since, asked = csta.mark(), phone.mark()
    phone.say("rings 4711")
    phone.say("answers")
    csta.event("Established", "1001", since)
    phone.say("forget")  # the call goes on
    phone.wait("unknown INFO RequestSystemStatus", asked, 20)  # one refresh
    phone.looked_at(asked, 5)
    csta.event("BackInService", None, since)
    since = csta.mark()
    phone.say("clears")
    csta.event("ConnectionCleared", "1001", since)
    asked = phone.mark()
    phone.say("restart")
    phone.looked_at(asked, 5)
    follow(phone, csta)


@scenario
def a_uacsta_session_outlives_the_server(world):
    server = world.server(extra=EXTRA)
    phone = world.add(UaPhone(server, 1001))
    server.kill()
    server.expected = (0, -9)
    asked = phone.mark()
    again = world.server(extra=EXTRA)
    phone.say("rings 4711")
    phone.wait("answer 481 INFO", asked)  # nobody there knows its session
    phone.say("register")
    phone.looked_at(asked, 5)
    csta = world.csta(again)
    csta.done("monitor 1001")
    since = csta.mark()
    phone.say("clears")
    csta.event("ConnectionCleared", "1001", since)  # it was found, and its end is told
    follow(phone, csta)


def nsenter(pid, *command):
    subprocess.run(["nsenter", "-t", str(pid), "-n", *command], check=True)


def behind_nat(world):
    """Two namespaces: a router that masquerades, and the phone's. @return how to run inside"""
    router = world.start(Process("router", ["unshare", "-n", "sh", "-c",
                                            "echo ready; exec cat"], stdin=True))
    home = world.start(Process("home", ["unshare", "-n", "sh", "-c", "echo ready; exec cat"],
                               stdin=True))
    for p in (router, home):
        p.wait("ready")
        p.expected = (0, -9, -15)
    r, h = str(router.child.pid), str(home.child.pid)
    subprocess.run(["sh", "-ec", f"""
        ip link add nat0 type veth peer name nat1
        ip link set nat1 netns {r}
        ip addr add 198.51.100.1/24 dev nat0
        ip link set nat0 up"""], check=True)
    nsenter(r, "sh", "-ec", f"""
        ip link set lo up
        ip addr add 198.51.100.2/24 dev nat1
        ip link set nat1 up
        ip route add default via 198.51.100.1
        ip link add in0 type veth peer name in1
        ip link set in1 netns {h}
        ip addr add 10.9.0.1/24 dev in0
        ip link set in0 up
        echo 1 > /proc/sys/net/ipv4/ip_forward
        nft add table ip nat
        nft 'add chain ip nat post {{ type nat hook postrouting priority 100 ; }}'
        nft add rule ip nat post oifname nat1 masquerade random""")
    nsenter(h, "sh", "-ec", """
        ip link set lo up
        ip addr add 10.9.0.2/24 dev in1
        ip link set in1 up
        ip route add default via 10.9.0.1""")
    return ["nsenter", "-t", h, "-n"]


@scenario
def a_uacsta_phone_behind_nat(world):
    server = world.server(extra=EXTRA)
    inside = behind_nat(world)
    phone = world.add(UaPhone(server, 1001, inside))
    csta = world.csta(server)
    csta.done("monitor 1001")
    invite = server.wait_message(lambda m: m["start"].startswith("INVITE sip:1001@10.9.0.2"),
                                 "the INVITE to the phone")
    check(invite["remote"].startswith("198.51.100.2:"), "it goes to the router", invite["remote"])
    follow(phone, csta)
    since, asked = csta.mark(), phone.mark()
    phone.say("rings 4711")
    call = csta.event("Delivered", "1001", since)["connection"]["callID"]
    csta.done(f"answer {call}/1001")
    csta.event("Established", "1001", since)
    asked = phone.mark()
    phone.say("restart")  # and another hole in the NAT
    phone.looked_at(asked, 5)
    csta.event("ConnectionCleared", "1001", since)
    follow(phone, csta)
