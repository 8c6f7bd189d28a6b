# SPDX-License-Identifier: Apache-2.0
"""What the server answers, held against what it says of itself: /openapi.json and /asyncapi.json.

server.py shows every request and its answer to `check`. An answer has to have a status and a type that the document lists for
its route, and a body that is valid; members that the schema does not have are wrong as well. A request that was done has
to be valid by the document, too. Pages and streams of events are looked at event by event. The first fault ends the test.

What is said over streams and brought by webhooks (streams.py) is held against the messages of asyncapi.json by `message`.

With $BATON_CONTRACT (a folder) what was done is written there, for coverage.py. Without python3-jsonschema nothing is checked.
"""
import atexit
import copy
import json
import os
import re
import sys

try:
    import jsonschema
except ImportError:
    jsonschema = None

DONE = {}  # operationId -> [status …]
DOCUMENTS = {}  # of one run all servers have the same


def parts_of_wholes(value):
    """Schemas to which others add members, by allOf."""
    if isinstance(value, dict):
        for part in value.get('allOf', []):
            yield part.get('$ref', '').rpartition('/')[2]
        for part in value.values():
            yield from parts_of_wholes(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts_of_wholes(part)


def strict(schema, top=True):
    """Members that a schema does not have are none."""
    if isinstance(schema, dict):
        if top and 'properties' in schema and schema.get('type') == 'object':
            schema.setdefault('additionalProperties', False)
        for key, part in schema.items():
            strict(part, key != 'allOf')
    elif isinstance(schema, list):
        for part in schema:
            strict(part, top)


class Document:
    def __init__(self, text, draft):
        self.raw = json.loads(text)
        answers = copy.deepcopy(self.raw['components'])
        whole = set(parts_of_wholes(answers))
        for name, schema in answers['schemas'].items():
            if name not in whole:
                strict(schema)
        self.components = {False: self.raw['components'], True: answers}
        self.draft, self.made = draft, {}

    def fault(self, schema, value, answer):
        """Why `value` is not valid, or None."""
        key = json.dumps(schema, sort_keys=True), answer
        if key not in self.made:
            whole = copy.deepcopy(schema)
            if answer:
                strict(whole)
            self.made[key] = self.draft({'allOf': [whole], 'components': self.components[answer]})
        error = jsonschema.exceptions.best_match(self.made[key].iter_errors(value))
        return error and f'{error.message[:300]} at /{"/".join(map(str, error.path))}'


def documents(server):
    if not DOCUMENTS:
        DOCUMENTS['openapi'] = Document(server.fetch('GET', '/openapi.json').body, jsonschema.Draft202012Validator)
        DOCUMENTS['asyncapi'] = Document(server.fetch('GET', '/asyncapi.json').body, jsonschema.Draft7Validator)
        routes = []
        for path, item in DOCUMENTS['openapi'].raw['paths'].items():
            pattern = '/'.join('([^/]+)' if part.startswith('{') else re.escape(part) for part in path.split('/'))
            routes.append((path.count('{'), re.compile(pattern), item))
        DOCUMENTS['routes'] = sorted(routes, key=lambda row: row[0])
    return DOCUMENTS


def operation_of(server, method, path):
    """As the document has it; None: it has none."""
    path = path.partition('?')[0]
    for _, pattern, item in documents(server)['routes']:
        if pattern.fullmatch(path):
            return item.get({'HEAD': 'get'}.get(method, method.lower()))
    return None


def event_fault(event):
    """Of a CloudEvent, against the messages of asyncapi.json."""
    document = DOCUMENTS['asyncapi']
    schema = {'oneOf': [m['payload'] for name, m in messages_of('follow').items() if name != 'problem']}
    fault = document.fault(schema, event, True)
    return fault and f'{fault}: {json.dumps(event)[:2000]}'


def deref(document, value):
    while '$ref' in value:
        whole = document.raw
        for step in value['$ref'][2:].split('/'):
            whole = whole[step]
        value = whole
    return value


def messages_of(operation):
    """Of asyncapi.json: name -> message."""
    document = DOCUMENTS['asyncapi']
    refs = document.raw['operations'][operation]['messages']
    return {ref['$ref'].rpartition('/')[2]: deref(document, ref) for ref in refs}


def message_faults(name, message, value, headers):
    document = DOCUMENTS['asyncapi']
    fault = document.fault(message['payload'], value, True)
    if fault is None and headers is not None:
        fault = document.fault(message['headers'], headers, False)
    return fault and f'{name}: {fault}'


def message(server, operation, value, headers=None):
    """What is said in that operation of asyncapi.json is one of its messages. @return its name"""
    if jsonschema is None:
        return 'problem' if 'specversion' not in value else ''
    documents(server)
    faults = {name: message_faults(name, m, value, headers) for name, m in messages_of(operation).items()}
    fit = [name for name, fault in faults.items() if fault is None]
    if len(fit) != 1:
        raise AssertionError(f'{operation}: {json.dumps(value)[:2000]} {headers or ""} is {fit}: {faults}')
    DONE.setdefault(f'{operation}/{fit[0]}', set()).add(0)
    return fit[0]


def valid(server, name, value, member=None):
    """It has the form of that schema of openapi.json, or of a member of it."""
    if jsonschema is None:
        return
    schema = {'$ref': '#/components/schemas/' + name}
    if member is not None:
        schema = documents(server)['openapi'].raw['components']['schemas'][name]['properties'][member]
    fault = documents(server)['openapi'].fault(schema, value, True)
    if fault is not None:
        raise AssertionError(f'{name}: {fault}: {json.dumps(value)[:2000]}')


def begun(server, operation, status):
    """A stream, which is no answer of its own: one operation of openapi.json was done."""
    if jsonschema is not None:
        documents(server)
        DONE.setdefault(operation, set()).add(status)


def streamed(server, operation, value):
    """What Server-Sent Events of another kind bring is what openapi.json says of them."""
    if jsonschema is None:
        return
    ops = [op for item in documents(server)['openapi'].raw['paths'].values() for op in item.values() if op['operationId'] == operation]
    fault = DOCUMENTS['openapi'].fault(ops[0]['responses']['200']['content']['text/event-stream']['schema'], value, True)
    if fault is not None:
        raise AssertionError(f'{operation}: {fault}: {json.dumps(value)[:2000]}')
    DONE.setdefault(operation, set()).add(200)


def close_code(server, code):
    """Of the WebSocket of events: it is one of those of asyncapi.json."""
    if jsonschema is None:
        return
    if str(code) not in documents(server)['asyncapi'].raw['channels']['stream']['x-close-codes']:
        raise AssertionError(f'close code {code} is not listed')
    DONE.setdefault(f'close/{code}', set()).add(0)


def events_in(answer):
    if answer.headers.get('content-type') == 'text/event-stream':
        return [json.loads(line[5:]) for line in answer.body.decode().splitlines() if line.startswith('data:')]
    return answer.json().get('items', []) if answer.status == 200 else []


def body_fault(server, op, answer, head):
    """Of the answer."""
    listed = op['responses'].get(str(answer.status))
    if listed is None:
        return f'status {answer.status} is not listed'
    kind = answer.headers.get('content-type', '').partition(';')[0]
    if head or (not answer.body and 'content' not in listed) or answer.status == 101:
        return None
    media = listed.get('content', {}).get(kind)
    if media is None:
        return f'type {kind!r} is not listed for {answer.status}'
    if not re.search(r'[/+]json$', kind):
        return None
    return DOCUMENTS['openapi'].fault(media['schema'], answer.json(), True)


def request_fault(op, body):
    """Of one that was done."""
    media = op.get('requestBody', {}).get('content', {}).get('application/json')
    if media is None or not body:
        return None
    try:
        value = json.loads(body)
    except (ValueError, TypeError):
        return None
    return DOCUMENTS['openapi'].fault(media['schema'], value, False)


def check(server, method, path, body, answer):
    if jsonschema is None:
        return
    op = operation_of(server, method, path)
    if op is None or answer.status == 421:  # nothing of the API, or not for this server
        return
    name = op['operationId']
    fault = body_fault(server, op, answer, method == 'HEAD' or answer.status == 304)
    if fault is None and answer.status < 300:
        DONE.setdefault(name, set()).add(answer.status)
        fault = request_fault(op, body)
    if fault is None and name in ('getEvents',) and answer.body:
        fault = next((f for f in map(event_fault, events_in(answer)) if f), None)
    if fault is not None:
        raise AssertionError(f'{name}: {fault}\n{method} {path} {body!r}\n{answer.status} {answer.body[:2000]!r}')


@atexit.register
def keep():
    """Operations of openapi.json by their names; of asyncapi.json as OPERATION/MESSAGE and close/CODE."""
    folder = os.environ.get('BATON_CONTRACT')
    if folder and jsonschema is not None:
        os.makedirs(folder, exist_ok=True)
        name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
        with open(os.path.join(folder, name + '.json'), 'w', encoding='utf-8') as file:
            json.dump({key: sorted(value) for key, value in DONE.items()}, file)
