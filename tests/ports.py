# SPDX-License-Identifier: Apache-2.0
"""Ports for servers of tests that have to know their port before they listen."""
import random
import socket

HELD = []  # names in the abstract namespace, which are free again when this process ends


def kernel_gives_from():
    with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
        return int(file.read().split()[0])


def free_port():
    """A port of loopback, free for UDP and TCP, which nobody else gets while this process lives.

    It is below those that the kernel gives to sockets without one, and tests that run beside this
    one and ask here, too, are not given it.
    """
    top = kernel_gives_from()
    low, high = (top - 12000, top) if top > 16000 else (20000, 32000)
    for _ in range(1000):
        port = random.randrange(low, high)
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f'\0baton-test-port-{port}')
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(('127.0.0.1', port))
        except OSError:
            mark.close()
            continue
        HELD.append(mark)
        return port
    raise AssertionError('no port is free')
