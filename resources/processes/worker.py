"""A process of its own in which the commands of tasks run, one after another, as ``run-job`` asks through a socket.

It ends with whoever asked: when the socket closes while a command runs, it ends itself and all that the command started.
"""

import json
import os
import queue
import signal
import socket
import sys
import threading
from typing import Any

import click

from feature_store.cli import error_console, told_of_steps
from resources.entry_points import installed_entry_points
from resources.processes.commands import CommandLine, Outcome, perform

END_OF_OUTPUT = b"\x1eend of output\x1e"
"""What a command's output ends with, on both streams; then a line break."""

_one_at_a_time = threading.Lock()


def main() -> None:
    """Serve the socket whose number is the only argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(channel.fileno(), False)
    asked: queue.SimpleQueue[CommandLine | None] = queue.SimpleQueue()
    is_busy = threading.Event()
    threading.Thread(target=_listen, args=(channel, asked, is_busy), daemon=True).start()
    while (line := asked.get()) is not None:
        with told_of_steps(lambda text: _send(channel, {"step": text})):
            outcome = _performed(line)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.write(stream.fileno(), END_OF_OUTPUT + b"\n")
        is_busy.clear()
        _send(channel, {"failure": outcome.failure, "values": outcome.values})


def _performed(line: CommandLine) -> Outcome:
    try:
        return perform(line, installed_entry_points, lambda error: error_console.print_exception(suppress=[click]))
    except KeyboardInterrupt:
        return Outcome(f"{line.entry_point} was interrupted.")


def _listen(channel: socket.socket, asked: "queue.SimpleQueue[CommandLine | None]", is_busy: threading.Event) -> None:
    for text in channel.makefile("rb"):
        is_busy.set()
        asked.put(CommandLine(**json.loads(text)))
    if is_busy.is_set():
        os.killpg(os.getpgrp(), signal.SIGTERM)
    asked.put(None)


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    with _one_at_a_time:
        channel.sendall(json.dumps(message, default=str).encode() + b"\n")


if __name__ == "__main__":
    main()
