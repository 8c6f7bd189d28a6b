#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Baton sends, held against the schemas of ECMA-323 and ECMA-354 with xmllint.

    validate.py ROOT generated PROGRAM       every message that the encoder can write (csta_corpus)
    validate.py ROOT sent PROGRAM...         what the tests' applications were sent while PROGRAM ran
    validate.py ROOT samples                 messages of others (../shared/data or BATON_TEST_DATA),
                                             to see that this test tells right from wrong

The schemas are not part of the project: they are looked for in ../shared/spec/xsd, or where
BATON_TEST_SPEC says; without them, or without xmllint, the test is skipped, and says so. The schemas
of edition 2 are nowhere to be had: what is written in it must be right in edition 3, and so must
what is written without a namespace.

Private data of ours are held against docs/csta-private.xsd besides.
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
AT_ONCE = 400  # documents to one xmllint
CSTA = re.compile(rb'http://www\.ecma(?:-international\.org|\.ch)/standards/ecma-323/csta/ed([2-6])')
ED3 = b'http://www.ecma-international.org/standards/ecma-323/csta/ed3'
ROOT = re.compile(rb'(<[A-Za-z][A-Za-z0-9:]*)[^>]*>')
APPL = b'http://www.ecma-international.org/standards/ecma-354/appl_session'
OURS = re.compile(rb'<([A-Za-z]+) xmlns="urn:x-baton:csta"(?:[^>]*/>|[^>]*>.*?</\1>)', re.S)
SCHEMAS = {'3': 'csta-ed3-*.xsd', '4': 'csta-ed4-*.xsd', '5': 'csta-ed5-*.xsd',
           '6': 'csta-ed6-*.xsd', 'appl': 'appl-session-*.xsd'}


def skip(text):
    print(f'csta schemas: left out, {text}')
    sys.exit(SKIPPED)


def find_schemas(root):
    folder = pathlib.Path(os.environ.get('BATON_TEST_SPEC', root / '../shared/spec')) / 'xsd'
    if not shutil.which('xmllint'):
        skip('there is no xmllint (libxml2-utils)')
    found = {}
    for kind, pattern in SCHEMAS.items():
        files = sorted(folder.glob(pattern))
        if not files:
            skip(f'no {pattern} in {folder}')
        found[kind] = files[0]
    found['ours'] = root / 'docs/csta-private.xsd'
    return found


def private_of(text):
    """Each element of ours in private data, a document of its own."""
    return [m.group(0) for m in OURS.finditer(text)]


def kind_of(text):
    """Which schema it is under, and the document as that schema reads it."""
    root = ROOT.search(text)
    match = root and CSTA.search(root.group(0))
    if match and match.group(1) != b'2':
        return match.group(1).decode(), text
    if match:
        return '3', text.replace(match.group(0), ED3, 1)
    if root and APPL in root.group(0):
        return 'appl', text
    if root and b'xmlns' not in root.group(0): # to one who asks without a namespace
        return '3', text[:root.end(1)] + b' xmlns="' + ED3 + b'"' + text[root.end(1):]
    return None, text


def sort_out(folder, out):
    """The documents by schema: {kind: [path]}, under `out`."""
    kinds = collections.defaultdict(list)
    for path in sorted(folder.iterdir()):
        text = path.read_bytes()
        parts = [kind_of(text)] + [('ours', part) for part in private_of(text)]
        for number, (kind, part) in enumerate(parts):
            target = out / f'{path.stem}-{number}.xml'
            target.write_bytes(part)
            kinds[kind].append(target)
    return kinds


def lint(job):
    """@return {document: complaints} of those that are wrong"""
    schema, paths = job
    run = subprocess.run(['xmllint', '--nonet', '--noout', '--schema', schema, *paths],
                         capture_output=True, text=True, errors='replace', check=False)
    wrong, said = {}, collections.defaultdict(list)
    for line in run.stderr.splitlines():
        name, _, rest = line.partition(':')
        if line.endswith(' fails to validate'):
            wrong[line[:-len(' fails to validate')]] = True
        elif rest and name.endswith('.xml'):
            said[name].append(rest)
            if 'parser error' in rest:
                wrong[name] = True
    if run.returncode not in (0, 1, 3, 4):
        wrong[str(paths[0])] = True
        said[str(paths[0])].append(run.stderr[:2000])
    return {name: said[name] for name in wrong}


def validate(schemas, kinds):
    jobs = [(str(schemas[kind]), [str(p) for p in paths[i:i + AT_ONCE]])
            for kind, paths in kinds.items() for i in range(0, len(paths), AT_ONCE)]
    wrong = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for result in pool.map(lint, jobs):
            wrong.update(result)
    return wrong


def check(schemas, folder, what):
    with tempfile.TemporaryDirectory() as out:
        kinds = sort_out(folder, pathlib.Path(out))
        strangers = kinds.pop(None, [])
        wrong = validate(schemas, kinds)
        for name, complaints in list(wrong.items())[:20]:
            print(f'{name}\n  ' + '\n  '.join(c[:400] for c in complaints[:4]))
            print('  ' + pathlib.Path(name).read_text(encoding='utf-8', errors='replace')[:3000])
        for path in strangers[:5]:
            print(f'of no known namespace: {path.read_text(errors="replace")[:400]}')
        count = {kind: len(paths) for kind, paths in sorted(kinds.items())}
        print(f'csta schemas: {what}: {count}, {len(wrong)} wrong, {len(strangers)} strange')
        return bool(count) and not wrong and not strangers


def generated(schemas, program):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        return check(schemas, pathlib.Path(folder), 'generated')


def sent(schemas, programs):
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            run = subprocess.run([program], env={**os.environ, 'BATON_TEST_KEEP': folder},
                                 capture_output=True, text=True, errors='replace', check=False)
            if run.returncode != 0:
                print(f'{program} failed\n{run.stdout[-2000:]}{run.stderr[-2000:]}')
                return False
        return check(schemas, pathlib.Path(folder), f'sent in {len(programs)} tests')


def samples(schemas, root):
    """A tool that accepts everything would show nothing: it must refuse what is known to be wrong."""
    folder = pathlib.Path(os.environ.get('BATON_TEST_DATA', root / '../shared/data')) / 'csta/samples'
    if not folder.is_dir():
        skip(f'no {folder}')
    good = sorted((folder / 'constructed').glob('*.xml'))
    bad = [folder / 'shoretel-mitel-ip400/02-SetHookswitchStatus.xml',
           folder / 'as-feature-event/01-NOTIFY-DoNotDisturbEvent.xml']
    wrong = validate(schemas, {'3': good + bad})
    print(f'csta schemas: samples: {len(good)} right and {len(bad)} wrong, {len(wrong)} found wrong')
    return set(wrong) == {str(p) for p in bad}


def main():
    root, what, *rest = sys.argv[1:]
    root = pathlib.Path(root)
    schemas = find_schemas(root)
    ok = {'generated': lambda: generated(schemas, rest[0]), 'sent': lambda: sent(schemas, rest),
          'samples': lambda: samples(schemas, root)}[what]()
    sys.exit(0 if ok else 1)


if __name__ == '__main__':
    main()
