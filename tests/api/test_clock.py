#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clock on the wall is put back by an hour while a call stands.  test_clock.py BATON GEN_API TABLE

The server is told so by a library between it and the system; without a compiler that is not tried."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from phones import House, until

BATON = sys.argv[1]
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
/* System calls alone: it is called from everywhere, before and within the allocator as well. */
static long ahead(void)
{
    char text[32];
    long fd = syscall(SYS_openat, AT_FDCWD, AHEAD, O_RDONLY | O_CLOEXEC, 0), n, s = 0;
    if (fd < 0) {
        return 0;
    }
    n = syscall(SYS_read, fd, text, sizeof(text));
    syscall(SYS_close, fd);
    for (long i = 0; i < n; i++) {
        s = text[i] >= '0' && text[i] <= '9' ? s * 10 + text[i] - '0' : s;
    }
    return n > 0 && text[0] == '-' ? -s : s;
}
int clock_gettime(clockid_t which, struct timespec *t)
{
    int r = (int)syscall(SYS_clock_gettime, which, t);
    t->tv_sec += r == 0 && which == CLOCK_REALTIME ? ahead() : 0;
    return r;
}
time_t time(time_t *to)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (to != NULL) {
        *to = t.tv_sec;
    }
    return t.tv_sec;
}
int gettimeofday(struct timeval *tv, void *zone)
{
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return 0;
}
"""


class Clock(unittest.TestCase):
    def setUp(self):
        if shutil.which('cc') is None:
            self.skipTest('there is no compiler')
        self.home = tempfile.TemporaryDirectory(prefix='baton-clock-')
        self.addCleanup(self.home.cleanup)
        self.ahead, library = (os.path.join(self.home.name, n) for n in ('ahead', 'clock.so'))
        subprocess.run(['cc', '-shared', '-fPIC', f'-DAHEAD="{self.ahead}"', '-x', 'c', '-', '-o', library], input=CLOCK,
                       text=True, check=True)
        asan = os.environ.get('ASAN_OPTIONS', '')
        self.env = {'LD_PRELOAD': library, 'ASAN_OPTIONS': asan + (':' if asan else '') + 'verify_asan_link_order=0'}
        self.put(0)

    def put(self, seconds):
        fresh = self.ahead + '.new'
        with open(fresh, 'w', encoding='ascii') as f:
            f.write(f'{seconds}\n')
        os.replace(fresh, self.ahead)

    def test_it_is_put_back(self):
        with House(BATON, numbers=(1001, 1002), store=True, env=self.env) as h:
            call = h.talk(1001, 1002)
            path = f'/v1/calls/{call}/connections/1001/hold'
            first = until('it is held', lambda: (lambda a: a if a.status == 200 else None)(h.post(path, wait=15, key='once')))
            before = h.get('/v1/status').json()
            self.put(-3600)
            status = h.get('/v1/status').json()
            self.assertLess(status['time'], before['time'])
            self.assertTrue(before['uptime'] <= status['uptime'] < 3000, status['uptime'])
            said = subprocess.run([BATON, 'status', '--socket', h.socket], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said, r'state +running')
            h.done(f'/v1/calls/{call}/connections/1001/retrieve')
            self.assertTrue(h.get('/v1/devices/1001').json()['registered'])
            events = h.get('/v1/events?from=earliest', headers={'Accept': 'application/json'}).json()['items']
            numbers = [int(e['sequence']) for e in events]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
            # what was done in the future, seen from now, is not done again
            h.process.kill()
            h.process.wait()
            h.start()
            again = h.post(path, wait=15, key='once')
            self.assertEqual((again.status, again.json()['operation']), (200, first.json()['operation']))
            until('the call stands', lambda: h.get(f'/v1/calls/{call}').status == 200)
            self.assertEqual(h.party(call, 1001)['localConnectionInfo'], 'connected')
            h.all_over()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
