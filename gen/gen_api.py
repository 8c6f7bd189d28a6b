#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the routes of the HTTP API (gen/api.txt, which explains itself) to what is made of them.

    gen_api.py routes TABLE OUT.c                          the table that requests are dispatched by
    gen_api.py handlers TABLE OUT.h                        the functions that it names
    gen_api.py openapi TABLE VERSION CSTA-OPENAPI OUT      OpenAPI 3.1, with gen/api/*.json
    gen_api.py asyncapi TABLE VERSION CSTA-ASYNCAPI OUT    AsyncAPI 3, with gen/api/*.asyncapi.json
    gen_api.py reference TABLE OUT.md                      docs/api-reference.md
    gen_api.py check-reference TABLE FILE.md               is that what it would be?
    gen_api.py list TABLE                                  routes as JSON, for tests
"""
import glob
import json
import os
import re
import sys

METHODS = {'GET': 'API_GET', 'POST': 'API_POST', 'PUT': 'API_PUT', 'PATCH': 'API_PATCH',
           'DELETE': 'API_DELETE', 'WS': 'API_GET'}
SCOPES = {'none': 'NONE', 'observe': 'OBSERVE', 'observe:device': 'OBSERVE_DEVICE',
          'control': 'CONTROL', 'control:device': 'CONTROL_DEVICE', 'admin': 'ADMIN'}
WANTED = {'none': 'Nobody is asked for a token.', 'observe': 'Token: any scope that observes.',
          'observe:device': 'Token: `observe` of the device.', 'control': 'Token: any scope that controls.',
          'control:device': 'Token: `control` of the device.', 'admin': 'Token: `admin`.'}
PARAMS_MAX, SEGMENTS_MAX = 4, 10  # of src/api/route.h
FAULTS = {400: 'What was sent is not valid.', 401: 'A token is wanted.', 403: 'The token lacks the scope.',
          404: 'There is no such thing.', 406: 'No type of answer that Accept takes.', 409: 'Not as things stand; `code` says why.',
          429: 'Too much at a time; see Retry-After.', 500: 'A fault of the server.', 503: 'Too much is being worked on; see Retry-After.'}
# Of what is a command, or asks a phone: what CSTA, an Idempotency-Key or a phone may say to it.
COMMAND_FAULTS = {422: 'The Idempotency-Key stands for another request.',
                  501: 'Not served here, or not by this phone.', 504: 'The phone or peer does not answer.'}
BODY_FAULTS = {422: 'What it says cannot be: see `pointer`.', 413: 'The body is too long.', 415: 'The body is of another type.'}


def fail(line, text):
    sys.exit(f'gen/api.txt:{line}: {text}')


class Route:
    def __init__(self, line, words, text, tag):
        self.line, self.tag = line, tag
        self.method, self.path, self.operation, self.scope, self.handler = words
        rest = text.split()
        self.fill = []
        while rest and re.fullmatch(r'\w+=\{\w+\}', rest[0]):
            member, param = rest.pop(0).split('=')
            self.fill.append((member, param[1:-1]))
        self.summary = ' '.join(rest)
        self.query, self.headers, self.body, self.answers, self.example = [], [], None, [], None
        self.service = self.handler[8:] if self.handler.startswith('service:') else None

    @property
    def params(self):
        return re.findall(r'\{(\w+)\}', self.path)

    @property
    def segments(self):
        return self.path[1:].split('/')


class Table:
    def __init__(self, path):
        self.params, self.tags, self.routes = {}, {}, []
        tag = None
        with open(path, encoding='utf-8') as file:
            for number, text in enumerate(file, 1):
                text = text.rstrip()
                if not text.strip() or text.startswith('#'):
                    continue
                if text[0].isspace():
                    self.detail(number, text.split())
                    continue
                words = text.split(None, 5)
                if words[0] == 'param':
                    name, kind, what = text.split(None, 3)[1:]
                    self.params[name] = (kind, what)
                elif words[0] == 'tag':
                    tag, what = text.split(None, 2)[1:]
                    self.tags[tag] = what
                else:
                    if len(words) < 6:
                        fail(number, 'METHOD PATH operationId SCOPE HANDLER Summary is wanted')
                    self.routes.append(Route(number, words[:5], words[5], tag))
        for route in self.routes:
            self.check(route)
        self.check_unique()

    def detail(self, number, words):
        if not self.routes:
            fail(number, 'belongs to no route')
        route, kind, rest = self.routes[-1], words[0], words[1:]
        if kind == 'query' and len(rest) >= 3:
            route.query.append((rest[0], rest[1], ' '.join(rest[2:])))
        elif kind == 'header' and len(rest) >= 2:
            route.headers.append((rest[0], ' '.join(rest[1:])))
        elif kind == 'body' and rest:
            route.body = (rest[0], rest[1]) if len(rest) > 1 else ('application/json', rest[0])
        elif kind == 'answer' and len(rest) >= 2:
            media, schema, what = 'application/json', rest[1], rest[2:]
            if '/' in schema:
                media, schema, what = rest[1], rest[2], rest[3:]
            route.answers.append((int(rest[0]), media, None if schema == '-' else schema, ' '.join(what)))
        elif kind == 'example' and rest:
            route.example = ' '.join(rest)
        else:
            fail(number, f'not understood: {" ".join(words)}')

    def check(self, route):
        if route.method not in METHODS or route.scope not in SCOPES:
            fail(route.line, 'an unknown method or scope')
        if len(route.params) > PARAMS_MAX or len(route.segments) > SEGMENTS_MAX:
            fail(route.line, 'too many parameters or segments: src/api/route.h')
        for name in route.params:
            if name not in self.params:
                fail(route.line, f'{{{name}}} is not declared by `param`')
        if 'device' in route.scope and 'device' not in route.params:
            fail(route.line, f'scope {route.scope} without {{device}}')
        if not route.summary.endswith('.'):
            fail(route.line, 'the summary is a sentence')
        if route.service is None and not re.fullmatch(r'[a-z][a-z0-9_]*', route.handler):
            fail(route.line, f'{route.handler} is no handler')
        if route.service is None and not route.answers:
            fail(route.line, 'what does it answer?')

    def check_unique(self):
        seen = set()
        for route in self.routes:
            key = (METHODS[route.method], re.sub(r'\{\w+\}', '{}', route.path))
            for what in (key, route.operation):
                if what in seen:
                    fail(route.line, f'{what} is there twice')
                seen.add(what)


# ---- C ----

def c_text(text):
    return 'NULL' if text is None else json.dumps(text)


def answer_types(route):
    """Without parameters; none: whatever the client accepts, there is nothing to choose from."""
    if route.service:
        return ['application/json']
    return sorted({media.split(';')[0] for _, media, schema, _ in route.answers
                   if schema is not None or media != 'application/json'})


def c_route(number, route):
    segments = []
    for segment in route.segments:
        if segment.startswith('{'):
            segments.append(f'{{.param = {route.params.index(segment[1:-1])}}}')
        else:
            segments.append(f'{{.literal = STR_INIT({c_text(segment)})}}')
    body = 'application/json' if route.service else route.body[0] if route.body else None
    handler = 'api_service' if route.service else 'api_' + route.handler
    fill = f'fill_{number}' if route.fill else 'NULL'
    types = f'types_{number}' if answer_types(route) else 'NULL'
    query = f'query_{number}' if route.query else 'NULL'
    return (f'    {{.path = {c_text(route.path)},\n     .operation = {c_text(route.operation)},\n'
            f'     .handler = {handler},\n     .method = {METHODS[route.method]},\n'
            f'     .scope = API_SCOPE_{SCOPES[route.scope]},\n'
            f'     .socket = {"true" if route.method == "WS" else "false"},\n'
            f'     .body_type = {c_text(body)},\n     .answer_types = {types},\n     .query = {query},\n     .service = {c_text(route.service)},\n'
            f'     .fill = {fill},\n     .fill_count = {len(route.fill)},\n'
            f'     .param = {{{", ".join(c_text(p) for p in route.params) or "NULL"}}},\n'
            f'     .segment = {{{", ".join(segments)}}},\n     .segments = {len(segments)}}},\n')


def write_routes(table):
    """A literal stands before a parameter at the same place, so that the first that fits is right."""
    routes = sorted(table.routes, key=lambda r: [(s.startswith('{'), s) for s in r.segments])
    out = ['/* Made by gen/gen_api.py of gen/api.txt. */\n#include "api/handlers.h"\n#include "api/route.h"\n']
    for number, route in enumerate(routes):
        if answer_types(route):
            rows = ', '.join(c_text(t) for t in answer_types(route))
            out.append(f'\nstatic const char *const types_{number}[] = {{{rows}, NULL}};')
        if route.query:
            rows = ', '.join(c_text(name) for name, _, _ in route.query)
            out.append(f'\nstatic const char *const query_{number}[] = {{{rows}, NULL}};')
        if route.fill:
            rows = ', '.join(f'{{{c_text(m)}, {c_text(p)}}}' for m, p in route.fill)
            out.append(f'\nstatic const struct api_fill fill_{number}[] = {{{rows}}};')
    out.append('\n\nconst struct api_route api_routes[] = {\n')
    out += [c_route(number, route) for number, route in enumerate(routes)]
    out.append('};\nconst size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);\n')
    return ''.join(out)


def write_handlers(table):
    handlers = sorted({'api_service' if r.service else 'api_' + r.handler for r in table.routes})
    return ('/* Made by gen/gen_api.py of gen/api.txt: the handlers of the routes. */\n'
            '#ifndef BATON_API_HANDLERS_H\n#define BATON_API_HANDLERS_H\n\n#include "api/request.h"\n\n' +
            ''.join(f'void {name}(struct api_request *r);\n' for name in handlers) + '\n#endif\n')


# ---- documents ----

def ref(name):
    return {'$ref': '#/components/schemas/' + name}


def refs(value):
    if isinstance(value, dict):
        if '$ref' in value:
            yield value['$ref']
        for part in value.values():
            yield from refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from refs(part)


def schema_of(kind):
    """Of a parameter, as the table writes it."""
    match = re.fullmatch(r'integer:(\d+)\.\.(\d+)', kind)
    if match:
        return {'type': 'integer', 'minimum': int(match[1]), 'maximum': int(match[2])}
    if kind == 'time':
        return {'type': 'string', 'format': 'date-time'}
    if '|' in kind:
        return {'type': 'string', 'enum': kind.split('|')}
    return {'type': kind}


def content(media, schema):
    whole = ref(schema) if schema and schema != 'string' else {'type': 'string'}
    return {media: {'schema': whole}}


def less(schemas, route):
    """The request of a service without the members that the path gives; what stands for itself (`held`) may be said."""
    whole = schemas[route.service]
    if not route.fill:
        return ref(route.service)
    gone = {member for member, param in route.fill if param != 'held'}
    known = {member for member, _ in route.fill}
    if 'properties' not in whole:
        fail(route.line, f'{route.service} has no members of its own to leave out')
    for member in known:
        if member not in whole['properties']:
            fail(route.line, f'{route.service} has no {member}')
    out = {'type': 'object', 'additionalProperties': False,
           'properties': {k: v for k, v in whole['properties'].items() if k not in gone}}
    required = [name for name in whole.get('required', []) if name not in known]
    if required:
        out['required'] = required
    return out


def operation_of(table, schemas, route):
    out = {'operationId': route.operation, 'summary': route.summary, 'tags': [route.tag],
           'x-baton-scope': route.scope}
    out['parameters'] = [
        {'name': name, 'in': 'path', 'required': True, 'description': table.params[name][1],
         'schema': schema_of(table.params[name][0])} for name in route.params]
    out['parameters'] += [{'name': name, 'in': 'query', 'description': what, 'schema': schema_of(kind)}
                          for name, kind, what in route.query]
    headers = list(route.headers)
    if route.service:
        headers += [('Idempotency-Key', 'The same key and body again is the same operation.'),
                    ('Prefer', '`wait=5`: answer when it has ended, at most so many seconds later.')]
    out['parameters'] += [{'name': name, 'in': 'header', 'description': what, 'schema': {'type': 'string'}}
                          for name, what in headers]
    if not out['parameters']:
        del out['parameters']
    answers = [(status, media, schema, what) for status, media, schema, what in route.answers]
    if route.service:
        body = less(schemas, route)
        out['requestBody'] = {'content': {'application/json': {'schema': body}},
                              'required': bool(body.get('required', '$ref' in body))}
        out['x-csta-service'] = route.service
        answers = answers or [(200, 'application/json', 'Operation', 'It has ended (Prefer: wait).'),
                              (202, 'application/json', 'Operation', 'It has begun.')]
    elif route.body:
        out['requestBody'] = {'content': content(*route.body), 'required': True}
        if route.example and route.body[0] == 'application/json':
            out['requestBody']['content'][route.body[0]]['example'] = json.loads(route.example)
    responses = {}
    for status, media, schema, what in answers:
        answer = responses.setdefault(str(status), {'description': what})
        if schema is not None:
            answer.setdefault('content', {}).update(content(media, schema))
        elif media != 'application/json':  # of a form that no schema describes
            answer.setdefault('content', {})[media] = {'schema': {}}
    faults = dict(FAULTS)
    if 'requestBody' in out:
        faults.update(BODY_FAULTS)
    if route.service or 'Idempotency-Key' in dict(headers) or '{feature}' in route.path:
        faults.update(COMMAND_FAULTS)
    for status, what in sorted(faults.items()):
        if (route.scope == 'none' and status in (401, 403, 409)) or str(status) in responses:
            continue
        responses[str(status)] = {'description': what, 'content': content('application/problem+json', 'Problem')}
    out['responses'] = responses
    out['security'] = [] if route.scope == 'none' else [{'token': []}, {'certificate': []}]
    return out


def own_schemas(path):
    """Ours: gen/api/*.json but for those of AsyncAPI."""
    out = {}
    for name in sorted(glob.glob(os.path.join(os.path.dirname(path), 'api', '*.json'))):
        if name.endswith('.asyncapi.json'):
            continue
        with open(name, encoding='utf-8') as file:
            for key, value in json.load(file).items():
                if key in out:
                    sys.exit(f'{name}: {key} is there twice')
                out[key] = value
    return out


def keep_needed(document, schemas):
    """Of the schemas those that something refers to."""
    seen, todo = set(), [p for p in refs(document) if p.startswith('#/components/schemas/')]
    while todo:
        name = todo.pop().rpartition('/')[2]
        if name in seen:
            continue
        if name not in schemas:
            sys.exit(f'gen/api: there is no schema {name}')
        seen.add(name)
        todo += refs(schemas[name])
    return {name: schemas[name] for name in sorted(seen)}


def info(title, version, what):
    return {'title': title, 'version': version, 'description': what,
            'license': {'name': 'Apache-2.0', 'url': 'https://www.apache.org/licenses/LICENSE-2.0'}}


def openapi(path, version, csta):
    table = Table(path)
    with open(csta, encoding='utf-8') as file:
        vocabulary = json.load(file)['components']['schemas']
    own = own_schemas(path)
    for name in own:
        if name in vocabulary:
            sys.exit(f'gen/api: {name} is a name of CSTA')
    schemas = {**vocabulary, **own}
    paths = {}
    for route in table.routes:
        method = 'get' if route.method == 'WS' else route.method.lower()
        paths.setdefault(route.path, {})[method] = operation_of(table, schemas, route)
    used = {route.tag for route in table.routes}
    document = {
        'openapi': '3.1.0',
        'info': info('Baton', version, 'Calls, devices and their context over HTTP: docs/api.md.'),
        'servers': [{'url': '/', 'description': 'Whoever gave this document.'}],
        'tags': [{'name': name, 'description': what} for name, what in table.tags.items() if name in used],
        'paths': paths,
    }
    document['components'] = {
        'schemas': keep_needed(paths, schemas),
        'securitySchemes': {
            'token': {'type': 'http', 'scheme': 'bearer',
                      'description': 'Made by `baton token create`; docs/access.md.'},
            'certificate': {'type': 'mutualTLS', 'description': 'A certificate of a client, where api.verify_client '
                                                                'asks for it.'}}}
    return document


def merge(to, from_):
    for key, value in from_.items():
        if isinstance(value, dict) and isinstance(to.get(key), dict):
            merge(to[key], value)
        else:
            to[key] = value


TEXT = {'type': 'string'}
USER_TO_USER = {  # of an event; of a call it is in verbs.json
    'type': 'object',
    'properties': {**{name: TEXT for name in ('package', 'content', 'encoding', 'discriminator', 'rule', 'text')},
                   'verdict': {'type': 'string', 'enum': ['valid', 'ignored', 'wrong']},
                   'hex': {'type': 'string', 'pattern': '^([0-9A-F]{2})*$'}, 'octets': {'type': 'integer', 'minimum': 0},
                   'userData': {'type': 'boolean'}, 'origin': {'type': 'object'}, 'seal': {'type': 'object'}}}


def happened(document):
    """An event of CSTA, or a question of a routing service, as a CloudEvent."""
    told = {name: {'$ref': '#/components/schemas/' + name} for name in document['channels']['events']['messages']}
    asked = {name: {'type': 'object'} for name in ('RouteRequest', 'ReRoute', 'RouteUsed', 'RouteEnd', 'RouteRegisterAbort')}
    ids = {'type': 'object', 'properties': {name: TEXT for name in ('callID', 'deviceID', 'sipCallID')}}
    data = {'type': 'object', 'minProperties': 1, 'properties': {
        **told, **asked, 'ids': ids, 'uui': {'type': 'array', 'items': USER_TO_USER},
        'uuiChanges': {'type': 'array', 'items': {'type': 'object'}}, 'resynced': {}}}
    kind = {'type': 'string', 'pattern': r'^org\.baton\.(csta\.[a-z][A-Za-z]*|resynced|registration)\.v1$'}
    return {'happened': {
        'name': 'org.baton.csta.NAME.v1', 'title': 'An event of CSTA, under its name; or a question about the way of a call',
        'contentType': 'application/json',
        'payload': {'allOf': [{'$ref': '#/components/schemas/CloudEvent'}, {'properties': {'type': kind, 'data': data}}]}}}


def asyncapi(path, version, csta):
    with open(csta, encoding='utf-8') as file:
        document = json.load(file)
    parts = sorted(glob.glob(os.path.join(os.path.dirname(path), 'api', '*.asyncapi.json')))
    own = own_schemas(path)
    for name in parts:
        with open(name, encoding='utf-8') as file:
            merge(document, json.load(file))
    document['components']['messages'].update(happened(document))
    schemas = {**document['components']['schemas'], **own}
    rest = {key: value for key, value in document.items() if key != 'components'}
    messages = document['components'].get('messages', {})
    wanted = {'rest': [m for m in refs(rest) if m.startswith('#/components/schemas/')], 'messages': messages}
    document['components']['schemas'] = keep_needed(
        {'m': messages, 'r': [{'$ref': name} for name in wanted['rest']]}, schemas)
    document['info'] = info('Baton', version, 'Events over WebSocket, Server-Sent Events and webhooks: '
                                              'docs/events.md.')
    return document


# ---- for people ----

def reference(path):
    table = Table(path)
    out = ['# Reference of the HTTP API\n',
           'Made by `gen/gen_api.py` of `gen/api.txt`; [api.md](api.md) explains how to use it. The bodies are in '
           '`/openapi.json`, which the server itself serves.\n',
           'Every route answers faults as `application/problem+json` (RFC 9457).\n']
    tag = None
    for route in table.routes:
        if route.tag != tag:
            tag = route.tag
            out.append(f'## {tag}\n\n{table.tags[tag]}\n')
        method = 'GET (WebSocket)' if route.method == 'WS' else route.method
        out.append(f'### {method} `{route.path}`\n\n{route.summary} {WANTED[route.scope]} *{route.operation}*\n')
        rows = [(f'`{name}`', 'path', table.params[name][1]) for name in route.params]
        rows += [(f'`{name}`', 'query, ' + kind.replace('|', ' or '), what) for name, kind, what in route.query]
        rows += [(f'`{name}`', 'header', what) for name, what in route.headers]
        if rows:
            out.append('| name | where | what |\n|---|---|---|\n' +
                       ''.join('| ' + ' | '.join(row) + ' |\n' for row in rows))
        if route.service:
            gone = ''.join(f', without `{member}`' if param != 'held' else f'; `{member}` only when the device holds several'
                           for member, param in route.fill)
            out.append(f'Body: `{route.service}` of CSTA{gone}. Answer: an operation (202; 200 with `Prefer: wait`).\n')
        elif route.body:
            out.append(f'Body: `{route.body[1]}`, {route.body[0]}.\n')
        for status, media, schema, what in route.answers:
            form = f' `{schema}`, {media}.' if schema else ''
            out.append(f'{status}: {what}{form}\n')
    return '\n'.join(out)


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def write_json(path, document):
    write(path, json.dumps(document, indent=1, ensure_ascii=False) + '\n')


def check_reference(table, path):
    with open(path, encoding='utf-8') as file:
        if file.read() != reference(table):
            sys.exit(f'{path} is not what gen/api.txt says: gen/gen_api.py reference gen/api.txt {path}')


def main():
    what, args = sys.argv[1] if len(sys.argv) > 1 else '', sys.argv[2:]
    if what == 'routes':
        write(args[1], write_routes(Table(args[0])))
    elif what == 'handlers':
        write(args[1], write_handlers(Table(args[0])))
    elif what in ('openapi', 'asyncapi'):
        write_json(args[3], {'openapi': openapi, 'asyncapi': asyncapi}[what](args[0], args[1], args[2]))
    elif what == 'reference':
        write(args[1], reference(args[0]))
    elif what == 'check-reference':
        check_reference(args[0], args[1])
    elif what == 'list':
        print(json.dumps([{'method': 'GET' if r.method == 'WS' else r.method, 'path': r.path, 'scope': r.scope,
                           'operation': r.operation, 'socket': r.method == 'WS', 'service': r.service,
                           'params': r.params, 'body': r.body[0] if r.body else None,
                           'example': r.example} for r in Table(args[0]).routes]))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
