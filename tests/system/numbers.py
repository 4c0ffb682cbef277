# SPDX-License-Identifier: BSD-3-Clause
"""Judges what outputs wrote of a numbered capture: numbers.py [OPTIONS] COUNT FILE...

Each line of the files (.gz and .zst, too) must be a whole JSON record whose name begins with
"r1-<number>.", and over all files each number below COUNT must be there once. --missing N: all but N
of them. --repeats: or more often. --ordered: in rising order. Prints `name value` lines."""
import argparse
import json
import os
import re
import subprocess
import sys

PROGRAMS = {".gz": "gzip", ".zst": "zstd"}
NUMBER = re.compile(r"r1-(\d+)\.")


def read(path):
    program = PROGRAMS.get(os.path.splitext(path)[1])
    if program:
        return subprocess.run([program, "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, "rb") as file:
        return file.read()


def number_of(line):
    """None for what is no whole record, -1 for one without number."""
    try:
        found = NUMBER.match(json.loads(line)["qname"])
        return int(found[1]) if found else -1
    except (ValueError, KeyError, TypeError):
        return None


def judge(paths, count):
    seen = bytearray(count)
    found = dict.fromkeys(["received", "missing", "duplicate", "disordered", "foreign", "torn"], 0)
    last = -1
    for path in paths:
        *lines, rest = read(path).split(b"\n")
        found["torn"] += rest != b""
        for line in lines:
            number = number_of(line)
            if number is None:
                found["torn"] += 1
            elif not 0 <= number < count:
                found["foreign"] += 1
            else:
                found["duplicate" if seen[number] else "received"] += 1
                found["disordered"] += number < last
                seen[number] = 1
                last = number
    found["missing"] = count - found["received"]
    return found


parser = argparse.ArgumentParser()
parser.add_argument("--missing", type=int, default=0)
parser.add_argument("--repeats", action="store_true")
parser.add_argument("--ordered", action="store_true")
parser.add_argument("count", type=int)
parser.add_argument("paths", nargs="+")
options = parser.parse_args()
result = judge(options.paths, options.count)
for name, value in result.items():
    print(name, value)
allowed = {"received", "missing"} | ({"duplicate"} if options.repeats else set()) | \
    (set() if options.ordered else {"disordered"})
sys.exit(result["missing"] != options.missing or any(result[name] for name in result.keys() - allowed))
