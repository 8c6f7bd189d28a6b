#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What commands say with --json has the form that docs/cli.md promises: objects of the API that of openapi.json, their
own that of docs/cli.schema.json. test_cli.py BATON GEN_API TABLE
"""
import copy
import json
import os
import re
import subprocess
import sys
import unittest

import contract
from phones import House
from server import SHORT

BATON = os.path.abspath(sys.argv[1])
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
PROFILES = os.path.join(SOURCE, 'profiles')
MORE = '''dial_plans: [{name: office, country: "49", area: "30", trunk: "0", international: "00"}]
routes:
  - {name: night, match: {to: ["70*"]}, action: refuse, status: 480}
  - {name: sales, match: {to: ["8*"]}, targets: [{to: "device:1002"}]}
'''
LISTS = {'devices': 'DeviceList', 'calls': 'CallList', 'sessions': 'SessionList', 'monitors': 'MonitorList',
         'agents': 'AgentList', 'peers': 'PeerList', 'registrations': 'RegistrationList', 'listeners': 'Listeners',
         'subscribers': 'SubscriberList'}
with open(os.path.join(SOURCE, 'docs', 'cli.schema.json'), encoding='utf-8') as FILE:
    OWN = json.load(FILE)


def own(name, value):
    """It has that form of docs/cli.schema.json, and no member besides."""
    if contract.jsonschema is None:
        return
    whole = copy.deepcopy(OWN)
    contract.strict(whole['$defs'])
    judge = contract.jsonschema.Draft202012Validator({'$ref': f'#/$defs/{name}', '$defs': whole['$defs']})
    error = contract.jsonschema.exceptions.best_match(judge.iter_errors(value))
    if error is not None:
        raise AssertionError(f'{name}: {error.message[:300]}: {json.dumps(value)[:1000]}')
    SHOWN.add(name)


SHOWN = set()


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002), store=True, more=MORE).__enter__()
        cls.addClassCleanup(lambda: cls.h.__exit__(None, None, None))
        cls.call = cls.h.talk(1001, 1002, userData={'string': '04414243'})

    @classmethod
    def tearDownClass(cls):
        cls.h.all_over()

    def run_it(self, *words, code=0, given=''):
        done = subprocess.run([BATON, *words], input=given, text=True, cwd=self.h.folder, capture_output=True, check=False,
                              timeout=3 * SHORT, env={**os.environ, 'BATON_SOCKET': self.h.socket})
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout

    def said(self, *words, **how):
        return json.loads(self.run_it(*words, '--json', **how))

    def lines(self, *words, **how):
        lines = [json.loads(line) for line in self.run_it(*words, '--json', **how).splitlines()]
        self.assertTrue(lines, words)
        return lines

    def test_lists_of_the_server(self):
        for command, form in LISTS.items():
            contract.valid(self.h, form, self.said(command), 'items')
        self.assertEqual([d['number'] for d in self.said('devices')], [str(n) for n in range(1001, 1006)])

    def test_objects_of_the_server(self):
        for words, form in ((('status',), 'Status'), (('device', '1001'), 'Device'), (('call', self.call), 'Call'),
                            (('diagnose', '1001'), 'Diagnosis'), (('trace', self.call), 'Trace'), (('log',), 'LogLevels'),
                            (('reload',), 'Reloaded'), (('drain',), 'Draining'), (('undrain',), 'Draining')):
            contract.valid(self.h, form, self.said(*words))

    def test_what_is_done_with_calls(self):
        for verb in ('hold', 'retrieve'):
            contract.valid(self.h, 'Operation', self.said('call', verb, self.call, '1001'))
        self.assertEqual(self.run_it('call', 'make', '1003', '1004', '--json', code=1), '')  # nobody is there

    def test_tokens(self):
        contract.valid(self.h, 'MadeToken', self.said('token', 'create', 'wall', '--scope', 'observe:*'))
        contract.valid(self.h, 'TokenList', self.said('token', 'list'), 'items')
        self.assertEqual(self.run_it('token', 'revoke', 'wall', '--json'), '')

    def test_what_was(self):
        for event in self.lines('events', '--from', 'earliest', '--limit', '100'):
            contract.message(self.h, 'follow', event)
        for row in self.lines('history'):
            contract.valid(self.h, 'HistoryCall', row)

    def test_values_of_user_to_user(self):
        for value, code in (('04C801;encoding=hex;purpose=isdn-uui', 0), ('04C8ZZ;encoding=hex', 1), ('a;b=c', 1)):
            contract.valid(self.h, 'UuiList', self.said('uui', 'decode', value, code=code), 'items')
            contract.valid(self.h, 'UuiLint', self.said('uui', 'lint', '--value', value, code=code))

    def test_seals(self):
        keys = os.path.join(self.h.folder, 'keys.yaml')
        self.run_it('uui', 'keygen', '--identity', 'sip:crm@example.com', '--out', keys)
        sealed = self.run_it('uui', 'seal', '--keys', keys, '--key', '1', '--text', 'hello').strip()
        [opened] = self.lines('uui', 'open', '--keys', keys, sealed)
        own('Opened', opened)
        self.assertEqual((opened['seal'], opened['octets']), ('ok', b'hello'.hex().upper()))
        [plain] = self.lines('uui', 'open', '--keys', keys, '04C801;encoding=hex', code=1)
        own('Opened', plain)

    def test_profiles(self):
        every = self.said('profiles', '--folder', PROFILES)
        for entry in every:
            own('ProfileEntry', entry)
        for profile in self.said('profiles', '--folder', PROFILES, *(entry['name'] for entry in every)):
            own('Profile', profile)
        for agent, name in (('Yealink SIP-T46S 66.84', 'yealink'), ('nobody knows it', None)):
            said = self.said('profiles', '--folder', PROFILES, '--explain', agent, code=0 if name else 1)
            own('ProfileChoice', said)
            self.assertEqual(said['profile'] and said['profile']['name'], name)
        for entry in self.said('profiles', '--check', os.path.join(PROFILES, 'yealink.yaml')):
            own('ProfileChecked', entry)

    def test_numbers(self):
        for text in ('1001', 'sip:1001@example.com', 'sip:x@elsewhere.example', 'tel:4711;phone-context=+4930', '0301234'):
            for number in self.said('number', 'test', '-c', 'baton.yaml', text, code=0 if '1001' in text else 1):
                own('Number', number)
                self.assertEqual(number['text'], text)

    def test_routes(self):
        for to, member in (('701', 'status'), ('81', 'targets'), ('1002', 'default')):
            said = self.said('route', 'explain', '-c', 'baton.yaml', '--to', to)
            own('RouteExplained', said)
            self.assertIn(member, said)

    def test_the_database(self):
        own('DatabaseCopy', self.said('backup', 'copy.db', '--force'))
        own('DatabaseCopy', self.said('restore', '--check', 'copy.db'))
        own('DatabaseCopy', self.said('restore', 'copy.db', '--database', 'restored.db'))

    def test_zz_the_page_names_every_form(self):
        """What tests/service/test_upgrade.py shows is the one that is not shown here."""
        with open(os.path.join(SOURCE, 'docs', 'cli.md'), encoding='utf-8') as file:
            page = file.read()
        for name in OWN['$defs']:
            self.assertRegex(page, rf'`{name}`')
        if contract.jsonschema is not None:
            self.assertEqual(set(OWN['$defs']) - SHOWN, {'Upgraded'})
            for name in re.findall(r'`([A-Z]\w+)`', page):
                forms = contract.documents(self.h)['openapi'].raw['components']['schemas']
                self.assertTrue(name in forms or name in OWN['$defs'], name)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
