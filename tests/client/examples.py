# SPDX-License-Identifier: Apache-2.0
"""The examples of examples/client, in C and in JavaScript, with the real server and real calls.

    examples.py BATON FOLDER-OF-PROGRAMS SOURCE NODE
"""
import glob
import os
import queue
import subprocess
import sys
import threading
import unittest

BATON, BUILT, SOURCE, NODE = sys.argv[1:5]
sys.path.insert(0, os.path.join(SOURCE, 'tests', 'api'))
from phones import House, until  # noqa: E402
from server import free_port  # noqa: E402

EXAMPLES = os.path.join(SOURCE, 'examples', 'client')
LONG = 30


def content(path):
    try:
        with open(path, encoding='ascii') as file:
            return file.read()
    except FileNotFoundError:
        return ''


class Program:
    """One example that runs."""

    def __init__(self, house, language, name, *args):
        command = [os.path.join(BUILT, 'client_' + name)] if language == 'c' else [NODE, os.path.join(EXAMPLES, name + '.mjs')]
        env = {**os.environ, 'BATON_URL': getattr(house, 'url', f'http://127.0.0.1:{house.tcp_port}'), 'BATON_TOKEN': house.token}
        self.process = subprocess.Popen([*command, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def line(self):
        try:
            return self.lines.get(timeout=LONG)
        except queue.Empty:
            raise AssertionError('the example says nothing') from None

    def until(self, text):
        seen = []
        while not seen or seen[-1] != text:
            try:
                seen.append(self.lines.get(timeout=LONG))
            except queue.Empty:
                raise AssertionError(f'{text!r} does not come; there was {seen}') from None
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Examples:
    language = None

    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002, 1003), store=True, more='routes: [{name: sales, match: {to: ["7*"]}, '
                      'ask: "1005", targets: [{to: "device:1002"}]}]\n').__enter__()
        cls.h.token = cls.h.post('/v1/tokens', {'name': 'example', 'scopes': ['admin']}).json()['token']

    @classmethod
    def tearDownClass(cls):
        cls.h.__exit__(None, None, None)

    def tearDown(self):
        self.h.all_over()

    def run_example(self, name, *args):
        return Program(self.h, self.language, name, *args)

    def following(self):
        """An example stands and listens."""
        def asked():
            items = self.h.get('/v1/subscribers').json()['items']
            return [i for i in items if i['who'] == 'token:example']
        until('the example listens', asked)

    def gone(self):
        until('the last one has gone', lambda: not [
            i for i in self.h.get('/v1/subscribers').json()['items'] if i['who'] == 'token:example'])

    def setUp(self):
        self.gone()

    def test_click_to_dial(self):
        with self.run_example('click_to_dial', '1001', '1002', 'case 4711') as p:
            call = p.line().removeprefix('call ')
            self.assertEqual(p.line(), '1002 rings')
            self.assertEqual(self.h.get(f'/v1/calls/{call}').json()['uui'][0]['text'], 'case 4711')
            self.h.done(f'/v1/calls/{call}/connections/1002/answer')
            self.assertEqual(p.line(), '1002 has answered')
            self.h.done(f'/v1/calls/{call}/clear')
            self.assertEqual(p.line(), 'over')
            self.assertEqual(p.process.wait(LONG), 0)

    def test_screen_pop(self):
        with self.run_example('screen_pop', '1002', 'https://crm.example/?case={text}&from={caller}') as p:
            self.following()
            self.h.ring(1002, 1003)  # its own call: no pop
            self.h.all_over()
            call = self.h.ring(1001, 1002, userData={'string': '04' + b'a b&c'.hex().upper()})
            self.assertEqual(p.line(), 'https://crm.example/?case=a%20b%26c&from=1001')
            self.h.done(f'/v1/calls/{call}/connections/1002/answer')
            self.h.all_over()
            self.h.ring(1003, 1002)
            self.assertEqual(p.line(), 'https://crm.example/?case=&from=1003')

    def test_wallboard(self):
        with self.run_example('wallboard') as p:
            p.until('0 waiting, 0 standing, 0 ready')
            call = self.h.ring(1001, 1002)
            p.until('1 waiting, 0 standing, 0 ready')
            self.h.done(f'/v1/calls/{call}/connections/1002/answer')
            p.until('0 waiting, 1 standing, 0 ready')
            for state in ('loggedOn', 'ready'):
                self.h.done('/v1/devices/1003/agent', {'requestedAgentState': state, 'agentID': 'lea'})
            p.until('0 waiting, 1 standing, 1 ready')
            self.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'loggedOff', 'agentID': 'lea'})
            self.h.all_over()
            p.until('0 waiting, 0 standing, 0 ready')

    def test_simple_acd(self):
        with self.run_example('simple_acd', '1005') as p:
            self.assertEqual(p.line(), 'registered')
            self.h.phones[1001].say('call sip:71@example.com')
            self.assertRegex(p.line(), r'^call \w+: nobody')  # the rule of the server: 1002
            until('the rule decides', lambda: self.h.get('/v1/devices/1002').json()['calls'])
            self.h.all_over()
            for state in ('loggedOn', 'ready'):
                self.h.done('/v1/devices/1003/agent', {'requestedAgentState': state, 'agentID': 'lea'})
            self.h.phones[1001].say('call sip:72@example.com')
            self.assertRegex(p.line(), r'^call \w+: 1003$')
            until('the agent is called', lambda: self.h.get('/v1/devices/1003').json()['calls'])
            self.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'loggedOff', 'agentID': 'lea'})
            self.h.all_over()
            for route in self.h.get('/v1/routes').json()['items']:  # as a restart of the server would
                self.h.ask('DELETE', '/v1/routes/' + route['routeRegisterReqID'], headers={'Prefer': 'wait=5'})

    def test_recorder(self):
        place = os.path.join(self.h.folder, 'place-' + self.language)
        with self.run_example('recorder', place, '1002') as p:
            self.following()
            call = self.h.talk(1001, 1002)
            self.assertEqual(p.line(), 'start ' + call)
            self.h.done(f'/v1/calls/{call}/connections/1001/hold')
            self.assertEqual(p.line(), 'pause ' + call)
            page = self.h.get('/v1/events?limit=1000&type=held', headers={'Accept': 'application/json'}).json()
            until('its place is kept', lambda: content(place) == page['items'][-1]['sequence'] + '\n')
        self.h.done(f'/v1/calls/{call}/connections/1001/retrieve')
        self.h.done(f'/v1/calls/{call}/clear')
        with self.run_example('recorder', place, '1002') as p:  # what was, while it was not there
            self.assertEqual([p.line(), p.line()], ['go on ' + call, 'stop ' + call])


class InC(Examples, unittest.TestCase):
    language = 'c'


class InJavaScript(Examples, unittest.TestCase):
    language = 'js'


class JavaScriptOverRestarts(unittest.TestCase):
    """kill -9 of the server: test_server.py has the same for C."""

    def house(self, **how):
        port = free_port()
        h = House(BATON, numbers=(1001, 1002), more_listen=(f'tcp:127.0.0.1:{port}',), **how)
        h.url = f'http://127.0.0.1:{port}'
        return h

    def follow(self, h, start):
        return Program(h, 'js', os.path.join('..', '..', 'tests', 'client', 'follow'), start)

    def test_javascript_loses_and_doubles_nothing(self):
        with self.house(store=True) as h:
            h.token = h.post('/v1/tokens', {'name': 'follow', 'scopes': ['admin']}).json()['token']
            with self.follow(h, 'earliest') as p:
                for _ in range(3):
                    call = h.ring(1001, 1002)
                    h.post(f'/v1/calls/{call}/clear')
                    h.process.kill()
                    h.process.wait()
                    h.start()
                    h.all_over()
                want, cursor = [], '0'
                while cursor is not None:
                    page = h.get(f'/v1/events?limit=1000&after={cursor}', headers={'Accept': 'application/json'}).json()
                    want += [f'{e["type"].split(".")[-2]} {e["sequence"]}' for e in page['items']]
                    cursor = page.get('next')
                self.assertGreater(len(want), 20)
                self.assertEqual(p.until(want[-1]), want)


class Size(unittest.TestCase):
    def test_examples_are_short(self):
        files = glob.glob(os.path.join(EXAMPLES, '*.*'))
        self.assertEqual(len(files), 10)
        for path in files:
            with open(path, encoding='utf-8') as file:
                self.assertLess(sum(1 for _ in file), 60, path)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
