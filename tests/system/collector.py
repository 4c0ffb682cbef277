# SPDX-License-Identifier: BSD-3-Clause
"""Peers of outputs that are judged exactly: collector.py stream|streams|octets|datagrams PORT FILE, on
127.0.0.1, or collector.py local PATH FILE: datagrams of a unix socket. FILE gets what comes: a stream
as it is, the messages of octet counting (RFC 6587 3.4.1) and datagrams as a line each, and of streams,
one after the other, whole lines: not what stands at the end of a connection that broke within a line.
After TERM a stream says that it wants no more, reads what is on its way, and ends."""
import signal
import socket
import sys

READ = 1 << 16
SO_RCVBUFFORCE = 33


def write_octets(data, out):
    """Returns what is no whole message yet."""
    while b" " in data[:10]:
        length, rest = data.split(b" ", 1)
        if len(rest) < int(length):
            break
        out.write(rest[:int(length)] + b"\n")
        data = rest[int(length):]
    return data


def read_stream(peer, out, is_counted):
    data = b""
    while more := peer.recv(READ):
        data = write_octets(data + more, out) if is_counted else out.write(more) and b""
        out.flush()
    out.write(data)


def collect_datagrams(family, address, out):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    server.bind(address)
    print("ready", file=sys.stderr, flush=True)
    while True:
        out.write(server.recv(READ) + b"\n")
        out.flush()


def collect_stream(port, out, is_counted):
    server = socket.create_server(("127.0.0.1", port))
    print("ready", file=sys.stderr, flush=True)
    peer, _ = server.accept()
    server.close()
    signal.signal(signal.SIGTERM, lambda *_: peer.shutdown(socket.SHUT_WR))
    read_stream(peer, out, is_counted)


def collect_streams(port, out):
    server = socket.create_server(("127.0.0.1", port))
    print("ready", file=sys.stderr, flush=True)
    while True:
        peer, _ = server.accept()
        rest = b""
        while more := peer.recv(READ):
            lines, end, rest = (rest + more).rpartition(b"\n")
            out.write(lines + end)
            out.flush()


def main():
    kind, port, path = sys.argv[1:]
    with open(path, "wb") as out:
        if kind == "datagrams":
            collect_datagrams(socket.AF_INET, ("127.0.0.1", int(port)), out)
        elif kind == "local":
            collect_datagrams(socket.AF_UNIX, port, out)
        elif kind == "streams":
            collect_streams(int(port), out)
        else:
            collect_stream(int(port), out, kind == "octets")


main()
