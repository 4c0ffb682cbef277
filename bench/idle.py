#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""idle.py ADDRESS PORT COUNT: opens as many TCP connections from several addresses of loopback, asks
one question on each, reads the answer, says "holding", and holds them until it is ended."""
import socket
import struct
import sys
import time

query = b"\0\1\1\0\0\1\0\0\0\0\0\0\1a\5bench\7example\0\0\1\0\1"
held = []
for i in range(int(sys.argv[3])):
    connection = socket.socket()
    connection.bind(("127.1.0.%d" % (1 + i % 100), 0))
    connection.connect((sys.argv[1], int(sys.argv[2])))
    connection.sendall(struct.pack("!H", len(query)) + query)
    length = struct.unpack("!H", connection.recv(2))[0]
    while length:
        got = len(connection.recv(length))
        if not got:
            sys.exit("connection %d was closed" % i)
        length -= got
    held.append(connection)
print("holding", len(held), flush=True)
time.sleep(60)
