# SPDX-License-Identifier: BSD-3-Clause
"""What an output chooses to tell: fields, filters, exceptions, sampling, privacy, places. Each case has its options of an
output, and what events.py says must come of them for the capture of make_events. Speaks TAP.

    choices.py DNSFLOW CAPTURE FOLDER [CITY_DATABASE]
"""
import dataclasses
import hashlib
import hmac
import ipaddress
import json
import os
import re
import subprocess
import sys

import events

OUTPUTS_MAX = 16
KEY = bytes(range(32))
SUFFIXES = ["com", "net", "example", "*.0x1f"]
OWN = [ipaddress.ip_address(text) for text in ("192.0.2.53", "2001:db8::53")]
PLACES = {"81.2.69.142": ("United Kingdom", "London", "GB"), "89.160.20.112": ("Sweden", "Link\u00f6ping", "SE"),
          "2001:218::1": ("Japan", "-", "JP")}
ALL_FIELDS = events.KEYS + ["latency-us", "timestamp-ns", "opcode", "qr", "aa", "tc", "rd", "ra", "ad", "cd", "class", "verdict",
                            "rule", "unanswered", "src-ip", "src-port", "dst-ip", "dst-port", "ecs"]


@dataclasses.dataclass
class Case:
    """An output: its options; which events it wants, and what it tells of each, as a record of its format."""
    options: str
    wants: object = lambda event: True
    shows: object = lambda event: event
    fields: list = None
    format: str = "json"
    more: object = lambda event: {}  # fields that an event alone does not say
    is_telling_unanswered: bool = False

    def expected(self, found, identity, own):
        for event in found:
            if self.wants(event) and (self.is_telling_unanswered or not event.is_unanswered):
                values = events.values_of(self.shows(event), identity, own) | self.more(event)
                if self.format in ("yaml", "values"):
                    yield {key: values[key] for key in self.fields or events.KEYS}
                else:
                    write = events.json_line if self.format == "json" else events.text_line
                    yield write(values, self.fields)

    def read(self, path):
        if self.format == "values":  # of JSON: a text can be escaped in several ways
            return [json.loads(line) for line in events.lines_of(path)]
        return events.yaml_records(path) if self.format == "yaml" else events.lines_of(path)


# --- conditions, as the manual words them ------------------------------------------------------------------------------

def name_of(event):
    return [label.lower() for label in event.labels or []]


def is_below(*suffixes):
    """Suffixes as lists of labels."""
    return lambda event: event.labels is not None and any(
        name_of(event)[len(name_of(event)) - len(suffix):] == suffix for suffix in suffixes if len(suffix) <= len(name_of(event)))


def has_text(pattern):
    return lambda event: event.labels is not None and bool(re.search(pattern, events.name_text(event.labels), re.I))


def is_in(side, *prefixes):
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    return lambda event: any(getattr(event, side)[0] in network for network in networks)


def takes(least_ms, most_ms):
    return lambda event: event.latency_ns is not None and least_ms * 10**6 <= event.latency_ns <= most_ms * 10**6


CONDITIONS = [
    ("name=example.com", is_below([b"example", b"com"])),
    ("name=EXAMPLE.com.,KEY.name=edns.example", is_below([b"example", b"com"], [b"edns", b"example"])),
    ("name=.", lambda event: True),
    ("name=com", is_below([b"com"])),
    ("name=a\\.b,KEY.name=\\027[31m", is_below([b"a.b"], [b"\x1b[31m"])),
    ("name-file=FOLDER/names", is_below([b"example", b"net"], [b"\xc3\xb6", b"example"])),
    ("name-file=FOLDER/names,KEY.name=com", is_below([b"example", b"net"], [b"\xc3\xb6", b"example"], [b"com"])),
    ("name-regex=^WWW\\.", has_text(r"^www\.")),
    ("name-regex=com$", has_text(r"com\.?$")),
    ("name-regex=^\\.$", has_text(r"^\.$")),
    ("name-regex=\\\\000|^1e5", has_text(r"\\000|^1e5")),
    ("client=81.2.69.0/24", is_in("query", "81.2.69.0/24")),
    ("client=10.1.2.3,KEY.client=2001:218::/32", is_in("query", "10.1.2.3/32", "2001:218::/32")),
    ("client=0.0.0.0/0", is_in("query", "0.0.0.0/0")),
    ("server=2001:db8::53", is_in("response", "2001:db8::53/128")),
    ("server=198.51.100.0/25,KEY.server=203.0.113.53", is_in("response", "198.51.100.0/25", "203.0.113.53/32")),
    ("type=A", lambda event: event.qtype == 1),
    ("type=https,KEY.type=TYPE65280,KEY.type=99", lambda event: event.qtype in (65, 65280, 99)),
    ("rcode=NXDOMAIN", lambda event: event.rcode == 3),
    ("rcode=BADVERS,KEY.rcode=3841,KEY.rcode=rcode12", lambda event: event.rcode in (16, 3841, 12)),
    ("identity=events", lambda event: True),
    ("identity=vents", lambda event: False),
    ("verdict=blocked", lambda event: False),
    ("message=query", lambda event: event.is_query),
    ("message=response", lambda event: not event.is_query),
    ("message=client_response", lambda event: not event.is_query),
    ("message=RESOLVER_QUERY", lambda event: False),
    ("latency-at-least=0", takes(0, 10**9)),
    ("latency-at-most=1.5", takes(0, 1.5)),
    ("latency-at-least=1.5,KEY.latency-at-most=48", takes(1.5, 48)),
]


def filter_cases():
    """Of each condition what it wants and, as an exception, what it does not; and some together."""
    for text, wants in CONDITIONS:
        yield Case("filter." + text.replace("KEY", "filter"), wants)
        yield Case("except." + text.replace("KEY", "except"), lambda event, wants=wants: not wants(event))
    yield Case("filter.name=com,filter.type=A,filter.message=response,except.rcode=NXDOMAIN,except.latency-at-least=20",
               lambda event: is_below([b"com"])(event) and event.qtype == 1 and not event.is_query and
               not (event.rcode == 3 and takes(20, 10**9)(event)))
    yield Case("filter.client=10.1.2.3,except.name=example.net,filter.type=A",
               lambda event: is_in("query", "10.1.2.3/32")(event) and event.qtype == 1 and not is_below([b"example", b"net"])(event))
    yield Case("unanswered", is_telling_unanswered=True)
    yield Case("unanswered,filter.latency-at-least=5000", takes(5000, 10**9), is_telling_unanswered=True)
    yield Case("sample=1")
    yield Case("sample=0")


# --- fields ------------------------------------------------------------------------------------------------------------

def field_cases():
    choices = [["id"], ["qname", "identity", "id"], list(reversed(ALL_FIELDS)), ["ecs", "length", "registered-domain"]]
    for fields in choices:
        for kind in ("text", "json", "yaml"):
            yield Case(",".join("fields=" + field for field in fields) + ",unanswered,format=" + kind, fields=fields, format=kind,
                       is_telling_unanswered=True, more=lambda event: {"registered-domain": text_of(registered(event.labels))})


def text_of(labels):
    return "-" if labels is None else events.name_text(labels)


# --- privacy -----------------------------------------------------------------------------------------------------------

def with_client(change):
    return lambda event: dataclasses.replace(event, query=(change(event.query[0]), event.query[1]))


def cut(bits4, bits6):
    def change(address):
        return ipaddress.ip_network((address, bits4 if address.version == 4 else bits6), strict=False).network_address
    return change


def hashed(address):
    digest = hmac.new(KEY, bytes([address.version]) + address.packed.ljust(16, b"\0"), hashlib.sha256).digest()
    return ipaddress.IPv6Address(b"\xfd" + digest[1:16])


def encrypt(blocks):
    return subprocess.run(["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", KEY[:16].hex()], input=blocks, capture_output=True,
                          check=True).stdout


def cryptopan(address, known={}):
    """Fan, Xu, Ammar and Moon 2004, for IPv6 with 128 bits."""
    if address not in known:
        bits = address.max_prefixlen
        value, pad = int(address) << (128 - bits), int.from_bytes(encrypt(KEY[16:]), "big")
        heads = [value >> (128 - bit) << (128 - bit) | pad & ((1 << (128 - bit)) - 1) for bit in range(bits)]
        blocks = encrypt(b"".join(head.to_bytes(16, "big") for head in heads))
        turned = int("".join(str(blocks[16 * bit] >> 7) for bit in range(bits)), 2)
        known[address] = type(address)(int(address) ^ turned)
    return known[address]


def registered(labels):
    """By SUFFIXES: the longest rule that fits, or the last label, and one label more; a suffix itself is whole."""
    if labels is None:
        return None
    lower, longest = [label.lower().decode("latin-1") for label in labels], 1
    for rule in SUFFIXES:
        parts = rule.split(".")
        if len(parts) <= len(lower) and all(part in ("*", label) for part, label in zip(reversed(parts), reversed(lower))):
            longest = max(longest, len(parts))
    return labels[-longest - 1:]


def without_ecs(event):
    return dataclasses.replace(event, message=b"")


def privacy_cases():
    key = "privacy.key-file=FOLDER/key"
    fields = ["query-ip", "family", "src-ip", "dst-ip", "qname", "ecs", "id"]
    chosen = "," + ",".join("fields=" + field for field in fields)

    def case(options, shows):
        return Case(options + chosen, shows=shows, fields=fields)

    def shortened(event):
        return dataclasses.replace(without_ecs(event), labels=registered(event.labels))

    yield case("privacy.client-prefix4=24", with_client(cut(24, 128)))
    yield case("privacy.client-prefix4=9,privacy.client-prefix6=29", with_client(cut(9, 29)))
    yield case("privacy.client-prefix4=0,privacy.client-prefix6=0", with_client(cut(0, 0)))
    yield case("privacy.clients=hash," + key, with_client(hashed))
    yield case("privacy.clients=cryptopan," + key, with_client(cryptopan))
    yield case("privacy.clients=hash,privacy.client-prefix4=16," + key, with_client(lambda a: hashed(cut(16, 128)(a))))
    yield case("privacy.clients=cryptopan,privacy.client-prefix6=32," + key, with_client(lambda a: cryptopan(cut(32, 32)(a))
                                                                                        if a.version == 6 else cryptopan(a)))
    yield case("privacy.remove-ecs", without_ecs)
    yield case("privacy.qname=registered", shortened)
    yield case("privacy.qname=registered,privacy.remove-ecs,privacy.clients=hash,privacy.client-prefix4=8," + key,
               lambda event: shortened(with_client(lambda a: hashed(cut(8, 128)(a)))(event)))
    # What is filtered is what came, not what is told of it.
    yield Case("privacy.clients=hash,%s,filter.client=10.1.2.3" % key, is_in("query", "10.1.2.3/32"), with_client(hashed))


# --- places ------------------------------------------------------------------------------------------------------------

def place_of(is_iso):
    def more(event):
        country, city, code = PLACES.get(str(event.query[0]), ("-", "-", "-"))
        return {"country": code if is_iso else country, "city": city}
    return more


def place_cases(is_iso):
    json_keys = events.KEYS[:-1] + ["country", "city", "datetime"]
    more = place_of(is_iso)
    yield Case("format=json", fields=json_keys, more=more)
    yield Case("format=text", fields=events.TEXT_KEYS + ["country", "city"], format="text", more=more)
    yield Case("format=yaml", fields=json_keys, format="yaml", more=more)
    yield Case("fields=city,fields=id,format=text", fields=["city", "id"], format="text", more=more)
    yield Case("privacy.clients=hash,privacy.key-file=FOLDER/key,format=json", fields=json_keys, more=more,
               shows=with_client(hashed))


# --- runs --------------------------------------------------------------------------------------------------------------

class Tests:
    def __init__(self, dnsflow, capture, folder):
        self.dnsflow, self.capture, self.folder, self.count, self.failed = dnsflow, capture, folder, 0, 0
        self.events = list(events.read_events(capture))

    def result(self, title, problems):
        self.count += 1
        self.failed += bool(problems)
        print("%sok %d - %s" % ("not " * bool(problems), self.count, title))
        for problem in problems:
            print("# " + problem.replace("\n", "\n# "))

    def run(self, arguments, outputs):
        command = [self.dnsflow, "-r", self.capture, "--statistics.public-suffix-list", self.folder + "/suffixes", *arguments]
        for number, options in enumerate(outputs):
            path = "%s/%d" % (self.folder, number)
            if os.path.exists(path):
                os.unlink(path)
            options = options.replace("FOLDER", self.folder)
            options += "" if "format=" in options else ",format=json"
            command += ["--output", "file,queue=1,path=%s,%s" % (path, options)]
        ended = subprocess.run(command, capture_output=True, check=False)
        return ended.stderr.decode(errors="replace").splitlines() if ended.returncode else []

    def cases(self, title, cases, arguments=(), identity=None, own=()):
        """As many outputs as there may be at once."""
        cases = list(cases)
        identity = identity or os.path.basename(self.capture)
        for first in range(0, len(cases), OUTPUTS_MAX):
            part = cases[first:first + OUTPUTS_MAX]
            told = self.run(arguments, [case.options for case in part])
            if told:
                self.result("%s: a run with %d outputs" % (title, len(part)), told)
                continue
            for number, case in enumerate(part):
                expected = list(case.expected(self.events, identity, own))
                got = case.read("%s/%d" % (self.folder, number))
                self.result("%s: %s" % (title, case.options[:100]), events.differences("record", expected, got))

    def sampling(self):
        """One in three of some hundred, twice: neither all nor none, all of them there, and not the same."""
        everything, samples = [], []
        for options in ("sample=1", "sample=3", "sample=3"):
            self.run((), [options])
            (samples if everything else everything).append(events.lines_of(self.folder + "/0"))
        for sample in samples:
            rest = iter(everything[0])
            missing = [line for line in sample if line not in rest]
            few = [] if len(everything[0]) / 8 < len(sample) < len(everything[0]) * 5 / 8 else ["%d of them" % len(sample)]
            self.result("sample: one in three", missing + few)
        self.result("sample: by chance", ["both are the same"] if samples[0] == samples[1] else [])


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def main():
    dnsflow, capture, folder = sys.argv[1:4]
    write(folder + "/key", KEY)
    write(folder + "/suffixes", "\n".join(SUFFIXES).encode())
    write(folder + "/names", b"# names\n\n  Example.NET. # one\n\\195\\182.example\n")
    tests = Tests(dnsflow, capture, folder)
    tests.cases("filters", filter_cases())
    tests.cases("fields", field_cases())
    tests.cases("privacy", privacy_cases())
    for identity in ("ns1", 'two "words" \\ here', "\u00fc\u4e2d\U0001f600", "line\nfeed\x1b[m"):
        tests.cases("identity", [Case("format=text", format="text"), Case("format=json", format="values"),
                                 Case("format=yaml", format="yaml")], ["--identity", identity], identity)
    own = [argument for address in OWN for argument in ("--own-address", str(address))]
    tests.cases("own address", [Case("format=json"), Case("filter.message=FORWARDER_RESPONSE,filter.message=resolver_query",
                                                          lambda event: events.kind_of(event, OWN) in
                                                          ("FORWARDER_RESPONSE", "RESOLVER_QUERY"))], own, own=OWN)
    tests.sampling()
    if len(sys.argv) > 4:
        tests.cases("places", place_cases(False), ["--geoip.city-database", sys.argv[4]])
        tests.cases("places by code", place_cases(True), ["--geoip.city-database", sys.argv[4], "--geoip.country-iso"])
    else:
        print("ok %d - places # SKIP needs a database" % (tests.count + 1))
        tests.count += 1
    print("1..%d" % tests.count)
    sys.exit(bool(tests.failed))


main()
