#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk is full while calls stand: they go on, who runs the server is told, and nothing is missing once there is room again.
test_disk.py BATON GEN_API TABLE"""
import json
import os
import resource
import subprocess
import sys
import unittest

from phones import House, until

BATON = sys.argv[1]
NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Disk(unittest.TestCase):
    def fill(self, h):
        """No file of the server's can grow any more; that it can be taken back leaves the hard limit."""
        size = os.path.getsize(os.path.join(h.folder, 'kept.db-wal'))
        resource.prlimit(h.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def status(self, h):
        return h.get('/v1/status').json()

    def events(self, h):
        return h.get('/v1/events?from=earliest', headers={'Accept': 'application/json'}).json()['items']

    def metric(self, h, name):
        return next(line.split(' ')[1] for line in h.get('/metrics').body.decode().splitlines() if line.startswith(name + ' '))

    def full(self, h):
        """A call stands, and then the disk is full. @return callID"""
        call = h.talk(1001, 1002)
        self.assertNotIn('trouble', self.status(h))
        self.fill(h)
        h.done(f'/v1/calls/{call}/connections/1001/hold')
        until('it is said', lambda: 'store: cannot be written' in h.log())
        return call

    def test_calls_go_on_and_nothing_is_missing(self):
        with House(BATON, numbers=(1001, 1002), store=True, more='log: {level: info}\n') as h:
            call = self.full(h)
            h.done(f'/v1/calls/{call}/connections/1001/retrieve')
            h.done(f'/v1/calls/{call}/connections/1001/clear')
            h.until_over(call)
            again = h.talk(1002, 1001)
            status = self.status(h)
            self.assertEqual(status['state'], 'running')
            self.assertIn('The disk takes nothing', status['trouble'][0])
            self.assertEqual(status['counters']['store']['broken'], 1)
            self.assertEqual(self.metric(h, 'baton_store_broken'), '1')
            self.assertEqual(h.get('/readyz').status, 200)
            said = subprocess.run([BATON, 'status', '--socket', h.socket], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said[:said.index('counters')], r'\ntrouble +The disk takes nothing')
            resource.prlimit(h.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
            until('it is written again', lambda: 'store: can be written again; 0 changes were lost' in h.log())
            self.assertNotIn('trouble', self.status(h))
            self.assertEqual(self.metric(h, 'baton_store_broken'), '0')
            items = self.events(h)
            numbers = [int(e['sequence']) for e in items]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
            kinds = [e['type'].split('.')[-2] for e in items if call in json.dumps(e)]
            for kind in ('held', 'retrieved', 'callCleared'):
                self.assertEqual(kinds.count(kind), 1, kinds)
            # what was only in memory stands on the disk now
            h.process.kill()
            h.process.wait()
            h.start()
            self.assertEqual(h.get(f'/v1/calls/{again}').status, 200)
            h.all_over()

    def test_who_wants_it_so_takes_nothing_new(self):
        """store.on_error: refuse. What stands goes on, what begins is refused, and not for ever."""
        with House(BATON, numbers=(1001, 1002), more='log: {level: info}\nstore: {path: kept.db, on_error: refuse}\n') as h:
            call = self.full(h)
            until('it is not ready', lambda: h.get('/readyz').status == 503)
            self.assertEqual(h.get(f'/v1/calls/{call}').status, 200)
            self.assertEqual(h.post('/v1/devices/1001/calls', {'calledDirectoryNumber': '1002'}, wait=5).status, 503)
            resource.prlimit(h.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)
            until('it is ready again', lambda: h.get('/readyz').status == 200)
            h.done(f'/v1/calls/{call}/connections/1001/retrieve')
            h.all_over()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
