# SPDX-License-Identifier: Apache-2.0
"""Routes that no other test here does well, and streams: held against the documents (contract.py).

    test_routes.py BATON GEN_API TABLE
"""
import http.server
import json
import os
import subprocess
import sys
import threading
import unittest

import contract
from phones import House, until

BATON = sys.argv[1]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


class Rest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002), store=True, api={'webhook_private': True},
                      more='applications: [{name: crm, password: secret-crm, grants: ["*"]}]\n').__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.h.__exit__(None, None, None)

    def test_webhooks_from_first_to_last(self):
        taker = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)
        threading.Thread(target=taker.serve_forever, daemon=True).start()
        try:
            made = self.h.post('/v1/webhooks', {'url': f'http://127.0.0.1:{taker.server_address[1]}/', 'filter': {'types': ['a*']}})
            self.assertEqual(made.status, 201, made.body)
            path = '/v1/webhooks/' + made.json()['webhook']
            self.assertTrue(self.h.post(path + '/test').json()['taken'])
            self.assertEqual(self.h.post(path + '/pause').json()['state'], 'paused')
            self.assertEqual(self.h.post(path + '/resume').json()['state'], 'active')
            self.assertEqual(self.h.get(path).json()['webhook'], made.json()['webhook'])
            self.assertEqual(len(self.h.get('/v1/webhooks').json()['items']), 1)
            self.assertEqual(self.h.ask('DELETE', path).status, 204)
        finally:
            taker.shutdown()
            taker.server_close()

    def test_subscribers_while_one_follows(self):
        with self.h.connect('unix') as s:
            s.sendall(b'GET /v1/events?from=snapshot HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
            items = until('it follows', lambda: self.h.get('/v1/subscribers').json()['items'])
            self.assertEqual((items[0]['kind'], items[0]['who']), ('sse', 'uid:0' if os.getuid() == 0 else items[0]['who']))

    def test_sessions_and_monitors_are_ended(self):
        watcher = subprocess.Popen([BATON, 'csta', '-s', f'127.0.0.1:{self.h.sip_port}', '-u', 'crm@example.com', 'monitor', '1001'],
                                   env={**os.environ, 'BATON_PASSWORD': 'secret-crm'}, stdout=subprocess.DEVNULL)
        try:
            monitors = until('a monitor', lambda: self.h.get('/v1/monitors').json()['items'])
            self.assertEqual(self.h.ask('DELETE', '/v1/monitors/' + monitors[0]['monitor']).status, 204)
            sessions = until('a session', lambda: self.h.get('/v1/sessions').json()['items'])
            self.assertEqual(self.h.ask('DELETE', '/v1/sessions/' + sessions[0]['session']).status, 204)
            until('its answer to the BYE', lambda: watcher.poll() is not None)
        finally:
            watcher.kill()
            watcher.wait()

    def test_every_event_of_a_stream(self):
        """What Server-Sent Events bring, snapshot first, has the form of asyncapi.json."""
        with self.h.connect('unix') as s:
            s.sendall(b'GET /v1/events?from=snapshot HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
            self.h.talk(1001, 1002, userData={'string': '044849'}, correlatorData={'string': 'AB12'})
            self.h.all_over()
            octets, events = b'', []
            while not any(e['type'] == 'org.baton.csta.callCleared.v1' for e in events):
                octets += s.recv(65536)
                # the body comes in chunks, whose sizes stand on lines of their own
                events = [json.loads(line[5:]) for line in octets.decode().split('\r\n') for line in line.split('\n')
                          if line.startswith('data:') and line.endswith('}')]
        if contract.jsonschema is not None:
            contract.documents(self.h)
            for event in events:
                self.assertIsNone(contract.event_fault(event))
        self.assertEqual(events[0]['type'], 'org.baton.snapshot.v1')
        self.assertGreater(len(events), 8)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
