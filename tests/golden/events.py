# SPDX-License-Identifier: BSD-3-Clause
"""A second reader of captures, for tests: what DNS messages there are, and what dnsflow's formats say of them
(spec/dnstap-receiver.md 5.1 to 5.3). It shares no code with dnsflow, knows no tunnels, and takes its time.

    events.py [--partly] CAPTURE PREFIX

compares it with what dnsflow wrote to PREFIX.text, PREFIX.json and PREFIX.yaml, record by record. --partly: there may be
other messages between them, which change latencies; only JSON is compared.
"""
import argparse
import datetime
import ipaddress
import json
import struct
import sys
from dataclasses import dataclass

import yaml

PORT = 53
SECOND_NS = 10**9
TIMEOUT_NS = 5 * SECOND_NS
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
UDP, TCP = 17, 6

RCODES = dict(enumerate("NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE "
                        "DSOTYPENI".split()))
RCODES |= dict(enumerate("BADVERS BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC BADCOOKIE".split(), 16))
TYPES = dict(enumerate("A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR "
                       "SIG KEY PX GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP "
                       "IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA TYPE54 HIP NINFO RKEY TALINK CDS "
                       "CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS".split(), 1))
TYPES |= {99: "SPF", 108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB",
          254: "MAILA", 255: "ANY", 256: "URI", 257: "CAA", 32768: "TA", 32769: "DLV"}
CLASSES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
IPV4, IPV6, TAGS = 0x0800, 0x86dd, (0x8100, 0x88a8, 0x9100)
EXTENSIONS = (0, 43, 60, 135, 139, 140)


class Malformed(Exception):
    pass


def word(data, at=0, size=2):
    if at + size > len(data):
        raise Malformed
    return int.from_bytes(data[at:at + size], "big")


# --- frames ------------------------------------------------------------------------------------------------------------

def ng_frames(data):
    """Of a pcapng file of one section, with enhanced packet blocks, times in microseconds or by if_tsresol of powers of ten."""
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    links, at = [], 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from(order + "2I", data, at)
        body = data[at + 8:at + length - 4]
        if kind == 1:
            digits, option = 6, 8
            while option + 4 <= len(body):
                code, size = struct.unpack_from(order + "2H", body, option)
                digits = body[option + 4] if code == 9 else digits
                option += 4 + (size + 3) // 4 * 4
            links.append((struct.unpack_from(order + "H", body)[0], 10 ** (9 - digits)))
        elif kind == 6:
            number, high, low, taken, length_on_wire = struct.unpack_from(order + "5I", body)
            link, unit = links[number]
            yield (high << 32 | low) * unit, link, body[20:20 + taken], length_on_wire > taken
        at += length


def frames(path):
    """(time in ns, link type, bytes, were there more) of a capture file."""
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"\x0a\x0d\x0d\x0a"):
        yield from ng_frames(data)
        return
    order = "<" if data[0] in (0xd4, 0x4d) else ">"
    unit = 1 if 0x4d in (data[0], data[3]) and 0x3c in (data[1], data[2]) else 1000
    link, at = struct.unpack_from(order + "I", data, 20)[0], 24
    while at + 16 <= len(data):
        seconds, fraction, taken, length = struct.unpack_from(order + "4I", data, at)
        yield seconds * SECOND_NS + fraction * unit, link, data[at + 16:at + 16 + taken], length > taken
        at += 16 + taken


def strip_link(link, frame):
    if link in (12, 101, 228, 229):
        return {4: IPV4, 6: IPV6}.get(frame[0] >> 4, 0), frame
    if link == 0:
        family = min(word(frame, 0, 4), int.from_bytes(frame[:4], "little"))
        return {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}.get(family, 0), frame[4:]
    header, type_at = {1: (14, 12), 113: (16, 14), 276: (20, 0)}[link]
    ethertype, rest = word(frame, type_at), frame[header:]
    while ethertype in TAGS:
        ethertype, rest = word(rest, 2), rest[4:]
    return ethertype, rest


def fit(data, length, is_cut):
    if length > len(data) and not is_cut:
        raise Malformed
    return data[:length]


@dataclass
class Datagram:
    source: ipaddress.IPv4Address | ipaddress.IPv6Address
    destination: ipaddress.IPv4Address | ipaddress.IPv6Address
    protocol: int
    payload: bytes
    piece: tuple = None  # (number of the datagram, offset, are there more)


def read_ipv4(data, is_cut):
    header, flags = (data[0] & 15) * 4, word(data, 6)
    data = fit(data, word(data, 2), is_cut)
    if header < 20 or header > len(data):
        raise Malformed
    datagram = Datagram(ipaddress.IPv4Address(data[12:16]), ipaddress.IPv4Address(data[16:20]), data[9], data[header:])
    if flags & 0x3fff:
        datagram.piece = (word(data, 4), (flags & 0x1fff) * 8, bool(flags & 0x2000))
    return datagram


def read_ipv6(data, is_cut):
    protocol, payload = data[6], fit(data[40:], word(data, 4), is_cut)
    datagram = Datagram(ipaddress.IPv6Address(data[8:24]), ipaddress.IPv6Address(data[24:40]), protocol, payload)
    while protocol in EXTENSIONS or protocol == 44:
        length = 8 if protocol == 44 else (payload[1] + 1) * 8
        if protocol == 44 and word(payload, 2) & 0xfff9:
            datagram.piece = (word(payload, 4, 4), word(payload, 2) & 0xfff8, bool(payload[3] & 1))
        protocol, payload = payload[0], fit(payload, len(payload), is_cut)[length:]
    datagram.protocol, datagram.payload = protocol, payload
    return datagram


def read_datagram(link, frame, is_cut):
    ethertype, rest = strip_link(link, frame)
    if ethertype == IPV4 and len(rest) >= 20:
        return read_ipv4(rest, is_cut)
    if ethertype == IPV6 and len(rest) >= 40:
        return read_ipv6(rest, is_cut)
    raise Malformed


class Fragments:
    def __init__(self):
        self.datagrams = {}

    def add(self, piece):
        """The whole datagram, when this was its last missing piece."""
        number, offset, has_more = piece.piece
        key = (piece.source, piece.destination, piece.protocol, number)
        pieces = self.datagrams.setdefault(key, {})
        pieces[offset] = (piece.payload, has_more)
        payload = b""
        while len(payload) in pieces:
            part, has_more = pieces[len(payload)]
            payload += part
            if not has_more:
                del self.datagrams[key]
                return Datagram(piece.source, piece.destination, piece.protocol, payload)
        return None


class Streams:
    """One direction each; a hole holds everything behind it for good."""

    def __init__(self):
        self.next, self.waiting, self.buffers = {}, {}, {}

    def add(self, key, sequence, flags, data):
        """The messages that are complete now."""
        if flags & 2:
            sequence += 1
            self.next[key], self.waiting[key], self.buffers[key] = sequence, {}, b""
        if not data:
            return
        self.next.setdefault(key, sequence)
        waiting = self.waiting.setdefault(key, {})
        waiting[sequence] = data
        buffer = self.buffers.get(key, b"") + self.take(key, waiting)
        while len(buffer) >= 2 and len(buffer) >= 2 + word(buffer):
            yield buffer[2:2 + word(buffer)]
            buffer = buffer[2 + word(buffer):]
        self.buffers[key] = buffer

    def take(self, key, waiting):
        taken = b""
        for sequence in sorted(waiting):
            behind = (self.next[key] - sequence) % 2**32
            data = waiting[sequence]
            if behind < 2**31:
                taken += data[behind:]
                self.next[key] = (self.next[key] + max(0, len(data) - behind)) % 2**32
                del waiting[sequence]
        return taken


@dataclass
class Message:
    time_ns: int
    source: tuple  # address, port
    destination: tuple
    protocol: str
    payload: bytes


class Reader:
    def __init__(self, path):
        self.path, self.fragments, self.streams = path, Fragments(), Streams()

    def messages(self):
        """Yields what is read, and each packet's time before it."""
        for time_ns, link, frame, is_cut in frames(self.path):
            yield time_ns
            try:
                yield from self.read_frame(time_ns, read_datagram(link, frame, is_cut), is_cut)
            except Malformed:
                pass

    def read_frame(self, time_ns, datagram, is_cut):
        if datagram.piece:
            datagram = self.fragments.add(datagram)
        if not datagram or datagram.protocol not in (UDP, TCP):
            return
        payload = datagram.payload
        source, destination = (datagram.source, word(payload)), (datagram.destination, word(payload, 2))
        if PORT not in (source[1], destination[1]):
            return
        if datagram.protocol == UDP:
            found = [fit(payload, max(8, word(payload, 4)), is_cut)[8:]]
        else:
            found = self.streams.add((source, destination), word(payload, 4, 4), payload[13],
                                     payload[(payload[12] >> 4) * 4:])
        for message in found:
            yield Message(time_ns, source, destination, "TCP" if datagram.protocol == TCP else "UDP", message)


# --- DNS ---------------------------------------------------------------------------------------------------------------

def read_name(message, at):
    """Labels, and where the name ends. Pointers lead back only, and not into the header."""
    labels, end, limit, size = [], None, at, 1
    while True:
        head = word(message, at, 1)
        if head >= 0xc0:
            target = word(message, at) & 0x3fff
            end = end or at + 2
            if not 12 <= target < limit:
                raise Malformed
            at = limit = target
            continue
        if head > 63:
            raise Malformed
        if not head:
            return labels, end or at + 1
        size += head + 1
        if size > 255 or at + 1 + head > len(message):
            raise Malformed
        labels.append(message[at + 1:at + 1 + head])
        at += 1 + head


def records(message):
    """(owner, type, class, ttl, data) of all sections, as far as they can be read."""
    at = 12
    try:
        for _ in range(word(message, 4)):
            at = read_name(message, at)[1] + 4
        for _ in range(sum(word(message, place) for place in (6, 8, 10))):
            owner, at = read_name(message, at)
            kind, klass, ttl, length = word(message, at), word(message, at + 2), word(message, at + 4, 4), word(message, at + 8)
            at += 10 + length
            if at > len(message):
                return
            yield owner, kind, klass, ttl, message[at - length:at]
    except Malformed:
        pass


@dataclass
class Event:
    time_ns: int
    query: tuple  # address, port of who asked
    response: tuple
    protocol: str
    length: int
    id: int
    flags: int
    rcode: int
    labels: list = None  # None without a question
    qtype: int = 0
    qclass: int = 0
    latency_ns: int = None
    is_unanswered: bool = False
    message: bytes = b""

    @property
    def is_query(self):
        return not self.flags & QR

    def pair(self):
        name = None if self.labels is None else tuple(label.lower() for label in self.labels)
        return self.query, self.response, self.id, name, self.qtype


def read_event(message):
    data = message.payload
    event = Event(message.time_ns, message.source, message.destination, message.protocol, len(data), word(data),
                  word(data, 2), word(data, 2) & 15, message=data)
    if not event.is_query:
        event.query, event.response = event.response, event.query
    try:
        if word(data, 4):
            labels, end = read_name(data, 12)
            event.qtype, event.qclass = word(data, end), word(data, end + 2)
            event.labels = labels
    except Malformed:
        event.qtype = event.qclass = 0
        return event
    for owner, kind, _, ttl, _ in records(data):
        if kind == 41 and not owner:
            event.rcode |= ttl >> 24 << 4
            break
    return event


def read_events(path):
    """All events of a capture, in the order in which they are told: queries that nobody answered among them."""
    waiting, now_ns, looked_ns = {}, 0, 0
    for item in Reader(path).messages():
        if isinstance(item, int):
            now_ns = max(now_ns, item)
            if now_ns - looked_ns < SECOND_NS:
                continue
            looked_ns = now_ns
            for pair, query in [(p, q) for p, q in waiting.items() if now_ns - q.time_ns >= TIMEOUT_NS]:
                del waiting[pair]
                yield Event(**vars(query) | {"is_unanswered": True, "latency_ns": now_ns - query.time_ns, "message": b""})
            continue
        if len(item.payload) < 12:
            continue
        event = read_event(item)
        if event.is_query:
            waiting.setdefault(event.pair(), event)
        elif event.pair() in waiting:
            event.latency_ns = max(0, event.time_ns - waiting.pop(event.pair()).time_ns)
        yield event


# --- formats -----------------------------------------------------------------------------------------------------------

def octet_text(octet):
    text = chr(octet)
    if text.isascii() and (text.isalnum() or text in "-_"):
        return text
    return "\\" + text if text in ".\\" else "\\%03d" % octet


def name_text(labels):
    return "".join("".join(map(octet_text, label)) + "." for label in labels) or "."


def name_bytes(text):
    """The inverse: labels."""
    labels, at = [bytearray()], 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1].isdigit():
            labels[-1].append(int(text[at + 1:at + 4]))
            at += 4
        elif text[at] == "\\":
            labels[-1].append(ord(text[at + 1]))
            at += 2
        else:
            if text[at] == ".":
                labels.append(bytearray())
            else:
                labels[-1].append(ord(text[at]))
            at += 1
    return [bytes(label) for label in labels if label]


def kind_of(event, own):
    """Spec 4.4; where its table has nothing, the client's."""
    source, destination = (event.query, event.response) if event.is_query else (event.response, event.query)
    server, asker = (destination, source) if event.is_query else (source, destination)
    prefix = "CLIENT"
    if server[0] not in own and asker[0] in own:
        is_authoritative = not event.is_query and event.flags & AA
        prefix = "FORWARDER" if event.flags & RD and not is_authoritative else "RESOLVER"
    return prefix + ("_QUERY" if event.is_query else "_RESPONSE")


def datetime_of(time_ns):
    moment = datetime.datetime.fromtimestamp(time_ns // SECOND_NS, datetime.timezone.utc)
    return moment.replace(microsecond=time_ns % SECOND_NS // 1000).isoformat()


def ecs_of(event):
    for _, kind, _, _, data in records(event.message):
        at = 0
        while kind == 41 and at + 4 <= len(data):
            option, length = word(data, at), word(data, at + 2)
            if option == 8:
                size = {1: 4, 2: 16}[word(data, at + 4)]
                return "%s/%d" % (ipaddress.ip_address(data[at + 8:at + 4 + length].ljust(size, b"\0")), data[at + 6])
            at += 4 + length
    return "-"


def values_of(event, identity, own=()):
    """Every field of an event, as a JSON value."""
    milliseconds = None if event.latency_ns is None else (event.latency_ns + 500000) // 1000000
    source, destination = (event.query, event.response) if event.is_query else (event.response, event.query)
    values = {
        "identity": identity or "-",
        "qname": "-" if event.labels is None else name_text(event.labels),
        "rrtype": "-" if event.labels is None else TYPES.get(event.qtype, "TYPE%d" % event.qtype),
        "query-ip": str(event.query[0]), "query-port": event.query[1] or "-",
        "response-ip": str(event.response[0]), "response-port": event.response[1] or "-",
        "latency": "-" if milliseconds is None else milliseconds / 1000,
        "message": kind_of(event, own),
        "family": "INET" if event.response[0].version == 4 else "INET6",
        "protocol": event.protocol, "length": event.length,
        "timestamp": event.time_ns // 1000 / 10**6,
        "type": "query" if event.is_query else "response",
        "rcode": "TIMEOUT" if event.is_unanswered else RCODES.get(event.rcode, "RCODE%d" % event.rcode),
        "id": event.id,
        "datetime": datetime_of(event.time_ns),
        "latency-us": "-" if event.latency_ns is None else (event.latency_ns + 500) // 1000,
        "timestamp-ns": event.time_ns,
        "opcode": event.flags >> 11 & 15,
        "class": "-" if event.labels is None else CLASSES.get(event.qclass, "CLASS%d" % event.qclass),
        "verdict": "-", "rule": "-",
        "unanswered": int(event.is_unanswered),
        "src-ip": str(source[0]), "src-port": source[1] or "-",
        "dst-ip": str(destination[0]), "dst-port": destination[1] or "-",
        "ecs": ecs_of(event),
    }
    return values | {name: int(bool(event.flags & bit)) for name, bit in
                     dict(qr=QR, aa=AA, tc=TC, rd=RD, ra=RA, ad=AD, cd=CD).items()}


KEYS = ("identity qname rrtype query-ip query-port response-ip response-port latency message family protocol length "
        "timestamp type rcode id datetime").split()
TEXT_KEYS = "datetime identity message rcode query-ip query-port family protocol length qname rrtype latency".split()


def text_escape(text):
    return "".join(chr(o) if 32 < o < 127 and o != 92 else "\\%03d" % o for o in text.encode())


def text_line(values, keys=None):
    words = {name: str(value) for name, value in values.items()}
    for name in ("identity", "country", "city", "as-name"):
        words[name] = text_escape(words.get(name, ""))
    words["length"] += "b"
    return " ".join(words[key] for key in keys or TEXT_KEYS)


def json_line(values, keys=None):
    return json.dumps({key: values[key] for key in keys or KEYS})


def yaml_records(path):
    """The mappings of a file, which stand one behind the other with empty lines between them."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, encoding="ascii") as file:
        text = file.read()
    if text and not text.endswith("\n\n"):
        raise SystemExit("%s: does not end with an empty line" % path)
    return [yaml.load(record, loader) for record in text.split("\n\n")[:-1]]


def lines_of(path):
    """No byte of a record is other than printable ASCII."""
    with open(path, "rb") as file:
        data = file.read()
    if any(octet < 32 or octet > 126 for octet in data.replace(b"\n", b"")):
        raise SystemExit("%s: has bytes that are not printable" % path)
    return data.decode().splitlines()


def differences(title, expected, got):
    found = []
    if len(expected) != len(got):
        found.append("%s: %d records, %d expected" % (title, len(got), len(expected)))
    for number, (want, have) in enumerate(zip(expected, got), 1):
        if want != have:
            found.append("%s: record %d\n  expected %s\n  got      %s" % (title, number, want, have))
    return found[:4]


def compare(prefix, expected):
    """Text and JSON to the letter, YAML by its values."""
    lines_of(prefix + ".yaml")
    return (differences("text", [text_line(values) for values in expected], lines_of(prefix + ".text")) +
            differences("json", [json_line(values) for values in expected], lines_of(prefix + ".json")) +
            differences("yaml", [{key: values[key] for key in KEYS} for values in expected], yaml_records(prefix + ".yaml")))


def compare_partly(prefix, expected):
    rest = iter([json.loads(line) | {"latency": "-"} for line in lines_of(prefix + ".json")])
    wanted = [{key: values[key] for key in KEYS} | {"latency": "-"} for values in expected]
    return ["there is no record %s" % values for values in wanted if values not in rest]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--partly", action="store_true")
    parser.add_argument("capture")
    parser.add_argument("prefix")
    options = parser.parse_args()
    events = [event for event in read_events(options.capture) if not event.is_unanswered]
    if any(event.labels is not None and name_bytes(name_text(event.labels)) != event.labels for event in events):
        raise SystemExit("a name is not that of its text")
    identity = options.capture.rsplit("/", 1)[-1]
    expected = [values_of(event, identity) for event in events]
    found = (compare_partly if options.partly else compare)(options.prefix, expected)
    print("\n".join(found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
