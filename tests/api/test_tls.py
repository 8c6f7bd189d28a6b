#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS, certificates of clients, other rules while the server runs.  test_tls.py BATON GEN_API TABLE"""
import os
import shutil
import signal
import ssl
import sys
import time
import unittest

from server import SHORT, Server, read_all

BATON = sys.argv[1]


class Tls(unittest.TestCase):
    def test_requests_over_tls(self):
        with Server(BATON, tls=True) as s:
            a = s.get('/openapi.json', face='tls')
            self.assertEqual(a.status, 200)
            self.assertEqual(len(a.body), int(a.headers['content-length']))
            self.assertEqual(s.get('/v1/status', face='tls').status, 401)
            origin = f'https://127.0.0.1:{s.tls_port}'
            self.assertEqual(s.get('/openapi.json', face='tls', headers={'Origin': origin}).status, 200)
            self.assertEqual(s.get('/openapi.json', face='tls', headers={'Origin': origin.replace('s:', ':')}).status, 403)

    def test_only_http_1_1_is_agreed(self):
        with Server(BATON, tls=True) as s:
            for offered, agreed in ((['h2', 'http/1.1'], 'http/1.1'), (['h2'], None)):
                context = s.client_context()
                context.set_alpn_protocols(offered)
                with context.wrap_socket(s_connect(s), server_hostname='localhost') as c:
                    self.assertEqual(c.selected_alpn_protocol(), agreed)

    def test_old_tls_is_refused(self):
        with Server(BATON, tls=True) as s:
            context = s.client_context()
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers('ALL:@SECLEVEL=0')
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(s_connect(s), server_hostname='localhost')

    def test_what_is_no_tls_harms_nobody(self):
        with Server(BATON, tls=True) as s:
            for octets in (b'GET / HTTP/1.1\r\n\r\n', b'\x16\x03\x01' + os.urandom(600), b'\x80'):
                with s_connect(s) as c:
                    c.sendall(octets)
                    c.shutdown(1)
                    self.assertNotIn(b'HTTP/1.1 200', read_all(c))
            self.assertEqual(s.get('/openapi.json', face='tls').status, 200)

    def test_certificates_are_required(self):
        with Server(BATON, tls=True, api={'verify_client': 'require'}) as s:
            self.assertEqual(s.get('/openapi.json', face='tls', context=s.client_context('wall')).status, 200)
            with self.assertRaises((ssl.SSLError, ConnectionError, OSError)):
                s.get('/openapi.json', face='tls')

    def test_certificates_are_asked_for(self):
        with Server(BATON, tls=True, api={'verify_client': 'request'}) as s:
            for context in (s.client_context('wall'), s.client_context()):
                self.assertEqual(s.get('/openapi.json', face='tls', context=context).status, 200)

    def test_rules_and_certificates_change(self):
        """SIGHUP: other origins, another certificate; connections stay."""
        with Server(BATON, tls=True, api={'origins': ['https://old.example']}) as s:
            kept = s.connection()
            kept.request('GET', '/v1/status')
            kept.getresponse().read()
            before = ssl.get_server_certificate(('127.0.0.1', s.tls_port))
            shutil.copy(os.path.join(s.folder, 'wall.pem'), os.path.join(s.folder, 'server.pem'))
            shutil.copy(os.path.join(s.folder, 'wall.key'), os.path.join(s.folder, 'server.key'))
            with open(s.config, encoding='utf-8') as file:
                text = file.read()
            with open(s.config, 'w', encoding='utf-8') as file:
                file.write(text.replace('old.example', 'new.example'))
            s.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + SHORT
            while s.get('/openapi.json', headers={'Origin': 'https://new.example'}).status != 200:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            self.assertEqual(s.get('/openapi.json', headers={'Origin': 'https://old.example'}).status, 403)
            self.assertNotEqual(ssl.get_server_certificate(('127.0.0.1', s.tls_port)), before)
            kept.request('GET', '/v1/status')
            self.assertEqual(kept.getresponse().status, 200)
            kept.close()
            self.assertNotIn('a restart only', s.log())

    def test_folder_in_the_place_of_built_in_files(self):
        with Server(BATON, api={'web_root': 'site'}) as s:
            os.makedirs(os.path.join(s.folder, 'site/sub'))
            for name, text in (('index.txt', 'top'), ('sub/index.html', '<p>page'), ('sub/.hidden', 'no')):
                with open(os.path.join(s.folder, 'site', name), 'w', encoding='ascii') as file:
                    file.write(text)
            os.symlink('/etc/passwd', os.path.join(s.folder, 'site/link'))
            os.mkfifo(os.path.join(s.folder, 'site/pipe'))
            a = s.get('/index.txt', face='tcp')
            self.assertEqual((a.status, a.body, a.headers['content-type']), (200, b'top', 'text/plain; charset=utf-8'))
            self.assertEqual(s.get('/index.txt', headers={'If-None-Match': a.headers['etag']}).status, 304)
            self.assertEqual(s.get('/sub/').body, b'<p>page')
            self.assertEqual(s.get('/sub').headers['location'], '/sub/')
            for path in ('/link', '/pipe', '/sub/.hidden', '/../baton.yaml', '/sub/../../baton.yaml', '/%2e%2e/baton.yaml',
                         '/sub%2f..%2f..%2fbaton.yaml', '/console/', '/sub//index.html', '/index.txt/'):
                self.assertEqual(s.get(path).status, 404, path)
            self.assertEqual(s.get('/openapi.json').status, 200)


def s_connect(s):
    import socket
    return socket.create_connection(('127.0.0.1', s.tls_port), SHORT)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
