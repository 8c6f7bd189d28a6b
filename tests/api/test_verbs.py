#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verbs, views and operations of the API, on real calls of real phones.  test_verbs.py BATON GEN_API TABLE"""
import json
import os
import re
import subprocess
import sys
import unittest

from focus import Focus
from phones import House, until

BATON, GEN, TABLE = sys.argv[1:4]


class Conferences(unittest.TestCase):
    def test_both_services_and_the_end(self):
        with Focus() as focus, House(BATON, numbers=(1001, 1002, 1003, 1004),
                                     more=f'conference: {{focus: "{focus.uri}", room: conf-%s}}\n') as h:
            first = h.talk(1001, 1002)
            second = h.done(f'/v1/calls/{first}/connections/1001/consult', {'consultedDevice': '1003'})['initiatedCall']['callID']
            h.until_state(second, 1003, 'alerting')
            h.done(f'/v1/calls/{second}/connections/1003/answer')
            h.until_state(second, 1001, 'connected')
            h.done(f'/v1/calls/{second}/connections/1001/conference')
            until('three sit there', lambda: len(focus.seats) == 3)
            left = h.get('/v1/calls').json()['items']
            self.assertEqual([sorted(c['number'] for c in call['connections']) for call in left], [['1001', '1002', '1003']])
            call = left[0]['callID']
            h.done(f'/v1/calls/{call}/connections/1001/single-step-conference', {'deviceToJoin': '1004', 'participationType': 'active'})
            h.until_state(call, 1004, 'alerting')
            h.done(f'/v1/calls/{call}/connections/1004/answer')
            h.until_state(call, 1004, 'connected')
            self.assertEqual(len(focus.seats), 4)
            h.done(f'/v1/calls/{call}/clear')
            h.until_over(call)
            until('nobody sits there', lambda: not focus.seats)


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.h = House(BATON, numbers=(1001, 1002, 1003), store=True,
                      more='groups: [{name: desk, members: ["1002", "1003"]}]\n'
                      'routes: [{name: sales, match: {to: ["7*"]}, ask: "1005", targets: [{to: "device:1003"}]}]\n').__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.h.__exit__(None, None, None)

    def tearDown(self):
        self.h.all_over()

    def problem(self, answer, status, code):
        self.assertEqual((answer.status, answer.headers['content-type']), (status, 'application/problem+json'), answer.body)
        said = answer.json()
        self.assertEqual((said['code'], said['status'], said['type']), (code, status, 'urn:baton:problem:' + code))
        self.assertTrue(said['detail'].endswith('.'), said)
        return said

    def at(self, call, device, verb):
        return f'/v1/calls/{call}/connections/{device}/{verb}'

    def dial(self, a, b):
        """a's user dials b, which rings. @return callID"""
        self.h.phones[a].say(f'call sip:{b}@example.com')
        call = until('a call', lambda: self.h.get(f'/v1/devices/{b}').json()['calls'])[0]
        self.h.until_state(call, b, 'alerting')
        return call

    # ---- each verb does it ----

    def test_make_answer_clear(self):
        call = self.h.talk(1001, 1002, userData={'string': '044849'}, correlatorData={'string': 'AB12'})
        seen = self.h.get(f'/v1/calls/{call}').json()
        self.assertEqual(seen['correlatorData'], {'string': 'AB12'})
        self.assertEqual(seen['userData'], {'string': '044849'})
        self.assertEqual([(u['package'], u['text'], u['verdict']) for u in seen['uui']], [('isdn-uui', 'HI', 'valid')])
        self.assertEqual(len(seen['sipCallIDs']), 2)
        self.assertLessEqual(seen['created'], seen['answered'])
        self.assertRegex(seen['created'], r'T\d\d:\d\d:\d\dZ$')  # it is known to the second
        listed = until('it is in the journal', lambda: [
            c for c in self.h.get('/v1/history').json()['items'] if c['call'] == seen['callID'] and 'answered' in c])
        self.assertEqual([(c['seconds'], 'ended' in c) for c in listed], [(None, False)])  # it stands
        self.assertEqual(self.h.get('/v1/devices/1001').json()['calls'], [call])
        mine = self.h.party(call, 1001)
        self.assertIn('HoldCall', mine['services'])
        self.assertNotIn('RetrieveCall', mine['services'])
        self.h.done(self.at(call, 1001, 'clear'))
        self.h.until_over(call)

    def test_hold_retrieve(self):
        call = self.h.talk(1001, 1002)
        self.h.done(self.at(call, 1001, 'hold'))
        self.h.until_state(call, 1001, 'hold')
        self.assertIn('RetrieveCall', self.h.party(call, 1001)['services'])
        self.h.done(self.at(call, 1001, 'retrieve'))
        self.h.until_state(call, 1001, 'connected')

    def test_deflect(self):
        call = self.h.ring(1001, 1002)
        self.h.done(self.at(call, 1002, 'deflect'), {'newDestination': '1003'})
        self.h.until_state(call, 1003, 'alerting')

    def test_consult_alternate_reconnect(self):
        first = self.h.talk(1001, 1002)
        second = self.h.done(self.at(first, 1001, 'consult'), {'consultedDevice': '1003'})['initiatedCall']['callID']
        self.h.until_state(first, 1001, 'hold')
        self.h.until_state(second, 1003, 'alerting')
        self.h.done(self.at(second, 1003, 'answer'))
        self.h.until_state(second, 1001, 'connected')
        self.h.done(self.at(second, 1001, 'alternate'))
        self.h.until_state(first, 1001, 'connected')
        self.h.until_state(second, 1001, 'hold')
        self.h.done(self.at(first, 1001, 'reconnect'))
        self.h.until_over(first)
        self.h.until_state(second, 1001, 'connected')

    def test_transfer(self):
        first = self.h.talk(1001, 1002)
        second = self.h.done(self.at(first, 1001, 'consult'), {'consultedDevice': '1003'})['initiatedCall']['callID']
        self.h.until_state(second, 1003, 'alerting')
        self.h.done(self.at(second, 1003, 'answer'))
        self.h.until_state(second, 1001, 'connected')
        self.h.done(self.at(second, 1001, 'transfer'))
        until('1001 has left', lambda: not self.h.get('/v1/devices/1001').json()['calls'])
        left = self.h.get('/v1/calls').json()['items']
        self.assertEqual(len(left), 1)
        self.assertEqual({c['number'] for c in left[0]['connections']}, {'1002', '1003'})

    def test_one_of_several_on_hold(self):
        """The body says which; without it several are too many. What the path has said it may not say again."""
        calls = []
        for to in (1002, 1003):
            calls.append(self.h.talk(1001, to))
            self.h.done(self.at(calls[-1], 1001, 'hold'))
        third = self.h.talk(1001, 1002)
        said = self.problem(self.h.post(self.at(third, 1001, 'alternate'), wait=5), 409, 'invalidConnectionState')
        self.assertIn('everal connections', said['detail'])
        here = {'callID': third, 'deviceID': '1001'}
        said = self.problem(self.h.post(self.at(third, 1001, 'alternate'), {'activeCall': here}), 400, 'invalidParameterValue')
        self.assertEqual((said['pointer'], 'The path says' in said['detail']), ('/activeCall', True))
        for call, held, other in ((third, calls[0], calls[1]), (calls[0], calls[1], third)):
            self.h.done(self.at(call, 1001, 'alternate'), {'heldCall': {'callID': held, 'deviceID': '1001'}})
            self.h.until_state(held, 1001, 'connected')
            self.h.until_state(call, 1001, 'hold')
            self.assertEqual(self.h.party(other, 1001)['localConnectionInfo'], 'hold')
        twice = '{"x": [{"y": 1}, []], "heldCall": {"callID": "a"}, "heldCall": {}}'
        a = self.h.ask('POST', self.at(calls[1], 1001, 'transfer'), twice, {'Content-Type': 'application/json'})
        self.assertEqual(self.problem(a, 400, 'parameterNotSupported')['pointer'], '/x')
        deep = '{"x": ' + '[' * 20 + ']' * 20 + ', "heldCall": {}}'
        a = self.h.ask('POST', self.at(calls[1], 1001, 'transfer'), deep, {'Content-Type': 'application/json'})
        self.assertEqual(a.status, 400, a.body)

    def test_single_step_transfer(self):
        call = self.h.talk(1001, 1002)
        self.h.done(self.at(call, 1001, 'single-step-transfer'), {'transferredTo': '1003'})
        self.h.until_state(call, 1003, 'alerting')

    def test_digits(self):
        call = self.h.talk(1001, 1002)
        self.h.done(self.at(call, 1001, 'digits'), {'charactersToSend': '12#'})

    def test_park_pickup(self):
        call = self.h.talk(1001, 1002)
        self.h.done(self.at(call, 1001, 'park'), {'parkTo': '1003'})
        until('1001 has left', lambda: not self.h.get('/v1/devices/1001').json()['calls'])

    def test_directed_pickup(self):
        call = self.h.ring(1001, 1002)
        self.h.done(self.at(call, 1002, 'pickup'), {'requestingDevice': '1003'})
        self.h.until_state(call, 1003, 'connected')

    def test_group_pickup(self):
        call = self.h.ring(1001, 1002)
        self.h.done('/v1/devices/1003/pickup')
        self.h.until_state(call, 1003, 'connected')

    def test_dial(self):
        made = self.h.done('/v1/devices/1001/calls', {'calledDirectoryNumber': '10;', 'autoOriginate': 'doNotPrompt'})
        call = made['callingDevice']['callID']
        self.h.until_state(call, 1001, 'initiated')
        self.h.done(self.at(call, 1001, 'dial'), {'diallingSequence': '02'})
        self.h.until_state(call, 1002, 'alerting')

    def test_data(self):
        call = self.h.talk(1001, 1002)
        self.h.done(self.at(call, 1001, 'data'), {'correlatorData': {'string': 'C0FFEE'}})
        self.assertEqual(self.h.get(f'/v1/calls/{call}').json()['correlatorData'], {'string': 'C0FFEE'})

    def test_user_information(self):
        call = self.dial(1001, 1002)
        self.h.done(self.at(call, 1002, 'user-information'), {'userData': {'string': '0441'}})

    def test_clear_call(self):
        call = self.h.talk(1001, 1002)
        self.h.done(f'/v1/calls/{call}/clear')
        self.h.until_over(call)

    def test_call_back(self):
        self.h.done('/v1/devices/1001/callbacks', {'targetDevice': '1002'})
        self.h.done('/v1/services/CancelCallBack', {'originatingDevice': '1001', 'targetDevice': '1002'})

    def test_conference_wants_focus(self):
        call = self.h.talk(1001, 1002)
        self.problem(self.h.post(self.at(call, 1001, 'conference')), 501, 'serviceNotSupported')
        self.problem(self.h.post(self.at(call, 1001, 'single-step-conference'),
                                 {'deviceToJoin': '1003', 'participationType': 'active'}), 501, 'serviceNotSupported')

    def test_call_back_of_call(self):
        call = self.h.ring(1001, 1002)  # nobody is there
        self.h.done(self.at(call, 1001, 'call-back'))
        self.h.until_over(call)
        self.h.done('/v1/services/CancelCallBack', {'originatingDevice': '1001', 'targetDevice': '1002'})
        call = self.h.talk(1001, 1002)
        self.problem(self.h.post(self.at(call, 1001, 'call-back')), 409, 'noCallToComplete')

    def test_agents(self):
        self.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'loggedOn', 'agentID': 'lea'})
        self.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'ready', 'agentID': 'lea'})
        self.assertEqual(self.h.get('/v1/agents').json()['items'], [
            {'agentID': 'lea', 'deviceID': 'sip:1003@example.com', 'agentState': 'agentReady'}])
        self.h.done('/v1/devices/1003/agent', {'requestedAgentState': 'loggedOff', 'agentID': 'lea'})
        self.assertEqual(self.h.get('/v1/agents').json()['items'], [])

    def test_any_service(self):
        call = self.h.talk(1001, 1002)
        a = self.h.post('/v1/services/SnapshotDevice', {'snapshotObject': '1001'})
        self.assertEqual(a.status, 200)
        info = a.json()['SnapshotDeviceResponse']
        self.assertIn(call, json.dumps(info))
        self.assertEqual(self.h.post('/v1/services/GetForwarding', {'device': '1001'}).status, 200)
        self.assertEqual(self.h.post('/v1/services/RequestSystemStatus').json(),
                         {'RequestSystemStatusResponse': {'systemStatus': 'normal'}})
        self.h.done('/v1/services/HoldCall', {'callToBeHeld': {'callID': call, 'deviceID': '1001'}})
        self.h.until_state(call, 1001, 'hold')

    # ---- what is wrong ----

    def test_wrong_bodies(self):
        said = self.problem(self.h.post('/v1/devices/1001/calls', {'autoOriginate': 'maybe'}), 400, 'invalidParameterValue')
        self.assertEqual((said['pointer'], said['csta']),
                         ('/autoOriginate', {'category': 'operation', 'value': 'invalidParameterValue'}))
        self.assertIn('doNotPrompt', said['detail'])
        a = self.h.ask('POST', '/v1/devices/1001/calls')
        self.assertIn('waits for DialDigits', self.problem(a, 400, 'bodyMissing')['detail'])
        said = self.problem(self.h.post('/v1/devices/1001/calls', {'nonsense': 1}), 400, 'parameterNotSupported')
        self.assertEqual(said['pointer'], '/nonsense')
        said = self.problem(self.h.post('/v1/devices/1001/calls', {'userData': {'string': 'ABC'}}), 400, 'invalidParameterValue')
        self.assertEqual(said['pointer'], '/userData/string')
        for body in ('{', '[]', '"x"', '{"autoOriginate":', 'null', '{} x'):
            a = self.h.ask('POST', '/v1/devices/1001/calls', body, {'Content-Type': 'application/json'})
            self.assertEqual(a.status, 400, body)
        for body, at in (('{"autoOriginate": "prompt"', 27), (' {"autoOriginate" "prompt"}', 19), ('nonsense', 1), ('{} x', 4)):
            a = self.h.ask('POST', '/v1/devices/1001/calls', body, {'Content-Type': 'application/json'})
            self.assertIn(f'no JSON, at octet {at}: ', self.problem(a, 400, 'invalidJSON')['detail'], body)
        said = self.problem(self.h.post('/v1/devices/1001/calls', {'callingDevice': '1002'}), 400, 'invalidParameterValue')
        self.assertEqual(said['pointer'], '/callingDevice')
        self.assertIn('leave it out', said['detail'])
        a = self.h.ask('POST', '/v1/devices/1001/calls', '<x/>', {'Content-Type': 'application/xml'})
        self.problem(a, 415, 'unsupportedMediaType')

    def test_unknown_things(self):
        self.problem(self.h.get('/v1/devices/9999'), 404, 'unknownDevice')
        self.problem(self.h.get('/v1/devices/9999/diagnosis'), 404, 'unknownDevice')
        self.problem(self.h.get('/v1/calls/nosuchcall'), 404, 'unknownCall')
        self.problem(self.h.get('/v1/calls/nosuchcall/connections/1001'), 404, 'unknownConnection')
        self.problem(self.h.get('/v1/operations/op_nothing'), 404, 'unknownOperation')
        self.problem(self.h.get('/v1/devices/1001/features/nothing'), 404, 'unknownFeature')
        self.problem(self.h.post('/v1/services/Nothing'), 404, 'unknownService')
        self.problem(self.h.post('/v1/services/DeliveredEvent'), 404, 'unknownService')
        self.problem(self.h.post('/v1/devices/9999/calls', {'calledDirectoryNumber': '1002'}), 404, 'invalidCallingDeviceID')
        self.problem(self.h.post('/v1/devices/1001/calls', {'calledDirectoryNumber': '77'}), 404, 'invalidCalledDeviceID')
        self.problem(self.h.post(self.at('nosuchcall', 1001, 'hold')), 404, 'invalidConnectionID')
        self.problem(self.h.ask('DELETE', '/v1/monitors/9.9'), 404, 'unknownMonitor')
        self.problem(self.h.ask('DELETE', '/v1/sessions/99'), 404, 'unknownSession')

    def test_wrong_states(self):
        call = self.h.talk(1001, 1002)
        self.problem(self.h.post(self.at(call, 1001, 'retrieve')), 409, 'noHeldCall')
        self.problem(self.h.post(self.at(call, 1001, 'answer')), 409, 'noCallToAnswer')
        self.problem(self.h.post('/v1/devices/1005/calls', {'calledDirectoryNumber': '1002'}), 409, 'deviceOutOfService')
        self.problem(self.h.post('/v1/services/MonitorStart', {'monitorObject': {'deviceObject': '1001'}}), 501,
                     'serviceNotSupported')
        self.problem(self.h.post('/v1/devices/1001/agent', {'requestedAgentState': 'ready'}), 409, 'invalidAgentState')

    # ---- operations ----

    def test_operation_from_accepted_to_done(self):
        call = self.h.talk(1001, 1002)
        a = until('the hold begins', lambda: (lambda a: a if a.status == 202 else None)(
            self.h.post(self.at(call, 1001, 'hold'))))
        op = a.json()
        self.assertEqual(a.headers['location'], '/v1/operations/' + op['operation'])
        self.assertEqual((op['service'], op['callID'], op['deviceID']), ('HoldCall', call, '1001'))
        a = self.h.ask('GET', a.headers['location'], headers={'Prefer': 'wait=10'})
        self.assertEqual(a.status, 200)
        self.assertEqual((a.json()['state'], a.json()['result']), ('done', {'HoldCallResponse': {}}))
        self.assertGreaterEqual(a.json()['ended'], a.json()['created'])

    def test_key_and_chosen_call_id(self):
        body = {'calledDirectoryNumber': '1002', 'autoOriginate': 'doNotPrompt'}
        path = '/v1/devices/1001/calls?callID=abcdefghij0123456789'
        first = self.h.post(path, body, key='k-1')
        self.assertEqual(first.status, 202)
        self.assertEqual(first.json()['callID'], 'abcdefghij0123456789')
        again = self.h.post(path, body, key='k-1')
        self.assertEqual(again.json()['operation'], first.json()['operation'])
        self.problem(self.h.post(path, {**body, 'calledDirectoryNumber': '1003'}, key='k-1'), 422, 'idempotencyKeyReused')
        self.problem(self.h.post(path, body), 409, 'invalidObjectState')
        self.problem(self.h.post('/v1/devices/1001/calls?callID=short', body), 400, 'badParameter')
        self.assertEqual(self.h.get('/v1/calls/abcdefghij0123456789').status, 200)

    def test_kill_leaves_operations(self):
        call = self.h.talk(1001, 1002)
        body = {'callToBeHeld': {'callID': call, 'deviceID': '1001'}}
        first = until('the hold begins', lambda: (lambda a: a if a.status == 202 else None)(
            self.h.post('/v1/services/HoldCall', body, key='kept'))).json()
        self.h.process.kill()
        self.h.process.wait()
        self.h.start()
        seen = self.h.get('/v1/operations/' + first['operation'])
        self.assertEqual(seen.status, 200)
        self.assertIn(seen.json()['state'], ('done', 'failed'))
        if seen.json()['state'] == 'failed':
            self.assertEqual(seen.json()['problem']['code'], 'restarted')
        again = self.h.post('/v1/services/HoldCall', body, key='kept')
        self.assertEqual(again.json()['operation'], first['operation'])
        self.h.done(f'/v1/calls/{call}/clear')

    # ---- features ----

    def test_features(self):
        path = '/v1/devices/1003/features/doNotDisturb'
        a = self.h.get(path)
        self.assertEqual((a.status, a.json()), (200, {'doNotDisturbOn': False}))
        old = a.headers['etag']
        put = lambda value, tag=None: self.h.ask('PUT', path, {'doNotDisturbOn': value}, {
            'Prefer': 'wait=5', **({'If-Match': tag} if tag else {})})
        self.assertEqual(put(True, old).status, 200)
        self.problem(put(False, old), 412, 'preconditionFailed')
        a = self.h.get(path)
        self.assertEqual(a.json(), {'doNotDisturbOn': True})
        self.assertNotEqual(a.headers['etag'], old)
        self.assertEqual(put(False, f'"x", {a.headers["etag"]}').status, 200)
        self.assertEqual(self.h.get(path).headers['etag'], old)
        self.assertEqual(put(True).status, 200)
        self.assertEqual(put(False, '*').status, 200)
        self.assertEqual(self.h.ask('GET', path, headers={'If-None-Match': old}).status, 304)

    def test_forwarding(self):
        path = '/v1/devices/1003/features/'
        a = self.h.ask('PUT', path + 'forwardBusy', {'activateForward': True, 'forwardDN': '1002'}, {'Prefer': 'wait=5'})
        self.assertEqual(a.status, 200, a.body)
        seen = self.h.get(path + 'forwardBusy').json()
        self.assertEqual((seen['forwardingType'], seen['forwardStatus'], seen['forwardDN']), ('forwardBusy', True, {'id': '1002'}))
        self.assertFalse(self.h.get(path + 'forwardImmediate').json()['forwardStatus'])
        self.assertIn({'forwardingType': 'forwardBusy', 'forwardStatus': True, 'forwardDN': '1002'},
                      self.h.get('/v1/devices/1003').json()['features']['forwarding'])
        self.problem(self.h.ask('PUT', path + 'forwardBusy', {'activateForward': True, 'forwardDN': '1003'}, {'Prefer': 'wait=5'}),
                     400, 'invalidForwardingDestination')
        self.h.ask('PUT', path + 'forwardBusy', {'activateForward': False}, {'Prefer': 'wait=5'})

    def test_feature_of_phone_without_session(self):
        self.problem(self.h.get('/v1/devices/1003/features/microphoneMute'), 501, 'serviceNotSupported')

    def test_message_waiting(self):
        path = '/v1/devices/1001/features/messageWaiting'
        self.assertEqual(self.h.ask('PUT', path, {'messageWaitingOn': True}, {'Prefer': 'wait=5'}).status, 200)
        self.assertTrue(self.h.get(path).json()['messageWaitingOn'])
        self.assertTrue(self.h.get('/v1/devices/1001').json()['features']['messageWaiting'])
        self.h.ask('PUT', path, {'messageWaitingOn': False}, {'Prefer': 'wait=5'})

    # ---- views ----

    def test_lists_in_pages(self):
        for limit in (1, 2, 5, 100):
            seen, after = [], ''
            while after is not None:
                page = self.h.get(f'/v1/devices?limit={limit}&after={after}' if after else f'/v1/devices?limit={limit}').json()
                self.assertLessEqual(len(page['items']), limit)
                seen += [d['number'] for d in page['items']]
                after = page.get('next')
            self.assertEqual(sorted(seen), ['1001', '1002', '1003', '1004', '1005'])
        for bad in ('limit=0', 'limit=1001', 'limit=x', 'after=xyz'):
            self.problem(self.h.get('/v1/devices?' + bad), 400, 'badParameter')

    def test_registrations_and_diagnosis(self):
        self.assertEqual({r['record'] for r in self.h.get('/v1/registrations').json()['items']},
                         {f'{n}@example.com' for n in (1001, 1002, 1003)})
        said = self.h.get('/v1/devices/1001/diagnosis').json()
        self.assertEqual(said['registrations'][0]['transport'], 'UDP')
        self.assertIn({'name': 'MakeCall', 'carried': 'switch', 'others': 'none'}, said['services'])

    def test_views_fit_their_schemas(self):
        """Members that are written are members that openapi.json has, and all that it wants is there."""
        self.h.talk(1001, 1002, userData={'string': '044849'})
        schemas = self.h.get('/openapi.json', face='tcp').json()['components']['schemas']

        def fits(value, schema, where):
            if '$ref' in schema:
                schema = schemas[schema['$ref'].rpartition('/')[2]]
            if schema.get('type') == 'object' and 'properties' in schema:
                self.assertLessEqual(set(value), set(schema['properties']), where)
                self.assertLessEqual(set(schema.get('required', [])), set(value), where)
                for name, part in value.items():
                    fits(part, schema['properties'][name], f'{where}/{name}')
            elif schema.get('type') == 'array':
                for i, part in enumerate(value):
                    fits(part, schema['items'], f'{where}/{i}')
            elif 'enum' in schema:
                self.assertIn(value, schema['enum'], where)
            elif schema.get('format') == 'date-time':
                self.assertRegex(value, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$', where)
            elif 'type' in schema and schema['type'] != 'object':
                kinds = {'string': str, 'integer': int, 'boolean': bool}
                self.assertIsInstance(value, kinds[schema['type']], where)
            if 'pattern' in schema:
                self.assertRegex(value, schema['pattern'], where)

        for path, name in (('/v1/devices', 'DeviceList'), ('/v1/calls', 'CallList'), ('/v1/agents', 'AgentList'),
                           ('/v1/registrations', 'RegistrationList'), ('/v1/sessions', 'SessionList'),
                           ('/v1/monitors', 'MonitorList'), ('/v1/peers', 'PeerList'), ('/v1/routes', 'RouteList'),
                           ('/v1/devices/1001', 'Device'), ('/v1/devices/1001/diagnosis', 'Diagnosis')):
            a = self.h.get(path)
            self.assertEqual(a.status, 200, path)
            fits(a.json(), schemas[name], path)
        call = self.h.get('/v1/calls').json()['items'][0]['callID']
        fits(self.h.get(f'/v1/calls/{call}').json(), schemas['Call'], 'call')
        fits(self.h.party(call, 1001), schemas['Connection'], 'connection')
        fits(self.h.post(self.at(call, 1001, 'hold'), wait=5).json(), schemas['Operation'], 'operation')

    # ---- routing ----

    def test_registrations_for_routing(self):
        made = self.h.done('/v1/routes', {'routeingDevice': '1004'})
        self.assertEqual(self.h.get('/v1/routes').json()['items'][0]['routeingDevice'], 'sip:1004@example.com')
        a = self.h.ask('DELETE', f'/v1/routes/{made["routeRegisterReqID"]}', headers={'Prefer': 'wait=5'})
        self.assertEqual(a.status, 200, a.body)
        self.assertEqual(self.h.get('/v1/routes').json()['items'], [])
        a = self.h.ask('DELETE', f'/v1/routes/{made["routeRegisterReqID"]}')
        self.problem(a, 404, 'invalidRouteRegistrationCrossRefID')
        self.problem(self.h.post('/v1/routes/77/select', {'routeSelected': '1002'}), 404, 'invalidRouteingCrossRefID')

    def question(self, kind):
        """The newest event of that kind."""
        def ask():
            page = self.h.get('/v1/events?limit=1000&type=' + kind, headers={'Accept': 'application/json'}).json()
            return page['items'][-1] if page['items'] else None
        return until(kind, ask)

    def test_application_says_where_calls_go(self):
        made = self.h.done('/v1/routes', {'routeingDevice': '1005'})
        self.h.phones[1001].say('call sip:71@example.com')
        event = self.question('org.baton.csta.routeRequest.v1')
        asked = event['data']['RouteRequest']
        self.assertEqual(asked['routeRegisterReqID'], made['routeRegisterReqID'])
        self.assertEqual(event['data']['ids']['callID'], asked['routedCall']['callID'])
        self.h.done(f'/v1/routes/{asked["crossRefIdentifier"]}/select', {'routeSelected': '1002'})
        self.h.until_state(asked['routedCall']['callID'], 1002, 'alerting')
        again = self.h.post(f'/v1/routes/{asked["crossRefIdentifier"]}/select', {'routeSelected': '1003'})
        self.assertEqual(again.status, 409, again.body)
        self.h.all_over()
        for verb, body in (('reject', {}), ('end', {})):
            before = asked['crossRefIdentifier']
            self.h.phones[1001].say('call sip:72@example.com')
            asked = until('another question', lambda: (
                lambda q: q if q['crossRefIdentifier'] != before else None)(
                    self.question('org.baton.csta.routeRequest.v1')['data']['RouteRequest']))
            self.h.done(f'/v1/routes/{asked["crossRefIdentifier"]}/{verb}', body)
            if verb == 'end':  # the rule's own target
                self.h.until_state(asked['routedCall']['callID'], 1003, 'alerting')
            self.h.all_over()
        self.h.ask('DELETE', f'/v1/routes/{made["routeRegisterReqID"]}')

    # ---- the documentation ----

    def test_lines_of_the_documentation_work(self):
        """Each curl in docs/api.md between ```sh and ```."""
        page = os.path.join(os.path.dirname(TABLE), '..', 'docs', 'api.md')
        with open(page, encoding='utf-8') as file:
            blocks = re.findall(r'```sh\n(.*?)```', file.read(), re.S)
        commands = [c for block in blocks for c in re.split(r'\n(?=curl)', block.strip())]
        self.assertGreater(len(commands), 7)
        self.h.ask('PUT', '/v1/devices/1001/features/doNotDisturb', {'doNotDisturbOn': False}, {'Prefer': 'wait=5'})
        for command in commands:
            said = subprocess.run(['sh', '-c', command + ' -w "\n%{http_code}"'], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, 'S': self.h.socket, 'ID': 'docs0123456789abcdef'})
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertIn(said.stdout.rsplit('\n', 1)[1], ('200', '202'), command + said.stdout)
        self.h.ask('PUT', '/v1/devices/1001/features/doNotDisturb', {'doNotDisturbOn': False}, {'Prefer': 'wait=5'})
        for route in self.h.get('/v1/routes').json()['items']:
            self.h.ask('DELETE', '/v1/routes/' + route['routeRegisterReqID'], headers={'Prefer': 'wait=5'})

    # ---- the table ----

    def test_every_verb_was_tried(self):
        listed = json.loads(subprocess.run([sys.executable, GEN, 'list', TABLE], check=True, capture_output=True).stdout)
        with open(__file__, encoding='utf-8') as file:
            own = file.read()
        tried = {'answer', 'clear', 'calls', 'routes', 'agent', 'callbacks'}  # by House, and by whole paths
        for route in listed:
            if route['service']:
                last = [s for s in route['path'].split('/') if not s.startswith('{')][-1]
                self.assertTrue(last in tried or re.search(rf"['/]{last}['\"]", own), route['path'])


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
