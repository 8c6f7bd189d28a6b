#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every route of gen/api.txt, asked by everybody: does the real server let in those whom the route's scope lets in, and
nobody else? A route that forgets its check fails here.

    test_scopes.py BATON GEN_API TABLE

Who asks: nobody, a wrong secret, a text that is no token, a revoked and an expired token, one that observes another
device, one that controls another device, one that observes and one that controls the device of the route, the token of
a page, an administrator.
"""
import base64
import json
import os
import re
import subprocess
import sys
import time

from phones import House
from server import SHORT, Server

BATON, GEN_API, TABLE = sys.argv[1:4]
DEVICE, OTHER = '1001', '1002'
PAGE = 'https://crm.example.com'
KIND = {'observe': 1, 'observe:device': 1, 'control': 2, 'control:device': 2, 'admin': 3}
# Whom these let in, they stop or keep busy: that they let him in is seen elsewhere.
ENDS = {'drain', 'reload', 'backup', 'restore', 'upgrade'}
# Understood as far as the device, so that it is the device for which somebody is refused.
BODIES = {
    'createBrowserToken': json.dumps({'origin': PAGE}),
    'SetAgentState': '{"requestedAgentState": "ready"}',
    'CallBackNonCallRelated': '{"targetDevice": "1003"}',
    'MakeCall': '{"calledDirectoryNumber": "1003"}',
    'DeflectCall': '{"newDestination": "1003"}',
    'ConsultationCall': '{"consultedDevice": "1003"}',
    'SingleStepTransferCall': '{"transferredTo": "1003"}',
    'SingleStepConferenceCall': '{"deviceToJoin": "1003", "participationType": "active"}',
    'GenerateDigits': '{"charactersToSend": "1"}',
    'DialDigits': '{"diallingSequence": "1"}',
    'ParkCall': '{"parkTo": "1003"}',
    'SendUserInformation': '{"userData": {"string": "00"}}',
    'AssociateData': '{"correlatorData": {"string": "00"}}',
}
VALUES = {'device': DEVICE, 'feature': 'doNotDisturb', 'service': 'SnapshotDevice', 'name': 'nothing', 'format': 'json'}


def check(ok, what):
    if not ok:
        raise AssertionError(what)


def made(s, name, scopes, **more):
    answer = s.ask('POST', '/v1/tokens', {'name': name, 'scopes': scopes, **more})
    check(answer.status == 201, answer.body)
    return answer.json()['token']


class Who:
    """@param kind  of the scope, 0: nobody who is known; @param device  '*': any"""

    def __init__(self, name, token, kind, device='*', headers=None):
        self.name, self.kind, self.device = name, kind, device
        self.headers = {**({'Authorization': 'Bearer ' + token} if token is not None else {}), **(headers or {})}
        self.shown = token is not None


def everybody(s):
    revoked, expired = made(s, 'revoked', ['admin']), made(s, 'expired', ['admin'], expiresIn=1)
    check(s.ask('DELETE', '/v1/tokens/revoked').status == 204, 'revoked')
    control = made(s, 'control', ['control:' + DEVICE])
    page = s.ask('POST', '/v1/tokens/browser', {'origin': PAGE, 'scopes': ['observe:' + DEVICE]},
                 headers={'Authorization': 'Bearer ' + control}, face='tcp')
    check(page.status == 201, page.body)
    end = time.monotonic() + SHORT
    while s.get('/v1/whoami', headers={'Authorization': 'Bearer ' + expired}, face='tcp').status != 401:
        check(time.monotonic() < end, 'it does not expire')
        time.sleep(0.02)
    return [
        Who('nobody', None, 0),
        Who('wrong', control[:-43] + 'A' * 43, 0),
        Who('no token', 'letmein', 0),
        Who('revoked', revoked, 0),
        Who('expired', expired, 0),
        Who('observes another', made(s, 'o2', ['observe:' + OTHER]), 1, OTHER),
        Who('controls another', made(s, 'c2', ['control:' + OTHER]), 2, OTHER),
        Who('observes', made(s, 'o1', ['observe:' + DEVICE]), 1, DEVICE),
        Who('page', page.json()['token'], 1, DEVICE, {'Origin': PAGE}),
        Who('page elsewhere', page.json()['token'], 0, DEVICE, {'Origin': 'https://other.example.com'}),
        Who('controls', control, 2, DEVICE),
        Who('administrator', made(s, 'admin', ['admin']), 3),
    ]


def expected(route, who):
    """The statuses of the refusal that there must be, or None: he is let in."""
    scope = route['scope']
    if who.kind == 0 and (who.shown or scope != 'none'):
        return {401, 429}
    if scope == 'none':
        return None
    if who.kind < KIND[scope]:
        return {403}
    if scope.endswith(':device') and who.device not in ('*', DEVICE):
        # what one may not see is not there; a command is refused as on every other face
        # (501: this server has no focus, whoever asks for a conference.)
        return ({403, 501} if 'conference' in route['path'] else {403}) if KIND[scope] == 2 else {403, 404}
    return None


def ends_something(route, who):
    return who.kind == 3 and any(word in route['path'] for word in ENDS)


def status_of(s, route, who):
    path = re.sub(r'\{(\w+)\}', lambda m: VALUES.get(m.group(1), 'x'), route['path'])
    method = 'GET' if route['method'] == 'WS' else route['method']
    headers, body = dict(who.headers), None
    if route['method'] == 'WS':
        headers.update({'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13',
                        'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode()})
    elif method != 'GET':
        body = BODIES.get(route['service'] or route['operation'], route['example'] or '{}')
        headers['Content-Type'] = 'application/json'
    c = s.connection('tcp')
    try:
        c.request(method, path, body, headers)
        return c.getresponse().status
    finally:
        c.close()


def test_routes(s, routes, people):
    wrong = []
    for route in routes:
        for who in people:
            if ends_something(route, who):
                continue
            want, got = expected(route, who), status_of(s, route, who)
            ok = got not in (401, 403, 429) if want is None else got in want
            if not ok:
                wrong.append(f"{route['method']} {route['path']} ({route['scope']}): {who.name} got {got}, "
                             f"{'entry' if want is None else sorted(want)} was right")
    check(not wrong, '\n' + '\n'.join(wrong))


def test_files(s, people):
    """Pages and documents need no token: what they show comes by the routes above."""
    nobody = [w for w in people if w.name in ('nobody', 'observes another')]
    for path in ('/openapi.json', '/asyncapi.json', '/', '/console/'):
        for who in nobody:
            check(s.get(path, headers=who.headers, face='tcp').status in (200, 302, 303, 307, 308, 404), (path, who.name))
    for path in ('/v1/tokens/../status', '/console/../v1/status', '/V1/status', '//v1/status', '/v1/status/',
                 '/v1/%73tatus', '/v1//status'):
        got = s.get(path, face='tcp').status
        check(got in (400, 401, 404), (path, got))


def test_lists_show_their_own(s, people):
    """A list has what the asker may observe, and nothing else."""
    for who in people:
        if who.kind == 0 or who.kind == 3:
            continue
        answer = s.get('/v1/devices', headers=who.headers, face='tcp')
        if answer.status == 404:
            return  # there is no such route (yet)
        numbers = [d['number'] for d in answer.json()['items']]
        check(numbers == [who.device], (who.name, numbers))


def test_calls_of_others(h, routes):
    """A call that stands, of 1001 and 1003: who may everything with 1002 finds it nowhere, and commands it by no route
    and no service."""
    other = {'Authorization': 'Bearer ' + made(h, 'other', ['control:1002'])}
    call = h.talk(1001, 1003)
    done = h.post(f'/v1/calls/{call}/connections/1001/data', {'correlatorData': {'string': '00'}}, wait=5).json()
    connection = {'callID': call, 'deviceID': '1001'}
    asked = [('GET', '/v1/operations/' + done['operation'], None)]
    for route in routes:
        if '{callID}' in route['path']:
            path = route['path'].replace('{callID}', call).replace('{device}', '1001')
            body = {**BODIES, 'DirectedPickupCall': '{"requestingDevice": "1002"}'}.get(route['service'], '{}')
            asked.append((route['method'], path, None if route['method'] == 'GET' else json.loads(body)))
    for service, member, more in (
            ('ClearCall', 'callToBeCleared', {}), ('ClearConnection', 'connectionToBeCleared', {}),
            ('HoldCall', 'callToBeHeld', {}), ('SnapshotCall', 'snapshotObject', {}),
            ('SingleStepTransferCall', 'activeCall', {'transferredTo': '1002'}),
            ('DirectedPickupCall', 'callToBePickedUp', {'requestingDevice': '1002'}),
            ('AssociateData', 'existingCall', {'correlatorData': {'string': '01'}})):
        for one in (connection, {'callID': call}):
            asked.append(('POST', '/v1/services/' + service, {member: one, **more}))
    for method, path, body in asked:
        got = h.ask(method, path, body, other, face='tcp')
        allowed = {403, 404, 501} if 'conference' in path else {403, 404}
        check(got.status in allowed, f'{method} {path} {body}: {got.status} {got.body!r}')
    for path in ('/v1/calls', '/v1/history', '/v1/events?limit=1000'):
        shown = h.get(path, headers={**other, 'Accept': 'application/json'}, face='tcp')
        check(shown.status == 200 and call not in shown.body.decode(), f'{path}: {shown.status} {shown.body!r}')
        check(call in h.get(path, headers={'Accept': 'application/json'}).body.decode(), path)
    for number in (1001, 1003):
        check(h.party(call, number)['localConnectionInfo'] == 'connected', number)
    h.all_over()
    return len(asked)


ROUTES = json.loads(subprocess.run([sys.executable, GEN_API, 'list', TABLE], check=True, capture_output=True).stdout)
with Server(BATON, store=True, api={'origins': [PAGE, 'https://other.example.com']}) as server:
    PEOPLE = everybody(server)
    check(len(ROUTES) > 5, ROUTES)
    test_routes(server, ROUTES, PEOPLE)
    test_files(server, PEOPLE)
    test_lists_show_their_own(server, PEOPLE)
    print(f'ok {len(ROUTES)} routes, {len(PEOPLE)} who ask')
with House(BATON, numbers=(1001, 1003), store=True) as house:
    print(f'ok {test_calls_of_others(house, ROUTES)} requests about a call of others')
