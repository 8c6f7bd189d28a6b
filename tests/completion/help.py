#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the commands say of themselves: each has an example and its exit codes, those that show something
have --json, and the codes are true.  help.py BATON"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BATON = os.path.abspath(sys.argv[1])
OURS = ['--folder', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'profiles')]
# What has no answer that a program would read: who serves, and who writes a script of the shell.
WITHOUT_JSON = {'serve', 'completion'}


def baton(*words):
    got = subprocess.run([BATON, *words], capture_output=True, text=True, timeout=60, check=False,
                         stdin=subprocess.DEVNULL, env={**os.environ, 'BATON_SOCKET': '/nowhere/control'})
    return got.returncode, got.stdout, got.stderr


def section(text, name):
    """The lines that stand indented below a heading."""
    found = re.search(rf'^{name}:\n((?:  .*\n|\n)*)', text, re.M)
    return found.group(1) if found else ''


COMMANDS = re.findall(r'^  ([a-z]+)  ', section(baton('--help')[1], 'Commands'), re.M)


class Help(unittest.TestCase):
    def test_commands(self):
        self.assertGreater(len(COMMANDS), 30)
        for command in COMMANDS:
            code, text, _ = baton(command, '--help')
            self.assertEqual(code, 0, command)
            self.assertRegex(section(text, 'Examples'), rf'(?m)^  .*\bbaton {command}\b', command)
            codes = set(re.findall(r'^  (\d+)  ', section(text, 'Exit codes'), re.M))
            self.assertGreaterEqual(codes, {'0', '2'}, command)
            if command not in WITHOUT_JSON:
                self.assertIn('--json', text, command)

    def test_wrong_words_are_two(self):
        for words in ([], ['nonsense'], *([command, '--nonsense'] for command in COMMANDS)):
            code, out, err = baton(*words)
            self.assertEqual((code, out), (2, ''), (words, err))
            self.assertNotEqual(err, '', words)

    def test_without_a_server_it_is_one(self):
        """A sentence that names the socket, and nothing for a program to read."""
        for words in ('status', 'devices', 'device 1001', 'calls', 'sessions', 'monitors', 'agents', 'peers',
                      'registrations', 'listeners', 'subscribers', 'call c1', 'call hold c1 1001', 'events', 'trace',
                      'trace c1', 'log', 'log level debug', 'drain', 'undrain', 'history', 'diagnose 1001',
                      'token list', 'reload', 'history --csv'):
            code, out, err = baton(*words.split())
            self.assertEqual((code, out), (1, ''), (words, err))
            self.assertIn('/nowhere/control', err, words)
        with tempfile.TemporaryDirectory() as folder:
            code, _, err = baton('backup', folder + '/copy.db')
            self.assertEqual(code, 1, err)
            self.assertEqual(os.listdir(folder), [])

    def test_json_is_json(self):
        for words in (['uui', 'decode', '0401;encoding=hex'], ['profiles', *OURS, 'generic'], ['profiles', *OURS],
                      ['profiles', *OURS, '--explain', 'nobody']):
            _, out, err = baton(*words, '--json')
            json.loads(out)
            self.assertEqual(err, '', words)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
