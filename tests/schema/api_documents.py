#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents of the HTTP API (openapi.json, asyncapi.json), looked through.

    api_documents.py OPENAPI ASYNCAPI

What OpenAPI 3.1 and AsyncAPI 3 ask of the parts that ours have: parameters of a path are declared, identifiers are there once,
references lead somewhere and nothing is left over, every operation says how it ends well and how it does not, schemas are schemas, and
examples are valid by theirs. What others think of them is asked by lint.mjs. Without python3-jsonschema the test is skipped.
"""
import json
import re
import sys

from references import find, refs

SKIPPED = 77
METHODS = {'get', 'put', 'post', 'patch', 'delete'}
OPERATION = {'operationId', 'summary', 'tags', 'parameters', 'requestBody', 'responses', 'security', 'description'}
faults = []


def fault(text):
    faults.append(text)
    print('wrong: ' + text[:400])


def check_references(document, what, optional=()):
    used = set(refs(document, fault))
    for pointer in used:
        if not pointer.startswith('#/') or find(document, pointer) is None:
            fault(f'{what}: {pointer} leads nowhere')
    for kind in ('schemas', 'messages'):
        for name in document['components'].get(kind, {}):
            if f'#/components/{kind}/{name}' not in used and name not in optional:
                fault(f'{what}: {kind}/{name} is of no use')


def check_schemas(draft, jsonschema, document, what):
    for name, schema in document['components'].get('schemas', {}).items():
        try:
            draft.check_schema(schema)
        except jsonschema.exceptions.SchemaError as error:
            fault(f'{what}: schema {name}: {error.message}')


def check_content(draft, document, where, content):
    for media, part in content.items():
        if '/' not in media or 'schema' not in part:
            fault(f'{where}: {media} has no schema')
            continue
        if 'example' in part:
            schema = {**part['schema'], 'components': document['components']} if '$ref' not in part['schema'] else {
                'allOf': [part['schema']], 'components': document['components']}
            for error in draft(schema).iter_errors(part['example']):
                fault(f'{where}: the example: {error.message}')


def check_operation(draft, document, path, method, op, seen):
    where = f'{method} {path}'
    unknown = {key for key in op if key not in OPERATION and not key.startswith('x-')}
    if unknown:
        fault(f'{where}: {unknown}')
    if not re.fullmatch(r'[a-z][A-Za-z0-9]*', op.get('operationId', '')) or op['operationId'] in seen:
        fault(f'{where}: operationId is missing, ill formed, or there twice')
    seen.add(op.get('operationId'))
    if set(op.get('tags', [])) - {tag['name'] for tag in document['tags']}:
        fault(f'{where}: a tag that is not declared')
    declared = [p['name'] for p in op.get('parameters', []) if p['in'] == 'path']
    if sorted(declared) != sorted(re.findall(r'\{(\w+)\}', path)):
        fault(f'{where}: parameters of the path are {declared}')
    names = [(p['in'], p['name']) for p in op.get('parameters', [])]
    if len(names) != len(set(names)):
        fault(f'{where}: a parameter twice')
    for p in op.get('parameters', []):
        if p['in'] not in ('path', 'query', 'header') or 'schema' not in p or (p['in'] == 'path') != p.get('required', False):
            fault(f'{where}: parameter {p["name"]}')
    answers = op.get('responses', {})
    if not any(status[0] in '123' for status in answers):
        fault(f'{where}: how does it end well?')
    if op.get('security') and not {'401', '403'} <= set(answers):
        fault(f'{where}: a token is wanted, and 401 or 403 is not there')
    for status, answer in answers.items():
        if not re.fullmatch(r'[1-5]\d\d', status) or not answer.get('description'):
            fault(f'{where}: answer {status}')
        check_content(draft, document, f'{where} {status}', answer.get('content', {}))
    if 'requestBody' in op:
        if method == 'get':
            fault(f'{where}: a body')
        check_content(draft, document, where, op['requestBody']['content'])
    for scheme in op.get('security', []):
        for name in scheme:
            if name not in document['components']['securitySchemes']:
                fault(f'{where}: no security scheme {name}')


def check_openapi(jsonschema, document):
    draft, seen, shapes = jsonschema.Draft202012Validator, set(), set()
    if not re.fullmatch(r'3\.1\.\d+', document['openapi']) or not document['info'].get('version'):
        fault('openapi: its head')
    for path, item in document['paths'].items():
        shape = re.sub(r'\{\w+\}', '{}', path)
        if not path.startswith('/') or shape in shapes or set(item) - METHODS:
            fault(f'{path}: no path, or one that cannot be told from another')
        shapes.add(shape)
        for method, op in item.items():
            check_operation(draft, document, path, method, op, seen)
    check_references(document, 'openapi')
    check_schemas(draft, jsonschema, document, 'openapi')


def check_asyncapi(jsonschema, document):
    if document['asyncapi'] != '3.0.0' or not document['info'].get('version'):
        fault('asyncapi: its head')
    for name, channel in document['channels'].items():
        if ('address' in channel) == (name == 'events') or not channel.get('messages'):
            fault(f'asyncapi: channel {name} has no address or no messages')
    spoken = set()
    for name, op in document['operations'].items():
        channel = op['channel']['$ref']
        if op.get('action') not in ('send', 'receive') or find(document, channel) is None:
            fault(f'asyncapi: operation {name}')
        for message in refs(op.get('messages', []), fault):
            spoken.add(message)
            if not message.startswith(channel + '/messages/'):
                fault(f'asyncapi: operation {name}: {message} is none of its channel')
    for name, channel in document['channels'].items():
        for message in channel.get('messages', {}):
            if name in ('sse', 'stream', 'webhook') and f'#/channels/{name}/messages/{message}' not in spoken:
                fault(f'asyncapi: nobody says {message} of {name}')
        for param in re.findall(r'\{(\w+)\}', channel.get('address') or ''):
            if param not in channel.get('parameters', {}):
                fault(f'asyncapi: channel {name} does not describe {{{param}}}')
    for name, message in document['components']['messages'].items():
        if 'payload' not in message:
            fault(f'asyncapi: message {name} has no payload')
    check_references(document, 'asyncapi')
    check_schemas(jsonschema.Draft7Validator, jsonschema, document, 'asyncapi')


def main():
    try:
        import jsonschema
    except ImportError:
        print('python3-jsonschema is not installed')
        return SKIPPED
    documents = []
    for path in sys.argv[1:3]:
        with open(path, encoding='utf-8') as file:
            documents.append(json.load(file))
    check_openapi(jsonschema, documents[0])
    check_asyncapi(jsonschema, documents[1])
    count = sum(len(item) for item in documents[0]['paths'].values())
    print(f'{count} operations, {len(documents[1]["channels"])} channels, {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
