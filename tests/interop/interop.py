# SPDX-License-Identifier: Apache-2.0
"""All scenarios, or those whose name contains one of the arguments; -l lists them.

One line each: name, ok or FAILED, seconds. What failed is followed by the last output of every
process of that scenario. What failed is run once more at the end, because other people's programs
race with their own pauses on a busy machine; the last line says how many needed that. Exit code 1
when one failed twice, 2 when none was chosen.
"""
import os
import shutil
import sys
import tempfile
import time
import traceback

import lib
import t_application  # noqa: F401  the modules register their scenarios
import t_api
import t_browser
import t_command
import t_conference
import t_csta_tcp
import t_dns
import t_events
import t_follow
import t_hep
import t_kept
import t_keyboard
import t_keys
import t_life
import t_network
import t_peers
import t_phones
import t_registrar
import t_route
import t_placement
import t_services
import t_sipp_data
import t_sipp_phone
import t_stream
import t_tr87
import t_transport
import t_two_calls
import t_uacsta
import t_upgrade
import t_uui
import t_uui_flows
import t_uui_tshark
import t_web
import t_webhook


def run(scenario):
    folder = tempfile.mkdtemp(prefix="baton-interop-")
    world = lib.World(folder)
    begin = time.monotonic()
    wrong = []
    try:
        scenario.run(world)
    except lib.Failure as e:
        wrong.append(str(e))
    except Exception:  # a mistake in the scenario itself
        wrong.append(traceback.format_exc())
    wrong += world.close()
    took = time.monotonic() - begin
    print(f"{scenario.name:<44} {'FAILED' if wrong else 'ok':<6} {took:6.1f} s", flush=True)
    for text in wrong:
        print("  " + text.replace("\n", "\n  "))
    if wrong:
        print(world.last_words(), flush=True)
        print(f"  files: {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return not wrong


def main(args):
    if args == ["-l"]:
        print("\n".join(s.name for s in lib.SCENARIOS))
        return 0
    chosen = [s for s in lib.SCENARIOS if not args or any(a in s.name for a in args)]
    if not chosen:
        print(f"interop: no scenario is called {' or '.join(args)}", file=sys.stderr)
        return 2
    if not os.path.isdir(lib.DATA):
        print(f"interop: {lib.DATA} is not there: TR/87 scenarios use bodies of our own")
    begin = time.monotonic()
    again = [s for s in chosen if not run(s)]
    failed = sum(not (run(s) or run(s)) for s in again)  # phones have storms of their own
    print(f"{len(chosen)} scenarios, {failed} failed, {len(again)} needed another run, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
