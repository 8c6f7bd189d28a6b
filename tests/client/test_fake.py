# SPDX-License-Identifier: Apache-2.0
"""libbaton-client with servers that misbehave, one way at a time.  test_fake.py BATON PROBE SOURCE"""
import re
import socket
import sys
import time
import unittest

from probe import EVENTS, MUTE, Fake, Probe, reply, sse

PROBE = sys.argv[2]
QUICK = {'backoff': 50, 'patience': 5000}


def key_of(request):
    return re.search(r'(?i)idempotency-key: (\S+)', request)[1]


def last_id(request):
    found = re.search(r'(?i)last-event-id: (\S+)', request)
    return found[1] if found else None


class Requests(unittest.TestCase):
    def test_lost_answer_is_asked_for_under_the_same_key(self):
        def script(n, _):
            return None if n < 3 else reply(200, {'operation': 'op_1', 'service': 'HoldCall', 'state': 'done',
                                                  'result': {'HoldCallResponse': {}}})
        with Fake(script) as f, Probe(PROBE, f.url, token='bt_x_y', **QUICK) as p:
            a = p.ask('POST /v1/services/HoldCall {"x":1}')
            self.assertEqual((a['outcome'], a['status'], a['result']), (0, 200, {}))
            self.assertEqual(len(f.asked), 3)
            self.assertEqual(len({key_of(r) for r in f.asked}), 1)
            self.assertRegex(key_of(f.asked[0]), '^[0-9a-f]{32}$')
            self.assertTrue(all('Authorization: Bearer bt_x_y' in r and r.endswith('{"x":1}') for r in f.asked))
            self.assertTrue(all('bt_x_y' not in r.split('\r\n')[0] for r in f.asked))
            a = p.ask('POST /v1/services/HoldCall {"x":1}')
            self.assertEqual(len({key_of(r) for r in f.asked}), 2)

    def test_busy_server_is_asked_again_after_its_time(self):
        def script(n, _):
            return reply(503, {'code': 'busy', 'detail': 'Later.'}, 'Retry-After: 1') if n == 1 else reply(200, {'items': []})
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            began = time.monotonic()
            self.assertEqual(p.ask('GET /v1/calls')['status'], 200)
            self.assertGreaterEqual(time.monotonic() - began, 1)
            self.assertEqual(len(f.asked), 2)

    def test_outcome_of_a_command_is_not_asked_again(self):
        problem = {'type': 'x', 'title': 'Gateway Timeout', 'status': 504, 'code': 'timeout', 'detail': 'The phone is mute.',
                   'csta': {'category': 'systemResourceAvailibility', 'value': 'deviceOutOfService'}, 'sip': 408, 'pointer': '/a'}
        with Fake(lambda n, _: reply(504, problem)) as f, Probe(PROBE, f.url, **QUICK) as p:
            a = p.ask('POST /v1/services/HoldCall {}')
            self.assertEqual((a['outcome'], a['status'], a['code'], a['detail'], a['sip'], a['value'], a['pointer']),
                             (-1, 504, 'timeout', 'The phone is mute.', 408, 'deviceOutOfService', '/a'))
            self.assertEqual(len(f.asked), 1)

    def test_what_is_no_problem_is_told(self):
        with Fake(lambda n, _: b'HTTP/1.1 404 X\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>') as f, \
                Probe(PROBE, f.url, **QUICK) as p:
            a = p.ask('GET /v1/x')
            self.assertEqual((a['outcome'], a['code'], a['octets'], a['json']), (-1, 'http404', 4, None))

    def test_redirection_is_not_followed(self):
        with Fake(lambda n, _: b'HTTP/1.1 302 X\r\nLocation: /v1/elsewhere\r\nContent-Length: 0\r\n\r\n') as f, \
                Probe(PROBE, f.url, token='t', **QUICK) as p:
            self.assertEqual(p.ask('GET /v1/x')['code'], 'http302')
            self.assertEqual(len(f.asked), 1)

    def test_operation_is_looked_at_until_it_has_ended(self):
        def script(n, request):
            op = {'operation': 'op_a b', 'service': 'MakeCall', 'state': 'accepted'}
            if n < 3:
                return reply(202 if n == 1 else 200, op)
            return reply(200, {**op, 'state': 'done', 'result': {'MakeCallResponse': {'callingDevice': {'callID': 'c1'}}}})
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            a = p.ask('POST /v1/devices/1001/calls {}')
            self.assertEqual((a['outcome'], a['result']), (0, {'callingDevice': {'callID': 'c1'}}))
            self.assertTrue(f.asked[0].startswith('POST /v1/devices/1001/calls '))
            self.assertIn('Prefer: wait=10', f.asked[0])
            self.assertTrue(f.asked[1].startswith('GET /v1/operations/op_a%20b '))
            self.assertIn('Prefer: wait=10', f.asked[1])
            self.assertNotIn('Idempotency-Key', f.asked[1])

    def test_operation_that_does_not_end(self):
        op = {'operation': 'op_1', 'service': 'MakeCall', 'state': 'accepted'}
        with Fake(lambda n, _: reply(202, op)) as f, Probe(PROBE, f.url, **QUICK) as p:
            a = p.ask('wait=3000 POST /v1/x {}')
            self.assertEqual((a['outcome'], a['code']), (-3, 'timeout'))
            self.assertIn('/v1/operations/op_1', a['detail'])
            self.assertGreater(len(f.asked), 1)
            a = p.ask('no_wait POST /v1/y {}')
            self.assertEqual((a['outcome'], a['status'], a['json']), (0, 202, op))
            self.assertEqual(f.paths().count('/v1/y'), 1)
            self.assertEqual(f.paths()[-1], '/v1/y')

    def test_silent_server_is_not_waited_for(self):
        with Fake(lambda n, _: [MUTE]) as f, \
                Probe(PROBE, f.url, silence=200, backoff=50, patience=3000) as p:
            a = p.ask('GET /v1/x')
            self.assertEqual((a['outcome'], a['code'], a['status']), (-2, 'network', 0))
            f.until(lambda: len(f.asked) > 1)
            self.assertEqual(p.ask('once GET /v1/once')['outcome'], -2)
            f.until(lambda: f.paths().count('/v1/once') == 1)  # and there is none under way

    def test_no_server_there(self):
        with socket.socket() as nobody:  # has the port, so that nobody else gets it, and does not listen
            nobody.bind(('127.0.0.1', 0))
            url = f'http://127.0.0.1:{nobody.getsockname()[1]}'
            with Probe(PROBE, url, backoff=50, patience=200) as p:
                a = p.ask('GET /v1/x')
            self.assertEqual((a['outcome'], a['code']), (-2, 'network'))
            self.assertIn(url, a['detail'])

    def test_cancelled_request(self):
        with Fake(lambda n, _: [MUTE]) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('ask GET /v1/x')
            p.next('sent')
            p.say('cancel')
            a = p.next('answer')
            self.assertEqual((a['outcome'], a['code']), (-6, 'cancelled'))
            p.say('ask GET /v1/y')  # and one that is under way when the client goes
        self.assertEqual(p.next('answer')['outcome'], -6)

    def test_what_cannot_be_asked(self):
        with Fake(lambda n, _: reply(200, {})) as f, Probe(PROBE, f.url, **QUICK) as p:
            self.assertEqual(p.ask('GET v1/x')['outcome'], -4)
            p.say('wait GET x')
            self.assertEqual(p.next('answer')['code'], 'wrong')
            self.assertEqual(f.asked, [])
        for url in ('ftp://x', 'http://', 'http://user@host', 'unix:', 'x', ''):
            p = Probe(PROBE, url)
            self.assertEqual(p.next('none'), 'wrong', url)
            p.process.wait()
            p.process.stdin.close()
            p.process.stdout.close()

    def test_list_page_by_page(self):
        pages = [{'items': [1, 2], 'next': 'a&b'}, {'items': [], 'next': 'c'}, {'items': [3]}]
        with Fake(lambda n, _: reply(200, pages[(n - 1) % 3])) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('list /v1/calls?limit=2')
            self.assertEqual(p.next('list'), [1, 2, 3])
            self.assertEqual(f.paths(),
                             ['/v1/calls?limit=2', '/v1/calls?limit=2&after=a%26b', '/v1/calls?limit=2&after=c'])

    def test_list_without_end(self):
        with Fake(lambda n, _: reply(200, {'items': [n], 'next': 'again'})) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('list /v1/calls')
            self.assertEqual(p.next('list'), 'tooLong')
            self.assertEqual(f.paths(), ['/v1/calls', '/v1/calls?after=again'])


class Streams(unittest.TestCase):
    def test_goes_on_where_it_was(self):
        """Connections end after an event, in the middle of one, and after a mere place."""
        def script(n, _):
            return {1: [EVENTS, b': here\nid: 4\n\n'],
                         2: [EVENTS, sse(5), sse(6)[:-20]],
                         3: [EVENTS, sse(5), sse(6), sse(7)],
                         4: [EVENTS, sse(9), b': here\nid: 12\n\n']}.get(n, [EVENTS, sse(13)])
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow now types=delivered,a* devices=10*')
            got = p.events(lambda e: e['sequence'] == '13')
            self.assertEqual([e['sequence'] for e in got], ['5', '6', '7', '9', '13'])
            self.assertEqual([e['given'] for e in got], ['5', '6', '7', '9', '13'])
            self.assertEqual([last_id(r) for r in f.asked][:5], [None, '4', '5', '7', '12'])
            self.assertTrue(f.asked[0].startswith('GET /v1/events?from=now&device=10%2A&type=delivered%2Ca%2A '))

    def test_silent_stream_is_made_again(self):
        def script(_, request):
            return [EVENTS, sse(int(last_id(request) or 0) + 1), MUTE]
        with Fake(script) as f, Probe(PROBE, f.url, silence=200, backoff=50) as p:
            p.say('follow earliest')
            got = p.events(lambda e: e['sequence'] == '3')
            self.assertEqual([e['sequence'] for e in got], ['1', '2', '3'])
            self.assertGreater(len(f.asked), 2)

    def test_gap_is_told(self):
        gap = sse(20, 'org.baton.gap.v1', **{'from': '5', 'to': '20', 'reason': 'retention'})
        with Fake(lambda n, _: [EVENTS, gap, sse(21)] if n == 1 else [EVENTS, sse(20), sse(22)]) as f, \
                Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow 4')
            got = p.events(lambda e: e['sequence'] == '22')
            self.assertEqual([(e['kind'], e['sequence']) for e in got], [('gap', '20'), ('event', '21'), ('event', '22')])
            self.assertTrue(f.asked[0].startswith('GET /v1/events?from=4 '))

    def test_another_journal_has_other_numbers(self):
        """Behind `reset` the numbers are lower than what was read."""
        gap = sse(900, 'org.baton.gap.v1', **{'from': '11', 'to': '900', 'reason': 'reset'})
        script = lambda n, _: {1: [EVENTS, sse(900)], 2: [EVENTS, gap, sse(11)]}.get(n, [EVENTS, sse(11), sse(12)])
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow now')
            got = p.events(lambda e: e['sequence'] == '12')
            self.assertEqual([(e['kind'], e['sequence']) for e in got],
                             [('event', '900'), ('gap', '900'), ('event', '11'), ('event', '12')])
            self.assertEqual(last_id(f.asked[2]), '11')

    def test_snapshot_again_after_a_gap(self):
        gap = sse(50, 'org.baton.gap.v1', **{'from': '11', 'to': '50', 'reason': 'retention'})
        shot = lambda at: sse(at, 'org.baton.snapshot.v1', devices=[], calls=[])
        script = lambda n, _: {1: [EVENTS, shot(9), sse(10)], 2: [EVENTS, gap + sse(51)]}.get(
            n, [EVENTS, shot(52), sse(53)])
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow snapshot')
            got = p.events(lambda e: e['sequence'] == '53')
            self.assertEqual([(e['kind'], e['sequence']) for e in got],
                             [('snapshot', '9'), ('event', '10'), ('gap', '50'), ('snapshot', '52'), ('event', '53')])
            self.assertEqual([last_id(r) for r in f.asked][:3], [None, '10', None])

    def test_gap_after_gap_is_no_reason_to_hurry(self):
        gap = sse(50, 'org.baton.gap.v1', **{'from': '11', 'to': '50', 'reason': 'retention'})
        with Fake(lambda n, _: [EVENTS, sse(9, 'org.baton.snapshot.v1', devices=[], calls=[]), sse(10), gap]) as f, \
                Probe(PROBE, f.url, **QUICK) as p:
            began = time.monotonic()
            p.say('follow snapshot')
            for _ in range(12):
                p.next('event')
            self.assertGreater(time.monotonic() - began, 1.9)  # the first at once, then one a second

    def test_refusal_ends_it(self):
        with Fake(lambda n, _: reply(403, {'code': 'scopeMissing', 'detail': 'No.'})) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow now')
            self.assertEqual(p.next('end'), {'status': 403, 'code': 'scopeMissing', 'detail': 'No.'})
            p.say('pull now most=1')
            self.assertEqual(p.next('end')['code'], 'scopeMissing')
            self.assertEqual(p.next('pulled'), 0)
            self.assertEqual(len(f.asked), 2)

    def test_problem_in_a_stream(self):
        """One that passes is waited for, one that does not ends it; what came before is told."""
        why = lambda status, code: f'event: problem\ndata: {{"status":{status},"code":"{code}","detail":"No."}}\n\n'.encode()
        script = lambda n, _: {1: [EVENTS, why(503, 'noSnapshot')], 2: [EVENTS, sse(5), why(401, 'invalidToken')]}.get(
            n, [EVENTS, why(413, 'snapshotTooBig')])
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow snapshot')
            self.assertEqual(p.next('event')['sequence'], '5')
            self.assertEqual(p.next('end'), {'status': 401, 'code': 'invalidToken', 'detail': 'No.'})
            p.say('pull snapshot most=1')
            self.assertEqual(p.next('end')['code'], 'snapshotTooBig')
            self.assertEqual(len(f.asked), 3)

    def test_dropped_at_once_is_no_reason_to_hurry(self):
        with Fake(lambda n, _: [EVENTS] if n < 6 else [EVENTS, sse(1)]) as f, Probe(PROBE, f.url, backoff=800) as p:
            began = time.monotonic()
            p.say('follow earliest')
            p.next('event')
            self.assertGreater(time.monotonic() - began, 0.5)  # the shortest of five waits that double

    def test_slow_reader_gets_all_in_order(self):
        """More than is kept: it is not read until there is room, and a stalled reader blames nobody."""
        def script(n, request):
            first = int(last_id(request) or 0)
            yield EVENTS
            for at in range(first, 3000):
                yield sse(at + 1, DeliveredEvent={'x': 'y' * 500})
            yield MUTE
        with Fake(script) as f, Probe(PROBE, f.url, silence=2000) as p:
            p.say('pull earliest most=3000 nap=3000')
            self.assertEqual(p.next('pulled'), 3000)
            self.assertEqual([o['event']['sequence'] for o in p.kept], [str(n + 1) for n in range(3000)])
            self.assertEqual(len(f.asked), 1)

    def test_waiting_within_a_function(self):
        """Each answer comes before the next event, and no function runs inside another."""
        def script(n, request):
            if '/v1/events' not in request:
                return reply(200, {})
            return [EVENTS, sse(1) + sse(2) + sse(3)] if last_id(request) is None else [EVENTS, sse(4)]
        with Fake(script) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('echo GET /v1/x')
            p.say('ask GET /v1/y')
            p.say('follow now')
            said = [o for o in p.all(lambda o: o.get('for') == '4') if 'sent' not in o]
            answer, = [o['answer'] for o in said if 'answer' in o]
            self.assertFalse(answer['nested'])
            self.assertEqual([o['event']['sequence'] if 'event' in o else o['for'] for o in said if 'answer' not in o],
                             ['1', '1', '2', '2', '3', '3', '4', '4'])

    def test_closing(self):
        with Fake(lambda n, _: [EVENTS, sse(n)]) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow now')
            p.next('event')
            p.say('close')
            p.say('wait GET /v1/x')
            p.next('answer')

    def test_garbage_is_passed_over(self):
        rubbish = b'data: {"a":\n\ndata\n\n: x\nfoo: bar\nid: 99999999999999999999\n\nid: x\n\n\r\n\r\rdata: []\n\n'
        with Fake(lambda n, _: [EVENTS, rubbish, sse(1)]) as f, Probe(PROBE, f.url, **QUICK) as p:
            p.say('follow earliest')
            self.assertEqual(p.next('event')['sequence'], '1')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
