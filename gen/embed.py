#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the files of the web to a table of C (src/api/asset.h): the daemon serves them from itself.

    embed.py OUT.c [NAME] /PATH=FILE...     a table api_NAMEs and its api_NAME_count; "asset" unless given

Each file with its media type, an ETag of its content, and a gzip of it where that is worth the
octets. The same files give the same table on every machine: gzip has neither time nor name.
"""
import gzip
import hashlib
import os
import sys

TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.ts': 'text/plain; charset=utf-8',
    '.txt': 'text/plain; charset=utf-8',
}
WORTH = 0.9  # a gzip that is longer than this part of the file is left out
LINE = 24


def array(name, octets):
    rows = [','.join(map(str, octets[i:i + LINE])) for i in range(0, len(octets), LINE)]
    return f'static const unsigned char {name}[] = {{\n' + ',\n'.join(rows) + '};\n'


def view(name, octets):
    return f'{{(const char *){name}, {len(octets)}}}'


def asset(number, path, file):
    with open(file, 'rb') as f:
        octets = f.read()
    if not octets:
        sys.exit(f'embed: {file} is empty')
    kind = TYPES.get(os.path.splitext(path)[1])
    if not kind:
        sys.exit(f'embed: {path}: no media type is known for it; add one to TYPES')
    packed = gzip.compress(octets, 9, mtime=0)
    etag = hashlib.sha256(octets).hexdigest()[:20]
    arrays = array(f'file_{number}', octets)
    small = '{NULL, 0}'
    if len(packed) < WORTH * len(octets):
        arrays += array(f'gzip_{number}', packed)
        small = view(f'gzip_{number}', packed)
    row = (f'    {{"{path}", "{kind}", "\\"{etag}\\"",\n     {view(f"file_{number}", octets)},\n'
           f'     {small}}},\n')
    return arrays, row


def main():
    out, *pairs = sys.argv[1:]
    name = pairs.pop(0) if '=' not in pairs[0] else 'asset'
    files = dict(pair.split('=', 1) for pair in pairs)
    arrays, rows = [], []
    for number, path in enumerate(sorted(files)):
        a, row = asset(number, path, files[path])
        arrays.append(a)
        rows.append(row)
    with open(out, 'w', encoding='utf-8') as f:
        f.write('/* Made by gen/embed.py. */\n#include "api/asset.h"\n\n' + '\n'.join(arrays) +
                f'\nconst struct api_asset api_{name}s[] = {{\n' + ''.join(rows) + '};\n'
                f'const size_t api_{name}_count = sizeof(api_{name}s) / sizeof(api_{name}s[0]);\n')


main()
