#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A service manager as far as sd_notify(3) goes: starts a command, keeps the descriptors that it
leaves (FDSTORE=1), and gives them to the next start. Tells on standard output what it was told.
SIGHUP: restart; SIGTERM: stop for good, and throw away what is kept."""
import array
import os
import select
import signal
import socket
import sys

BUFFER = 4096
FDS_MAX = 253

kept = []  # (name, descriptor)
commands = []


def say(text):
    print(text, flush=True)


def take(sock):
    """One message and its descriptors."""
    data, ancillary, _, _ = sock.recvmsg(BUFFER, socket.CMSG_SPACE(4 * FDS_MAX))
    fds = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % 4])
    fields = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
    return fields, list(fds)


def handle(sock):
    fields, fds = take(sock)
    name = fields.get("FDNAME", "stored")
    if "FDSTORE" in fields:
        kept.extend((name, fd) for fd in fds)
        if fields.get("FDPOLL") != "0":
            say(f"polled {name}")
        return
    for fd in fds:  # of a barrier: its end is the answer
        os.close(fd)
    if "FDSTOREREMOVE" in fields:
        for entry in [entry for entry in kept if entry[0] == name]:
            kept.remove(entry)
            os.close(entry[1])
    for field in ("READY", "RELOADING", "STOPPING", "WATCHDOG"):
        if field in fields:
            say(f"{field.lower()} {len(kept)}")


def run_with(path, command):
    """In the child: the kept descriptors from 3 on."""
    copies = [os.dup(fd) for _, fd in kept]
    top = 3 + len(kept) + max([0] + copies)
    for fd in range(3, top):
        if fd not in copies:
            try:
                os.close(fd)
            except OSError:
                pass
    high = [os.dup2(fd, top + number, inheritable=False) for number, fd in enumerate(copies)]
    for number, fd in enumerate(high):
        os.dup2(fd, 3 + number, inheritable=True)
    environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="5000000")
    if kept:
        environment.update(
            LISTEN_FDS=str(len(kept)),
            LISTEN_PID=str(os.getpid()),
            LISTEN_FDNAMES=":".join(name for name, _ in kept),
        )
    os.execve(command[0], command, environment)


def start(path, command):
    pid = os.fork()
    if pid == 0:
        run_with(path, command)
    say(f"started {pid}")
    return pid


def serve(sock, pid):
    """Until a command comes or the process is gone."""
    pidfd = os.pidfd_open(pid)
    try:
        while not commands:
            ready, _, _ = select.select([sock, pidfd], [], [], 0.1)
            if sock in ready:
                handle(sock)
            elif pidfd in ready:
                return
    finally:
        os.close(pidfd)


def stop(sock, pid):
    os.kill(pid, signal.SIGTERM)
    waiting = commands[:]
    commands.clear()
    serve(sock, pid)
    commands.extend(waiting)
    _, status = os.waitpid(pid, 0)
    say(f"ended {os.waitstatus_to_exitcode(status)} kept {len(kept)}")


def main():
    path, command = sys.argv[1], sys.argv[2:]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o600)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: commands.append(number))
    pid = start(path, command)
    while True:
        serve(sock, pid)
        if not commands:
            say("died")
            return 1
        number = commands.pop(0)
        stop(sock, pid)
        if number == signal.SIGTERM:
            return 0
        pid = start(path, command)


if __name__ == "__main__":
    sys.exit(main())
