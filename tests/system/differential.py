# SPDX-License-Identifier: BSD-3-Clause
"""Asks a server and a proxy in front of it the same questions at the same time, and tells what differs:
`differential.py SERVER PROXY NAMES COUNT [SEED]`. Names, types, EDNS and its flags, transport and case of letters are drawn.
Compared are the response code, flags, question, EDNS and the records of all sections, in any order; a TTL may be less by the
age of what the proxy has kept. Of truncated answers only that they are. Explained, and so no difference: CD is the question's
(RFC 4035 3.2.2), though authorities clear it; AD of a question with CD depends on what the server has validated before; what
does not fit of an additional section is left out whole, where the server leaves out some. Status 0: nothing differs."""
import collections
import random
import re
import select
import socket
import sys
import time

from messages import AA, AD, CD, DO, QR, RA, RD, TC, TYPES, Reply, Stream, question

WINDOW = 32
PATIENCE = 6
TTL_SLACK = 2
OWN_PAYLOAD = 1232  # of both, over UDP
DNAME = 39
KINDS = [kind for name, kind in TYPES.items() if name not in ("OPT", "RRSIG")] + [65, 65280]
FLAGS = QR | AA | TC | RD | RA | AD | 0x7800


class Question:
    def __init__(self, chance, names, number):
        name = chance.choice(names)
        self.name = "".join(chance.choice((letter, letter.upper(), letter.lower())) for letter in name)
        self.kind = chance.choice([1, 1, 28, 16, 16, 15] + KINDS)
        self.flags = RD | chance.choice((0, 0, AD, CD, CD | AD))
        self.payload = chance.choice((None, None, 512, 1232, 4096))
        self.is_dnssec_ok = self.payload is not None and chance.random() < 0.5
        self.is_stream = chance.random() < 0.2
        self.message = self.build(number)

    def build(self, number):
        message = bytearray(question("x", self.kind, number, self.flags, payload=self.payload,
                                     ttl=DO if self.is_dnssec_ok else 0))
        message[12:15] = unescape(self.name)  # in place of "x"
        return bytes(message)

    def __str__(self):
        return (f"{self.name} {self.kind} flags {self.flags:04x} payload {self.payload} do {self.is_dnssec_ok} "
                f"{'tcp' if self.is_stream else 'udp'}")


def unescape(name):
    """Wire form of a name as zone files write it."""
    octets = [int(match[1]) if match[1] else ord(match[2]) if match[2] else -1 if match[0] == "." else ord(match[0])
              for match in re.finditer(r"\\(\d\d\d)|\\(.)|.", name)]
    labels, label = b"", b""
    for octet in octets + [-1]:
        if octet >= 0:
            label += bytes([octet])
        else:
            labels += bytes([len(label)]) + label
            label = b""
    return labels + b"\0"


class Way:
    """To a server: over UDP and TCP; answers by id and transport."""

    def __init__(self, address):
        self.address = address
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        self.datagrams.connect((address, 53))
        self.stream, self.answers = None, {}

    def ask(self, asked):
        if asked.is_stream:
            self.stream = self.stream or Stream((self.address, 53))
            self.stream.send(asked.message)
        else:
            self.datagrams.send(asked.message)

    def on_readable(self, ready):
        if ready is self.datagrams:
            self.take(Reply(ready.recv(65535)))
            return
        reply = self.stream.receive()
        if reply:
            self.take(reply)
        else:
            sys.exit(f"{self.address} closed its connection")

    def take(self, reply):
        self.answers[reply.id] = (reply, time.monotonic())


def sorted_records(section):
    return sorted((name, kind, klass, data) for name, kind, klass, _, data in section)


def ttls(reply):
    """Of each record; but unbound gives CNAMEs that it makes of a DNAME one TTL now and another one then."""
    records = [record for section in reply.sections for record in section]
    has_dname = any(kind == DNAME for _, kind, *_ in records)
    return {(name, kind, data): ttl for name, kind, _, ttl, data in records if not (has_dname and kind == TYPES["CNAME"])}


def differences(asked, true, seen, begin):
    """Names of what differs between two replies."""
    if true.rcode != seen.rcode:
        yield "rcode", true.rcode, seen.rcode
    compared = FLAGS & ~AD if asked.flags & CD else FLAGS
    if true.flags & compared != seen.flags & compared:
        yield "flags", f"{true.flags & FLAGS:04x}", f"{seen.flags & FLAGS:04x}"
    if seen.flags & CD != asked.flags & CD:
        yield "checking disabled", asked.flags & CD, seen.flags & CD
    if seen.message[12:12 + len(unescape(asked.name))] != unescape(asked.name):
        yield "question", asked.name, seen.questions
    if (true.opt is None) != (seen.opt is None) or (true.opt and (true.opt[1] ^ seen.opt[1]) & DO):
        yield "edns", true.opt, seen.opt
    if true.extended_error != seen.extended_error:
        yield "extended error", true.extended_error, seen.extended_error
    if (true.flags | seen.flags) & TC:
        return
    for title, these, those in zip(("answer", "authority", "additional"), true.sections, seen.sections):
        may_lack = title == "additional" and not those and not asked.is_stream and (asked.payload or 512) < OWN_PAYLOAD
        if sorted_records(these) != sorted_records(those) and not may_lack:
            yield title, sorted_records(these), sorted_records(those)
    before, age = ttls(true), time.monotonic() - begin
    for key, ttl in ttls(seen).items():
        if key in before and not before[key] - age - TTL_SLACK <= ttl <= before[key] + age + TTL_SLACK:
            yield "ttl", (key, before[key]), ttl


def ask_all(ways, questions):
    """Answers of both, by number of the question."""
    waiting, results, number = {}, {}, 0
    while number < len(questions) or waiting:
        while number < len(questions) and len(waiting) < WINDOW:
            waiting[number] = time.monotonic()
            for way in ways:
                way.ask(questions[number])
            number += 1
        sockets = {way.datagrams: way for way in ways} | {way.stream.socket: way for way in ways if way.stream}
        for ready in select.select(list(sockets), [], [], 0.5)[0]:
            sockets[ready].on_readable(ready)
            way = sockets[ready]
            while way.stream and ready is way.stream.socket and way.stream.has_more():
                way.on_readable(ready)
        for i in list(waiting):
            if all(i in way.answers for way in ways) or time.monotonic() - waiting[i] > PATIENCE:
                del waiting[i]
                results[i] = [way.answers.get(i, (None,))[0] for way in ways]
    return results


def main():
    server, proxy, names_file, count = sys.argv[1:5]
    chance = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    with open(names_file, encoding="ascii") as file:
        names = [line.rstrip("\n") for line in file]
    questions, begin = [Question(chance, names, number) for number in range(int(count))], time.monotonic()
    found, rcodes = collections.Counter(), collections.Counter()
    for i, (true, seen) in ask_all([Way(server), Way(proxy)], questions).items():
        rcodes[true.rcode if true else "none"] += 1
        what = list(differences(questions[i], true, seen, begin)) if true and seen else \
            [("answered", bool(true), bool(seen))] if true or seen else []
        for title, these, those in what:
            found[title] += 1
            if found[title] <= 4:
                print(f"{title} of {questions[i]}:\n  server {these}\n  proxy  {those}")
    print(f"asked {len(questions)}\nseconds {time.monotonic() - begin:.1f}\nrcodes {dict(rcodes)}")
    print(f"differences {sum(found.values())} {dict(found)}")
    return bool(found)


sys.exit(main())
