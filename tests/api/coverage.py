# SPDX-License-Identifier: Apache-2.0
"""Every route of openapi.json was done well by one of the tests of this folder, or is excused here.

    coverage.py OPENAPI FOLDER TEST…   FOLDER: what contract.py has kept of each TEST in this run

Runs behind the others. Where one of them has kept nothing (it was not chosen, or there is no python3-jsonschema) the test is skipped.
"""
import json
import os
import sys

SKIPPED = 77
EXCUSED = {
    'getStream': 'a WebSocket, which tests/interop follows',
    'conferenceCall': 'wants a focus, which tests/flow has',
    'singleStepConferenceCall': 'the same',
    'callBack': 'wants a phone that is busy to become free: tests/flow',
    'followTrace': 'a stream without end: test_trace.py reads it from a bare socket',
}


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        paths = json.load(file)['paths']
    done = {}
    for test in sys.argv[3:]:
        path = os.path.join(sys.argv[2], test + '.json')
        if not os.path.exists(path):
            print(f'{test} has not been run')
            return SKIPPED
        with open(path, encoding='utf-8') as file:
            for name, statuses in json.load(file).items():
                done.setdefault(name, set()).update(statuses)
    known = {op['operationId'] for item in paths.values() for op in item.values()}
    never = sorted(known - set(done) - set(EXCUSED))
    idle = sorted((set(EXCUSED) - known) | (set(EXCUSED) & set(done)))
    for name in never:
        print(f'{name} was never done well')
    for name in idle:
        print(f'{name} needs no excuse')
    print(f'{len(known)} operations, {len(done)} done, {len(EXCUSED)} excused')
    return 1 if never or idle else 0


if __name__ == '__main__':
    sys.exit(main())
