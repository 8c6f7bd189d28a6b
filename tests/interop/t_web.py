# SPDX-License-Identifier: Apache-2.0
"""What a browser shows: console, agent bar, browser phone and JavaScript client, with real calls.

The tests themselves are in tests/browser (web.mjs); here are the server and the phones that they
need. BATON_WEB="operator ladder" runs only these of a group's tests; pictures for the documentation
are taken when BATON_SHOTS names a folder.
"""
import contextlib
import os
import sqlite3
import subprocess

from lib import BATON, PORTS, Process, check, scenario
from peers import BROWSER, browser_missing

IP = "127.0.0.1"  # a browser gives a microphone to loopback without TLS
TEMPLATE = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}", "ws:{ip}:%(ws)d"]
domains: [example.com]
store: {{path: baton.db}}
api:
  listen: ["tcp:{ip}:%(http)d", "unix:control"]
  origins: ["http://{ip}:%(crm)d"]
  webhook_private: true
  stalled_s: 600  # one of the tests has a reader who takes nothing
devices:
{devices}
%(devices)s
peers:
  - {{name: carrier, uri: "sip:{ip}:%(nobody)d;transport=tcp", numbers: ["0*"], probe_s: 1,
     probe_failures: 1}}
  - {{name: trunk, uri: "sip:{ip}:%(trunk)d;transport=udp", numbers: ["8*"], trusted: true,
     uui_dialect: genesys-pd}}
uui:
  packages:
    - {{name: crm, encodings: [text], max_octets: 64}}
  rules:
    - {{name: our own key, match: {{from: [trunk], direction: out, package: [crm]}},
       action: replace, value: "inside-7;purpose=crm;encoding=text"}}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
log: {{level: debug, sip_trace: {trace}}}
"""
EVENTS = 6000
HOSTILE = r"""  - {{number: "1010", password: secret-1010, display:
     "\u202E<img src=x onerror='window.ran=1'><b class=hostile> \u05D0\u05D1\u05D2 LONG"}}
""".replace("LONG", 250 * "long ")
ANSWERING = ("1001", "1002", "1003")


class Web(Process):
    """node web.mjs with a group of tests."""

    def __init__(self, folder, env, *names):
        missing = browser_missing()
        check(missing is None, "a browser", missing)
        home = os.path.join(folder, "chromium")
        os.makedirs(home, exist_ok=True)
        super().__init__("web", ["node", os.path.join(BROWSER, "web.mjs"), *names], stdin=True,
                         env={"HOME": home, "XDG_CONFIG_HOME": home, "TMPDIR": home, **env})


def token(folder):
    """An administrator's token from the running server, as an operator makes one."""
    got = subprocess.run([BATON, "token", "create", "test", "--scope", "admin", "--socket",
                          os.path.join(folder, "control")],
                         capture_output=True, text=True, timeout=60, check=False)
    check(got.returncode == 0, "baton token create", got.stdout + got.stderr)
    return got.stdout.strip()


def fill(folder):
    """The journal has more events than wait for one reader: those that it has, again and again."""
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "baton.db"))) as db:
        rows = db.execute("SELECT * FROM events ORDER BY seq").fetchall()
        first = rows[-1][0] + 1
        db.executemany(f"INSERT INTO events VALUES ({', '.join('?' * len(rows[0]))})",
                       [(first + i, *rows[i % len(rows)][1:]) for i in range(EVENTS)])
        db.commit()


def shorten(folder):
    """The journal begins with its newest event, as if the others had become too old."""
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "baton.db"))) as db:
        db.execute("DELETE FROM events WHERE seq < (SELECT MAX(seq) FROM events)")
        db.commit()


def obey(w, web, s, options):
    """Does to the server what the tests ask for, until they have ended."""
    end, since = r"^(?:server: (\w+)|all \d+ were right|\d+ of \d+ failed|no such test.*)$", 0
    while what := web.wait(end, since, limit=600, what="the tests of the web pages").group(1):
        since = web.mark()
        if what == "stop":
            s.end()
        elif what == "shorten":
            shorten(w.folder)
        elif what == "start":
            s = w.server(**options)
        web.say(f"{what} is done")


def run(w, group, full=False, devices=""):
    http, ws, crm, nobody, trunk = (next(PORTS) for _ in range(5))
    options = {"ip": IP, "port": next(PORTS), "template": TEMPLATE % {
        "http": http, "ws": ws, "crm": crm, "nobody": nobody, "trunk": trunk,
        "devices": devices}}
    s = w.server(**options)
    if full:
        w.phone("1001", s).end()
        s.end()
        fill(w.folder)
        s = w.server(**options)
    for n in ANSWERING:
        w.phone(n, s, "--auto-answer=100")
    w.phone("1004", s)
    web = w.start(Web(w.folder, {
        "BATON_URL": f"http://{IP}:{http}", "BATON_WS": f"ws://{IP}:{ws}",
        "BATON_CONFIG": os.path.join(s.folder, "baton.yaml"),
        "BATON_CONTROL": os.path.join(s.folder, "control"),
        "BATON_SIP": f"{IP}:{s.port}", "BATON_TRUNK_PORT": str(trunk),
        "BATON_CRM_PORT": str(crm), "BATON_TOKEN": token(w.folder)},
        *os.environ.get("BATON_WEB", group).split()))
    obey(w, web, s, options)
    check(web.exit_code(limit=300) == 0, "tests of the web pages", web.text()[-4000:])


@scenario
def web_pages(w):
    """Each page in light, dark and narrow, judged by axe-core."""
    run(w, "pages")


@scenario
def web_tasks(w):
    """What an operator and a developer do in the console, with real calls."""
    run(w, "tasks")


@scenario
def web_operator(w):
    """The operator's page: readers, reload, drain, webhooks, tokens."""
    run(w, "operator", full=True)


@scenario
def web_hostile(w):
    """Hostile names, tokens that may little, keyboard, forced colours, no motion."""
    run(w, "hostile", devices=HOSTILE)


@scenario
def web_outage(w):
    """The server is stopped while pages are open, and comes back with a shorter journal."""
    run(w, "outages")


@scenario
def web_agent(w):
    """The agent bar: pops once, consults, is embedded."""
    run(w, "agent")


@scenario
def web_phones(w):
    """Two phones in two browsers call each other."""
    run(w, "phones")


@scenario
def web_client(w):
    """The JavaScript client in Node."""
    run(w, "client")
