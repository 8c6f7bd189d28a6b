# SPDX-License-Identifier: Apache-2.0
"""SIPp with scenarios that are written at run time, and what it logged, octet by octet."""
import os
import re
from xml.sax.saxutils import quoteattr

from lib import IP, Failure, Process, check

LOGGED = re.compile(rb"^-{10,}.*\n\w+ message (sent|received) [^\n]*?[\[(](\d+)[^\n]*\n\n", re.M)


class Script:
    """A scenario, step by step. Text of messages is given with LF; SIPp sends CRLF."""

    def __init__(self, name):
        self.name = name
        self.steps = []
        self.variables = []

    def send(self, text, repeat=True):
        attr = ' retrans="500"' if repeat else ""
        self.steps.append(f"<send{attr}><![CDATA[\n{text}\n]]></send>")
        return self

    def recv(self, what, *patterns, optional=False, save=(), rrs=False, auth=False):
        """A response (a number) or a request (a method) in which every pattern occurs.

        save: (variable, pattern with one group) pairs for later messages.
        """
        kind = "response" if isinstance(what, int) else "request"
        attr = f'{kind}="{what}"'
        attr += ' optional="true"' if optional else ""
        attr += ' rrs="true"' if rrs else ""
        attr += ' auth="true"' if auth else ""
        actions = []
        for pattern in patterns:
            name = f"seen{len(self.variables)}"
            self.variables.append(name)
            actions.append(f'<ereg regexp={quoteattr(pattern)} search_in="msg" check_it="true" '
                           f'assign_to="{name}"/>')
        for name, pattern in save:
            self.variables += [name + "_all", name]
            actions.append(f'<ereg regexp={quoteattr(pattern)} search_in="msg" check_it="true" '
                           f'assign_to="{name}_all,{name}"/>')
        inner = "<action>" + "".join(actions) + "</action>" if actions else ""
        self.steps.append(f"<recv {attr}>{inner}</recv>")
        return self

    def pause(self, ms):
        self.steps.append(f'<pause milliseconds="{ms}"/>')
        return self

    def write(self, folder):
        path = os.path.join(folder, self.name + ".xml")
        unused = f'<Reference variables="{",".join(self.variables)}"/>' if self.variables else ""
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.name}">\n'
                    + "\n".join(self.steps) + f"\n{unused}\n</scenario>\n")
        return path


class Sipp(Process):
    """One run of a script, one call. `keys` are texts for [name] in its messages."""

    def __init__(self, folder, script, server, port, transport="udp", keys=None, limit=30,
                 auth_uri=None):
        base = os.path.join(folder, f"{script.name}-{port}")
        self.log, self.errors = base + ".messages", base + ".errors"
        args = ["sipp", f"{server.ip}:{server.port}", "-sf", script.write(folder), "-i", IP,
                "-p", str(port), "-m", "1", "-nostdin", "-nd", "-t",
                "t1" if transport == "tcp" else "u1", "-trace_msg", "-message_file", self.log,
                "-trace_err", "-error_file", self.errors, "-timeout", f"{limit}s",
                "-timeout_error", "-recv_timeout", f"{limit * 1000}"]
        if auth_uri:  # without "sip:"; else it says sip:ADDRESS:PORT
            args += ["-auth_uri", auth_uri]
        for name, text in (keys or {}).items():
            args += ["-key", name, text]
        super().__init__(f"sipp-{script.name}", args, cwd=folder)

    def ready(self):
        return self

    def text(self, since=0):
        try:
            with open(self.errors, encoding="utf-8", errors="replace") as f:
                return f.read()[-4000:]
        except OSError:
            return super().text(since)[-2000:]

    def done(self, limit=90.0):
        """Wait for its end, which must be a good one. @return itself"""
        code = self.exit_code(limit)
        if code != 0:
            raise Failure(f"{self.name} ended with {code}")
        return self

    def messages(self):
        """(sent or received, octets) of each message."""
        with open(self.log, "rb") as f:
            log = f.read()
        out = []
        for m in LOGGED.finditer(log):
            out.append((m.group(1).decode(), log[m.end():m.end() + int(m.group(2))]))
        check(out, f"{self.name} logged no message")
        return out

    def message(self, way, start):
        """The first message of that way whose start line begins so."""
        for got, octets in self.messages():
            if got == way and octets.startswith(start.encode()):
                return octets
        raise Failure(f"{self.name} has not {way} {start}")


def header_lines(octets, name):
    """Raw lines of a header, folded ones whole, in order."""
    head = octets.split(b"\r\n\r\n", 1)[0]
    lines = re.split(rb"\r\n(?![ \t])", head)[1:]
    return [line for line in lines
            if line.split(b":", 1)[0].strip().lower() == name.lower().encode()]
