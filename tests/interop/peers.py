# SPDX-License-Identifier: Apache-2.0
"""Other people's programs beside baresip and SIPp: Kamailio, a phone of liblinphone, phones in a
browser. Each is a Process, so its output is a list of lines that a scenario waits on.
"""
import json
import os
import shutil
import subprocess

from lib import BATON, HERE, IP, LONG, Failure, Process, check, equal, rtp_base

MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
KAMAILIO = """\
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
dns=no
listen=udp:{ip}:{port}
listen=tcp:{ip}:{port}
mpath="{modules}"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "gruu_enabled", 0)
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 0)
request_route {{
    xlog("L_NOTICE", "SEEN $rm $ru [$hdr(User-to-User)] $ci\\n");
    if (!mf_process_maxfwd_header("20")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    t_check_trans();
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "Alive"); exit; }}
    remove_hf("Route");
    record_route();
    {route}
    if (lookup("location")) {{ t_relay(); exit; }}
    sl_send_reply("404", "Not Found");
}}
"""


class Kamailio(Process):
    """A proxy with a registrar that asks nobody for a password.

    It relays what it has a registration for. `route` is script that runs before: `onward(s)`
    sends everything else to a server.
    """

    def __init__(self, folder, port=5460, route=""):
        self.ip, self.port, self.ports = IP, port, {}
        home = os.path.join(folder, f"kamailio-{port}")
        os.makedirs(home, exist_ok=True)
        path = os.path.join(home, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(KAMAILIO.format(ip=IP, port=port, modules=MODULES, route=route))
        super().__init__(f"kamailio-{port}", [
            "kamailio", "-f", path, "-DD", "-E", "-m", "64", "-M", "8", "-w", home, "-Y", home,
            "-P", os.path.join(home, "pid")])

    def ready(self):
        self.wait(r"Listening on", what="Kamailio to listen")
        return self

    def seen(self, method, since=0, limit=LONG):
        """(Request-URI, User-to-User, Call-ID) of the next request of that method."""
        m = self.wait(rf"SEEN {method} (\S+) \[(.*)\] (\S+)$", since, limit,
                      f"{method} at {self.name}")
        return m.group(1), m.group(2), m.group(3)


def onward(server, *users):
    """Script for Kamailio: what is for these users (all without any) goes to that server."""
    test = " || ".join(f'$rU == "{u}"' for u in users) or "1 == 1"
    return (f'if (is_method("INVITE|MESSAGE|OPTIONS|REFER|SUBSCRIBE") && ({test})) '
            f'{{ $du = "sip:{server.ip}:{server.port}"; t_relay(); exit; }}')


def linphone_program():
    """Our phone of liblinphone, compiled when it is not there or is older than its source."""
    source = os.path.join(HERE, "linphone_ua.c")
    program = os.path.join(os.path.dirname(os.path.abspath(BATON)), "linphone_ua")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "linphone"], check=True,
                               capture_output=True, text=True).stdout.split()
        subprocess.run(["cc", "-O1", "-o", program + ".new", source, *flags, "-llinphone"],
                       check=True, capture_output=True, timeout=120)
        os.replace(program + ".new", program)
    return program


class JsonProcess(Process):
    """A child that prints one JSON object a line."""

    def item(self, test, since=0, limit=LONG, what="an object"):
        def of_line(line):
            found = json.loads(line) if line.startswith("{") else None
            return found if found and test(found) else None
        return self.search(of_line, since, limit, what)


class Linphone(JsonProcess):
    """A liblinphone phone that registers as a device of the server; `voice` is a WAV file."""

    def __init__(self, folder, number, server, port, transport="udp", password=None,
                 server_port=None, voice=None):
        home = os.path.join(folder, f"linphone-{number}")
        os.makedirs(os.path.join(home, "linphone"), exist_ok=True)
        self.number, self.server, self.transport = number, server, transport
        self.password = password or f"secret-{number}"
        self.server_port = server_port or server.ports.get(transport, server.port)
        self.rtp = rtp_base(port)
        if voice:
            os.symlink(voice, os.path.join(home, "voice.wav"))
        super().__init__(f"linphone-{number}",
                         [linphone_program(), home, IP, str(port), transport],
                         stdin=True, env={"HOME": home, "XDG_DATA_HOME": home,
                                          "XDG_CONFIG_HOME": home})

    def ready(self):
        self.wait('"event": "ready"', limit=60, what="liblinphone to start")
        self.say(f"register sip:{self.number}@example.com "
                 f"<sip:{self.server.ip}:{self.server_port};transport={self.transport}> "
                 f"{self.password}")
        self.wait('"registration", "state": ".*Ok"', what="the registration")
        return self

    def state(self, name, since=0, limit=LONG):
        """The event of the next call that comes into this state ("Connected", …)."""
        return self.item(lambda i: i.get("event") == "call" and i["state"].endswith(name),
                         since, limit, f"a call in state {name}")

    def transferred(self, name, since=0, limit=LONG):
        return self.item(lambda i: i.get("event") == "transfer" and i["state"].endswith(name),
                         since, limit, f"a transfer in state {name}")

    # The keys that every phone of these tests has; see Baresip in lib.py.

    def dial(self, number, uui=None):
        self.say(f"call sip:{number}@example.com" + (f" User-to-User: {uui}" if uui else ""))

    def rings(self, since, caller, uui=None):
        got = self.state("IncomingReceived", since)
        check(f"sip:{caller}@" in got["remote"], f"{self.name} sees who calls", got["remote"])
        equal(got.get("User-to-User"), uui, "the context")

    def answer(self):
        self.say("answer")

    def talks(self, since):
        self.state("StreamsRunning", since)

    def hold(self):
        since = self.mark()
        self.say("hold")
        self.state("CallPaused", since)

    def resume(self):
        since = self.mark()
        self.say("resume")
        self.talks(since)

    def transfer(self, uri):
        self.say(f"transfer {uri}")

    def told(self, status, since):
        """What the phone makes of the NOTIFY with this status."""
        self.transferred({180: "OutgoingProgress", 200: "Connected", 404: "Error"}[status], since)

    def hangup(self):
        self.say("hangup")

    def ended(self, since):
        self.state("End", since)

    def refused(self, since):
        self.state("Error", since)

    def end(self, limit=LONG):
        if self.running():
            self.say("quit")
            try:
                return self.exit_code(15)
            except Failure:
                pass
        return super().end(limit)


BROWSER = os.path.join(HERE, "..", "browser")


def browser_missing():
    """Why there are no phones in a browser here, or None."""
    if shutil.which("chromium") is None:
        return "chromium is not installed"
    if not os.path.isdir(os.path.join(BROWSER, "node_modules")):
        return "tests/browser/node_modules is not there: make test-deps"
    return None


class Browser(JsonProcess):
    """JsSIP phones, one to a tab of one headless Chromium; see tests/browser/phones.mjs."""

    def __init__(self, folder):
        missing = browser_missing()
        check(missing is None, "a browser", missing)
        home = os.path.join(folder, "chromium")
        os.makedirs(home, exist_ok=True)
        super().__init__("browser", ["node", os.path.join(BROWSER, "phones.mjs")], stdin=True,
                         env={"HOME": home, "XDG_CONFIG_HOME": home, "TMPDIR": home})

    def ready(self):
        self.wait('"event":"ready"', limit=60, what="Chromium to start")
        return self

    def do(self, tab, what, **args):
        """Have the phone in that tab do something. @return where its events begin"""
        since = self.mark()
        self.say(json.dumps({"tab": tab, "do": what, **args}))
        got = self.item(lambda i: i.get("tab") == tab and i["event"] in ("done", "failed")
                        and i["of"] == what, since, LONG, f"{what} in tab {tab}")
        check(got["event"] == "done", f"{what} in tab {tab}", got.get("text", ""))
        return since

    def event(self, tab, name, since=0, limit=LONG):
        return self.item(lambda i: i.get("tab") == tab and i["event"] == name, since, limit,
                         f"{name} in tab {tab}")

    def end(self, limit=LONG):
        if self.running():
            self.say('{"do": "quit"}')
            try:
                return self.exit_code(20)
            except Failure:
                pass
        return super().end(limit)
