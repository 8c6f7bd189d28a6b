# SPDX-License-Identifier: Apache-2.0
"""The configurations of examples/placement: they parse, and what can be run here runs."""
import configparser
import glob
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

from lib import HERE, IP, PORTS, check, equal, scenario
from peers import Linphone
from t_uui import PLAIN

FOLDER = os.path.normpath(os.path.join(HERE, "..", "..", "examples", "placement"))
SECRETS = {"BATON_PASSWORD_1001": "secret-1001", "BATON_PASSWORD_1002": "secret-1002",
           "BATON_PASSWORD_CRM": "crm-secret-1"}


def text_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return f.read()


@scenario
def placement_files_parse(w):
    names = sorted(os.path.basename(p) for p in glob.glob(os.path.join(FOLDER, "*")))
    for name in names:
        path = os.path.join(FOLDER, name)
        if name.endswith(".yaml"):
            w.run("serve", "-c", path, "--check", env=SECRETS)
        elif name.endswith(".xml"):
            xml.etree.ElementTree.parse(path)
        elif name.endswith(".conf"):
            parser = configparser.ConfigParser(strict=False, delimiters=("=",),
                                               comment_prefixes=(";",), interpolation=None)
            lines = [re.sub(r"^(exten|same) *=>", r"\1=", line) for line in
                     text_of(name).splitlines()]
            parser.read_string("\n".join(line.strip() for line in lines))
            check(parser.sections(), "sections of", name)
        elif name.endswith(".cfg"):
            for options in ([], ["-A", "BATON_BEHIND"]):
                got = subprocess.run(["kamailio", "-c", "-f", path, *options], timeout=60,
                                     capture_output=True, text=True, check=False)
                equal(got.returncode, 0, f"kamailio -c {name}: {got.stderr[-500:]}")
    check(len(names) >= 14, "all are there", names)


@scenario
def placement_routes_lead_where_the_guide_says(w):
    def explain(name, *args):
        return w.run("route", "explain", "-c", os.path.join(FOLDER, name), *args, env=SECRETS)

    check("number +49891234" in explain("sbc-front.yaml", "--to", "0891234", "--from", "1001"),
          "out in E.164")
    check("1001" in explain("sbc-front.yaml", "--to", "+4930123451001", "--peer", "sbc-a"),
          "in to an extension")
    check("302" in explain("sbc-behind.yaml", "--to", "+4930123450", "--peer", "sbc", "--at",
                           "2026-11-20T10:00"), "redirected in office hours")
    check("480" in explain("sbc-behind.yaml", "--to", "+4930123450", "--peer", "sbc", "--at",
                           "2026-11-21T10:00"), "closed on Saturday")


@scenario
def placement_behind_kamailio_runs(w):
    """The example itself, with this machine's address and ports: phones register through Kamailio,
    and one of them calls the other."""
    home = os.path.join(w.folder, "edge")
    os.makedirs(home)
    cfg = os.path.join(home, "kamailio.cfg")
    script = text_of("kamailio.cfg").replace("192.0.2.10:5060", f"{IP}:5060")
    script = script.replace("192.0.2.20:5060", f"{IP}:5460").replace("192.0.2.10", IP)
    # both servers have one address here: who is who is told by the port
    script = script.replace(f'$si == "{IP}"', "$sp == 5060").replace("log_stderror=no",
                                                                     "log_stderror=yes")
    with open(cfg, "w", encoding="utf-8") as f:
        f.write(script)
    template = text_of("kamailio-behind.yaml")
    template = re.sub(r"listen: .*", 'listen: ["udp:{ip}:{port}", "tcp:{ip}:{port}"]', template)
    template = re.sub(r"devices:\n(  .*\n)*", "devices:\n@DEVICES@\n", template)
    template = re.sub(r"password_env: BATON_PASSWORD_CRM", "password: crm-secret-1", template)
    head, tail = template.split("listen: ")[1].split("\n", 1)
    tail = tail.replace("{", "{{").replace("}", "}}").replace("@DEVICES@", "{devices}")
    s = w.server(template="listen: " + head + "\n" + tail +
                 "log: {{level: debug, sip_trace: {trace}}}\n")
    check(shutil.which("kamailio"), "kamailio")
    from lib import Process
    edge = w.start(Process("kamailio-edge", [
        "kamailio", "-f", cfg, "-A", "BATON_BEHIND", "-DD", "-E", "-m", "64", "-M", "8", "-w", home,
        "-Y", home, "-P", os.path.join(home, "pid")]))
    edge.wait("Listening on", what="Kamailio to listen")
    a = w.add(Linphone(w.folder, 1001, s, next(PORTS), server_port=5460))
    b = w.add(Linphone(w.folder, 1002, s, next(PORTS), server_port=5460))
    a.say(f"call sip:1002@example.com {PLAIN}")
    equal(b.state("IncomingReceived").get("User-to-User"), PLAIN.split(": ", 1)[1],
          "the context, through the edge twice")
    b.say("answer")
    a.state("StreamsRunning")
    for m in s.messages():
        equal(m["remote"], f"{IP}:5460", "everything goes over the edge")
    since = a.mark()
    b.say("hangup")
    a.state("End", since)
