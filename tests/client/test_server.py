# SPDX-License-Identifier: Apache-2.0
"""libbaton-client and the real server with real calls.  test_server.py BATON PROBE SOURCE"""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(sys.argv[3], 'tests', 'api'))
from phones import House  # noqa: E402
from probe import Probe  # noqa: E402
from server import Server  # noqa: E402

BATON, PROBE = sys.argv[1:3]
CALL = json.dumps({'calledDirectoryNumber': '1002', 'autoOriginate': 'doNotPrompt'}).replace(' ', '')


def past(server, after='0'):
    """All events that the journal has behind `after`, as (type, sequence)."""
    out, cursor = [], after
    while cursor is not None:
        page = server.get(f'/v1/events?limit=1000&after={cursor}', headers={'Accept': 'application/json'}).json()
        out += [(e['type'], e['sequence']) for e in page['items']]
        cursor = page.get('next')
    return out


class OneServer(unittest.TestCase):
    def test_client_requests(self):
        with House(BATON, numbers=(1001, 1002)) as h, Probe(PROBE, 'unix:' + h.socket) as p:
            a = p.ask('GET /v1/devices/1001')
            self.assertEqual((a['outcome'], a['status'], a['json']['number']), (0, 200, '1001'))
            a = p.ask('GET /v1/devices/9999')
            self.assertEqual((a['outcome'], a['status'], a['code']), (-1, 404, 'unknownDevice'))
            self.assertTrue(a['detail'].endswith('.'))
            a = p.ask('POST /v1/devices/1001/calls {"autoOriginate":"maybe"}')
            self.assertEqual((a['code'], a['pointer'], a['category']), ('invalidParameterValue', '/autoOriginate', 'operation'))
            a = p.ask('POST /v1/services/SnapshotDevice {"snapshotObject":"1001"}')
            self.assertEqual((a['outcome'], a['result']), (0, {'crossRefIDorSnapshotData': a['result']['crossRefIDorSnapshotData']}))
            p.say('list /v1/devices?limit=2')
            self.assertEqual(sorted(d['number'] for d in p.next('list')), ['1001', '1002', '1003', '1004', '1005'])
            a = p.ask('PUT /v1/devices/1003/features/doNotDisturb {"doNotDisturbOn":true}')
            self.assertEqual((a['outcome'], a['status']), (0, 200))
            a = p.ask('GET /v1/devices/1003/features/doNotDisturb')
            self.assertEqual(a['json'], {'doNotDisturbOn': True})
            tag = a['etag']
            self.assertEqual(p.ask(f'if_match={tag} PUT /v1/devices/1003/features/doNotDisturb {{"doNotDisturbOn":false}}')['status'], 200)
            self.assertEqual(p.ask(f'if_match={tag} PUT /v1/devices/1003/features/doNotDisturb {{"doNotDisturbOn":true}}')['status'], 412)

    def test_command_and_its_events(self):
        with House(BATON, numbers=(1001, 1002)) as h, Probe(PROBE, 'unix:' + h.socket) as p:
            p.say('follow snapshot devices=1001,1002')
            shot = p.next('event')
            self.assertEqual((shot['kind'], shot['data']['calls']), ('snapshot', []))
            a = p.ask(f'POST /v1/devices/1001/calls {CALL}')
            self.assertEqual(a['outcome'], 0, a)
            call = a['result']['callingDevice']['callID']
            rings = p.events(lambda e: e['type'] == 'delivered' and e['device'] == '1002')[-1]
            self.assertEqual((rings['call'], rings['csta']['cause']), (call, rings['csta']['cause']))
            p.say(f'wait POST /v1/calls/{call}/connections/1002/answer {{}}')
            self.assertEqual(p.next('answer')['result'], {})
            p.events(lambda e: e['type'] == 'established')
            self.assertEqual(p.ask(f'POST /v1/calls/{call}/clear {{}}')['outcome'], 0)
            p.events(lambda e: e['type'] == 'callCleared')

    def test_trust(self):
        with Server(BATON, tls=True) as s:
            url, ca = f'https://127.0.0.1:{s.tls_port}', os.path.join(s.folder, 'ca.pem')
            with Probe(PROBE, url) as p:  # the system does not know that root
                a = p.ask('GET /healthz')
                self.assertEqual((a['outcome'], a['code']), (-2, 'certificate'))
                p.say('follow now')
                self.assertEqual(p.next('end')['code'], 'certificate')
            with Probe(PROBE, url, ca=ca) as p:
                self.assertEqual(p.ask('GET /healthz')['status'], 200)
                self.assertEqual(p.ask('GET /v1/status')['status'], 401)
            with Probe(PROBE, url.replace('127.0.0.1', '127.0.0.2'), ca=ca, patience=100, backoff=10) as p:
                self.assertEqual(p.ask('GET /healthz')['outcome'], -2)  # not its name, or nobody there

    def test_token(self):
        with House(BATON, store=True) as h:
            made = h.post('/v1/tokens', {'name': 'wall', 'scopes': ['observe:10*']}).json()
            with Probe(PROBE, f'http://127.0.0.1:{h.tcp_port}', token='bt_wrong_token') as p:
                self.assertEqual(p.ask('GET /v1/whoami')['status'], 401)
                p.say('follow now')
                self.assertEqual(p.next('end')['status'], 401)
                p.say('token ' + made['token'])
                self.assertEqual(p.ask('GET /v1/whoami')['json']['name'], 'token:wall')
                self.assertEqual(p.ask('POST /v1/devices/1001/calls {}')['code'], 'scopeMissing')


class Restarts(unittest.TestCase):
    def test_killed_server_costs_no_event(self):
        """kill -9 in the middle of calls: each event once, in order, over the same stream."""
        with House(BATON, numbers=(1001, 1002), store=True) as h, \
                Probe(PROBE, 'unix:' + h.socket, backoff=200) as p:
            p.say('follow earliest')
            for _ in range(4):
                a = p.ask(f'POST /v1/devices/1001/calls {CALL}')
                self.assertEqual(a['outcome'], 0, a)
                call = a['result']['callingDevice']['callID']
                p.say(f'ask POST /v1/calls/{call}/clear {{}}')  # in the middle of which
                p.next('sent')
                h.process.kill()
                h.process.wait()
                h.start()
                self.assertNotEqual(p.next('answer')['status'], 0)  # what stands of the call is another matter
                h.all_over()
            want = past(h)
            self.assertGreater(len(want), 20)
            got = p.events(lambda e: e['sequence'] == want[-1][1])
            self.assertEqual([e['sequence'] for e in got], [sequence for _, sequence in want])
            self.assertTrue(all(e['kind'] == 'event' for e in got))

    def test_command_waits_for_a_server(self):
        """Given while there is none, it is carried out once there is one; and once."""
        with House(BATON, numbers=(1001, 1002), store=True) as h, \
                Probe(PROBE, 'unix:' + h.socket, backoff=200) as p:
            h.stop()
            p.say(f'ask POST /v1/devices/1001/calls {CALL}')
            p.next('sent')
            h.start()
            a = p.next('answer')
            self.assertEqual(a['outcome'], 0, a)
            self.assertEqual([c['callID'] for c in h.get('/v1/calls').json()['items']], [a['result']['callingDevice']['callID']])

    def test_journal_that_is_gone(self):
        """A journal in memory is gone with its server: that is said, and what comes then is not lost."""
        with House(BATON, numbers=(1001, 1002)) as h, Probe(PROBE, 'unix:' + h.socket, backoff=200) as p:
            p.say('follow snapshot')
            self.assertEqual(p.next('event')['kind'], 'snapshot')
            a = p.ask(f'POST /v1/devices/1001/calls {CALL}')
            p.events(lambda e: e['type'] == 'delivered')
            h.process.kill()
            h.process.wait()
            h.start()
            got = p.events(lambda e: e['kind'] == 'snapshot')
            self.assertIn('gap', [e['kind'] for e in got])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
