#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the log says of calls, and what it never says: planted secrets and User-to-User are sought in the
log of a whole run, at level debug.  test_log.py BATON GEN_API TABLE"""
import json
import re
import socket
import sys
import unittest

from phones import House, until

BATON = sys.argv[1]
UUI = b'\x04planted-User-to-User'
TOKEN = 'bt_0123456789abcdef_' + 'PlantedSecretOfAToken' * 2
SPELLINGS = [UUI.hex(), UUI.hex().upper(), UUI[1:].decode(), 'planted-User']


def datagram(house, method, target, lines):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        s.settimeout(20)
        port = s.getsockname()[1]
        s.sendto((f'{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}\r\n'
                  f'From: <sip:x:PlantedInUserinfo@127.0.0.1>;tag=1\r\nTo: <{target}>\r\nCall-ID: planted-{port}\r\n'
                  f'CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:x@127.0.0.1:{port}>\r\n{lines}'
                  'Content-Length: 0\r\n\r\n').encode(), ('127.0.0.1', house.sip_port))
        s.recv(65536)


def whole_run(house):
    """Registrations, a call with User-to-User from an application, refusals that quote, a wrong token."""
    call = house.talk(1001, 1002, userData={'string': UUI.hex()})
    house.done(f'/v1/calls/{call}/connections/1002/hold')
    house.done(f'/v1/calls/{call}/connections/1001/clear')
    house.until_over(call)
    uri = f'sip:1009@example.com?User-to-User={UUI.hex()}%3Bencoding%3Dhex'
    quoted = f'sip:User-to-User={UUI.hex()}@example.com'
    for method, target in (('INVITE', uri), ('FROB', quoted), ('INVITE', quoted), ('OPTIONS', quoted)):
        datagram(house, method, target, f'User-to-User: {UUI.hex()};encoding=hex\r\nRequire: what\r\n'
                 'Authorization: Digest username="1001", realm="x", nonce="y", uri="z", response="PlantedResponse"\r\n')
    house.ask('GET', '/v1/devices', headers={'Authorization': 'Bearer ' + TOKEN}, face='tcp')
    house.ask('GET', '/v1/devices?token=PlantedInQuery', face='tcp')
    house.ask('GET', '/v1/calls/' + TOKEN)
    return call


class Log(unittest.TestCase):
    def check_nothing_planted(self, log, spellings):
        for line in log.split('\n'):
            for planted in ['secret-1001', 'secret-1002', 'PlantedSecretOfAToken', 'PlantedResponse', 'PlantedInUserinfo',
                            'PlantedInQuery', *spellings]:
                self.assertNotIn(planted, line)

    def test_nothing_planted_is_in_it(self):
        with House(BATON, numbers=(1001, 1002)) as h:
            whole_run(h)
            log = h.log()
        self.assertGreater(len(log), 2000)
        self.check_nothing_planted(log, SPELLINGS)

    def test_full_shows_values_and_no_secret(self):
        with House(BATON, numbers=(1001, 1002), more='log: {level: debug, uui: full}\n') as h:
            whole_run(h)
            log = h.log()
        self.assertIn(UUI.hex(), log)  # the test above is not blind
        self.check_nothing_planted(log, [])

    def test_lines_of_a_call_name_it(self):
        with House(BATON, numbers=(1001, 1002), more='log: {level: debug, format: json}\n') as h:
            call = whole_run(h)
            until('the end is told', lambda: 'ended' in h.log())
            lines = [json.loads(line) for line in h.log().split('\n') if line.startswith('{')]
        of_call = [line for line in lines if line['module'] == 'call' and re.match(call + ': ', line['text'])]
        self.assertGreater(len(of_call), 4)
        for line in of_call:
            self.assertEqual(line['callID'], call, line)
            self.assertTrue(line.get('sipCallID'), line)
            self.assertIn(line.get('device'), ('sip:1001@example.com', 'sip:1002@example.com'), line)
        self.assertTrue([line for line in lines if line.get('device') == 'sip:1001@example.com' and line['module'] == 'registrar'])
        api = [line for line in lines if line['module'] == 'api' and f'/v1/calls/{call}' in line['text']]
        self.assertTrue(api)
        for line in api:
            self.assertEqual(line['callID'], call)
            self.assertTrue(line['request'].isdigit() and line['who'].startswith('uid:'), line)

    def test_a_device_has_one_name(self):
        """Whatever a request calls it, one search finds all that is said of it."""
        spellings = ('1001', 'sip:1001@example.com', 'sip%3A1001%40example.com', '1001@example.com',
                     'tel:1001;phone-context=example.com')
        with House(BATON, numbers=(1001,), more='log: {level: debug, format: json}\n', store=True) as h:
            for name in spellings:
                self.assertEqual(h.get(f'/v1/devices/{name}').status, 200, name)
                self.assertEqual(h.post(f'/v1/devices/{name}/calls', {'calledDirectoryNumber': '1777'}, wait=1).status, 404)
            self.assertEqual(h.get('/v1/devices/1777').status, 404)
            lines = [json.loads(line) for line in h.log().split('\n') if line.startswith('{')]
            events = h.get('/v1/events?from=earliest&type=org.baton.audit.v1', headers={'Accept': 'application/json'}).json()
        asked = [line for line in lines if line['module'] == 'api' and '/v1/devices/' in line['text'] and '1777' not in line['text']]
        self.assertGreaterEqual(len(asked), 2 * len(spellings))
        for line in asked:
            self.assertEqual(line['device'], 'sip:1001@example.com', line)
        noted = [line for line in lines if line['module'] == 'audit']
        self.assertEqual([line.get('device') for line in noted], ['sip:1001@example.com'] * len(spellings), noted)
        self.assertEqual({e['data'].get('deviceID') for e in events['items']}, {'1001@example.com'}, events)
        self.assertEqual([line['device'] for line in lines if line['module'] == 'api' and '/1777' in line['text']], ['1777'])

    def test_no_line_is_forged(self):
        """What clients send stays within the line that tells of it, and cannot steer a terminal."""
        forged = '\n2026-01-31T12:00:00.123Z error store: the disk is gone'
        with House(BATON, numbers=(1001,), more='log: {level: debug}\n') as h:
            for text in (forged, '\r' + forged, '\x1b[2J', '\x00', '\x7f', '\u0085', '\u009b2J', '\x08', 'x" who="uid:0'):
                coded = ''.join(f'%{b:02x}' for b in text.encode())
                for path in (f'/v1/devices/{coded}', f'/v1/devices/{coded}/calls', f'/v1/calls/{coded}', f'/v1/{coded}',
                             f'/v1/devices?after={coded}', f'/v1/devices?{coded}=1', f'/v1/operations/{coded}'):
                    for method, body in (('GET', None), ('POST', json.dumps({'calledDirectoryNumber': text}))):
                        self.assertLess(h.fetch(method, path, body, {'Content-Type': 'application/json'}).status, 500, path)
                h.post('/v1/devices/1001/calls', {'calledDirectoryNumber': text, 'userData': {'string': '0461'}, 'x' + text: text})
                h.ask('PUT', '/v1/admin/log', {'level': text, 'module': text, 'follow': text})
                h.ask('POST', '/v1/tokens', {'name': text, 'scopes': [text]})
            for octets in (b'\x1b[2J', b'\x9b', b'\xc2\x9b', b'\x00', b'\x0b'):
                with socket.create_connection(('127.0.0.1', h.tcp_port), 20) as s:
                    s.sendall(b'GET /v1/devices/' + octets + b' HTTP/1.1\r\nHost: x\r\nUser-Agent: ' + octets
                              + b'\r\ntraceparent: ' + octets + b'\r\nConnection: close\r\n\r\n')
                    s.recv(4096)
            with open(h.log_path, 'rb') as f:
                log = f.read()
        self.assertIn(b'who=\\"uid:0', log)  # it has been there
        for line in log.split(b'\n')[:-1]:
            text = line.decode()  # no broken UTF-8 either
            self.assertRegex(text, r'^[0-9T:.Z-]{24} (debug|info|warn|error) +[a-z]+: ')
            self.assertNotRegex(text, r'^\S+ error store: the disk')
            self.assertFalse([c for c in text if ord(c) < 32 or 127 <= ord(c) < 160], line)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
