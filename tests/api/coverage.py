# SPDX-License-Identifier: Apache-2.0
"""Every route of openapi.json was done well by one of the tests of this folder, and every message and close code of asyncapi.json was
said; or it is excused here.

    coverage.py OPENAPI ASYNCAPI FOLDER TEST…   FOLDER: what contract.py has kept of each TEST in this run

Runs behind the others. Where one of them has kept nothing (it was not chosen, or there is no python3-jsonschema) the test is skipped.
"""
import json
import os
import sys

SKIPPED = 77
EXCUSED = {  # words; there is no excuse for a route
    'tell/heartbeat': 'comes after twenty seconds without an event: test_feed',
    'close/4008': 'to one who reads nothing, so it is never read',
}


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        paths = json.load(file)['paths']
    with open(sys.argv[2], encoding='utf-8') as file:
        events = json.load(file)
    done = {}
    for test in sys.argv[4:]:
        path = os.path.join(sys.argv[3], test + '.json')
        if not os.path.exists(path):
            print(f'{test} has not been run')
            return SKIPPED
        with open(path, encoding='utf-8') as file:
            for name, statuses in json.load(file).items():
                done.setdefault(name, set()).update(statuses)
    known = {op['operationId'] for item in paths.values() for op in item.values()}
    known |= {f'{name}/{ref["$ref"].rpartition("/")[2]}' for name, op in events['operations'].items()
              if op['channel']['$ref'] != '#/channels/events' for ref in op['messages']}
    known |= {'close/' + code for code in events['channels']['stream']['x-close-codes']}
    never = sorted(known - set(done) - set(EXCUSED))
    idle = sorted((set(EXCUSED) - known) | (set(EXCUSED) & set(done)))
    for name in never:
        print(f'{name} was never done well')
    for name in idle:
        print(f'{name} needs no excuse')
    print(f'{len(known)} operations, messages and close codes, {len(done)} done, {len(EXCUSED)} excused')
    return 1 if never or idle else 0


if __name__ == '__main__':
    sys.exit(main())
