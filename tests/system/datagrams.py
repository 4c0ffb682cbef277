# SPDX-License-Identifier: BSD-3-Clause
"""Clients over UDP of a proxy on 127.0.0.1:53. `datagrams.py SCENARIO [ARGUMENT]...`: each function below without an
underscore is a scenario, and ends with status 0 when all was as it should be."""
import collections
import random
import select
import socket
import struct
import sys
import time

from messages import Reply, name_wire, question, require

ADDRESS = ("127.0.0.1", 53)
TRUE = bytes([192, 0, 2, 1])
SO_RCVBUFFORCE = 33


def _socket():
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    client.connect(ADDRESS)
    return client


def _is_true(message):
    reply = Reply(message)
    return reply.rcode == 0 and [record[4] for record in reply.answers] == [TRUE]


def identical(count, name):
    """The same question so many times at once, from a thousand sockets: all are answered."""
    clients, count = [_socket() for _ in range(1000)], int(count)
    poll = select.epoll()
    by_number = {client.fileno(): client for client in clients}
    for client in clients:
        poll.register(client, select.EPOLLIN)
    begin = time.monotonic()
    for i in range(count):
        clients[i % 1000].send(question(name, number=i))
        if i % 200 == 199:
            time.sleep(0.001)
    print(f"sent in {time.monotonic() - begin:.2f} s")
    numbers, end = set(), time.monotonic() + 5
    while len(numbers) < count and time.monotonic() < end:
        for number, _ in poll.poll(0.5):
            message = by_number[number].recv(4096)
            require(_is_true(message), "answered by", message)
            numbers.add(Reply(message).id)
    require(len(numbers) == count, len(numbers), "are answered")


def ask(count, window, rate, *labels):
    """So many questions, with these first labels in turn, so many at a time, at most so many a second: all are answered, and
    by 192.0.2.1 alone. Prints how long they took, in ms: 99 of 100, and the longest."""
    client, count, window = _socket(), int(count), int(window)
    waiting, times, sent, begin = {}, [], 0, time.monotonic()
    client.settimeout(6)
    while sent < count or waiting:
        due = count if rate == "0" else min(count, int((time.monotonic() - begin) * float(rate)) + 1)
        while sent < due and len(waiting) < window:
            name = f"{labels[sent % len(labels)]}.n{sent}.asked"
            waiting[sent % 65536] = (name, time.monotonic())
            client.send(question(name, number=sent % 65536))
            sent += 1
        if not waiting:
            time.sleep(0.001)
            continue
        try:
            message = client.recv(4096)
        except socket.timeout:
            sys.exit(f"{len(waiting)} are not answered: {list(waiting.values())[:5]}")
        name, asked = waiting.pop(Reply(message).id, (None, 0))
        require(name is None or _is_true(message), name, "is answered by", message)
        if name:
            times.append((time.monotonic() - asked) * 1000)
    times.sort()
    print(f"asked {len(times)}\np99_ms {times[len(times) * 99 // 100]:.2f}\nworst_ms {times[-1]:.2f}")


def spellings(count, times, label):
    """So many names, each asked for in as many spellings, one behind the other's answer: from sockets of their own."""
    clients, chance = [_socket() for _ in range(16)], random.Random(1)
    for turn in range(int(times)):
        for i in range(int(count)):
            name = f"{label}.name{i}.spelled.test"
            asked = "".join(chance.choice((letter.lower(), letter.upper())) for letter in name)
            client = chance.choice(clients)
            client.settimeout(5)
            client.send(question(asked, number=i))
            reply = Reply(client.recv(4096))
            require(_is_true(reply.message) and reply.id == i, asked, "is answered by", reply.message)
            require(reply.questions[0][0] == name_wire(asked), asked, "comes back in another spelling")


def unanswered(count, label, seconds):
    """Asks for so many names at once; prints how many have no answer when the time is over."""
    client, count, end = _socket(), int(count), time.monotonic() + float(seconds)
    for i in range(count):
        client.send(question(f"{label}.n{i}.unanswered", number=i))
    print("sent", flush=True)
    numbers = set()
    while (left := end - time.monotonic()) > 0 and len(numbers) < count:
        if select.select([client], [], [], left)[0]:
            numbers.add(Reply(client.recv(4096)).id)
    print(f"unanswered {count - len(numbers)}")


def _chi_square(values, bins):
    counts, expected = collections.Counter(values), len(values) / bins
    return sum((counts[i] - expected) ** 2 / expected for i in range(bins))


def _limit(bins):
    """What a thing of chance passes once in a million times."""
    return bins - 1 + 5 * (2 * (bins - 1)) ** 0.5


def ids(path):
    """Ports and ids that an upstream has seen (responder's log): neither can be foretold."""
    with open(path, "rb") as file:
        seen = list(struct.iter_unpack("!HH", file.read()))
    numbers = [number for _, number in seen]
    steps = [(after - before) % 65536 for before, after in zip(numbers, numbers[1:])]
    for what, values, bins in (("upper octets of ids", [number >> 8 for number in numbers], 256),
                               ("lower octets of ids", [number & 255 for number in numbers], 256),
                               ("upper octets of steps between ids", [step >> 8 for step in steps], 256),
                               ("lower octets of steps between ids", [step & 255 for step in steps], 256)):
        chi = _chi_square(values, bins)
        print(f"{what}: chi-square {chi:.0f} of {bins} bins, limit {_limit(bins):.0f}")
        require(chi < _limit(bins), what, "are uneven")
    repeats = len(numbers) - len(set(numbers))
    expected = len(numbers) - 65536 * (1 - (1 - 1 / 65536) ** len(numbers))
    print(f"ids that came again {repeats}, of chance {expected:.0f}")
    require(abs(repeats - expected) < 0.1 * expected + 50, "ids come again")
    _ports([port for port, _ in seen])


def _ports(ports):
    """Many, drawn anew all the time, and no step from one to the next is usual."""
    quarter = len(ports) // 4
    first, last = set(ports[:quarter]), set(ports[-len(ports) // 10:])
    print(f"ports {len(set(ports))}, at first {len(first)}, at last {len(last)}, in both {len(first & last)}")
    require(len(first) >= 48 and len(last) >= 48, "few ports")
    require(not first & last, "ports are not replaced")
    opened = list(dict.fromkeys(ports))
    near = sum(abs(before - after) < 64 for before, after in zip(opened, opened[1:]))
    print(f"of {len(opened)} ports one after the other near ones {near}")
    require(near < len(opened) / 10, "ports come one after the other")
    share = max(collections.Counter(ports[:quarter]).values()) / quarter
    print(f"the most used port had {share * 100:.1f} % at first")
    require(share < 0.1, "one port is used too much")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
