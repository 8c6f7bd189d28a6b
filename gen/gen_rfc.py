#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/coverage-rfc.md from gen/rfc.txt, after checking that every row is true.

A row names a source file and a test. The file has to exist and to cite the RFC; the test has to be
a function of that name in the test tree. A row whose status is "no" names what Baton answers
instead, and needs neither.

    gen_rfc.py ROOT            print the page
    gen_rfc.py ROOT --check    compare docs/coverage-rfc.md with it; exit 1 when it is stale
"""
import os
import re
import sys

STATUS = {"yes": "yes", "part": "in part", "no": "no"}


def fail(line, text):
    sys.exit(f"gen/rfc.txt:{line}: {text}")


def test_functions(root):
    names = {}
    for folder, _, files in os.walk(os.path.join(root, "tests")):
        for file in files:
            path = os.path.join(folder, file)
            if file.endswith(".c"):
                pattern = r"^static void (test_\w+)\("
            elif file.endswith(".py"):
                pattern = r"^\s*def (\w+)\("
            else:
                continue
            with open(path, encoding="utf-8") as f:
                for name in re.findall(pattern, f.read(), re.M):
                    names.setdefault(name, []).append(os.path.relpath(path, root))
    return names


def rows(root):
    tests = test_functions(root)
    current = None
    with open(os.path.join(root, "gen", "rfc.txt"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("RFC "):
                rfc, title = line[4:].split(None, 1)
                current = rfc
                yield ("rfc", rfc, title)
                continue
            cells = [c.strip() for c in line.split("|")]
            if len(cells) != 5 or cells[2] not in STATUS:
                fail(number, "a row is: section | subject | yes, part or no | file or remark | test")
            section, subject, status, where, test = cells
            if status != "no":
                path = os.path.join(root, where)
                if not os.path.isfile(path):
                    fail(number, f"there is no file {where}")
                with open(path, encoding="utf-8") as source:
                    if f"RFC {current}" not in source.read():
                        fail(number, f"{where} does not cite RFC {current}")
                file, _, test = test.rpartition(":")
                found = [f for f in tests.get(test, []) if file in ("", f)]
                if len(found) != 1:
                    fail(number, f"{len(found)} tests are called {test}: {' '.join(found)}")
                test = f"[{test}](../{found[0]})"
                where = f"[{where}](../{where})"
            yield ("row", section, subject, STATUS[status], where, test)


def page(root):
    out = ["# RFC coverage", "",
           "<!-- Made by gen/gen_rfc.py from gen/rfc.txt, which checks that each file cites its RFC and",
           "that each test exists. Change the table, not this page. -->", "",
           "What Baton implements of each RFC, where, and the test that fails without it. What is not",
           "there says what is answered instead.", ""]
    for item in rows(root):
        if item[0] == "rfc":
            out += ["", f"## RFC {item[1]}: {item[2]}", "",
                    "| section | subject | | where | test |", "|---|---|---|---|---|"]
        else:
            out.append("| " + " | ".join(item[1:]) + " |")
    return "\n".join(out) + "\n"


def main():
    root = sys.argv[1]
    text = page(root)
    if "--check" in sys.argv[2:]:
        with open(os.path.join(root, "docs", "coverage-rfc.md"), encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("docs/coverage-rfc.md is stale: gen/gen_rfc.py . > docs/coverage-rfc.md")
    else:
        sys.stdout.write(text)


main()
