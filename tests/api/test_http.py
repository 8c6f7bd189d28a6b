#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP of the API, against the real server.  test_http.py BATON GEN_API TABLE"""
import gzip
import json
import os
import socket
import stat
import subprocess
import sys
import time
import unittest

from server import SHORT, Server, read_all, status_of

BATON, GEN, TABLE = sys.argv[1:4]
CRM = 'https://crm.example.com'


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Server(BATON, api={'origins': [CRM], 'hosts': ['pbx.example.com'], 'max_body_kb': 4}).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.s.__exit__(None, None, None)

    def test_status_tells_of_server(self):
        a = self.s.get('/v1/status')
        self.assertEqual(a.status, 200)
        self.assertEqual(a.headers['content-type'], 'application/json')
        said = a.json()
        self.assertEqual(said['state'], 'running')
        self.assertLess(said['uptime'], 3600)
        self.assertGreaterEqual(said['counters']['api']['requests'], 1)
        self.assertIn('sip_received', said['counters']['engine'])

    def test_token_is_wanted_but_on_unix_socket(self):
        a = self.s.get('/v1/status', face='tcp')
        self.assertEqual(a.status, 401)
        self.assertEqual(a.headers['content-type'], 'application/problem+json')
        self.assertTrue(a.headers['www-authenticate'].startswith('Bearer'))
        said = a.json()
        self.assertEqual(said['type'], 'urn:baton:problem:' + said['code'])
        self.assertEqual(said['status'], 401)
        self.assertIn('baton token create', said['detail'])
        self.assertEqual(said['instance'], 'urn:baton:request:' + a.headers['x-request-id'])

    def test_socket_is_for_its_owner(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.s.socket).st_mode), 0o600)

    def test_unknown_path_and_method(self):
        self.assertEqual(self.s.get('/v1/nothing').status, 404)
        self.assertEqual(self.s.get('/v1/status/').status, 404)
        a = self.s.ask('DELETE', '/v1/status')
        self.assertEqual((a.status, a.headers['allow']), (405, 'GET, HEAD, OPTIONS'))
        self.assertEqual(self.s.ask('OPTIONS', '/v1/status').headers['allow'], 'GET, HEAD, OPTIONS')

    def test_unknown_query_parameter(self):
        a = self.s.fetch('GET', '/v1/calls?limits=3')
        self.assertEqual((a.status, a.json()['code']), (400, 'unknownParameter'))
        self.assertIn('"limits"', a.json()['detail'])
        self.assertIn('limit, after', a.json()['detail'])
        self.assertEqual(self.s.fetch('GET', '/v1/status?x=1').json()['code'], 'unknownParameter')
        self.assertEqual(self.s.fetch('GET', '/v1/calls?limit=3&&').status, 200)

    def test_head_is_get_without_body(self):
        get, head = self.s.get('/openapi.json'), self.s.ask('HEAD', '/openapi.json')
        self.assertEqual(head.status, 200)
        self.assertEqual(head.body, b'')
        self.assertEqual(head.headers['content-length'], get.headers['content-length'])

    def test_security_headers(self):
        for path in ('/v1/status', '/v1/nothing', '/console/', '/openapi.json'):
            h = self.s.get(path, face='tcp').headers
            self.assertEqual(h['x-content-type-options'], 'nosniff', path)
            self.assertEqual(h['referrer-policy'], 'no-referrer', path)
            self.assertIn("default-src 'none'", h['content-security-policy'])
            self.assertNotIn('unsafe', h['content-security-policy'])
        self.assertEqual(self.s.get('/v1/status').headers['cache-control'], 'no-store')

    def test_page_is_framed_by_configured_origins_only(self):
        policy = self.s.get('/console/', face='tcp').headers['content-security-policy']
        self.assertIn("frame-ancestors 'self' " + CRM, policy)
        self.assertIn("script-src 'self'", policy)

    def test_files_are_kept_by_browsers(self):
        a = self.s.get('/openapi.json', face='tcp')
        self.assertEqual(a.status, 200)
        again = self.s.get('/openapi.json', headers={'If-None-Match': '"x", ' + a.headers['etag']})
        self.assertEqual((again.status, again.body), (304, b''))
        page = self.s.get('/console/', face='tcp')
        again = self.s.get('/console/', face='tcp', headers={'If-None-Match': page.headers['etag']})
        self.assertEqual(again.status, 304)
        self.assertEqual(again.headers['content-security-policy'], page.headers['content-security-policy'])
        self.assertNotIn('content-type', again.headers)
        packed = self.s.get('/openapi.json', headers={'Accept-Encoding': 'br, gzip'})
        self.assertEqual(packed.headers['content-encoding'], 'gzip')
        self.assertEqual(gzip.decompress(packed.body), a.body)
        self.assertNotIn('content-encoding', self.s.get('/openapi.json', headers={'Accept-Encoding': 'gzip;q=0'}).headers)

    def test_folder_leads_to_its_page(self):
        a = self.s.get('/console', face='tcp')
        self.assertEqual((a.status, a.headers['location']), (308, '/console/'))
        self.assertTrue(self.s.get('/console/', face='tcp').headers['content-type'].startswith('text/html'))
        for path in ('/console/../console/', '/console/%2e%2e/x', '//console/', '/console/%00', '/console/.git'):
            self.assertIn(self.s.get(path, face='tcp').status, (400, 404), path)

    def test_foreign_origin_is_refused(self):
        for origin in ('https://evil.example', 'null', 'http://crm.example.com', CRM + '.evil.example'):
            a = self.s.get('/openapi.json', headers={'Origin': origin}, face='tcp')
            self.assertEqual((a.status, a.code), (403, 'originRefused'), origin)
            self.assertNotIn('access-control-allow-origin', a.headers)

    def test_configured_origin_may(self):
        a = self.s.get('/openapi.json', headers={'Origin': CRM}, face='tcp')
        self.assertEqual(a.headers['access-control-allow-origin'], CRM)
        self.assertEqual(a.headers['vary'].count('Origin'), 1)
        a = self.s.ask('OPTIONS', '/v1/status', face='tcp', headers={
            'Origin': CRM, 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization'})
        self.assertEqual(a.status, 204)
        self.assertIn('Authorization', a.headers['access-control-allow-headers'])
        self.assertNotIn('access-control-allow-credentials', a.headers)

    def test_own_origin_may(self):
        origin = f'http://127.0.0.1:{self.s.tcp_port}'
        self.assertEqual(self.s.get('/openapi.json', headers={'Origin': origin}, face='tcp').status, 200)
        self.assertEqual(self.s.get('/openapi.json', headers={'Origin': 'http://127.0.0.1:1'}, face='tcp').status, 403)

    def test_foreign_name_on_loopback_is_refused(self):
        a = self.s.get('/openapi.json', headers={'Host': 'evil.example'}, face='tcp')
        self.assertEqual((a.status, a.code), (421, 'unknownHost'))
        for host in ('localhost', 'localhost:1', '[::1]:80', '127.0.0.1', 'PBX.example.com'):
            self.assertEqual(self.s.get('/openapi.json', headers={'Host': host}, face='tcp').status, 200, host)

    def test_requests_on_one_connection(self):
        c = self.s.connection()
        for _ in range(5):
            c.request('GET', '/v1/status')
            self.assertEqual(json.loads(c.getresponse().read())['state'], 'running')
        c.close()

    def test_requests_sent_ahead_are_answered_in_order(self):
        one = 'GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n'
        raw = self.s.raw(one * 20 + 'GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        self.assertEqual(raw.count(b'HTTP/1.1 200 OK'), 21)
        self.assertGreater(raw.index(b'"openapi"'), raw.rindex(b'"state":"running"'))

    def test_half_closed_client_has_its_answer(self):
        raw = self.s.raw('GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n', half_close=True)
        self.assertEqual(status_of(raw), 200)

    def test_old_client(self):
        raw = self.s.raw('GET /v1/status HTTP/1.0\r\n\r\n')
        self.assertEqual(status_of(raw), 200)
        self.assertIn(b'Connection: close', raw)

    def test_documents_are_what_was_generated(self):
        listed = json.loads(subprocess.run([sys.executable, GEN, 'list', TABLE], check=True, capture_output=True).stdout)
        document = self.s.get('/openapi.json', face='tcp').json()
        for route in listed:
            self.assertEqual(document['paths'][route['path']][route['method'].lower()]['operationId'], route['operation'])
        self.assertEqual(self.s.get('/asyncapi.json', face='tcp').json()['asyncapi'], '3.0.0')


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
