# SPDX-License-Identifier: Apache-2.0
"""References inside of a JSON document (RFC 6901), as OpenAPI, AsyncAPI and JSON Schema have them."""


def refs(value, fault):
    """All that it refers to; `fault` is told of one that stands beside something else."""
    if isinstance(value, dict):
        if '$ref' in value:
            if len(value) > 1:
                fault(f'something beside a reference: {value}')
            yield value['$ref']
        for part in value.values():
            yield from refs(part, fault)
    elif isinstance(value, list):
        for part in value:
            yield from refs(part, fault)


def find(document, pointer):
    """What is there; None: nothing."""
    for step in pointer.removeprefix('#/').split('/'):
        step = step.replace('~1', '/').replace('~0', '~')
        document = document.get(step) if isinstance(document, dict) else None
    return document
