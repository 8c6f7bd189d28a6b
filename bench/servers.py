# SPDX-License-Identifier: Apache-2.0
"""Servers that are measured, and what asks them: Baton, the peers, the load generators of this folder.

Each server has a processor of its own, and the generator another, where there are two. A program that
does not run, or an answer that is wrong or missing, is a Failure: nothing is measured by half.
"""
import glob
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BATON_BENCH_BUILD", os.path.join(ROOT, "build", "bench"))
BENCH = os.path.join(BUILD, "bench")
LIMIT_S = 60  # of any single program

CALLS, WINDOW = 2000, 64  # of one run


CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]


class Failure(Exception):
    """Something did not run as it has to."""


def program(name):
    path = os.path.join(BENCH, name)
    if not os.path.exists(path):
        raise Failure(f"{name} is not built: `make bench-deps` installs what the peers need")
    return path


# ---- processes ----

def on_cpus(numbers):
    """For preexec_fn."""
    return lambda: os.sched_setaffinity(0, set(numbers))


class Server:
    """A process whose CPU time is read."""

    running = []

    def __init__(self, args, port, cpus=(SERVER_CPU,)):
        self.port = port
        self.log = tempfile.TemporaryFile()
        self.child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=subprocess.STDOUT, start_new_session=True,
                                      preexec_fn=on_cpus(cpus))
        Server.running.append(self)
        self.wait_for_port()

    def wait_for_port(self):
        wanted = f":{self.port:04X} "
        end = time.monotonic() + 10
        while time.monotonic() < end and self.child.poll() is None:
            with open("/proc/net/udp") as f:
                if any(wanted in line for line in f):
                    return
            time.sleep(0.02)
        self.log.seek(0)
        raise Failure(f"{self.child.args[0]} did not start: {self.log.read().decode().strip()}")

    def cpu_ns(self):
        """Of all its threads, and of its children and their children."""
        if self.child.poll() is not None:
            raise Failure(f"{self.child.args[0]} ended by itself ({self.child.returncode})")
        total, pids = 0, [self.child.pid]
        while pids:
            for task in glob.glob(f"/proc/{pids.pop()}/task/*"):
                with open(task + "/schedstat") as f:
                    total += int(f.read().split()[0])
                with open(task + "/children") as f:
                    pids += map(int, f.read().split())
        return total

    def end(self):
        """Everything is measured: no orderly goodbye to thousands of calls."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    @classmethod
    def end_all(cls):
        while cls.running:
            cls.running.pop().end()


def free_port():
    """A port that is free together with the next one."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
            a.bind(("127.0.0.1", 0))
            port = a.getsockname()[1]
            try:
                b.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            if port < 65000:
                return port


CONFIG = """\
listen: ["udp:127.0.0.1:{port}"]
domains: [example.com]
devices:
{devices}
applications:
  - {{name: bench, password_env: BATON_BENCH_PASSWORD, grants: ["*"]}}
peers:
  - {{name: phones, uri: "sip:127.0.0.1", trusted: true}}
  - {{name: callee, uri: "sip:127.0.0.1:{callee}", trusted: true}}
limits: {{transactions: 1000000, calls: 100000, proxied: 1000000}}
registrar: {{max_records: 200000}}
log: {{level: error}}
"""


def baton(folder, devices=(), rule=None, more="", cpus=(SERVER_CPU,)):
    """`rule`: one of `routes`; peer:callee is the called end. `more`: further sections."""
    port, ends = free_port(), free_port()
    path = os.path.join(folder, f"{port}.yaml")
    numbers = ["1001", "1002", "1003", *devices]
    with open(path, "w") as f:
        f.write(CONFIG.format(port=port, callee=ends + 1,
                              devices="\n".join(f'  - number: "{n}"' for n in numbers)))
        if rule:
            f.write(f"routes:\n  - {rule}\n")
        f.write(more)
    server = Server([os.path.join(BUILD, "src", "baton"), "serve", "-c", path], port, cpus)
    server.ends = ends
    return server


def sofia():
    port, ends = free_port(), free_port()
    server = Server([program("b2b_sofia"), str(port), f"sip:1002@127.0.0.1:{ends + 1}"], port)
    server.ends = ends
    return server


KAMAILIO = """\
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
maxbuffer=4194304
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
modparam("tm", "auto_inv_100", 0)
request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (method == "CANCEL") {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{ if (loose_route()) t_relay(); exit; }}
    t_check_trans();
    {route}
}}
"""


def kamailio(folder, route):
    """One worker, and the allocator with which it is fastest; `route` as in its request_route."""
    port, ends = free_port(), free_port()
    path = os.path.join(folder, f"{port}.cfg")
    with open(path, "w") as f:
        f.write(KAMAILIO.format(port=port, route=route.format(target=f"127.0.0.1:{ends + 1}")))
    server = Server(["kamailio", "-f", path, "-DD", "-E", "-m", "1024", "-M", "64", "-x", "tlsf",
                     "-X", "tlsf", "-Y", folder], port)
    server.ends = ends
    return server


def load(server, mode, *options, repeats=0):
    """@return what it reports; None when it failed or repeated more than `repeats` messages,
    and repetitions are allowed; else that is an error"""
    args = [program("load"), mode, "--server", f"127.0.0.1:{server.port}",
            "--timeout", str(LIMIT_S // 2), *map(str, options)]
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL, preexec_fn=on_cpus([LOAD_CPU]))
    lines = done.stdout.decode().splitlines()
    if repeats > 0 and (done.returncode != 0 or
                        json.loads(lines[-1])["retransmissions"] > repeats):
        return None
    if not lines or done.returncode != 0:
        raise Failure(f"load {mode}: {lines[-1] if lines else done.stderr.decode().strip()}")
    result = json.loads(lines[-1])
    if result["failures"] or result["retransmissions"] > repeats:
        raise Failure(f"load {mode}: {lines[-1]}")
    return result


def cost_us(server, units, mode, *options):
    """CPU of the server per unit of one run."""
    before = server.cpu_ns()
    load(server, mode, *options)
    return (server.cpu_ns() - before) / units / 1000


def run_calls(server, count=CALLS):
    return cost_us(server, count, "calls", "--port", server.ends, "--count", count,
                   "--window", WINDOW)


def register_callee(server, number="1002", ends=None):
    load(server, "register", "--port", ends or server.ends, "--device", number, "--count", 1)


INFO_OPTIONS = ["--ip", "127.0.0.2", "--port", 0, "--user", "bench", "--password", "bench-secret",
                "--device", "1001", "--window", WINDOW]


def lines_of(name, *args):
    """A program that prints NAME VALUE lines."""
    done = subprocess.run([program(name), *args], stdout=subprocess.PIPE, timeout=LIMIT_S,
                          cwd=ROOT)
    if done.returncode != 0:
        raise Failure(f"{name} failed")
    return {k: float(v) for k, v in (line.split() for line in done.stdout.decode().splitlines())}
