# SPDX-License-Identifier: Apache-2.0
"""The real server for tests of the HTTP API, and clients for it: one that knows HTTP, one of bare octets.

    with Server(BATON, api={'max_clients': 2}) as s:
        answer = s.get('/v1/status')             over the UNIX socket: admin
        answer = s.get('/v1/status', face='tcp')
        raw = s.raw('GET / HTTP/1.1\\r\\n\\r\\n')   what comes back until the end

Ports are those that the kernel gives; the folder is gone afterwards. A server that does not end with 0, or that a sanitizer
has complained about, is a failure.
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import contract

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from ports import free_port  # noqa: E402

SHORT = 20  # seconds for anything that should take none


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Of a problem."""
        return self.json()['code']


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__('localhost', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    """@param api  keys of the section `api`; @param more  sections, as YAML text"""

    def __init__(self, baton, api=None, more='', tls=False, store=False, env=None, more_listen=()):
        self.baton, self.api, self.more, self.tls, self.store = os.path.abspath(baton), api or {}, more, tls, store
        self.env, self.more_listen = env or {}, more_listen
        self.process = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='baton-api-')
        self.socket = os.path.join(self.folder, 'api.sock')
        listen = ['tcp:127.0.0.1:0', 'unix:' + self.socket, *self.more_listen]
        if self.tls:
            self.make_certificates()
            listen.append('tls:127.0.0.1:0')
        self.sip_port = free_port()
        lines = [f'listen: ["udp:127.0.0.1:{self.sip_port}"]', 'api:']
        if 'log:' not in self.more:
            lines.insert(1, 'log: {level: debug}')
        lines.insert(1, 'overload: {lag_ms: 0}')  # a machine that stumbles is not what is tested
        lines += [f'  {key}: {json.dumps(value)}' for key, value in {'listen': listen, **self.api}.items()]
        if self.store:
            lines.append('store: {path: kept.db}')
        if 'devices:' not in self.more:
            lines.append('devices: [{number: "1001"}, {number: "1002"}]')
        if self.tls and 'tls:' not in self.more:
            lines.append('tls: {certificates: [{cert: server.pem, key: server.key}], ca: ca.pem}')
        self.config = os.path.join(self.folder, 'baton.yaml')
        with open(self.config, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n' + self.more)
        try:
            self.start()
        except BaseException:
            self.__exit__(Exception, None, None)
            raise
        return self

    def start(self):
        self.log_path = os.path.join(self.folder, 'log')
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen([self.baton, 'serve', '-c', self.config], stderr=log, stdout=log,
                                            cwd=self.folder, env={**os.environ, **self.env})
        end = time.monotonic() + 3 * SHORT
        while not re.search(r'server(: |","text":")Baton ', self.log()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError('the server does not start:\n' + self.log())
            time.sleep(0.02)
        ports = dict(re.findall(r'listening on (TCP|TLS) 127\.0\.0\.1:(\d+)', self.log()))
        self.tcp_port, self.tls_port = int(ports['TCP']), int(ports.get('TLS', 0))

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def stop(self):
        """@return the exit status"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SHORT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __exit__(self, kind, value, trace):
        try:
            if self.process is not None:
                status, log = self.stop(), self.log()
                if kind is None and (status != 0 or 'Sanitizer' in log or 'runtime error' in log):
                    raise AssertionError(f'the server ended with {status}:\n' + log[-6000:])
                if kind is not None:
                    print(log[-6000:])
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- clients ----

    def connection(self, face='unix', context=None):
        if face == 'unix':
            return UnixConnection(self.socket, SHORT)
        if face == 'tls':
            return http.client.HTTPSConnection('127.0.0.1', self.tls_port, timeout=SHORT,
                                               context=context or self.client_context())
        return http.client.HTTPConnection('127.0.0.1', self.tcp_port, timeout=SHORT)

    def ask(self, method, path, body=None, headers=None, face='unix', context=None):
        """The answer, once it has been held against the document that the server has of itself (contract.py)."""
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body), {'Content-Type': 'application/json', **(headers or {})}
        answer = self.fetch(method, path, body, headers, face, context)
        contract.check(self, method, path, body, answer)
        return answer

    def fetch(self, method, path, body=None, headers=None, face='unix', context=None):
        headers = dict(headers or {})
        c = self.connection(face, context)
        try:
            c.request(method, path, body, headers)
            return Answer(c.getresponse())
        finally:
            c.close()

    def get(self, path, **how):
        return self.ask('GET', path, **how)

    def connect(self, face='tcp'):
        """A bare socket."""
        if face == 'unix':
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(SHORT)
            s.connect(self.socket)
            return s
        return socket.create_connection(('127.0.0.1', self.tcp_port), SHORT)

    def raw(self, octets, face='unix', half_close=False):
        """Send, and what comes back until the server closes."""
        with self.connect(face) as s:
            try:
                s.sendall(octets.encode('latin-1') if isinstance(octets, str) else octets)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return read_all(s)

    # ---- certificates ----

    def make_certificates(self):
        def run(*args):
            subprocess.run(['openssl', *args], cwd=self.folder, check=True, capture_output=True)
        run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key',
            '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test root')
        for name, extra in (('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost'), ('wall', 'subjectAltName=DNS:wall')):
            run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', name + '.key',
                '-out', name + '.csr', '-subj', '/CN=' + name)
            with open(os.path.join(self.folder, 'ext'), 'w', encoding='ascii') as file:
                file.write(extra + '\n')
            run('x509', '-req', '-in', name + '.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days',
                '2', '-out', name + '.pem', '-extfile', 'ext')

    def client_context(self, name=None):
        context = ssl.create_default_context(cafile=os.path.join(self.folder, 'ca.pem'))
        if name is not None:
            context.load_cert_chain(os.path.join(self.folder, name + '.pem'), os.path.join(self.folder, name + '.key'))
        return context


def read_all(s):
    """Until the end, or until nothing comes for SHORT seconds."""
    out = b''
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return out
            out += part
    except (ConnectionResetError, BrokenPipeError):
        return out


def status_of(raw):
    """Of the first answer in octets; 0: there is none."""
    match = re.match(rb'HTTP/1\.1 (\d+) ', raw)
    return int(match[1]) if match else 0
