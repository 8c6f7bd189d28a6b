#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HEPv3 to collectors that are not ours: TLS by OpenSSL, packets read by sngrep.

usage: test_hep.py BATON
"""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from manager import Failure, Manager, check, options, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402

BATON = os.path.abspath(sys.argv[1])
HOME = tempfile.TemporaryDirectory(prefix="baton-hep-")


def config(port, to, *more):
    return (f'listen: ["udp:127.0.0.1:{port}"]\n'
            f"hep:\n  to: {to}\n  node_name: baton-1\n  what: [sip]\n" + "".join(more))


def phone():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(20)
    return s


def ask(s, port, branch):
    s.sendto(options(branch, at=s.getsockname()), ("127.0.0.1", port))
    check(s.recv(8192).startswith(b"SIP/2.0 200"), "OPTIONS is answered")


def certificate():
    """Of the collector, for 127.0.0.1, signed by itself."""
    names = [os.path.join(HOME.name, n) for n in ("collector.pem", "collector.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=collector", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", names[0], "-keyout", names[1]],
                   check=True, capture_output=True)
    return names


def packets(s, n):
    """So many packets of HEPv3 from a stream: of each the chunks by their type."""
    got, data = [], b""
    while len(got) < n:
        more = s.recv(65536)
        check(more, "the connection goes on", data)
        data += more
        while len(data) >= 6 and len(data) >= struct.unpack(">H", data[4:6])[0]:
            check(data[:4] == b"HEP3", "a packet", data[:8])
            size, at, chunks = struct.unpack(">H", data[4:6])[0], 6, {}
            while at < size:
                vendor, kind, length = struct.unpack(">HHH", data[at:at + 6])
                check(vendor == 0 and 6 <= length <= size - at, "a chunk", (vendor, kind, length))
                chunks[kind] = data[at + 6:at + length]
                at += length
            got.append(chunks)
            data = data[size:]
    return got


def called(listener, a, port, name):
    """A connection of the sender, which tries it when it has something to send."""
    listener.settimeout(0.3)
    for i in range(100):
        ask(a, port, f"{name}{i}")
        try:
            return listener.accept()[0]
        except socket.timeout:
            continue
    raise Failure("the sender does not come")


def over_tls():
    """The certificate is verified; the connection is made again; one for another name is not."""
    cert, key = certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    names = []
    context.sni_callback = lambda sock, name, _: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    port, at = free_port(), listener.getsockname()[1]
    m = Manager(BATON, config(port, f"tls:127.0.0.1:{at}", f"  ca_file: {cert}\n"))
    m.heard("READY")
    a = phone()
    for turn in range(2):  # the second time after the collector has gone away
        with context.wrap_socket(called(listener, a, port, f"tls{turn}"), server_side=True) as s:
            s.settimeout(20)
            ask(a, port, f"read{turn}")
            for message in packets(s, 2):
                check(message[15].startswith((b"OPTIONS sip:", b"SIP/2.0 200")), "the message", message)
                check(message[11] == b"\x01" and message[19] == b"baton-1", "SIP, of that node", message)
    check(names.count(None) == len(names), "an address is no server name (RFC 6066 3)", names)
    m.end()
    # somebody else's certificate
    other, other_key = [n.replace("collector", "other") for n in (cert, key)]
    shutil.copy(cert, other)
    shutil.copy(key, other_key)
    certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    m = Manager(BATON, config(port, f"tls:127.0.0.1:{at}", f"  ca_file: {other}\n"))
    m.heard("READY")
    try:
        with context.wrap_socket(called(listener, a, port, "refused"), server_side=True) as s:
            s.settimeout(20)
            check(s.recv(1) == b"", "nothing is told to a stranger")
    except (ssl.SSLError, ConnectionError):
        pass
    m.end()


def read_by_sngrep():
    """What sngrep makes of it: the messages, with their addresses."""
    if shutil.which("sngrep") is None:
        print("hep: sngrep is missing; what it reads is not tried")
        return
    port, at = free_port(), free_port()
    out = os.path.join(HOME.name, "hep.pcap")
    m = Manager(BATON, config(port, f"udp:127.0.0.1:{at}"))
    m.heard("READY")
    reader = subprocess.Popen(["sngrep", "-N", "-F", "-L", f"udp:127.0.0.1:{at}", "-O", out],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, "TERM": "xterm"})
    try:
        a, data = phone(), b""
        end = time.monotonic() + 20
        turn = 0
        while time.monotonic() < end and data.count(b"SIP/2.0 200") < 1:
            turn += 1
            ask(a, port, f"sngrep{turn}")
            time.sleep(0.1)
            if os.path.exists(out):
                with open(out, "rb") as f:
                    data = f.read()
        check(b"OPTIONS sip:127.0.0.1" in data and b"SIP/2.0 200" in data, "sngrep has them",
              reader.poll())
        check(struct.pack(">HH", a.getsockname()[1], port) in data, "with their ports", data[:200])
    finally:
        reader.terminate()
        reader.wait(20)
    m.end()


run(over_tls, read_by_sngrep)
