# SPDX-License-Identifier: BSD-3-Clause
"""Clients over TCP of a proxy on 127.0.0.1:53, good ones and others. `streams.py SCENARIO [ARGUMENT]...`: each function
below is a scenario, and ends with status 0 when all was as it should be; `crowd` tells figures."""
import select
import socket
import struct
import sys
import time

from messages import Stream, question, require

ADDRESS = ("127.0.0.1", 53)


def require_answer(reply, number, what):
    require(reply is not None, what, "has no answer: the connection ended")
    require(reply.id == number and reply.rcode == 0 and reply.answers, what, "is answered by", reply.message)


def out_of_order():
    """A slow one first: what comes behind it is answered before it."""
    stream = Stream()
    stream.send(question("slow-400.order", number=1), *(question(f"quick{i}.order", number=i) for i in range(2, 12)))
    numbers = [stream.receive().id for _ in range(11)]
    require(sorted(numbers) == list(range(1, 12)) and numbers[-1] == 1, "answers came as", numbers)


def pipelined(count, label):
    """All in one go, and each has its answer."""
    stream = Stream(timeout=20)
    stream.send(*(question(f"{label}.n{i}.pipelined", number=i) for i in range(int(count))))
    answered = set()
    while len(answered) < int(count):
        reply = stream.receive()
        require(reply, "ended after", len(answered), "answers")
        require_answer(reply, reply.id, "a query")
        require(f"n{reply.id}".encode() in reply.questions[0][0], "id and question differ")
        require(reply.id not in answered, "answered twice:", reply.id)
        answered.add(reply.id)


def octet_by_octet():
    """A query in single octets, in time."""
    stream, message = Stream(), question("octets.test", number=7)
    for octet in struct.pack("!H", len(message)) + message:
        require(not select.select([stream.socket], [], [], 0.01)[0], "an answer to half a query")
        stream.socket.send(bytes([octet]))
    require_answer(stream.receive(), 7, "the query")


def require_two_seconds(begin):
    lived = time.monotonic() - begin
    require(1.9 <= lived <= 2.8, "lived", lived)


def too_slow():
    """A query in single octets that takes too long, and some that are begun and left: closed when two seconds are over."""
    message, begin = question("octets.test", number=7), time.monotonic()
    stream, others = Stream(), [Stream() for _ in range(2)]
    others[0].socket.send(b"\0")
    others[1].socket.send(struct.pack("!H", len(message)) + message[:20])
    for octet in struct.pack("!H", len(message)) + message:
        if select.select([stream.socket], [], [], 0.12)[0]:
            break
        stream.socket.send(bytes([octet]))
    require_two_seconds(begin)
    require(stream.is_closed(), "is not closed")
    require(all(other.is_closed() for other in others), "those that were left are not closed")


def never_reads(count, kibibytes):
    """Asks and asks and takes no answer, while others are answered; then reads what there is: whole answers, and an end."""
    stream, other = Stream(receive_bytes=4096), Stream()
    stream.socket.setblocking(False)
    message = question("big-1000.reader", number=3)
    queue = (struct.pack("!H", len(message)) + message) * int(count)
    begin, worst = time.monotonic(), 0
    while time.monotonic() - begin < 5.2:
        try:
            queue = queue[stream.socket.send(queue):]
        except (BlockingIOError, ConnectionError):
            pass
        asked = time.monotonic()
        require_answer(other.ask("quick.other", number=9), 9, "somebody else")
        worst = max(worst, time.monotonic() - asked)
        time.sleep(0.01)
    require(worst < 1, "somebody else waited for", worst)
    stream.socket.setblocking(True)
    octets, answers = 0, 0
    while reply := stream.receive():
        require_answer(reply, 3, "a query")
        octets, answers = octets + len(reply.message), answers + 1
    require(answers < int(count), "all was answered")
    require(octets < int(kibibytes) << 10, octets, "octets waited")


def half_close():
    """The client has said all: its answers come, then the end."""
    stream = Stream()
    stream.send(*(question(f"slow-300.half{i}", number=i) for i in range(5)))
    stream.socket.shutdown(socket.SHUT_WR)
    replies = [stream.receive() for _ in range(5)]
    require(all(replies), "the connection ended before the answers")
    require(sorted(reply.id for reply in replies) == list(range(5)), "ids")
    require(stream.receive() is None, "and it does not end")


def half_close_held(count):
    """The same with more queries than may wait."""
    stream = Stream(timeout=20)
    stream.send(*(question(f"slow-20.held{i}", number=i) for i in range(int(count))))
    stream.socket.shutdown(socket.SHUT_WR)
    answered = set()
    while reply := stream.receive():
        answered.add(reply.id)
    require(len(answered) == int(count), "answered", len(answered))


def lengths():
    """Lengths that do not fit: nobody else has to do with it."""
    message = question("length.test", number=5)
    stream = Stream()
    stream.socket.send(struct.pack("!H", len(message) + 10) + message)
    stream.socket.shutdown(socket.SHUT_WR)
    require(stream.receive() is None, "an answer to a query that never was whole")
    stream = Stream()
    stream.socket.send(b"\0\0" * 1000 + struct.pack("!H", len(message)) + message)
    require_answer(stream.receive(), 5, "a query behind empty ones")
    stream = Stream()
    stream.socket.send(struct.pack("!H", len(message) - 3) + message)
    reply = stream.receive()
    require(reply and reply.id == 5 and reply.rcode == 1, "a query cut short is no FORMERR")
    stream = Stream()
    stream.socket.send(struct.pack("!H", 65535) + message + bytes(65535 - len(message)))
    reply = stream.receive()  # as a longer message than any query it may also be refused
    require(reply is None or reply.id == 5, "a query with as much behind it as goes is answered by another")


def idle(seconds):
    """One that says nothing more is closed when its time is over."""
    stream = Stream()
    require_answer(stream.ask("idle.test", number=1), 1, "the query")
    begin = time.monotonic()
    require(stream.is_closed(float(seconds) + 5), "is not closed")
    lived = time.monotonic() - begin
    require(abs(lived - float(seconds)) < 1, "lived", lived)


def per_client(most):
    """One more than a client may have is closed; others may come."""
    streams = [Stream(source="127.1.0.1") for _ in range(int(most))]
    for stream in streams:
        require_answer(stream.ask("client.test", number=1), 1, "one of those that may be")
    require(Stream(source="127.1.0.1").is_closed(2), "one more may be")
    require_answer(Stream(source="127.1.0.2").ask("client.test", number=1), 1, "another client")
    streams.pop().close()
    time.sleep(0.3)
    require_answer(Stream(source="127.1.0.1").ask("client.test", number=1), 1, "one in place of another")


def eviction(most):
    """With all places taken the longest idle one makes way, and none that waits for an answer."""
    most = int(most)
    time.sleep(0.2)
    waiting = Stream(source="127.1.1.1")
    waiting.send(question("slow-1500.eviction", number=1))
    streams = [Stream(source=f"127.1.1.{i + 2}") for i in range(most - 1)]
    for stream in streams:
        require_answer(stream.ask("eviction.test", number=1), 1, "one of those that may be")
    require_answer(streams[0].ask("eviction.test", number=1), 1, "the first one again")
    require_answer(Stream(source="127.1.2.1").ask("eviction.test", number=2), 2, "one more")
    require(streams[1].is_closed(), "the longest idle one is still there")
    require(not streams[0].is_closed(), "one that was not idle as long is closed")
    require(not streams[2].is_closed(), "more than one is closed")
    require_answer(waiting.receive(), 1, "one that waits")


def none_idle(most):
    """All wait for answers: who comes now is refused, and they are answered."""
    streams = [Stream(source=f"127.1.3.{i + 1}") for i in range(int(most))]
    for stream in streams:
        stream.send(question("slow-1200.none", number=1))
    time.sleep(0.3)
    require(Stream(source="127.1.4.1").is_closed(), "one more is taken")
    for stream in streams:
        require_answer(stream.receive(), 1, "one that waits")


def refused(source):
    """Not on the access list: closed without a word."""
    require(Stream(source=source).is_closed(2), "is not closed")


def resident_kib(process):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def honest(seconds):
    """The times that a client without guile is answered in: 99 of 100, and the longest, in ms."""
    stream, times, end = Stream(source="127.2.0.1"), [], time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        require_answer(stream.ask("quick.honest", number=1), 1, "an honest client")
        times.append(time.monotonic() - begin)
        time.sleep(0.002)
    times.sort()
    return times[len(times) * 99 // 100] * 1000, times[-1] * 1000


def crowd(process, count):
    """So many connections held, each of which asks once, and then the same again; figures of it on standard output."""
    print("connection_count", count)
    print("rss_before_kib", resident_kib(process))
    honest_p99, _ = honest(0.5)
    print(f"p99_before_ms {honest_p99:.2f}")
    come_and_go(process, count)
    print("rss_after_kib", resident_kib(process))
    come_and_go(process, count, "again_")
    print("rss_after_again_kib", resident_kib(process))


def come_and_go(process, count, prefix=""):
    crowded, message = [], question("quick.crowd", number=1)
    begin = time.monotonic()
    for i in range(int(count)):
        stream = Stream(source=f"127.1.{i % 16}.{i // 4000 + 1}", timeout=30)
        crowded.append(stream)
        if i % 100 == 99:
            for each in crowded[-100:]:
                each.send(message)
    print(f"{prefix}opened_s {time.monotonic() - begin:.1f}")
    for stream in crowded:
        require_answer(stream.receive(), 1, "one of the crowd")
    print(f"{prefix}rss_held_kib", resident_kib(process))
    p99, worst = honest(1)
    print(f"{prefix}p99_held_ms {p99:.2f}\n{prefix}worst_held_ms {worst:.2f}")
    for stream in crowded:
        stream.send(message)
    p99, worst = honest(0.5)
    print(f"{prefix}p99_burst_ms {p99:.2f}\n{prefix}worst_burst_ms {worst:.2f}")
    for stream in crowded:
        require_answer(stream.receive(), 1, "one of the crowd")
        stream.close()
    time.sleep(0.5)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
