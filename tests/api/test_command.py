#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What commands print with --json is what the API has told them: held against its documents.  test_command.py BATON GEN_API TABLE"""
import json
import os
import signal
import subprocess
import sys
import unittest

import contract
from phones import House, until

BATON = sys.argv[1]


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002, 1003), store=True,
                      more='applications: [{name: crm, password: secret-crm, grants: ["*"]}]\n'
                      'peers: [{name: pbx, uri: "sip:127.0.0.1:9"}]\n').__enter__()
        cls.addClassCleanup(cls.h.__exit__, None, None, None)
        cls.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'loggedOn', 'agentID': 'lea'})
        cls.call = cls.h.talk(1001, 1002, userData={'string': '044849'}, correlatorData={'string': 'AB12'})
        cls.watcher = subprocess.Popen([BATON, 'csta', '-s', f'127.0.0.1:{cls.h.sip_port}', '-u', 'crm@example.com', 'monitor', '1001'],
                                       env={**os.environ, 'BATON_PASSWORD': 'secret-crm'}, stdout=subprocess.DEVNULL)
        cls.addClassCleanup(cls.watcher.wait)
        cls.addClassCleanup(cls.watcher.send_signal, signal.SIGINT)  # it says goodbye, and first of all: the last one that was added
        until('a monitor', lambda: cls.h.get('/v1/monitors').json()['items'])

    def say(self, *words, code=0):
        got = subprocess.run([BATON, *words, '--json', '--socket', self.h.socket], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(got.returncode, code, f'baton {" ".join(words)}: {got.stderr}')
        return got.stdout

    def test_single_things(self):
        for words, schema, code in ((['status'], 'Status', 0), (['device', '1001'], 'Device', 0), (['call', self.call], 'Call', 0),
                                    (['diagnose', '1001'], 'Diagnosis', 0), (['trace', self.call], 'Trace', 0), (['log'], 'LogLevels', 0),
                                    (['log', 'level', 'debug'], 'LogLevels', 0), (['undrain'], 'Draining', 0),
                                    (['reload'], 'Reloaded', 0)):
            with self.subTest(words):
                contract.valid(self.h, schema, json.loads(self.say(*words, code=code)))

    def test_lists(self):
        with self.h.connect('unix') as follower:  # so that there is one
            follower.sendall(b'GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
            self.assertTrue(follower.recv(4096).startswith(b'HTTP/1.1 200 '))
            until('a follower', lambda: self.h.get('/v1/subscribers').json()['items'])
            for word, schema in (('devices', 'DeviceList'), ('calls', 'CallList'), ('sessions', 'SessionList'), ('monitors', 'MonitorList'),
                                 ('agents', 'AgentList'), ('peers', 'PeerList'), ('registrations', 'RegistrationList'),
                                 ('listeners', 'Listeners'), ('subscribers', 'SubscriberList'), ('trace', 'TraceList')):
                with self.subTest(word):
                    items = json.loads(self.say(word))
                    self.assertTrue(items)
                    contract.valid(self.h, schema, items, 'items')

    def test_events(self):
        lines = self.say('events', '--from', 'earliest').splitlines()
        self.assertGreater(len(lines), 4)
        for line in lines:
            contract.message(self.h, 'follow', json.loads(line))

    def test_tokens(self):
        contract.valid(self.h, 'MadeToken', json.loads(self.say('token', 'create', 'wall', '--scope', 'observe:*')))
        contract.valid(self.h, 'TokenList', json.loads(self.say('token', 'list')), 'items')

    def test_a_command(self):
        said = json.loads(self.say('call', 'hold', self.call, '1001'))
        contract.valid(self.h, 'Operation', said)
        self.h.until_state(self.call, 1001, 'hold')
        self.say('call', 'retrieve', self.call, '1001')
        self.h.until_state(self.call, 1001, 'connected')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
