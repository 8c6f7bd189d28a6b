#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copy files to another folder, only those that differ, and remove there what is not named.

usage: copy_changed.py FROM TO <NAMES, each ended by a NUL

TO/obj, where it is built, stays.
"""
import filecmp
import os
import shutil
import sys

FROM, TO = sys.argv[1:]


def same(a, b):
    return os.path.isfile(b) and os.access(a, os.X_OK) == os.access(b, os.X_OK) \
        and filecmp.cmp(a, b, shallow=False)


names = {n for n in sys.stdin.buffer.read().decode().split("\0") if n}
names = {n for n in names if os.path.isfile(os.path.join(FROM, n))}
for name in names:
    source, copy = os.path.join(FROM, name), os.path.join(TO, name)
    if not same(source, copy):
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(source, copy)
        shutil.copymode(source, copy)
for folder, folders, files in os.walk(TO):
    way = os.path.relpath(folder, TO)
    if way == ".":
        folders[:] = [f for f in folders if f != "obj"]
    for name in files:
        if os.path.normpath(os.path.join(way, name)) not in names:
            os.remove(os.path.join(folder, name))
