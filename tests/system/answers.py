#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An upstream DNS server that does what the first label of a name says, over UDP and TCP.

answers.py ADDRESS PORT [LOG]: each query is a line "udp|tcp name type" in LOG. Without a word that it
knows it answers A and AAAA with an address, TXT with a text, SOA below nothing, other types with no
records. Words, joined by '-' with a number where they take one:

  slow-MS     answers after so long           drop        does not answer
  droponce    not the first time              servfail refused formerr notimp nxdomain
  tc          truncated over UDP              big-N       N addresses (over UDP too)
  wrongid-N   N answers with other ids first  wrongname   an answer to another name first
  cut-N       an answer cut to N octets first junk-N      N octets of nothing first
  loop        a name that points to itself    counts      more records counted than there are
  twoopt      two OPT records first           lower       the question in lower case
  ttl-N       with that TTL                   cname       through a CNAME
  outside     with records of other names     notcp       TCP is closed at once
  fromport    a forged one from another port  fromaddress and one from another address
"""
import asyncio
import os
import socket
import struct
import sys

from messages import name_labels, read_name

log = open(sys.argv[3], "a", buffering=1) if len(sys.argv) > 3 else None
seen = {}


def record(kind, data, ttl=300, owner=b"\xc0\x0c"):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(kind, number):
    if kind == 1:
        return bytes([192, 0, 2 + number // 256, number % 256])
    return bytes.fromhex("20010db8000000000000000000000000")[:14] + struct.pack("!H", number)


OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
SOA = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 600, 22) + b"\0\0" + struct.pack("!IIIII", 1, 2, 3, 4, 60)


class Answer:
    def __init__(self, message, transport):
        self.id, self.flags = struct.unpack("!HH", message[:4])
        name, end = read_name(message, 12)
        self.labels = name_labels(name)
        self.kind, self.klass = struct.unpack("!HH", message[end : end + 4])
        self.question = message[12 : end + 4]
        self.transport = transport
        self.has_edns = struct.unpack("!H", message[10:12])[0] > 0
        words = self.labels[0].decode("latin1").lower().split("-") if self.labels else [""]
        self.word = words[0]
        self.number = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        self.name = ".".join(label.decode("latin1") for label in self.labels)

    def build(self, answers=None, rcode=0, flags=0, authority=(), additional=None, number=None, question=None, count=None):
        answers = self.answers() if answers is None else answers
        additional = ([OPT] if self.has_edns else []) if additional is None else additional
        header = struct.pack(
            "!HHHHHH",
            self.id if number is None else number,
            0x8080 | (self.flags & 0x0110) | rcode | flags,
            1,
            len(answers) if count is None else count,
            len(authority),
            len(additional),
        )
        return header + (question or self.question) + b"".join(answers) + b"".join(authority) + b"".join(additional)

    def answers(self):
        ttl = self.number if self.word == "ttl" else 300
        many = self.number if self.word == "big" else 1
        if self.kind in (1, 28):
            return [record(self.kind, address(self.kind, i + 1), ttl) for i in range(many)]
        if self.kind == 16:
            return [record(16, b"\x05hello", ttl)]
        return []

    def true(self):
        rcodes = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
        if self.word in rcodes:
            return self.build([], rcodes[self.word], authority=[SOA] if self.word == "nxdomain" else [])
        if self.word == "cname":
            target = b"\x06target\x04test\0"
            owner = struct.pack("!H", 0xC000 | 12 + len(self.question) + 12)
            return self.build([record(5, target), record(1, address(1, 7), owner=owner)])
        if self.word == "outside":
            other = b"\x06victim\x04test\0"
            return self.build(authority=[record(2, other, owner=b"\x04test\0")],
                              additional=[record(1, address(1, 66), owner=other)] + ([OPT] if self.has_edns else []))
        if self.word == "tc" and self.transport == "udp":
            return self.build([], flags=0x0200)
        if self.word == "lower":
            return self.build(question=self.question.lower())
        answers = self.answers()
        return self.build(answers, authority=[] if answers else [SOA])

    def before(self):
        """What a forger or a broken server sends first."""
        if self.transport == "tcp":
            return
        true = self.build()
        if self.word == "wrongid":
            for i in range(self.number):
                yield self.build([record(1, address(1, 666))], number=(self.id + 1 + i) % 65536)
        elif self.word == "wrongname":
            yield self.build(question=b"\x05other" + self.question)
        elif self.word == "cut":
            yield true[: self.number]
        elif self.word == "junk":
            yield os.urandom(self.number)
        elif self.word == "loop":
            yield self.build([record(1, address(1, 1), owner=struct.pack("!H", 0xC000 | 12 + len(self.question)))])
        elif self.word == "counts":
            yield self.build(count=9)
        elif self.word == "twoopt":
            yield self.build(additional=[OPT, OPT])


def forge(answer, source, to):
    """Right in all but where it comes from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.bind(source)
        forger.sendto(answer.build([record(1, address(1, 666))]), to)


async def serve(message, transport, send, client=None):
    answer = Answer(message, transport)
    if log:
        log.write("%s %s %d\n" % (transport, answer.name.lower(), answer.kind))
    seen[answer.name.lower()] = seen.get(answer.name.lower(), 0) + 1
    if answer.word == "drop" or (answer.word == "droponce" and seen[answer.name.lower()] == 1):
        return
    for lie in answer.before():
        send(lie)
        if answer.word == "wrongid":
            await asyncio.sleep(0)
    if answer.word in ("fromport", "fromaddress") and transport == "udp":
        forge(answer, (sys.argv[1], 0) if answer.word == "fromport" else ("127.0.0.99", int(sys.argv[2])), client)
        await asyncio.sleep(0.05)
    if answer.word == "slow":
        await asyncio.sleep(answer.number / 1000)
    send(answer.true())


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        asyncio.ensure_future(serve(data, "udp", lambda reply: self.transport.sendto(reply, addr), addr))


async def on_stream(reader, writer):
    try:
        while True:
            length = struct.unpack("!H", await reader.readexactly(2))[0]
            message = await reader.readexactly(length)
            if Answer(message, "tcp").word == "notcp":
                break
            asyncio.ensure_future(
                serve(message, "tcp", lambda reply: writer.write(struct.pack("!H", len(reply)) + reply))
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Datagrams, local_addr=(sys.argv[1], int(sys.argv[2])))
    server = await asyncio.start_server(on_stream, sys.argv[1], int(sys.argv[2]), backlog=1024)
    print("ready", file=sys.stderr, flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
