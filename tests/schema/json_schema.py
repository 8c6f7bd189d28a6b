#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The schemas that gen/gen_csta_schema.py makes, looked through, and held against what we write.

    json_schema.py OPENAPI ASYNCAPI PROGRAM    PROGRAM (csta_corpus) writes every message as JSON

The documents are looked through for what their specifications ask (OpenAPI 3.1 §4.8, AsyncAPI 3.0),
each schema in them by the meta-schema of its draft; every reference has to lead somewhere and every
schema to be of use. Then every message has to be valid; and, so that it is known to mean something,
the same messages with a member too many, one too few, or a value of another type must not be.

What others think of the documents is asked by lint.mjs. Without python3-jsonschema the test is
skipped.
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from references import find, refs

SKIPPED = 77
ENVELOPE = 'CSTAMessage'
NAME = re.compile(r'^[A-Za-z0-9._-]+$')  # of a component, in both formats
HEAD = {  # what is asked of the parts that our documents have
    'openapi': {
        'type': 'object', 'required': ['openapi', 'info', 'components'], 'additionalProperties': False,
        'properties': {
            'openapi': {'pattern': r'^3\.1\.\d+$'}, 'info': {'$ref': '#/definitions/info'},
            'paths': {'type': 'object', 'propertyNames': {'pattern': '^/'}},
            'components': {'type': 'object', 'additionalProperties': False,
                           'properties': {'schemas': {'type': 'object'}}}}},
    'asyncapi': {
        'type': 'object', 'required': ['asyncapi', 'info'], 'additionalProperties': False,
        'properties': {
            'asyncapi': {'const': '3.0.0'}, 'info': {'$ref': '#/definitions/info'},
            'defaultContentType': {'const': 'application/json'},
            'channels': {'type': 'object', 'additionalProperties': {
                'type': 'object', 'additionalProperties': False, 'properties': {
                    'address': {'type': ['string', 'null']},
                    'messages': {'type': 'object', 'additionalProperties': {'required': ['$ref']}}}}},
            'operations': {'type': 'object', 'additionalProperties': {
                'required': ['action', 'channel'],
                'properties': {'action': {'enum': ['send', 'receive']}, 'channel': {'required': ['$ref']}}}},
            'components': {'type': 'object', 'additionalProperties': False, 'properties': {
                'schemas': {'type': 'object'},
                'messages': {'type': 'object', 'additionalProperties': {
                    'required': ['payload'], 'additionalProperties': False,
                    'properties': {'name': {'type': 'string'}, 'title': {'type': 'string'},
                                   'contentType': {'const': 'application/json'},
                                   'payload': {'required': ['$ref']}}}}}}}},
}
DEFINITIONS = {'info': {
    'type': 'object', 'required': ['title', 'version'], 'additionalProperties': False,
    'properties': {'title': {'type': 'string'}, 'version': {'type': 'string'}, 'description': {'type': 'string'},
                   'license': {'type': 'object', 'required': ['name']}}}}

faults = []


def fault(text):
    faults.append(text)
    if len(faults) <= 20:
        print('wrong: ' + text[:600])


def lint(jsonschema, document, what, draft):
    for error in draft({**HEAD[what], 'definitions': DEFINITIONS}).iter_errors(document):
        fault(f'{what}: {error.message} at {list(error.path)}')
    used = set(refs(document, fault))
    for pointer in used:
        if not pointer.startswith('#/') or find(document, pointer) is None:
            fault(f'{what}: {pointer} leads nowhere')
    for kind, parts in document['components'].items():
        for name, part in parts.items():
            pointer = f'#/components/{kind}/{name}'
            if not NAME.match(name) or (pointer not in used and name != ENVELOPE):
                fault(f'{what}: {pointer} has a bad name or is of no use')
            if kind == 'schemas':
                try:
                    draft.check_schema(part)
                except jsonschema.exceptions.SchemaError as error:
                    fault(f'{what}: {pointer}: {error.message}')


class Schemas:
    """The schemas of a document, each compiled once."""

    def __init__(self, document, draft):
        self.document, self.draft, self.made = document, draft, {}

    def complaint(self, name, value):
        """Why `value` is not valid; None: it is."""
        if name not in self.made:
            self.made[name] = self.draft({'$ref': '#/components/schemas/' + name,
                                          'components': self.document['components']})
        error = next(self.made[name].iter_errors(value), None)
        return error and f'{error.message[:200]} at /{"/".join(map(str, error.path))}'


def places(value, way=()):
    """Each object and array in it, with the way there."""
    if isinstance(value, (dict, list)):
        yield way
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, way + (key,))


def at(value, way):
    for key in way:
        value = value[key]
    return value


def spoilt(name, body, schema):
    """(what was done, the body) that are not valid any more."""
    for way in places(body):
        other = copy.deepcopy(body)
        part = at(other, way)
        if isinstance(part, list):
            part.append(7.5)
            yield f'7.5 in {way}', other
        elif way[-1:] and way[-1] in FREE:
            continue  # capability lists: any name, but booleans only
        else:
            part['no such member'] = True
            yield f'a member too many in {way}', other
    for member in schema.get('required', ()):
        other = {k: v for k, v in body.items() if k != member}
        yield f'{name} without {member}', other
    for member in body:
        yield f'null as {member}', {**body, member: None}


FREE = set()  # members whose objects have names of their own


def find_free(document):
    for schema in document['components']['schemas'].values():
        for name, part in schema.get('properties', {}).items():
            if isinstance(part.get('additionalProperties'), dict):
                FREE.add(name)


def check_message(line, schemas, events, seen):
    value = json.loads(line)
    (name, body), = value.items()
    complaint = schemas.complaint(name, body)
    if complaint:
        fault(f'{name}: {complaint}: {line}')
    if name in events.document['components']['messages'] and events.complaint(name, body):
        fault(f'asyncapi: {name}: {events.complaint(name, body)}')
    seen[name] = seen.get(name, 0) + 1
    if seen[name] == 2:  # the first that is full
        if schemas.complaint(ENVELOPE, value):
            fault(f'{name} is no {ENVELOPE}')
        for what, bad in spoilt(name, body, schemas.document['components']['schemas'][name]):
            if schemas.complaint(name, bad) is None:
                fault(f'{name} is valid with {what}')


def main():
    try:
        import jsonschema
    except ImportError:
        print('csta schemas of JSON: left out, there is no python3-jsonschema')
        sys.exit(SKIPPED)
    openapi, asyncapi = (json.loads(pathlib.Path(p).read_text(encoding='utf-8')) for p in sys.argv[1:3])
    drafts = jsonschema.Draft202012Validator, jsonschema.Draft7Validator
    lint(jsonschema, openapi, 'openapi', drafts[0])
    lint(jsonschema, asyncapi, 'asyncapi', drafts[1])
    find_free(openapi)
    schemas, events, seen = Schemas(openapi, drafts[0]), Schemas(asyncapi, drafts[1]), {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[3], folder, 'json'], check=True)
        with open(pathlib.Path(folder) / 'messages.jsonl', encoding='utf-8') as file:
            for line in file:
                check_message(line, schemas, events, seen)
    lacking = set(openapi['components']['schemas'][ENVELOPE]['properties']) - set(seen)
    if lacking or not seen:
        fault(f'not written: {sorted(lacking)}')
    print(f'csta schemas of JSON: {sum(seen.values())} of {len(seen)} messages, {len(faults)} faults')
    sys.exit(1 if faults else 0)


if __name__ == '__main__':
    main()
