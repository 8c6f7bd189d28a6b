#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of the real server: made, used, revoked, expired, kept, for pages; who guesses; what is noted.

    test_tokens.py BATON GEN_API TABLE
"""
import json
import sys
import time

from server import SHORT, Server

BATON = sys.argv[1]
PAGE = 'https://crm.example.com'


def check(ok, what):
    if not ok:
        raise AssertionError(what)


def made(s, name, scopes, path='/v1/tokens', face='unix', **more):
    headers = more.pop('headers', None)
    body = {'scopes': scopes, **more}
    if name is not None:
        body['name'] = name
    answer = s.ask('POST', path, body, headers=headers, face=face)
    check(answer.status == 201, (answer.status, answer.body))
    return answer.json()['token']


def as_(token):
    return {'Authorization': 'Bearer ' + token}


def until(what, of):
    """Wait until it is so; never longer than SHORT."""
    end = time.monotonic() + SHORT
    while not of():
        check(time.monotonic() < end, what)
        time.sleep(0.02)


def test_life(s):
    whoami = s.get('/v1/whoami').json()
    check(whoami['admin'] and whoami['name'].startswith('uid:'), whoami)
    answer = s.ask('POST', '/v1/tokens', {'name': 'crm', 'scopes': ['control:10*', 'observe:*'], 'expiresIn': 3600})
    check(answer.status == 201, answer.body)
    check(answer.headers['cache-control'] == 'no-store', answer.headers)
    crm = answer.json()
    check(crm['token'].startswith('bt_') and len(crm['token']) == 59, crm)
    check(answer.headers['location'] == '/v1/tokens/' + crm['id'], answer.headers)
    who = s.get('/v1/whoami', headers=as_(crm['token']), face='tcp').json()
    check(who['name'] == 'token:crm' and who['scopes'] == ['control:10*', 'observe:*'] and not who['admin'], who)
    check(s.ask('POST', '/v1/tokens', {'name': 'crm', 'scopes': ['admin']}).status == 409, 'twice')
    items = s.get('/v1/tokens').json()['items']
    check([i['name'] for i in items] == ['crm'] and 'token' not in items[0] and 'lastUsed' in items[0], items)
    check(crm['token'] not in s.log() and crm['token'][-43:] not in s.log(), 'the token stands in the log')
    # a scope that is not his is refused with its name
    refused = s.get('/v1/tokens', headers=as_(crm['token']), face='tcp')
    check(refused.status == 403 and refused.code == 'scopeMissing' and 'admin' in refused.json()['detail'], refused.body)
    check('insufficient_scope' in refused.headers['www-authenticate'], refused.headers)
    # over the UNIX socket a token counts for itself
    check(s.get('/v1/tokens', headers=as_(crm['token'])).status == 403, 'a token on the UNIX socket')
    check(s.ask('DELETE', '/v1/tokens/nobody').status == 404, 'nobody')
    check(s.ask('DELETE', '/v1/tokens/crm').status == 204, 'by name')
    gone = s.get('/v1/whoami', headers=as_(crm['token']), face='tcp')
    check(gone.status == 401 and gone.code == 'invalidToken' and 'invalid_token' in gone.headers['www-authenticate'],
          gone.body)


def test_bad_bodies(s):
    for body, pointer in (({'name': 'a', 'scopes': []}, '/scopes'), ({'name': 'a', 'scopes': ['watch:1']}, '/scopes/0'),
                          ({'name': 'a', 'scopes': ['admin', 7]}, '/scopes/1'),
                          ({'name': 7, 'scopes': ['admin']}, '/name'),
                          ({'name': 'a', 'scopes': ['admin'], 'expiresIn': 0}, '/expiresIn'),
                          ({'name': 'a', 'scopes': ['admin'], 'expiresIn': '1'}, '/expiresIn')):
        answer = s.ask('POST', '/v1/tokens', body)
        check(answer.status == 400 and answer.json().get('pointer') == pointer, (body, answer.body))
    for body in ({'scopes': ['admin']}, {'name': 'a b', 'scopes': ['admin']}, {'name': 'a'}, [], {'name': 'x' * 65,
                 'scopes': ['admin']}):
        check(s.ask('POST', '/v1/tokens', body).status == 400, body)
    check(s.ask('POST', '/v1/tokens', '{"name":', headers={'Content-Type': 'application/json'}).status == 400, 'cut')


def test_credentials(s):
    token = made(s, 'good', ['observe:*'])
    for value in ('Bearer ' + token, 'bearer ' + token, 'BEARER   ' + token):
        check(s.get('/v1/status', headers={'Authorization': value}, face='tcp').status == 200, value)
    for value in ('Bearer', 'Bearer ', 'Basic ' + token, token, 'Bearer ' + token[:-1], 'Bearer ' + token + 'A',
                  'Bearer bt_000000000000_' + token[-43:]):
        answer = s.get('/v1/status', headers={'Authorization': value})
        check(answer.status in (401, 429), (value, answer.status))
    plain = s.get('/v1/status', headers={'Authorization': token}, face='tcp')
    check('Authorization: Bearer TOKEN' in plain.json()['detail'], plain.json())
    plain = s.get('/v1/status', face='tcp')
    check(plain.status == 401 and plain.code == 'tokenWanted' and plain.headers['www-authenticate'].startswith('Bearer'),
          plain.headers)
    # never in the URL
    check(s.get('/v1/status?access_token=' + token, face='tcp').status == 401, 'in the URL')


def test_tokens_expire(s):
    token = made(s, 'short', ['observe:*'], expiresIn=1)
    check(s.get('/v1/status', headers=as_(token), face='tcp').status == 200, 'fresh')
    until('it expires', lambda: s.get('/v1/status', headers=as_(token), face='tcp').status == 401)
    check('expired' in s.get('/v1/status', headers=as_(token), face='tcp').json()['detail'], 'why')
    check([i['expired'] for i in s.get('/v1/tokens').json()['items'] if i['name'] == 'short'] == [True], 'listed')


def test_streams_end(s):
    """What a token began ends with it: Server-Sent Events, at once."""
    token = made(s, 'stream', ['observe:*'])
    c = s.connection('tcp')
    c.request('GET', '/v1/events?from=now', headers={**as_(token), 'Accept': 'text/event-stream'})
    answer = c.getresponse()
    check(answer.status == 200, answer.status)
    check(s.ask('DELETE', '/v1/tokens/stream').status == 204, 'revoked')
    while answer.read(1024):
        pass
    c.close()
    short = made(s, 'stream', ['observe:*'], expiresIn=1)
    c = s.connection('tcp')
    c.request('GET', '/v1/events?from=now', headers={**as_(short), 'Accept': 'text/event-stream'})
    answer = c.getresponse()
    while answer.read(1024):
        pass
    c.close()


def test_pages(s):
    crm = made(s, 'crm', ['control:10*'])
    page = s.ask('POST', '/v1/tokens/browser', {'origin': PAGE, 'scopes': ['observe:1001'], 'expiresIn': 99999},
                 headers=as_(crm), face='tcp')
    check(page.status == 201, page.body)
    page = page.json()
    check(page['kind'] == 'browser' and page['origin'] == PAGE, page)
    end = time.strptime(page['expires'][:19], '%Y-%m-%dT%H:%M:%S')
    begin = time.strptime(page['created'][:19], '%Y-%m-%dT%H:%M:%S')
    check(time.mktime(end) - time.mktime(begin) <= 601, page)
    who = s.get('/v1/whoami', headers=as_(page['token']), face='tcp').json()
    check(who['name'].startswith('browser:token:crm~') and who['scopes'] == ['observe:1001'], who)
    again = s.ask('POST', '/v1/tokens/browser', {}, headers={**as_(page['token']), 'Origin': PAGE}, face='tcp').json()
    check(s.get('/v1/whoami', headers=as_(again['token']), face='tcp').json()['name'] == who['name'], again)
    # a page that may less than another one of the same token does not see what that has done
    other = s.ask('POST', '/v1/tokens/browser', {'origin': PAGE, 'scopes': ['control:1002']}, headers=as_(crm), face='tcp').json()
    change = {'Prefer': 'wait=10', 'Idempotency-Key': 'of a page'}
    done = s.ask('PUT', '/v1/devices/1002/features/doNotDisturb', {'doNotDisturbOn': True},
                 headers={**as_(other['token']), **change}, face='tcp')
    check(done.status == 200, done.body)
    seen = s.get('/v1/operations/' + done.json()['operation'], headers=as_(page['token']), face='tcp')
    check(seen.status == 404, seen.body)
    events = s.get('/v1/events?type=operation', headers={**as_(page['token']), 'Accept': 'application/json'}, face='tcp').json()
    check(events['items'] == [], events)
    again = s.ask('PUT', '/v1/devices/1002/features/doNotDisturb', {'doNotDisturbOn': True},
                  headers={**as_(page['token']), **change}, face='tcp')
    check(again.status == 403, again.body)
    check(s.get('/v1/whoami', headers={**as_(page['token']), 'Origin': PAGE}, face='tcp').status == 200, 'its page')
    other = s.get('/v1/whoami', headers={**as_(page['token']), 'Origin': 'https://other.example.com'}, face='tcp')
    check(other.status == 401 and 'origin' in other.json()['detail'], other.body)
    for body, status in (({'origin': PAGE, 'scopes': ['admin']}, 403), ({'origin': PAGE, 'scopes': ['control:*']}, 403),
                         ({'origin': 'crm'}, 400), ({'scopes': ['observe:1001']}, 400)):
        check(s.ask('POST', '/v1/tokens/browser', body, headers=as_(crm), face='tcp').status == status, body)
    # a page asks for itself only
    check(s.ask('POST', '/v1/tokens/browser', {'origin': 'https://other.example.com'},
                headers={**as_(crm), 'Origin': PAGE}, face='tcp').status == 400, 'for another page')
    check(s.ask('POST', '/v1/tokens/browser', {}, headers={**as_(crm), 'Origin': PAGE}, face='tcp').status == 201,
          'for itself')
    # ends with whose it is
    check(s.ask('DELETE', '/v1/tokens/crm').status == 204, 'revoked')
    check(s.get('/v1/whoami', headers=as_(page['token']), face='tcp').status == 401, 'the page goes too')


def test_kept(s):
    token, gone = made(s, 'kept', ['observe:*']), made(s, 'gone', ['observe:*'])
    page = made(s, None, ['observe:1001'], path='/v1/tokens/browser', origin=PAGE, headers=as_(token), face='tcp')
    check(s.ask('DELETE', '/v1/tokens/gone').status == 204, 'revoked')
    s.process.kill()
    s.process.wait()
    s.start()
    check(s.get('/v1/whoami', headers=as_(token), face='tcp').json()['name'] == 'token:kept', 'kept')
    check(s.get('/v1/whoami', headers=as_(gone), face='tcp').status == 401, 'gone')
    check(s.get('/v1/whoami', headers=as_(page), face='tcp').status == 401, 'pages are not kept')
    check(s.ask('DELETE', '/v1/tokens/kept').status == 204, 'revoked')
    s.process.kill()
    s.process.wait()
    s.start()
    check(s.get('/v1/whoami', headers=as_(token), face='tcp').status == 401, 'revoked for good')


def test_noted(s):
    crm = made(s, 'crm', ['control:10*'])
    s.ask('POST', '/v1/tokens', {'name': 'x', 'scopes': ['admin']}, headers=as_(crm), face='tcp')
    until('it is noted', lambda: 'createToken over HTTP: 403' in s.log())
    lines = [line for line in s.log().splitlines() if ' audit: ' in line]
    check(any('createToken over HTTP: done' in line and 'uid:' in line for line in lines), lines)
    check(any('createToken over HTTP: 403' in line and 'token:crm' in line for line in lines), lines)
    events = s.get('/v1/events?from=earliest&type=org.baton.audit.v1', headers={'Accept': 'application/json'}).json()
    outcomes = [e['data']['outcome'] for e in events['items']]
    check(outcomes == ['done', '403'], events)
    others = s.get('/v1/events?from=earliest', headers={**as_(crm), 'Accept': 'application/json'}, face='tcp').json()
    check(not [e for e in others['items'] if e['type'] == 'org.baton.audit.v1'], others)


def test_guessing(s):
    good = made(s, 'good', ['observe:*'])
    wrong = 'bt_000000000000_' + 'A' * 43
    seen = [s.get('/v1/status', headers=as_(wrong), face='tcp') for _ in range(8)]
    check([a.status for a in seen[:5]] == [401] * 5, [a.status for a in seen])
    check(seen[5].status == 429 and int(seen[5].headers['retry-after']) >= 1, (seen[5].status, seen[5].headers))
    check('too many wrong tokens' in s.log(), 'said in the log')
    check(s.get('/v1/status', headers=as_(good), face='tcp').status == 200, 'the right one is never slowed')


def test_without_store():
    with Server(BATON) as s:
        answer = s.ask('POST', '/v1/tokens', {'name': 'a', 'scopes': ['admin']})
        check(answer.status == 409 and answer.code == 'noStore' and 'store.path' in answer.json()['detail'], answer.body)
        check(s.get('/v1/tokens').json() == {'items': []}, 'none')
        page = made(s, None, ['observe:*'], path='/v1/tokens/browser', origin=PAGE)
        check(s.get('/v1/whoami', headers=as_(page), face='tcp').status == 200, 'pages need no store')


def test_certificates():
    clients = [{'certificate': 'wall', 'scopes': ['observe:10*']}]
    api = {'verify_client': 'request', 'clients': clients}
    with Server(BATON, api=api, tls=True) as s:
        who = s.get('/v1/whoami', face='tls', context=s.client_context('wall'))
        check(who.status == 200 and who.json()['name'] == 'certificate:wall', who.body)
        check(s.ask('POST', '/v1/tokens', {}, face='tls', context=s.client_context('wall')).status == 403, 'no admin')
        check(s.get('/v1/whoami', face='tls').status == 401, 'without one')
        check(s.get('/v1/whoami', face='tls', context=s.client_context('server')).status == 401, 'another one')


for name, test in [(n, f) for n, f in globals().items() if n.startswith('test_')]:
    if test.__code__.co_argcount == 0:
        test()
    else:
        with Server(BATON, store=True, api={'origins': [PAGE, 'https://other.example.com']}) as server:
            test(server)
    print('ok', name)
