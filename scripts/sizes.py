#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail when a file in src has more than 800 lines or a function more than 80.

Exceptions stand in scripts/size-exceptions.txt, one a line with the reason: "src/a/b.c why"
or "src/a/b.c:function why". One that is not needed any more is an error too: the list may
only shrink. Functions are found with Universal Ctags; without it only files are measured.
"""
import os
import subprocess
import sys

FILE_MAX, FUNCTION_MAX = 800, 80
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def files():
    for folder, _, names in os.walk("src"):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.join(folder, name)


def functions(paths):
    """Yield (path:function, lines); None when there is no usable ctags."""
    try:
        out = subprocess.run(["ctags", "-f", "-", "--sort=no", "--fields=+ne", "--kinds-C=f",
                              "--languages=C", "--langmap=C:.c.h", "-L", "-"],
                             input="\n".join(paths), check=True, capture_output=True,
                             text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = []
    for line in out.splitlines():
        fields = line.split("\t")
        extra = dict(field.split(":", 1) for field in fields[3:] if ":" in field)
        if "end" in extra and "line" in extra:
            size = int(extra["end"]) - int(extra["line"]) + 1
            found.append((f"{fields[1]}:{fields[0]}", size))
    return found


def exceptions():
    try:
        with open("scripts/size-exceptions.txt", encoding="utf-8") as file:
            lines = [line.split(None, 1) for line in file if line.strip() and line[0] != "#"]
    except FileNotFoundError:
        return {}
    return {fields[0]: fields[1] if len(fields) > 1 else "" for fields in lines}


def main():
    os.chdir(ROOT)
    paths = list(files())
    large = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            size = sum(1 for _ in file)
        if size > FILE_MAX:
            large[path] = f"{path}: {size} lines, the limit is {FILE_MAX}"
    found = functions(paths)
    for name, size in found or []:
        if size > FUNCTION_MAX:
            large[name] = f"{name}: {size} lines, the limit is {FUNCTION_MAX}"
    allowed = exceptions()
    bad = [text for name, text in large.items() if name not in allowed]
    for name, reason in allowed.items():
        if not reason:
            bad.append(f"scripts/size-exceptions.txt: {name} has no reason")
        if name not in large and (found is not None or ":" not in name):
            bad.append(f"scripts/size-exceptions.txt: {name} is within the limits; remove it")
    measured = "no ctags, functions not measured" if found is None else f"{len(found)} functions"
    print("\n".join(bad) if bad else f"sizes: {len(paths)} files, {measured}")
    return 1 if bad else 0


sys.exit(main())
