# SPDX-License-Identifier: Apache-2.0
"""SIPp scenarios that other projects wrote for their servers, played through ours.

A caller and a called side, both peers that are known by address, each with a scenario of its own;
both have to end well. What a scenario asks for by its text only (an answer that a B2BUA does not
give, media, credentials of another server) is not in the table.
"""
import os

from lib import DATA, IP, Failure, Process, check, scenario

CALLER, CALLEE = 5190, 5194

TEMPLATE = """\
listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]
domains: [example.com, sip2sip.info]
devices:
{devices}
peers:
  - {{name: callee, uri: "sip:{ip}:5194", trusted: true, numbers: ["*"]}}
  - {{name: callers, uri: "sip:{ip}", trusted: true}}
log: {{level: debug, sip_trace: {trace}}}
"""

PROXIED = TEMPLATE + """\
routes:
  - {{name: everything, match: {{method: ["*"]}}, action: proxy, targets: [{{to: "peer:callee"}}]}}
"""

SIPHON = "siphon-sip/sipp/"
PAIRS = {  # name: caller's scenario, called side's
    "call": (SIPHON + "invite_uac.xml", SIPHON + "invite_uas.xml"),
    "fast": (SIPHON + "invite_uac_fast.xml", SIPHON + "invite_uas_fast.xml"),
    "reinvite": (SIPHON + "reinvite_uac.xml", SIPHON + "reinvite_uas.xml"),
    "prack": (SIPHON + "prack_uac.xml", SIPHON + "prack_uas.xml"),
    "topology": (SIPHON + "b2bua_topology_uac.xml", SIPHON + "b2bua_topology_uas.xml"),
    "early_media": (SIPHON + "b2bua_early_media_uac.xml", SIPHON + "b2bua_early_media_uas.xml"),
    "session_timer": (SIPHON + "b2bua_session_timer_uac.xml",
                      SIPHON + "b2bua_session_timer_uas.xml"),
    "bye_glare": (SIPHON + "b2bua_bye_glare_uac.xml", SIPHON + "b2bua_bye_glare_uas.xml"),
    "max_forwards": (SIPHON + "max_forwards_uac.xml", None),
    "options": (SIPHON + "options.xml", None),
}
PROXY_PAIRS = {
    "call": (SIPHON + "invite_uac.xml", SIPHON + "invite_uas.xml"),
    "fast": (SIPHON + "invite_uac_fast.xml", SIPHON + "invite_uas_fast.xml"),
    "refer": (SIPHON + "proxy_refer_uac.xml", SIPHON + "proxy_refer_uas.xml"),
    "message": (SIPHON + "message.xml", SIPHON + "message_uas.xml"),
    "max_forwards": (SIPHON + "max_forwards_uac.xml", None),
}
for uas in ("saghul/sipp_uas_no_180.xml", "saghul/sipp_uas_200_no_sdp.xml",
            "saghul/sipp_uas_double_bye.xml"):
    PAIRS["uas_" + os.path.basename(uas)[9:-4]] = (SIPHON + "invite_uac.xml", uas)
for uac in ("no_session_c_line", "diversions", "ice_without_rtcp", "invite_no_sdp", "bogus_codec",
            "no_c_line", "wrong_format_type", "audio_video",
            "dir_inactive", "no_c_line_multiple_streams"):
    PAIRS["uac_" + uac] = (f"saghul/sipp_uac_{uac}.xml", SIPHON + "invite_uas.xml")


class Given(Process):
    """SIPp with a scenario of the test data, for one call."""

    def __init__(self, w, path, server, port, transport="udp"):
        name = os.path.basename(path)[:-4]
        self.log = os.path.join(w.folder, f"{name}-{port}.errors")
        super().__init__(f"sipp-{name}", [
            "sipp", f"{server.ip}:{server.port}", "-sf", os.path.join(DATA, "sipp", path), "-i", IP,
            "-p", str(port), "-m", "1", "-nostdin", "-s", "service", "-t",
            "t1" if transport == "tcp" else "u1", "-trace_err", "-error_file", self.log,
            "-timeout", "60s", "-timeout_error", "-recv_timeout", "30000"], cwd=w.folder)

    def ready(self):
        return self

    def text(self, since=0):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()[-3000:]
        except OSError:
            return ""

    def done(self):
        code = self.exit_code(90)
        check(code == 0, f"{self.name} ended with {code}")


def play(w, uac, uas, template=TEMPLATE):
    if not os.path.isdir(os.path.join(DATA, "sipp")):
        print("interop: the scenarios of other projects are not there")
        return
    s = w.server(template=template)
    called = w.add(Given(w, uas, s, CALLEE)) if uas else None
    calling = w.add(Given(w, uac, s, CALLER))
    try:
        calling.done()
        if called:
            called.done()
    except Failure:
        calling.expected = (calling.child.poll(), -9, -15)
        raise


def define(name, uac, uas, template=TEMPLATE):
    def sipp_data(w):
        play(w, uac, uas, template)
    sipp_data.__name__ = f"sipp_data_{name}"
    scenario(sipp_data)


for pair, (first, second) in PAIRS.items():
    define(pair, first, second)
for pair, (first, second) in PROXY_PAIRS.items():
    define("proxied_" + pair, first, second, PROXIED)
