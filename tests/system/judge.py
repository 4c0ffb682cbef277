# SPDX-License-Identifier: BSD-3-Clause
"""What rules do with the queries of captures, told by another hand than dnsflow's: the same rules, matched with Python's own
regular expressions, over the queries that tests/golden/events.py finds.

    judge.py make CAPTURE NUMBER      writes a capture of so many queries
    judge.py count RULES CAPTURE...   prints the report of `dnsflow -r CAPTURE --rules RULES --dry-run`, of each capture

Lists of names are the files that stand beside RULES, with all below each name.
"""
import collections
import ipaddress
import os
import random
import re
import struct
import sys

sys.path.insert(0, "tests/golden")
import events  # noqa: E402
from messages import TYPES, question  # noqa: E402

SHADOW, CONDITION = "shadow ", " if "
CLASSES = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
DIVIDERS = {"redirect": " to ", "rewrite": " to ", "resolve": " using ", "block": " with "}


class Rule:
    def __init__(self, line, folder):
        self.is_shadow = line.startswith(SHADOW)
        self.action, rest = line.removeprefix(SHADOW).split(" ", 1)
        rest, *conditions = re.split(r" if (?=(?:type|class|client|name) is )", rest)
        self.pattern, _, self.target = rest.rpartition(DIVIDERS[self.action]) \
            if DIVIDERS.get(self.action, "\0") in rest else (rest, "", "")
        pattern = self.pattern[:-1] + r"\.?\Z" if self.pattern.endswith("$") and not self.pattern.endswith("\\$") \
            else self.pattern
        self.expression = re.compile(pattern, re.IGNORECASE)
        self.conditions = [condition.split(" ", 1) for condition in conditions[0].split(" and ")] if conditions else []
        self.folder, self.lists = folder, {}

    def names_of(self, name):
        if name not in self.lists:
            with open(os.path.join(self.folder, name), encoding="ascii") as file:
                self.lists[name] = {tuple(line.strip().lower().split(".")) for line in file}
        return self.lists[name]

    def holds(self, what, value, query, labels):
        if what == "type":
            return query.qtype == (TYPES.get(value.upper()) or int(value[4:]))
        if what == "class":
            return query.qclass == CLASSES[value.upper()]
        if what == "client":
            client, prefix = ipaddress.ip_address(query.query[0]), ipaddress.ip_network(value)
            return client.version == prefix.version and client in prefix
        names = self.names_of(value.removeprefix("in "))
        return any(tuple(labels[i:]) in names for i in range(len(labels)))

    def matches(self, query, name, labels):
        if not all(self.holds(what, value.removeprefix("is "), query, labels) for what, value in self.conditions):
            return None
        return self.expression.search(name)


def judge(rules, query, hits):
    """Counts the rules that match a query; returns whether one decides."""
    name, is_allowed = events.name_text(query.labels), False
    for i, rule in enumerate(rules):
        labels = name.rstrip(".").lower().split(".")
        if is_allowed and rule.action != "resolve":
            continue
        match = rule.matches(query, name, labels)
        if not match:
            continue
        hits[i] += 1
        if rule.is_shadow or rule.action == "log":
            continue
        if rule.action == "allow":
            is_allowed = True
        elif rule.action == "rewrite":
            name = match.expand(re.sub(r"\$(\d)", r"\\\1", rule.target))
            name = name if name.endswith(".") else name + "."
        else:
            return True
    return False


def count(rules_file, *captures):
    with open(rules_file, encoding="ascii") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    rules = [Rule(line, os.path.dirname(rules_file)) for line in lines]
    for capture in captures:
        hits, untouched, tried = collections.Counter(), 0, 0
        for event in events.read_events(capture):
            if event.flags & events.QR or event.is_unanswered or event.labels is None:
                continue
            tried += 1
            untouched += not judge(rules, event, hits)
        print(f"{'queries':>12}  rule")
        for i, line in enumerate(lines):
            print(f"{hits[i]:12}  {line}")
        print(f"{untouched:12}  no rule decides\n{tried:12}  queries in all")


def frame(chance, message):
    """In UDP over IPv4 or IPv6, from some client."""
    udp = struct.pack("!HHHH", 1024 + chance.randrange(60000), 53, 8 + len(message), 0) + message
    if chance.random() < 0.3:
        client = ipaddress.ip_address(f"2001:db8::{chance.randrange(9)}:{chance.randrange(65536):x}").packed
        return b"\2" * 12 + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + client + client[:15] + b"\0" + udp
    client = bytes([chance.choice((10, 192, 203)), 0, chance.randrange(8), chance.randrange(256)])
    return b"\2" * 12 + b"\x08\0" + struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + client + \
        b"\xc0\0\2\1" + udp


def make(path, number):
    chance, names = random.Random(7), []
    for first in ("www", "WWW", "old", "good", "a.b", "x", "b", "deep.x", "oldest", "mail"):
        for rest in ("blocked.test", "Alias.Test", "alias.test.org", "example.com", "ads.example", "notads.example", "COM",
                     "combination.net", "real.test", "local"):
            names.append(f"{first}.{rest}")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(int(number)):
            data = frame(chance, question(chance.choice(names), chance.choice((1, 1, 28, 15, 16, 65280)), i % 65536,
                                          klass=chance.choice((1, 1, 1, 3, 255))))
            file.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000, len(data), len(data)) + data)


if __name__ == "__main__":
    {"make": make, "count": count}[sys.argv[1]](*sys.argv[2:])
