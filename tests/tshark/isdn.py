# SPDX-License-Identifier: Apache-2.0
"""tshark reads what src/isdn has written: usage isdn.py ISDN_SAMPLES

Its dissectors of Q.931, ISUP and SIP bodies were written by others from the same documents. Each
message has to be well-formed to them and have the same user-to-user octets, or none. Without
tshark nothing is checked (exit code 77, which meson counts as skipped).
"""
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

# Dissector by kind: options of text2pcap, of tshark. 147 is the link type USER0.
def user(dissector):
    return ["-l", "147"], ["-o", f'uat:user_dlts:"User 0 (DLT=147)","{dissector}","0","","0",""']


KINDS = {"q931": user("q931"), "isup": user("isup"), "sip": (["-u", "5060,5060"], [])}


def dump(messages):
    lines = []
    for octets in messages:
        for at in range(0, len(octets), 16):
            lines.append("%06x %s" % (at, octets[at:at + 16].hex(" ")))
        lines.append("")
    return "\n".join(lines)


def dissect(kind, messages, folder):
    """The packets of a capture with these messages, as XML elements."""
    into, out_of = KINDS[kind]
    text, pcap = os.path.join(folder, kind + ".txt"), os.path.join(folder, kind + ".pcap")
    with open(text, "w", encoding="ascii") as file:
        file.write(dump(messages))
    subprocess.run(["text2pcap", "-q", *into, text, pcap], check=True, capture_output=True)
    got = subprocess.run(["tshark", "-r", pcap, *out_of, "-T", "pdml"], check=True,
                         capture_output=True).stdout
    return list(xml.fromstring(got).iter("packet"))


def values(packet, name):
    return [f.get("value") for f in packet.iter("field") if f.get("name") == name]


def octets_in(kind, packet):
    """User-to-user octets that tshark sees, in hex."""
    if kind != "q931":
        return values(packet, "isup.user_to_user_info")
    rest = values(packet, "q931.user.string") + values(packet, "q931.user.bytes")
    return [pd + "".join(rest) for pd in values(packet, "q931.user.protocol_discriminator")]


def complaints(packet):
    return [p.get("name") for p in packet.iter("proto") if p.get("name") == "_ws.malformed"] + \
           [f.get("showname") for f in packet.iter("field")
            if f.get("name") in ("isup.opt_par_length_err", "_ws.malformed")]


def check(kind, samples, folder):
    packets = dissect(kind, [octets for octets, _ in samples], folder)
    bad = [] if len(packets) == len(samples) else [f"{kind}: {len(packets)} packets"]
    for (octets, uui), packet in zip(samples, packets):
        want = [] if uui == "-" else [uui]
        if octets_in(kind, packet) != want or complaints(packet):
            bad.append(f"{kind} {octets.hex()}: {octets_in(kind, packet)} {complaints(packet)}")
    return bad


def main():
    for tool in ("tshark", "text2pcap"):
        if shutil.which(tool) is None:
            print(f"tshark: {tool} is not installed, nothing is checked")
            return 77
    samples = {kind: [] for kind in KINDS}
    for line in subprocess.run(sys.argv[1:], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        kind, octets, uui = line.split("\t")
        samples[kind].append((bytes.fromhex(octets), uui))
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, some in samples.items():
            bad += check(kind, some, folder)
            print(f"tshark: {len(some)} messages of {kind}")
    print("\n".join(bad[:20]))
    return 1 if bad or not all(samples.values()) else 0


sys.exit(main())
