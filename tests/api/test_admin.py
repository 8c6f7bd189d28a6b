#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What those ask who run the server: reload, drain, log, backup, listeners, metrics, health.
test_admin.py BATON GEN_API TABLE"""
import os
import re
import socket
import sqlite3
import sys
import time
import unittest

from server import SHORT, Server, free_port

BATON = sys.argv[1]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'src')
DEVICES = 'devices: [{number: "1001"}, {number: "1002"}]\n'
TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'


def sip(server, method, number, lines=''):
    """The status of the answer to one request over UDP, trying not counted."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        s.settimeout(SHORT)
        port = s.getsockname()[1]
        uri = f'sip:{number}@127.0.0.1:{server.sip_port}'
        s.sendto((f'{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}\r\n'
                  f'From: <sip:x@127.0.0.1>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {port}@x\r\nCSeq: 1 {method}\r\n'
                  f'Max-Forwards: 70\r\nContact: <sip:x@127.0.0.1:{port}>\r\n{lines}Content-Length: 0\r\n\r\n').encode(),
                 ('127.0.0.1', server.sip_port))
        while True:
            status = int(s.recv(65536).split(b' ')[1])
            if status >= 200:
                return status


def wait_for(what, *args):
    end = time.monotonic() + SHORT
    while not what(*args):
        if time.monotonic() > end:
            raise AssertionError('it does not happen')
        time.sleep(0.02)


class Running(unittest.TestCase):
    def setUp(self):
        self.s = Server(BATON, more=DEVICES, store=True).__enter__()
        self.addCleanup(lambda: self.s.__exit__(None, None, None))

    def change(self, old, new):
        with open(self.s.config, encoding='utf-8') as file:
            text = file.read()
        self.assertIn(old, text)
        with open(self.s.config, 'w', encoding='utf-8') as file:
            file.write(text.replace(old, new))

    def test_reload_says_what_changed(self):
        a = self.s.ask('POST', '/v1/admin/reload')
        self.assertEqual(a.status, 200, a.body)
        self.assertEqual((a.json()['changed'], a.json()['needsRestart']), ([], []))
        self.change(DEVICES, 'devices: [{number: "1001"}, {number: "1003"}, {number: "1004"}]\n'
                             'routes: [{name: one, action: refuse}]\nlimits: {calls: 7}\n')
        said = self.s.ask('POST', '/v1/admin/reload').json()
        self.assertTrue(said['taken'])
        self.assertEqual(sorted(said['changed']), ['devices', 'routes'])
        self.assertEqual(said['needsRestart'], ['limits.calls'])
        self.assertEqual((said['devices'], said['devicesGone'], said['routes']), (3, 1, 1))

    def test_reload_says_what_is_wrong(self):
        self.change(DEVICES, 'devices: [{number: 1001, colour: red}]\n')
        a = self.s.ask('POST', '/v1/admin/reload')
        self.assertEqual((a.status, a.code), (422, 'configurationWrong'))
        self.assertRegex(a.json()['detail'], r'baton\.yaml, line \d+, column \d+: .*colour.*goes on as it was')
        self.assertIn('not taken over', self.s.log())

    def test_drain_lets_no_calls_in(self):
        before = sip(self.s, 'INVITE', '1001')
        self.assertNotEqual(before, 503)
        self.assertEqual(self.s.get('/readyz').status, 200)
        said = self.s.ask('POST', '/v1/admin/drain').json()
        self.assertEqual(said, {'draining': True, 'calls': 0, 'proxied': 0, 'sessions': 0})
        self.assertEqual(sip(self.s, 'INVITE', '1001'), 503)
        self.assertNotEqual(sip(self.s, 'INVITE', '112'), 503)
        self.assertEqual(sip(self.s, 'REGISTER', '1001'), 401)
        made = self.s.ask('POST', '/v1/devices/1001/calls', {'calledDirectoryNumber': '1002'})
        self.assertEqual((made.status, made.code), (503, 'internalResourceBusy'))
        self.assertIn('drained', made.json()['detail'])
        ready = self.s.get('/readyz', face='tcp')
        self.assertEqual((ready.status, ready.code), (503, 'draining'))
        self.assertEqual(self.s.get('/healthz', face='tcp').status, 200)
        self.assertIn('baton_drained_calls_total 1\n', self.metrics())
        self.assertIn('baton_draining 1\n', self.metrics())
        self.assertFalse(self.s.ask('POST', '/v1/admin/drain', {'drain': False}).json()['draining'])
        self.assertEqual(sip(self.s, 'INVITE', '1001'), before)
        self.assertEqual(self.s.ask('POST', '/v1/admin/drain', {'drain': 1}).status, 422)
        self.assertEqual(self.s.ask('POST', '/v1/admin/drain', '[]').status, 415)

    def test_levels_of_the_log(self):
        self.assertEqual(self.s.get('/v1/admin/log').json(), {'level': 'debug', 'modules': {}, 'follow': []})
        want = {'level': 'error', 'modules': {'server': 'info', 'sip': 'warn'}, 'follow': [{'id': 'nobody', 'seconds': 60}]}
        a = self.s.ask('PUT', '/v1/admin/log', want)
        self.assertEqual((a.status, a.json()), (200, want))
        self.assertIn('baton_log_followed 1\n', self.metrics())
        mark = len(self.s.log())
        self.s.ask('POST', '/v1/admin/drain', {'drain': True})
        self.assertIn('drained: no new calls', self.s.log()[mark:])
        self.assertIn('who=uid:', self.s.log()[mark:])
        self.assertNotIn('/v1/admin/drain', self.s.log()[mark:])  # a line of api, level debug
        self.s.ask('PUT', '/v1/admin/log', {'modules': {'server': None, 'sip': None}, 'follow': [{'id': 'nobody', 'seconds': 0}]})
        self.assertEqual(self.s.get('/v1/admin/log').json(), {'level': 'error', 'modules': {}, 'follow': []})
        for body, pointer in (({'level': 'loud'}, '/level'), ({'modules': {'sip': 'loud'}}, '/modules'),
                              ({'modules': []}, '/modules'), ({'follow': [{'id': 'x'}]}, '/follow'),
                              ({'follow': [{'id': '', 'seconds': 1}]}, '/follow'),
                              ({'follow': [{'id': 'x', 'seconds': 86401}]}, '/follow')):
            a = self.s.ask('PUT', '/v1/admin/log', body)
            self.assertEqual((a.status, a.json()['pointer']), (422, pointer), body)
        many = {'follow': [{'id': f'm{n}', 'seconds': 60} for n in range(40)]}
        self.assertEqual(self.s.ask('PUT', '/v1/admin/log', many).status, 409)
        self.s.ask('PUT', '/v1/admin/log', {'follow': [{**one, 'seconds': 0} for one in many['follow']]})

    def test_a_module_that_is_none_is_refused_with_those_that_are(self):
        """The list is that of the program: every name with which a line is written, and no other."""
        for name in ('nosuchmodule', '', 'ä' * 40, 'sipx'):
            for level in ('debug', None):
                a = self.s.ask('PUT', '/v1/admin/log', {'modules': {'sip': 'warn', name: level}})
                self.assertEqual((a.status, a.json()['code']), (422, 'noSuchModule'), name)
        self.assertEqual(self.s.get('/v1/admin/log').json()['modules'], {})
        known = a.json()['detail'].split('There are ')[1].rstrip('.').split(', ')
        written = set()
        for folder, _, names in os.walk(SOURCES):
            for name in (n for n in names if n.endswith('.c')):
                with open(os.path.join(folder, name), encoding='utf-8') as f:
                    written.update(re.findall(r'\b(?:env_trace|env_trace_of|log_fmt|log_fmt_of|'
                                              r'log_write|report_request|log)\s*\((?:[^;{"]*,)?\s*"([a-z]+)",', f.read()))
        self.assertEqual(known, sorted(written))
        for name in known:
            self.assertEqual(self.s.ask('PUT', '/v1/admin/log', {'modules': {name: 'debug'}}).status, 200, name)
            self.s.ask('PUT', '/v1/admin/log', {'modules': {name: None}})

    def test_who_is_followed_is_written_whatever_the_level(self):
        self.s.ask('PUT', '/v1/admin/log', {'level': 'error', 'follow': [{'id': 'the-number', 'seconds': 0}]})
        mark = len(self.s.log())
        sip(self.s, 'INVITE', '1009', 'Require: what\r\n')
        self.s.get('/v1/status')
        self.assertEqual(self.s.log()[mark:], '')
        port = free_port()
        self.s.ask('PUT', '/v1/admin/log', {'follow': [{'id': f'{port}@x', 'seconds': 60}]})
        for _ in range(2):
            self.invite_from(port)
        self.assertIn(f'sipCallID={port}@x', self.s.log()[mark:])

    def invite_from(self, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(('127.0.0.1', port))
            s.settimeout(SHORT)
            uri = f'sip:1009@127.0.0.1:{self.s.sip_port}'
            s.sendto((f'INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{time.monotonic_ns()}\r\n'
                      f'From: <sip:x@127.0.0.1>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {port}@x\r\nCSeq: 1 INVITE\r\n'
                      f'Max-Forwards: 70\r\nContact: <sip:x@127.0.0.1:{port}>\r\nRequire: what\r\nContent-Length: 0\r\n\r\n'
                      ).encode(), ('127.0.0.1', self.s.sip_port))
            s.recv(65536)

    def test_backup_is_a_database(self):
        a = self.s.ask('POST', '/v1/admin/backup')
        self.assertEqual((a.status, a.headers['content-type']), (200, 'application/vnd.sqlite3'))
        path = os.path.join(self.s.folder, 'copy.db')
        with open(path, 'wb') as file:
            file.write(a.body)
        db = sqlite3.connect(path)
        self.assertEqual(db.execute('PRAGMA integrity_check').fetchone(), ('ok',))
        self.assertEqual(db.execute('PRAGMA application_id').fetchone(), (0x4261746f,))
        db.close()
        self.assertFalse([name for name in os.listdir(self.s.folder) if 'backup' in name])
        self.assertEqual(self.s.ask('POST', '/v1/admin/backup').status, 200)  # and once more

    def test_who_leaves_a_backup_leaves_nothing(self):
        for _ in range(3):
            with self.s.connect('unix') as c:
                c.sendall(b'POST /v1/admin/backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
                c.recv(1)
        wait_for(lambda: self.s.ask('POST', '/v1/admin/backup').status == 200)

    def test_listeners(self):
        items = self.s.get('/v1/listeners').json()['items']
        self.assertIn({'protocol': 'sip', 'transport': 'udp', 'address': f'127.0.0.1:{self.s.sip_port}'}, items)
        self.assertIn({'protocol': 'http', 'transport': 'tcp', 'address': f'127.0.0.1:{self.s.tcp_port}'}, items)
        self.assertIn({'protocol': 'http', 'transport': 'unix', 'address': self.s.socket}, items)

    def metrics(self):
        a = self.s.get('/metrics')
        self.assertEqual((a.status, a.headers['content-type']), (200, 'text/plain; version=0.0.4; charset=utf-8'))
        return a.body.decode()

    def test_metrics_tell_what_happens(self):
        sip(self.s, 'INVITE', '1009')
        text = self.metrics()
        self.assertRegex(text, r'\nbaton_sip_requests_total [1-9]')
        self.assertRegex(text, r'\nbaton_api_request_duration_seconds_count \d+\n')
        self.assertRegex(text, r'\nbaton_store_commit_duration_seconds_count \d+\n')
        self.assertRegex(text, r'\nbaton_csta_request_duration_seconds_count 0\n')
        self.assertRegex(text, r'\nprocess_resident_memory_bytes [1-9]')
        self.assertRegex(text, r'\nbaton_trace_captured_total [1-9]')
        for kind in ('sse', 'websocket'):
            self.assertIn(f'\nbaton_stream_clients{{kind="{kind}"}} 0\n', text)
        for state in ('active', 'retrying', 'paused'):
            self.assertIn(f'\nbaton_webhooks{{state="{state}"}} 0\n', text)
        for none in ('baton_stream_lag_records', 'baton_stream_events_total', 'baton_stream_closed_slow_total',
                     'baton_webhook_lag_records', 'baton_webhook_deliveries_total{result="taken"}',
                     'baton_webhook_deliveries_total{result="refused"}',
                     'baton_webhook_deliveries_total{result="failed"}'):
            self.assertIn(f'\n{none} 0\n', text)
        started = float(re.search(r'\nbaton_start_time_seconds (\d+)', text)[1])
        self.assertLess(abs(time.time() - started), 120)
        for private in ('1001', '1009', '127.0.0.1', self.s.folder):
            self.assertNotIn(private, re.sub(r' [-+.\de]+\n', '\n', text))  # a number may look like one of them
        self.assertEqual(self.s.get('/metrics', face='tcp').status, 401)

    def test_metrics_tell_of_webhooks(self):
        made = self.s.ask('POST', '/v1/webhooks', {'url': 'https://crm.example.invalid/x', 'filter': {'types': ['test']}}).json()
        self.assertIn('\nbaton_webhooks{state="active"} 1\n', self.metrics())
        self.assertEqual(self.s.ask('POST', f'/v1/webhooks/{made["webhook"]}/pause').status, 200)
        self.assertIn('\nbaton_webhooks{state="paused"} 1\n', self.metrics())
        self.assertEqual(self.s.ask('DELETE', f'/v1/webhooks/{made["webhook"]}').status, 204)
        self.assertIn('\nbaton_webhooks{state="paused"} 0\n', self.metrics())

    def test_trace_context_comes_back_and_is_logged(self):
        a = self.s.get('/v1/status', headers={'traceparent': TRACE})
        self.assertEqual(a.headers['traceparent'], TRACE)
        self.assertRegex(self.s.log(), rf'/v1/status 200.* request={a.headers["x-request-id"]} traceparent={TRACE}')
        for bad in (TRACE[:-1], TRACE.replace('a', 'z'), 'x', TRACE + '-00'):
            self.assertNotIn('traceparent', self.s.get('/v1/status', headers={'traceparent': bad}).headers)

    def test_trace_context_goes_with_an_operation(self):
        """Into what is said of it, into its event, and over a restart."""
        with Server(BATON, store=True) as s:
            path, how = '/v1/devices/1001/features/doNotDisturb', {'Prefer': 'wait=20', 'traceparent': TRACE}
            self.assertEqual(s.ask('PUT', path, {'doNotDisturbOn': True}, how).json()['traceparent'], TRACE)
            said = s.ask('PUT', path, {'doNotDisturbOn': False}, {**how, 'traceparent': 'x' + TRACE[1:]}).json()
            self.assertNotIn('traceparent', said)
            events = s.get('/v1/events?type=org.baton.operation.v1', headers={'Accept': 'application/json'}).json()['items']
            self.assertEqual([e['data'].get('traceparent') for e in events], [TRACE, None])
            s.process.kill()
            s.process.wait()
            s.start()
            for event, trace in zip(events, (TRACE, None)):
                again = s.get('/v1/operations/' + event['data']['operation']).json()
                self.assertEqual((again['state'], again.get('traceparent')), ('done', trace))


class Other(unittest.TestCase):
    def test_metrics_without_a_token(self):
        with Server(BATON, api={'metrics_open': True}) as s:
            self.assertEqual(s.get('/metrics', face='tcp').status, 200)
            self.assertEqual(s.get('/v1/status', face='tcp').status, 401)

    def test_no_store_no_backup(self):
        with Server(BATON) as s:
            a = s.ask('POST', '/v1/admin/backup')
            self.assertEqual((a.status, a.code), (409, 'noStore'))
            self.assertIn('\nbaton_store_broken 0\n', s.get('/metrics').body.decode())

    def test_a_server_that_stops_ends_a_backup(self):
        with Server(BATON, store=True) as s:
            c = s.connect('unix')
            c.sendall(b'POST /v1/admin/backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n')
            self.assertEqual(s.stop(), 0)
            c.close()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
