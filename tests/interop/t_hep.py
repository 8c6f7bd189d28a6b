# SPDX-License-Identifier: Apache-2.0
"""HEPv3 read by Kamailio's module sipcapture, with which Homer 5 collects: what it makes of our packets, column by column, beside
the trace that the server shows of the same call."""
import os
import re
import socket
import time
from datetime import datetime, timezone

from follow import ask
from lib import IP, LONG, Process, check, equal, established, scenario
from peers import MODULES
from t_csta_tcp import TcpCsta, tcp

COLLECTOR = 9060
KAMAILIO = """\
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
auto_aliases=no
dns=no
listen=udp:{ip}:{port}
mpath="{modules}"
loadmodule "pv.so"
loadmodule "db_flatstore.so"
loadmodule "sipcapture.so"
modparam("sipcapture", "db_url", "flatstore://{rows}")
modparam("sipcapture", "capture_on", 1)
modparam("sipcapture", "hep_capture_on", 1)
modparam("sipcapture", "capture_node", "homer")
request_route {{ sip_capture(); drop; }}
onreply_route {{ sip_capture(); drop; }}
"""
# What it writes of a message of SIP, in this order.
SIP = ("date micro_ts method reply_reason ruri ruri_user from_user from_tag to_user to_tag pid_user contact_user auth_user callid "
       "callid_aleg via_1 via_1_branch cseq diversion content_type auth user_agent source_ip source_port destination_ip "
       "destination_port contact_ip contact_port originator_ip originator_port proto family rtp_stat type node correlation_id "
       "ruri_domain from_domain to_domain contact_domain msg").split()
# And of the type 100, logs.
LOG = "date micro_ts correlation_id source_ip source_port destination_ip destination_port proto family type node msg".split()
CONFIG = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}", "udp:[::1]:{port}"]
csta_tcp: ["tcp:{ip}:8535"]
domains: [example.com]
devices:
{devices}
applications:
  - {{name: crm, password: crm-secret-1, grants: ["*"]}}
hep: {{to: "udp:192.0.2.2:9060", node_id: 2001, node_name: baton-1, password: hep-secret, what: [sip, csta]}}
api: {{listen: ["unix:api.sock"]}}
log: {{level: debug, sip_trace: {trace}}}
"""


class Collector(Process):
    """Kamailio as Homer's collector; it writes each row at once."""

    def __init__(self, folder):
        home = os.path.join(folder, "collector")
        self.rows_in = os.path.join(home, "rows")
        os.makedirs(self.rows_in, exist_ok=True)
        path = os.path.join(home, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(KAMAILIO.format(ip=IP, port=COLLECTOR, modules=MODULES, rows=self.rows_in))
        super().__init__("collector", ["kamailio", "-f", path, "-DD", "-E", "-m", "64", "-M", "8", "-w", home, "-Y", home,
                                       "-P", os.path.join(home, "pid")])

    def ready(self):
        """It has been heard, not only begun: what is sent before is lost."""
        self.wait(r"udp_server.c.*SO_RCVBUF is finally", what="Kamailio to have its socket")
        return self

    def rows(self, table, names):
        """All so far, by the names of their columns."""
        found = []
        for name in sorted(os.listdir(self.rows_in)):
            if name.startswith(table + "_"):
                with open(os.path.join(self.rows_in, name), encoding="latin-1", newline="") as f:
                    found += [row(line[:-1], names) for line in f if line.endswith("\n")]
        return found

    def until(self, what, test):
        end = time.monotonic() + LONG
        while True:
            got = test()
            if got:
                return got
            check(self.running(), "the collector ended while we waited for", what)
            check(time.monotonic() < end, "the collector has not heard of", what)
            time.sleep(0.05)


def row(line, names):
    """`|` and octets that are no text stand as %7C and \\x0D in it."""
    def plain(text):
        return re.sub(r"\\x([0-9A-Fa-f]{2})|%7C", lambda m: chr(int(m.group(1), 16)) if m.group(1) else "|", text)
    return dict(zip(names, map(plain, line.split("|"))))


def microseconds(text):
    t = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return int(t.timestamp()) * 1000000 + t.microsecond


def same_message(m, lanes, got):
    """A message of the trace, and the row of the collector."""
    what = (m["n"], m["label"])
    equal(got["msg"].encode("latin-1").decode("utf-8"), m["bytes"], f"{what}: octet by octet")
    equal(int(got["micro_ts"]), microseconds(m["time"]), f"{what}: its time")
    equal(int(got["date"]), microseconds(m["time"]) // 1000000, f"{what}: its second")
    ours, theirs = f"{IP}:5060", lanes[m["to" if m["from"] == "baton" else "from"]]["address"]
    equal((got["source_ip"] + ":" + got["source_port"], got["destination_ip"] + ":" + got["destination_port"]),
          (ours, theirs) if m["from"] == "baton" else (theirs, ours), f"{what}: from where to where")
    tcp = lanes[m["to" if m["from"] == "baton" else "from"]]["transport"] != "UDP"
    equal((got["proto"], got["family"]), ("2" if tcp else "1", "2"), f"{what}: as Kamailio numbers UDP and TCP; IPv4")
    equal(got["node"], "homer:2001", f"{what}: our number behind its name")
    first = m["bytes"].split(" ")
    equal(got["method"], first[1] if first[0] == "SIP/2.0" else first[0], f"{what}: its method")
    equal(got["callid"], m["sipCallID"], f"{what}: Call-ID")


def logs(k, over, lanes, call):
    """CSTA of the application, without its frames' heads: of the call under its name, what is of none under the address of
    the connection. Kamailio drops a log that belongs to nothing."""
    said = [m for m in over["messages"] if m["protocol"] == "csta"]
    check({"HoldCall", "EstablishedEvent"} <= {m["label"] for m in said}, "CSTA of the call", [m["label"] for m in said])

    def of(text):
        return [r for r in k.rows("logs_capture", LOG) if text in r["msg"]]
    for m in said:
        if "callID>" not in m["bytes"]:
            continue
        [got] = k.until(m["label"], lambda m=m: [r for r in of(m["bytes"]) if r["micro_ts"] == str(microseconds(m["time"]))])
        equal((got["correlation_id"], got["msg"], got["node"], got["proto"]), (call, m["bytes"], "homer:2001", "2"), m["label"])
    theirs = next(lane["address"] for lane in lanes.values() if lane["kind"] == "application")
    [got] = k.until("MonitorStart", lambda: of("<MonitorStart "))
    equal((got["correlation_id"], got["source_ip"] + ":" + got["source_port"], got["destination_port"]), (theirs, theirs, "8535"),
          "what is of no call")


def over_ip6(k):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::1", 0))
        s.settimeout(LONG)
        port = s.getsockname()[1]
        s.sendto((f"OPTIONS sip:[::1] SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:{port};branch=z9hG4bK6\r\nFrom: <sip:six@[::1]>;tag=6\r\n"
                  f"To: <sip:[::1]>\r\nCall-ID: six\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(),
                 ("::1", 5060))
        answer = s.recv(65536)
    six = k.until("OPTIONS over IPv6", lambda: (lambda r: r if len(r) == 2 else None)(
        [r for r in k.rows("sip_capture", SIP) if r["callid"] == "six"]))
    ends = [(r["source_ip"].strip("[]"), r["source_port"], r["destination_ip"].strip("[]"), r["destination_port"]) for r in six]
    equal(ends, [("::1", str(port), "::1", "5060"), ("::1", "5060", "::1", str(port))], "addresses of IPv6")
    equal((six[1]["msg"].encode("latin-1"), six[1]["family"]), (answer, "10"), "the answer, as it came")


@scenario
def hep_read_by_homers_collector(w):
    """A call over UDP and TCP with User-to-User, and CSTA over TCP, as Kamailio's sipcapture reads them."""
    k = w.add(Collector(w.folder))
    s = w.server(template=CONFIG)
    a, b = w.phone(1001, s), w.phone(1002, s, transport="tcp")
    crm = w.add(TcpCsta(*tcp(s)))
    crm.done("monitor 1001")
    since = crm.mark()
    established(a, b, "1002 0441424344")
    call = crm.event("Established", "1001", since)["connection"]["callID"]
    crm.done(f"hold {call}/1001")
    crm.done(f"retrieve {call}/1001")
    a.say("hangup")
    b.event("ended")

    def trace():
        status, ladder = ask(s, "GET", f"/v1/trace/{call}")[:2]
        equal(status, 200, "the trace of the call")
        return ladder
    over = k.until("the end of the call", lambda: (lambda t: t if sum(
        m["label"].startswith("200") and "BYE" in m["bytes"] for m in t["messages"]) >= 2 else None)(trace()))
    lanes = {lane["id"]: lane for lane in over["lanes"]}
    said = [m for m in over["messages"] if m["protocol"] == "sip"]
    check(len(said) > 20 and any("User-to-User: 0441424344" in m["bytes"] for m in said), "a whole call", len(said))

    def heard():
        rows = {(r["micro_ts"], r["msg"]): r for r in k.rows("sip_capture", SIP)}
        mine = [rows.get((str(microseconds(m["time"])), m["bytes"].encode().decode("latin-1"))) for m in said]
        return mine if all(mine) else None
    rows = k.until("each message", heard)
    for m, r in zip(said, rows):
        same_message(m, lanes, r)
        equal(r["correlation_id"], call, f"{m['label']}: both legs are one call")
    logs(k, over, lanes, call)
    over_ip6(k)
    check("bad message" not in k.text() and "parse" not in k.text().replace("parse_table_names", ""),
          "nothing that it could not read", k.text()[-2000:])
