#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells.  check.py BATON BASH_SCRIPT ZSH_SCRIPT

bash is asked as it asks when somebody presses the tabulator: by the function that `complete` names.
zsh runs the function with a compadd that prints. Devices and calls are those that a small server
at a UNIX socket knows.
"""
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

BATON, BASH, ZSH = (os.path.abspath(name) for name in sys.argv[1:4])
LISTS = {'/v1/devices': [{'number': '1001'}, {'number': '1002'}, {'number': '2001'}],
         '/v1/calls': [{'callID': 'c1'}, {'callID': 'd2'}]}

ASK_BASH = '''
[ -e /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
. "$1"; shift
complete -p baton | grep -q -- '-F _baton' || exit 3
COMP_WORDS=(baton "$@"); COMP_CWORD=$#
_baton
printf '%s\\n' "${COMPREPLY[@]}"
'''
ASK_ZSH = '''
compadd() { shift; print -l -- $@ }
_files() { print -l FILES }
. $1; shift
words=(baton "$@"); CURRENT=$(( $# + 1 ))
_baton
'''


def ask(shell, script, text, words, env, folder):
    out = subprocess.run([shell, '-c', text, shell, script, *words], cwd=folder, env=env, capture_output=True,
                         text=True, timeout=60)
    assert out.returncode in (0, 1) and not out.stderr, (words, out.returncode, out.stderr)
    return sorted(set(line for line in out.stdout.split('\n') if line))


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({'items': LISTS[self.path.split('?')[0]]}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return 'unix'

    def log_message(self, *args):
        pass


class AtSocket(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='baton-complete-')
        path = os.path.join(cls.folder, '.control')
        cls.server = AtSocket(path, Answers)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        os.symlink(BATON, os.path.join(cls.folder, 'baton'))
        for name in ('baton.yaml', 'basket'):
            with open(os.path.join(cls.folder, name), 'w', encoding='ascii'):
                pass
        cls.env = {**os.environ, 'PATH': cls.folder + ':' + os.environ['PATH'], 'BATON_SOCKET': path}

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        shutil.rmtree(cls.folder)

    def bash(self, *words, env=None):
        return ask('bash', BASH, ASK_BASH, words, env or self.env, self.folder)

    def test_commands(self):
        self.assertEqual(self.bash('dev'), ['device', 'devices'])
        self.assertEqual(self.bash('un'), ['undrain'])
        self.assertIn('serve', self.bash(''))
        self.assertEqual(self.bash('--ver'), ['--version'])
        self.assertEqual(self.bash('help', 'rest'), ['restore'])

    def test_every_command_is_there(self):
        text = subprocess.run([BATON, 'help'], capture_output=True, text=True, check=True).stdout
        known = text[text.index('\nCommands:'):text.index('\nExamples:')]
        names = [line.split()[0] for line in known.split('\n')[2:] if line.startswith('  ') and line[2] != ' ']
        self.assertGreater(len(names), 25)
        self.assertEqual(sorted(names + ['help']), self.bash(''))

    def test_options_of_each(self):
        self.assertEqual(self.bash('events', '--f'), ['--follow', '--from'])
        self.assertEqual(self.bash('status', '--j'), ['--json'])
        self.assertEqual(self.bash('history', '--c'), ['--config', '--csv'])
        self.assertIn('--help', self.bash('drain', '--'))

    def test_words_and_values(self):
        self.assertEqual(self.bash('trace', '--format', ''), ['json', 'pcap', 'svg'])
        self.assertEqual(self.bash('log', 'level', 'd'), ['debug', 'default'])
        self.assertEqual(self.bash('log', 'fo'), ['follow'])
        self.assertEqual(self.bash('completion', ''), ['bash', 'zsh'])
        self.assertEqual(self.bash('call', 'tr'), ['transfer'])
        self.assertEqual(self.bash('history', '--since', ''), [])  # a time: nothing to offer

    def test_files(self):
        self.assertEqual(self.bash('serve', '-c', 'ba'), ['basket', 'baton', 'baton.yaml'])
        self.assertEqual(self.bash('serve', '--config', 'baton.'), ['baton.yaml'])
        self.assertEqual(self.bash('restore', 'bask'), ['basket'])

    def test_devices_and_calls_of_the_running_server(self):
        self.assertEqual(self.bash('device', ''), ['1001', '1002', '2001'])
        self.assertEqual(self.bash('device', '10'), ['1001', '1002'])
        self.assertEqual(self.bash('call', 'make', '1001', '2'), ['2001'])
        self.assertEqual(self.bash('events', '--follow', '--device', '2'), ['2001'])
        self.assertEqual(self.bash('call', 'hold', ''), ['c1', 'd2'])
        self.assertEqual(self.bash('call', 'hold', 'c1', '10'), ['1001', '1002'])
        self.assertEqual(self.bash('call', ''), sorted(['c1', 'd2', 'answer', 'clear', 'deflect', 'hold', 'make', 'retrieve', 'transfer']))

    def test_no_server_no_devices(self):
        env = {**self.env, 'BATON_SOCKET': '/nowhere/control'}
        self.assertEqual(self.bash('device', '', env=env), [])
        self.assertEqual(self.bash('call', 'make', '', env=env), [])

    @unittest.skipUnless(shutil.which('zsh'), 'zsh is missing (make test-deps)')
    def test_zsh(self):
        def zsh(*words):
            return ask('zsh', ZSH, ASK_ZSH, words, self.env, self.folder)
        self.assertIn('devices', zsh(''))
        self.assertEqual(zsh('trace', '--format', ''), ['json', 'pcap', 'svg'])
        self.assertEqual(zsh('device', ''), ['1001', '1002', '2001'])
        self.assertEqual(zsh('serve', '-c', ''), ['FILES'])
        self.assertIn('--follow', zsh('events', '--'))
        self.assertEqual(zsh('call', 'make', '1001', ''), ['1001', '1002', '2001'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
