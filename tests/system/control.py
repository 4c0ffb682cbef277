# SPDX-License-Identifier: BSD-3-Clause
"""Peers of the control socket that do not behave: control.py SOCKET WHAT."""
import os
import socket
import struct
import sys
import time

STATUS, STATS, RELOAD = 1, 2, 4
PLACES, IDLE_SECONDS = 16, 10


def connect():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(sys.argv[1])  # waits while the queue is full, as it would not with a timeout
    peer.settimeout(5)
    return peer


def ask(kind, argument=0):
    peer = connect()
    peer.send(struct.pack("II", kind, argument))
    return peer


def is_closed(peer, seconds):
    peer.settimeout(seconds)
    try:
        return peer.recv(100) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def garbage():
    """What is no request ends the connection, and nothing else."""
    for message in [b"x", bytes(7), bytes(9), bytes(70000), struct.pack("II", 0, 0), struct.pack("II", 99, 0),
                    struct.pack("II", 0xFFFFFFFF, 1), os.urandom(8)]:
        peer = connect()
        peer.send(message)
        assert is_closed(peer, 5), message[:20]
    for _ in range(200):
        peer = connect()
        files = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
        socket.send_fds(peer, [struct.pack("II", 98, 0)], files)
        assert is_closed(peer, 5)
        for file in files:
            os.close(file)


def flood():
    """The oldest idle ones make way at once, the others after their time; who asks is answered."""
    start = time.monotonic()
    peers = [connect() for _ in range(3 * PLACES)]
    assert all(is_closed(peer, 2) for peer in peers[:-PLACES])
    assert ask(STATUS).recv(100)
    assert not is_closed(peers[-1], 1)
    for peer in peers[-PLACES:]:
        assert is_closed(peer, IDLE_SECONDS + 2)
    assert time.monotonic() - start < IDLE_SECONDS + 5
    for _ in range(3000):
        connect().close()


def slow():
    """Nobody waits for readers that do not read."""
    peers = [ask(STATS) for _ in range(500)]
    assert len(ask(STATUS).recv(100)) == 8
    time.sleep(1)
    assert all(len(peer.recv(100)) == 8 for peer in peers)


def leave():
    """A reload goes on without who asked for it."""
    ask(RELOAD).close()


{"garbage": garbage, "flood": flood, "slow": slow, "leave": leave}[sys.argv[2]]()
