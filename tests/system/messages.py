# SPDX-License-Identifier: BSD-3-Clause
"""DNS messages for clients of tests: made, sent, and taken apart, with nothing of the product in it."""
import socket
import struct
import sys

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35,
         "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "OPT": 41, "CAA": 257}
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
DO = 0x8000
# Where names stand in data that a server may compress: (octets before them, how many).
NAMES_IN_DATA = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1), 33: (6, 1)}


def require(condition, *what):
    if not condition:
        sys.exit(" ".join(str(word) for word in what))


def name_wire(name):
    labels = [label.encode("latin1") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(name, kind=1, number=1, flags=RD, klass=1, payload=None, ttl=0):
    """A query; payload: with EDNS, which says so many octets; ttl: its flags (DO), shifted."""
    opt = b"" if payload is None else b"\0" + struct.pack("!HHIH", TYPES["OPT"], payload, ttl, 0)
    header = struct.pack("!HHHHHH", number, flags, 1, 0, 0, 1 if opt else 0)
    return header + name_wire(name) + struct.pack("!HH", kind, klass) + opt


def read_name(message, at):
    """The name at a place, whole, and the place behind it."""
    labels, end, jumps = [], None, 0
    while length := message[at]:
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
            jumps += 1
            if jumps > 127:
                raise ValueError("pointers without an end")
            continue
        labels.append(message[at + 1:at + 1 + length])
        at += 1 + length
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0", end or at + 1


def name_labels(wire):
    labels, at = [], 0
    while length := wire[at]:
        labels.append(wire[at + 1:at + 1 + length])
        at += 1 + length
    return labels


def read_data(message, at, length, kind):
    """The data of a record, names in it whole."""
    if kind not in NAMES_IN_DATA:
        return message[at:at + length]
    before, count = NAMES_IN_DATA[kind]
    data, here = message[at:at + before], at + before
    for _ in range(count):
        name, here = read_name(message, here)
        data += name.lower()
    return data + message[here:at + length]


def read_extended_error(options):
    """The code of the first one (RFC 8914); None without any."""
    at = 0
    while at < len(options):
        code, length = struct.unpack("!HH", options[at:at + 4])
        if code == 15:
            return struct.unpack("!H", options[at + 4:at + 6])[0]
        at += 4 + length
    return None


class Reply:
    """A message taken apart; raises IndexError, ValueError or struct.error for one that is broken."""

    def __init__(self, message):
        self.message = message
        self.id, self.flags, *counts = struct.unpack("!HHHHHH", message[:12])
        self.rcode = self.flags & 0xF
        self.questions, self.sections, self.opt, at = [], [[], [], []], None, 12
        self.extended_error = None
        for _ in range(counts[0]):
            name, at = read_name(message, at)
            self.questions.append((name,) + struct.unpack("!HH", message[at:at + 4]))
            at += 4
        for section, count in zip(self.sections, counts[1:]):
            for _ in range(count):
                at = self.read_record(section, at)
        if at != len(message):
            raise ValueError("octets behind the last record")

    def read_record(self, section, at):
        name, at = read_name(self.message, at)
        kind, klass, ttl, length = struct.unpack("!HHIH", self.message[at:at + 10])
        if at + 10 + length > len(self.message):
            raise ValueError("data behind the end")
        if kind == TYPES["OPT"]:
            self.opt = (klass, ttl)
            self.rcode |= ttl >> 24 << 4
            self.extended_error = read_extended_error(self.message[at + 10:at + 10 + length])
        else:
            section.append((name.lower(), kind, klass, ttl, read_data(self.message, at + 10, length, kind)))
        return at + 10 + length

    @property
    def answers(self):
        return self.sections[0]


class Stream:
    """One client over TCP."""

    def __init__(self, server=("127.0.0.1", 53), source=None, timeout=10, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            self.socket.bind((source, 0))
        self.socket.connect(server)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, *messages):
        self.socket.sendall(b"".join(struct.pack("!H", len(message)) + message for message in messages))

    def has_more(self):
        """A whole message was read already."""
        return len(self.rest) >= 2 and len(self.rest) >= 2 + struct.unpack("!H", self.rest[:2])[0]

    def receive(self):
        """The next message; None at the end of the connection."""
        while not self.has_more():
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self.rest += more
        length = 2 + struct.unpack("!H", self.rest[:2])[0]
        message, self.rest = self.rest[2:length], self.rest[length:]
        return Reply(message)

    def ask(self, *arguments, **more):
        self.send(question(*arguments, **more))
        return self.receive()

    def is_closed(self, seconds=0.5):
        """Whether the other side has ended it, or does so within a moment."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.socket.close()
