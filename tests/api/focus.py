# SPDX-License-Identifier: Apache-2.0
"""A conference focus as docs/conferences.md wants one, without media: it answers each seat with an offer before any of them is
acknowledged, and takes what comes after that.

    with Focus() as f:
        House(BATON, more=f'conference: {{focus: "{f.uri}", room: conf-%s}}\\n')
        f.seats     Call-IDs of those who sit there
"""
import re
import socket
import threading


class Focus:
    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.1', 0))
        self.port = self.sock.getsockname()[1]
        self.uri = f'sip:127.0.0.1:{self.port}'
        self.seats, self.versions = [], {}
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *why):
        self.sock.sendto(b'', ('127.0.0.1', self.port))
        self.thread.join()
        self.sock.close()

    def run(self):
        while True:
            data, source = self.sock.recvfrom(65536)
            if not data:
                return
            text = data.decode()
            if not text.startswith(('ACK ', 'SIP/2.0', '\r\n')):
                self.sock.sendto(self.answer(text).encode(), source)

    def answer(self, text):
        def field(name):
            return re.search(rf'(?im)^{name}: *(.*?)\r$', text)[1]
        method, call, to, body = text.split(' ')[0], field('Call-ID'), field('To'), ''
        if ';tag=' not in to:
            to += f';tag=focus{call[:8]}'
        vias = ''.join(f'Via: {v}\r\n' for v in re.findall(r'(?im)^Via: *(.*?)\r$', text))
        if method == 'INVITE':
            body = self.offer(call, field('CSeq'))
        elif method == 'BYE' and call in self.seats:
            self.seats.remove(call)
        return (f'SIP/2.0 200 OK\r\n{vias}From: {field("From")}\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {field("CSeq")}\r\n'
                f'Contact: <{self.uri}>;isfocus\r\n' + ('Content-Type: application/sdp\r\n' if body else '') +
                f'Content-Length: {len(body)}\r\n\r\n{body}')

    def offer(self, call, cseq):
        """The same for the same request that has come again."""
        if call not in self.seats:
            self.seats.append(call)
        version = self.versions.setdefault((call, cseq), len(self.versions) + 1)
        return (f'v=0\r\no=focus 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'
                'm=audio 40000 RTP/AVP 0 8\r\na=sendrecv\r\n')
