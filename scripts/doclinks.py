#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links of the documentation lead somewhere: doclinks.py ROOT

For each relative link in README.md, ARCHITECTURE.md, CONTRIBUTING.md and docs/*.md the file exists.
When it is a test (tests/…), and the text of the link is a name, that file has a test of that name. And
each key in docs/uui.md's columns of configuration is one of docs/configuration.md.
"""
import glob
import os
import re
import sys

LINK = re.compile(r"\[([^\]\[]*)\]\(([^)\s]+)\)")
FUNCTION = {".c": r"^static void {0}\(", ".py": r"^def {0}\("}


def pages(root):
    for pattern in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/*.md"):
        yield from glob.glob(os.path.join(root, pattern))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def faults_of_links(root):
    for page in sorted(pages(root)):
        for text, target in LINK.findall(re.sub(r"```.*?```", "", read(page), flags=re.S)):
            target = target.split("#")[0]
            if target == "" or re.match(r"[a-z]+:", target):
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(page), target))
            where = f"{os.path.relpath(page, root)}: [{text}]({target})"
            if not os.path.exists(path):
                yield f"{where}: there is no such file"
                continue
            pattern = FUNCTION.get(os.path.splitext(path)[1])
            in_tests = os.path.relpath(path, root).startswith("tests" + os.sep)
            if in_tests and pattern and re.fullmatch(r"\w+", text) and \
                    not re.search(pattern.format(text), read(path), re.M):
                yield f"{where}: it has no test of that name"


def faults_of_requirements(root):
    """All requirements are in the table, each with a test; the keys exist."""
    keys = set(re.findall(r"^\| `(\w+)` \|", read(os.path.join(root, "docs/configuration.md")), re.M))
    sections = set(re.findall(r"^#+ `([\w.]+)`", read(os.path.join(root, "docs/configuration.md")), re.M))
    rows = re.findall(r"^\| (REQ-\d+|-) \| (.*)$", read(os.path.join(root, "docs/uui.md")), re.M)
    for number in [1, 2, 3, 4, 5, *range(7, 15)]:
        if [row[0] for row in rows].count(f"REQ-{number}") != 1:
            yield f"docs/uui.md: REQ-{number} has no row, or several"
    for number, row in rows:
        cells = [c.strip() for c in row.split("|")]
        if not LINK.search(cells[4]):
            yield f"docs/uui.md: no test shows {number}"
        for key in re.findall(r"`([\w.]+)`", cells[3]):
            if key not in sections and key.rsplit(".", 1)[-1] not in keys:
                yield f"docs/uui.md: {number}: there is no key {key}"


def main(root):
    faults = [*faults_of_links(root), *faults_of_requirements(root)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
