#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events as CloudEvents, held against their format and against the schemas of CSTA.

    cloud_schema.py ASYNCAPI PROGRAM    PROGRAM (cloud_corpus) writes a CloudEvent a line

The envelope is that of CloudEvents 1.0 (JSON format 1.0); the event of CSTA in it has to be valid
by the schema that is made from the table. Without python3-jsonschema the test is skipped.
"""
import json
import pathlib
import subprocess
import sys

SKIPPED = 77
UUI = {'type': 'object', 'additionalProperties': False, 'properties': {
    **{name: {'type': 'string'} for name in ('package', 'content', 'encoding', 'discriminator', 'verdict', 'rule', 'text')},
    'hex': {'pattern': '^([0-9A-F]{2})*$'}, 'octets': {'type': 'integer'}, 'userData': {'type': 'boolean'},
    'origin': {'type': 'object', 'properties': {
        'evidence': {'type': 'array', 'items': {'type': 'string'}},
        'conflicts': {'type': 'array', 'items': {'type': 'string'}}, 'withheld': {'type': 'boolean'}}},
    'seal': {'type': 'object', 'required': ['result'], 'properties': {'key': {'type': 'integer'}}}}}
ENVELOPE = {
    'type': 'object', 'additionalProperties': False,
    'required': ['specversion', 'id', 'source', 'type', 'time', 'sequence', 'datacontenttype', 'data'],
    'properties': {
        'specversion': {'const': '1.0'}, 'id': {'pattern': '^[1-9][0-9]*$'}, 'source': {'const': '/baton/test'},
        'type': {'pattern': r'^org\.baton\.([a-z]+|csta\.[a-z][A-Za-z]+)\.v1$'}, 'subject': {'type': 'string'},
        'time': {'pattern': r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$'}, 'sequence': {'pattern': '^[1-9][0-9]*$'},
        'partition': {'type': 'string'}, 'datacontenttype': {'const': 'application/json'},
        'data': {'type': 'object', 'properties': {
            'ids': {'type': 'object', 'additionalProperties': False, 'properties': {
                name: {'type': 'string', 'minLength': 1} for name in ('callID', 'deviceID', 'sipCallID')}},
            'uui': {'type': 'array', 'items': UUI}, 'uuiChanges': {'type': 'array', 'items': {'type': 'object'}}}}}}


def main():
    try:
        import jsonschema
    except ImportError:
        print('events: left out, there is no python3-jsonschema')
        sys.exit(SKIPPED)
    schemas = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'))
    lines = subprocess.run([sys.argv[2]], check=True, capture_output=True).stdout.decode('utf-8').splitlines()
    faults, kinds = 0, set()
    for line in lines:
        event = json.loads(line)
        complaints = list(jsonschema.Draft7Validator(ENVELOPE).iter_errors(event))
        for name, body in event['data'].items():
            if name.endswith('Event'):
                kinds.add(name)
                schema = {'$ref': '#/components/schemas/' + name, 'components': schemas['components']}
                complaints += jsonschema.Draft7Validator(schema).iter_errors(body)
                if body['monitorCrossRefID'] != '0':
                    complaints.append('addressed to somebody')
        if event['sequence'] != event['id']:
            complaints.append('id is not the sequence')
        for complaint in complaints:
            print(f'wrong: {complaint}: {line}')
        faults += len(complaints)
    print(f'events: {len(lines)} of {len(kinds)} kinds, {faults} faults')
    sys.exit(1 if faults or len(kinds) < 22 else 0)


if __name__ == '__main__':
    main()
