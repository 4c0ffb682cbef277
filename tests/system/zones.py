# SPDX-License-Identifier: BSD-3-Clause
"""Zones for real servers: `zones.py FOLDER` writes FOLDER/ZONE.zone of the zones below and FOLDER/names, the names that are
asked for: those of the zones, some that wildcards make, and some that are not there."""
import random
import sys

# plain.example is not signed; secure.example is, and bogus.example is with keys that nobody trusts.
ZONES = ("plain.example", "secure.example", "bogus.example")
HEAD = """$ORIGIN {zone}.
$TTL 3600
@ SOA ns hostmaster 1 7200 3600 1209600 900
@ NS ns
@ NS ns2.plain.example.
ns A 127.0.0.3
ns2 A 127.0.0.3
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 mail.plain.example.
@ TXT "v=spf1 -all"
@ CAA 0 issue "ca.example.net"
mail A 192.0.2.25
mail AAAA 2001:db8::25
www CNAME host
host A 192.0.2.80
host 60 AAAA 2001:db8::80
chain1 CNAME chain2
chain2 CNAME chain3.plain.example.
chain3 CNAME chain4.secure.example.
chain4 CNAME target
target A 192.0.2.44
target TXT "at the end of a chain"
dangling CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop1
*.wild A 192.0.2.90
*.wild TXT "a wildcard"
*.wildalias CNAME host
there.wild AAAA 2001:db8::90
deep.in.the.tree A 192.0.2.91
_sip._udp SRV 10 20 5060 host
_sip._udp SRV 20 0 5060 mail
@ NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:info@{zone}!" .
number NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp
alias DNAME plain.example.
pointer PTR host
private TYPE65280 \\# 4 0A000001
short 1 A 192.0.2.5
odd\\.label A 192.0.2.6
odd\\032blank\\000\\255 A 192.0.2.7
UPPER A 192.0.2.8
"""
ABSENT = ("nowhere", "not.there", "x.host", "in.the.tree", "the.tree", "xn--absent", "A" * 63, "under.dangling")


def many(random_source):
    """Answers around what fits into 512, 1232 and 4096 octets."""
    for count in (2, 10, 27, 28, 29, 30, 60, 70, 72, 73, 74, 76, 100, 250, 300, 800):
        for i in range(count):
            yield f"many{count} A 198.51.{i // 250 + 100}.{i % 250 + 1}"
    for size in (200, 255, 256, 400, 450, 480, 900, 1180, 1250, 2000, 4100, 9000):
        parts = [f'"{"".join(random_source.choice("abcdefgh ") for _ in range(min(255, size - at)))}"'
                 for at in range(0, size, 255)]
        yield f"text{size} TXT {' '.join(parts)}"


def long_name(zone):
    """As long as a name can be, 255 octets."""
    left, labels = 255 - 1 - sum(len(label) + 1 for label in zone.split(".")), []
    while left > 1:
        labels.append("l" * min(62, left - 1 if left < 65 or left > 66 else left - 3))
        left -= len(labels[-1]) + 1
    return ".".join(labels)


def write_zone(folder, zone):
    records = [*many(random.Random(1)), f"{long_name(zone)} A 192.0.2.9"]
    text = HEAD.format(zone=zone) + "\n".join(records) + "\n"
    with open(f"{folder}/{zone}.zone", "w", encoding="ascii") as file:
        file.write(text)
    owners = {line.split()[0] for line in text.splitlines() if not line.startswith("$")}
    owners = {owner.replace("*", "any") for owner in owners} | set(ABSENT)
    owners |= {"a.b.c.wild", "there.wild", "x.there.wild", "*.wild", "other.wildalias", "www.alias", "wild"}
    return [zone if owner == "@" else f"{owner}.{zone}" for owner in sorted(owners)]


def main():
    names = [name for zone in ZONES for name in write_zone(sys.argv[1], zone)]
    with open(f"{sys.argv[1]}/names", "w", encoding="ascii") as file:
        file.write("".join(name + "\n" for name in names))


main()
