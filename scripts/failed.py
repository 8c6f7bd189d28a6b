#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tests that failed in a run of meson and may have another try; the argument is the path of
its testlog.json.

Another try is for those that use sockets and the clock of a machine that stood still meanwhile.
Ends with 1, and a sentence, when one failed for which that cannot be the reason: the program is
not a unit test (flow, torture and fuzz tests have a time of their own), a sanitizer complained, or
there are many; and when none failed, since then something else did.
"""
import json
import sys

MOST = 3
SANITIZERS = ("Sanitizer", "runtime error:")


def why_not(run):
    if not run["name"].startswith("baton:unit / "):
        return "has a time of its own"
    said = run.get("stdout", "") + run.get("stderr", "")
    if any(word in said for word in SANITIZERS):
        return "a sanitizer complained"
    return None


with open(sys.argv[1]) as f:
    runs = [json.loads(line) for line in f]
failed = [run for run in runs if run["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")]
if not failed:
    sys.exit("no test failed, so something else did")
if len(failed) > MOST:
    sys.exit(f"{len(failed)} tests failed, which is no accident")
for run in failed:
    reason = why_not(run)
    if reason:
        sys.exit(f"{run['name']} is not tried again: {reason}")
print(" ".join(run["name"].rsplit(" / ", 1)[-1] for run in failed))
