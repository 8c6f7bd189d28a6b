#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams of events and webhooks, word by word as /asyncapi.json has them, and what ends with a token.  test_stream.py BATON GEN_API TABLE"""
import signal
import sys
import threading
import unittest

from phones import House, until
from server import Server
from streams import Events, Socket, Taker

BATON = sys.argv[1]


def as_(token):
    return {'Authorization': 'Bearer ' + token}


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002, 1003), store=True,
                      api={'webhook_private': True}, more='routes: [{name: sales, match: {to: ["7*"]}, ask: "1005", targets: [{to: "device:1003"}]}]\n').__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.h.__exit__(None, None, None)

    def token(self, name, *scopes):
        answer = self.h.ask('POST', '/v1/tokens', {'name': name, 'scopes': list(scopes)})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()['token']

    def test_every_word_of_a_socket(self):
        w = Socket(self.h)
        w.say(op='auth', token=self.token('reader', 'admin'))
        self.assertEqual(w.hear_op('welcome')['who'], 'token:reader')
        w.say(op='subscribe', **{'from': 'earliest', 'filter': {'devices': ['1001'], 'types': ['delivered', 'org.*'], 'callID': 'x'}})
        w.say(op='ack', sequence=w.hear_op('subscribed')['sequence'])
        w.say(op='ping')
        w.hear_op('pong')
        w.say(op='unsubscribe')
        w.hear_op('unsubscribed')
        for wrong, code in (({'op': 'subscribe', 'from': 'never'}, 'badSubscription'), ({'op': 'ack', 'sequence': 7}, 'badAck'),
                            ({'op': 'dance'}, 'unknownOp'), ({'message': 'hello'}, 'badMessage')):
            w.say_wrong(wrong)
            self.assertEqual(w.hear_op('error')['code'], code)
        w.say(op='subscribe', **{'from': '999999999'})
        self.assertIsNotNone(w.hear_type('org.baton.gap.v1'))
        w.say(op='subscribe', **{'from': 'snapshot'})
        self.assertIsNotNone(w.hear_type('org.baton.snapshot.v1'))
        w.hear_op('subscribed')
        self.h.talk(1001, 1002)
        self.h.all_over()
        seen = set()
        while not {'org.baton.csta.callCleared.v1', 'org.baton.operation.v1', 'org.baton.audit.v1'} <= seen:
            seen.add(w.hear()['type'])
        w.close()

    def test_every_word_of_server_sent_events(self):
        with Events(self.h, '?from=999999999') as e:
            self.assertEqual(e.next()['type'], 'org.baton.gap.v1')
        with Events(self.h, '?from=snapshot') as e:
            self.assertEqual(e.next()['type'], 'org.baton.snapshot.v1')
            self.h.talk(1001, 1002)
            self.h.all_over()
            seen = set()
            while not {'org.baton.csta.callCleared.v1', 'org.baton.operation.v1', 'org.baton.audit.v1'} <= seen:
                seen.add(e.next()['type'])

    def test_a_stream_says_that_its_token_is_gone(self):
        with Events(self.h, '?from=now', token=self.token('short', 'observe:*')) as e:
            self.h.ask('DELETE', '/v1/tokens/short')
            problem = e.next()
            self.assertEqual((problem['status'], problem['code']), (401, 'invalidToken'))
            self.assertIsNone(e.next())

    def test_why_a_socket_closes(self):
        def code_of(act, face='unix', s=self.h):
            w = Socket(s, face)
            act(w)
            while w.hear() is not None:
                pass
            w.close()
            return w.code
        self.assertEqual(code_of(lambda w: w.say(op='auth', token='bt_x'), 'tcp'), 4001)
        self.assertEqual(code_of(lambda w: w.say(op='subscribe'), 'tcp'), 4001)
        self.assertEqual(code_of(lambda w: w.send(b'\x01', 2)), 1003)
        self.assertEqual(code_of(lambda w: w.send(b'"\xff"')), 1007)
        self.assertEqual(code_of(lambda w: [w.say_wrong({'op': 'x'}) for _ in range(20)]), 1008)
        self.assertEqual(code_of(lambda w: w.send(b'', 3)), 1002)
        with Server(BATON, api={'max_body_kb': 1, 'max_streams': 1}, store=True) as s:
            self.assertEqual(code_of(lambda w: w.send(b' ' * 2000), s=s), 1009)
            token = s.ask('POST', '/v1/tokens', {'name': 'one', 'scopes': ['observe:*']}).json()['token']
            first = Socket(s, token=token)
            self.assertEqual(code_of(lambda w: w.say(op='auth', token=token), 'tcp', s), 4029)
            s.process.send_signal(signal.SIGTERM)
            self.assertIsNone(first.hear())
            self.assertEqual(first.code, 4009)
            first.close()
            self.assertEqual(s.process.wait(20), 0)

    def test_what_webhooks_bring(self):
        with Taker(self.h) as events, Taker(self.h) as calls:
            for taker, form in ((events, 'cloudevents'), (calls, 'push')):
                made = self.h.post('/v1/webhooks', {'url': taker.url, 'form': form}).json()
                path = '/v1/webhooks/' + made['webhook']
                self.addCleanup(self.h.ask, 'DELETE', path)
                self.assertTrue(self.h.post(path + '/test').json()['taken'])
                head = taker.wait(lambda got: got)[0][0]
                self.assertEqual(head['Baton-Webhook'], made['webhook'])
            call = self.h.talk(1001, 1002)
            self.h.all_over()
            events.wait(lambda got: any(body['type'] == 'org.baton.csta.callCleared.v1' for _, body in got))
            got = calls.wait(lambda got: len(got) >= 4)
            self.assertEqual([(body['event'], body['callId']) for _, body in got],
                             [('newCall', 'test'), ('newCall', call), ('answer', call), ('hangup', call)])

    def test_a_snapshot_that_is_too_big(self):
        devices = ', '.join(f'{{number: "{n}"}}' for n in range(1000, 1400))
        with Server(BATON, api={'client_buffer_kb': 64}, more=f'devices: [{devices}]\n') as s:
            with Events(s, '?from=snapshot') as e:
                problem = e.next()
                self.assertEqual((problem['status'], problem['code']), (413, 'snapshotTooBig'))
                self.assertIsNone(e.next())
            w = Socket(s, 'unix')
            w.say(op='subscribe', **{'from': 'snapshot'})
            self.assertEqual(w.hear_op('error')['code'], 'snapshotTooBig')
            w.close()
            with Events(s, '?from=snapshot&device=10*') as e:
                self.assertEqual(len(e.next()['data']['devices']), 100)

    def test_another_token_on_the_way(self):
        """What follows is the new one's; the old one may go."""
        w = Socket(self.h)
        w.say(op='auth', token=self.token('first', 'observe:1001'))
        w.hear_op('welcome')
        w.say(op='subscribe')
        w.hear_op('subscribed')
        w.say(op='auth', token=self.token('second', 'observe:*'))
        self.assertEqual(w.hear_op('welcome')['who'], 'token:second')
        self.h.ask('DELETE', '/v1/tokens/first')
        self.assertEqual([i['who'] for i in self.h.get('/v1/subscribers').json()['items']], ['token:second'])
        w.say(op='ping')
        w.hear_op('pong')
        self.h.ask('DELETE', '/v1/tokens/second')
        self.assertIsNone(w.hear())
        self.assertEqual(w.code, 4001)
        w.close()

    def test_what_ends_with_a_token(self):
        """Its streams, what it waits for, its registrations; not the calls: people talk in them."""
        text = self.token('acd', 'control:*')
        registered = self.h.ask('POST', '/v1/routes', {'routeingDevice': '1005'}, {**as_(text), 'Prefer': 'wait=5'}, face='tcp')
        self.assertEqual(registered.status, 200, registered.body)
        call = self.h.talk(1001, 1002)
        for verb in ('hold', 'retrieve'):  # then nothing of its set-up is under way any more
            self.h.done(f'/v1/calls/{call}/connections/1001/{verb}')
        events = Socket(self.h, face='unix')
        events.say(op='subscribe', **{'from': 'now', 'filter': {'types': ['org.baton.operation.v1']}})
        events.hear_op('subscribed')
        own = Socket(self.h, token=text)
        own.say(op='subscribe')
        own.hear_op('subscribed')
        answers = []

        def hold():  # to which 1002 has nothing to say
            answers.append(self.h.ask('POST', f'/v1/calls/{call}/connections/1001/hold', {},
                                      {**as_(text), 'Prefer': 'wait=30'}, face='tcp'))
        waits = threading.Thread(target=hold)
        for number in (1001, 1002):
            self.h.phones[number].process.send_signal(signal.SIGSTOP)
            self.addCleanup(self.h.phones[number].process.send_signal, signal.SIGCONT)
        running = lambda: self.h.get('/v1/status').json()['counters']['engine']['operations_running']
        waits.start()
        until('it runs', running)
        self.assertEqual(self.h.ask('DELETE', '/v1/tokens/acd').status, 204)
        waits.join(25)
        self.assertFalse(waits.is_alive())
        said = answers[0].json()
        ended = events.hear()['data']
        self.assertEqual((ended['service'], ended['callID'], ended['state']), ('HoldCall', call, 'failed'))
        self.assertEqual((answers[0].status, said['code'], ended['problem']['code']), (503, 'lost', 'lost'))
        while own.hear() is not None:
            pass
        self.assertEqual(own.code, 4001)
        until('the registration ends', lambda: not self.h.get('/v1/routes').json()['items'])
        self.assertEqual(self.h.get(f'/v1/calls/{call}').status, 200)
        for number in (1001, 1002):
            self.h.phones[number].process.send_signal(signal.SIGCONT)
        self.h.all_over()
        events.say(op='ping')  # and no other end of it came; only those of all_over
        while 'op' not in (more := events.hear()):
            self.assertNotEqual(more['data']['operation'], ended['operation'])
        own.close()
        events.close()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
