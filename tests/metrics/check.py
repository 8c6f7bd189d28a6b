#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus and Grafana make of the metrics.

usage: check.py SAMPLE PROJECT

SAMPLE prints all metrics. They must pass the parser of Prometheus' own Python client; each
panel of the dashboards and each rule of the alerts may name only metrics and labels that exist.
"""
import json
import os
import re
import subprocess
import sys

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, when python3 is another one
try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    print("python3-prometheus-client is missing (make test-deps)")
    sys.exit(77)



def families(sample):
    text = subprocess.run([sample], check=True, capture_output=True, text=True).stdout
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation.endswith("."), f"{family.name}: no help text"
        assert family.type in ("counter", "gauge", "histogram"), f"{family.name}: {family.type}"
        for one in family.samples:
            found.setdefault(one.name, []).append(one.labels)
    written = {line.split("{")[0].split(" ")[0] for line in text.splitlines()
               if not line.startswith("#")}
    assert written == set(found), f"the parser saw others: {written ^ set(found)}"
    for name, labels in found.items():
        seen = [tuple(sorted(one.items())) for one in labels]
        assert len(seen) == len(set(seen)), f"{name}: a series comes twice"
        assert len(seen) <= 20, f"{name}: {len(seen)} series"
    return found


def check_expression(where, text, found):
    bad = []
    text = re.sub(r"\$\{?\w+\}?", "1", text)
    for name, selector in re.findall(r"\b(baton_\w+|process_\w+)(\{[^}]*\})?", text):
        if name not in found:
            bad.append(f"{where}: there is no metric {name}")
            continue
        for label, relation, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', selector):
            if label in ("job", "instance"):
                continue
            values = {one.get(label) for one in found[name]} - {None}
            pattern = value if "~" in relation else re.escape(value)
            if not any(re.fullmatch(pattern, one) for one in values):
                bad.append(f"{where}: {name} has no {label} {value}")
    for group in re.findall(r"\bby\s*\(([^)]*)\)", text):
        for label in re.findall(r"\w+", group):
            names = re.findall(r"\bbaton_\w+", text)
            if label not in ("job", "instance", "le") and not any(
                    label in one for name in names for one in found.get(name, [])):
                bad.append(f"{where}: nothing in it has a label {label}")
    if not re.search(r"\b(baton|process)_", text) and "up{" not in text:
        bad.append(f"{where}: names none of our metrics: {text}")
    return bad


def dashboard_expressions(path):
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    titles, ids = set(), set()

    def walk(panels):
        for panel in panels:
            assert panel["id"] not in ids, f"{path}: two panels are {panel['id']}"
            ids.add(panel["id"])
            if panel["type"] == "row":
                yield from walk(panel.get("panels", []))
                continue
            assert panel["title"] not in titles, f"{path}: two panels are called {panel['title']}"
            titles.add(panel["title"])
            assert panel["description"], f"{path}: {panel['title']} has no description"
            for target in panel["targets"]:
                yield f"{os.path.basename(path)}, {panel['title']}", target["expr"]

    yield from walk(dashboard["panels"])


def alert_expressions(path):
    """The rules file is YAML of a plain kind: read without a library."""
    name = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line.startswith("- alert:"):
                name = line.split(":", 1)[1].strip()
            elif line.startswith("expr:"):
                yield f"{os.path.basename(path)}, {name}", line.split(":", 1)[1].strip()


def main():
    sample, project = sys.argv[1:]
    found = families(sample)
    bad, checked = [], 0
    sources = [(dashboard_expressions, "contrib/grafana/baton.json"),
               (alert_expressions, "contrib/prometheus/baton-alerts.yaml")]
    for expressions, path in sources:
        for where, text in expressions(os.path.join(project, path)):
            bad += check_expression(where, text, found)
            checked += 1
    assert checked > 30, "the expressions were not found"
    assert check_expression("self", 'rate(baton_none_total[5m])', found)
    assert check_expression("self", 'baton_peers{state="sideways"}', found)
    assert check_expression("self", 'sum by (device) (baton_calls)', found)
    print("\n".join(bad) or f"{sum(map(len, found.values()))} series, {checked} expressions")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
