#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the CSTA vocabulary (gen/csta.txt) to schemas of the JSON that docs/json.md describes.

    gen_csta_schema.py TABLE VERSION openapi OUT     OpenAPI 3.1: components of every message
    gen_csta_schema.py TABLE VERSION asyncapi OUT    AsyncAPI 3: the events

In both, `components/schemas` has a schema of each message and type by its name in ECMA-323. What is
there is what csta/json_read.c accepts and csta/json_write.c writes. The schemas keep to what JSON
Schema draft 7 (AsyncAPI) and draft 2020-12 (OpenAPI) mean alike; above all there is nothing
beside a $ref.
"""
import json
import sys

sys.dont_write_bytecode = True
import gen_csta  # noqa: E402 (found beside this file)

ID_MAX = 1024  # CSTA_ID_MAX of src/csta/csta.h; octets there, so never more characters
BASIC = {
    'bool': {'type': 'boolean'},
    'string': {'type': 'string'},
    'id': {'type': 'string', 'maxLength': ID_MAX},
    'hex': {'type': 'string', 'pattern': '^([0-9A-Fa-f]{2})*$', 'contentEncoding': 'base16'},
    'Empty': {'type': 'boolean', 'const': True},
}
EDITIONS = {'ed4': '4-', 'ed6': '6-', 'pre4': '-3'}
ENVELOPE = 'CSTAMessage'


def ref(name):
    return {'$ref': '#/components/schemas/' + name}


def schema_of(table, type_):
    """Of a value of that type of the table, wherever it stands."""
    if type_[-1] in '*+':
        return {'type': 'array', 'items': schema_of(table, type_.rstrip('*+').split(':')[-1])}
    if type_ in table.types:
        return ref(type_)
    if type_ == 'DeviceTarget':
        return ref('DeviceID')
    if type_ in BASIC:
        return dict(BASIC[type_])
    _, _, low, high = gen_csta.BASIC[type_]
    return {'type': 'integer', 'minimum': low, 'maximum': high}


def an_object(properties, required=(), **more):
    out = {'type': 'object', 'properties': properties, 'additionalProperties': False, **more}
    if required:
        out['required'] = list(required)
    return out


def members(table, rows):
    return {row.name.lstrip('@'): schema_of(table, row.type) for row in rows if row.name != '@*'}


def struct(table, block):
    out = an_object(members(table, block.rows), [row.name for row in block.rows if row.occurs == 'M'])
    if 'any' in block.opts:
        out['minProperties'] = 1
    editions = {row.name: EDITIONS[key] for row in block.rows for key in EDITIONS if key in row.opts}
    if editions:
        out['x-csta-editions'] = editions  # of ECMA-323, whose XML has the member
    return out


def choice(table, block):
    rows = [row for row in block.rows if 'only' not in row.opts]
    return an_object(members(table, rows), minProperties=1, maxProperties=1)


def text(table, block):
    """A string, for those who have no attributes to say; what is written is an object."""
    rows = list(block.rows)
    for row in block.rows:
        if row.name == '@*':
            rows += table.types[row.type].rows
    properties = {'id': dict(BASIC['id']), **members(table, rows)}
    return {'oneOf': [dict(BASIC['id']), an_object(properties, ['id'])]}


def foreign(_table, _block):
    return an_object({'xml': {'type': 'string'}, 'attributes': {'type': 'string'}}, ['xml'])


def caps(_table, block):
    bits = {'type': 'object', 'additionalProperties': {'type': 'boolean'},
            'propertyNames': {'pattern': '^[A-Za-z_][A-Za-z0-9_.-]*$'}}
    return an_object({row.name: bits for row in block.rows})


def enum(_table, block):
    return {'type': 'string', 'enum': [row.name for row in block.rows]}


FORMS = {'enum': enum, 'flags': struct, 'struct': struct, 'choice': choice, 'text': text,
         'xml': foreign, 'caps': caps}


def message(table, block):
    out = ref(block.opts['body']) if 'body' in block.opts else struct(table, block)
    if '$ref' in out:
        out = {'allOf': [out]}
    out['title'] = block.name
    out['x-csta-role'] = block.role
    if block.role != 'response':
        out['x-csta-served'] = 'supported' in block.opts  # read and written, and served or sent as well
    if block.role == 'request' and block.name + 'Response' in table.roots:
        out['x-csta-response'] = block.name + 'Response'
    return out


def schemas_of(table):
    out = {}
    for block in table.messages:
        out[block.name] = message(table, block)
    for block in table.types.values():
        if block.name in out:
            gen_csta.fail(block.line, f'{block.name} is a message and a type')
        out[block.name] = FORMS[block.form](table, block)
    return out


def refs(value):
    if isinstance(value, dict):
        if '$ref' in value:
            yield value['$ref'].rpartition('/')[2]
        for part in value.values():
            yield from refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from refs(part)


def needed(schemas, names):
    """Those schemas and all that they refer to, by name."""
    seen, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += refs(schemas[name])
    return {name: schemas[name] for name in sorted(seen)}


def info(title, version, what):
    return {'title': title, 'version': version, 'description': what,
            'license': {'name': 'Apache-2.0', 'url': 'https://www.apache.org/licenses/LICENSE-2.0'}}


def openapi(table, version):
    schemas = schemas_of(table)
    names = [block.name for block in table.messages]
    out = needed(schemas, names)
    out[ENVELOPE] = an_object({name: ref(name) for name in names}, minProperties=1, maxProperties=1,
                              title='Any message, under its name')
    return {'openapi': '3.1.0',
            'info': info('CSTA messages', version, 'The messages of ECMA-323 as JSON (docs/json.md).'),
            'paths': {}, 'components': {'schemas': dict(sorted(out.items()))}}


def asyncapi(table, version):
    names = [block.name for block in table.messages if block.role == 'event']
    told = {name: {'name': name, 'title': name, 'contentType': 'application/json', 'payload': ref(name)}
            for name in names}
    return {'asyncapi': '3.0.0',
            'info': info('CSTA events', version, 'The events of ECMA-323 as JSON (docs/json.md).'),
            'defaultContentType': 'application/json',
            'channels': {'events': {
                'messages': {name: {'$ref': '#/components/messages/' + name} for name in names}}},
            'operations': {'sendEvent': {'action': 'send', 'channel': {'$ref': '#/channels/events'}}},
            'components': {'messages': told, 'schemas': needed(schemas_of(table), names)}}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    path, version, what, out = sys.argv[1:]
    document = {'openapi': openapi, 'asyncapi': asyncapi}[what](gen_csta.Table(path), version)
    with open(out, 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write('\n')


if __name__ == '__main__':
    main()
