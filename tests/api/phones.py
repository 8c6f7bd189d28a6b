# SPDX-License-Identifier: Apache-2.0
"""Phones for tests of the HTTP API: `baton phone`, registered at the server of server.py, and a view of calls by the API.

    with House(BATON, numbers=(1001, 1002, 1003)) as h:
        call = h.talk(1001, 1002)                   they talk; the callID
        h.post(f'/v1/calls/{call}/connections/1001/hold', wait=5)
        h.until_state(call, 1001, 'hold')
"""
import os
import subprocess
import threading
import time

from server import SHORT, Server

DOMAIN = 'example.com'


class Phone:
    def __init__(self, house, number, options=()):
        self.number, self.lines = number, []
        self.process = subprocess.Popen(
            [house.baton, 'phone', '--json', '-s', f'sip:127.0.0.1:{house.sip_port}', *options, f'sip:{number}@{DOMAIN}'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, 'BATON_PASSWORD': f'secret-{number}'})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def say(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()

    def end(self):
        try:
            self.say('quit')
            self.process.wait(SHORT)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.reader.join(SHORT)
        self.process.stdout.close()


def until(what, test):
    """The first true value of `test()`."""
    end = time.monotonic() + SHORT
    while True:
        got = test()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f'waited in vain: {what}')
        time.sleep(0.02)


class House(Server):
    """A server with devices and phones."""

    def __init__(self, baton, numbers=(), more='', **how):
        devices = ', '.join(f'{{number: "{n}", password: secret-{n}}}' for n in range(1001, 1006))
        super().__init__(baton, more=f'domains: [{DOMAIN}]\ndevices: [{devices}]\n' + more, **how)
        self.numbers, self.phones = numbers, {}

    def __enter__(self):
        super().__enter__()
        try:
            for number in self.numbers:
                self.add_phone(number)
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        for phone in self.phones.values():
            phone.end()
        super().__exit__(kind, value, trace)

    def add_phone(self, number, *options):
        self.phones[number] = Phone(self, number, options)
        until(f'{number} is registered', lambda: self.get(f'/v1/devices/{number}').json().get('registered'))

    def post(self, path, body=None, wait=None, key=None, **how):
        headers = {**({'Prefer': f'wait={wait}'} if wait else {}), **({'Idempotency-Key': key} if key else {})}
        return self.ask('POST', path, {} if body is None else body, headers, **how)

    def done(self, path, body=None):
        """It works, once nothing else is going on in the call: the CSTA response, without its name."""
        def ask():
            a = self.post(path, body, wait=15)
            return None if a.status == 409 and a.code == 'resourceBusy' else a
        a = until(path, ask)
        if a.status != 200:
            raise AssertionError(f'{path}: {a.status} {a.body!r}')
        return next(iter(a.json()['result'].values())) if 'result' in a.json() else {}

    # ---- calls ----

    def party(self, call, number):
        a = self.get(f'/v1/calls/{call}/connections/{number}')
        return a.json() if a.status == 200 else {}

    def until_state(self, call, number, state):
        return until(f'{number} {state}', lambda: self.party(call, number).get('localConnectionInfo') == state)

    def until_over(self, call):
        until('the call is over', lambda: self.get(f'/v1/calls/{call}').status == 404)

    def ring(self, a, b, **more):
        """a's phone calls b, which rings. @return callID"""
        made = self.done(f'/v1/devices/{a}/calls', {'calledDirectoryNumber': str(b), 'autoOriginate': 'doNotPrompt', **more})
        call = made['callingDevice']['callID']
        self.until_state(call, b, 'alerting')
        return call

    def talk(self, a, b, **more):
        call = self.ring(a, b, **more)
        self.done(f'/v1/calls/{call}/connections/{b}/answer')
        self.until_state(call, b, 'connected')
        self.until_state(call, a, 'connected')
        return call

    def all_over(self):
        """No call is left."""
        for call in self.get('/v1/calls').json()['items']:
            self.post(f'/v1/calls/{call["callID"]}/clear', wait=5)
        until('no call is left', lambda: not self.get('/v1/calls').json()['items'])
