"""Lines that can be told apart, the writers that write them, and the account of what should arrive.

A line names its writer, its number and its checksum, so that two lines are never equal by chance
and a piece of one is never taken for another: `<writer> <sequence> <crc32> <padding>`.
"""

import collections
import os
import threading
import zlib

LINE_BYTES = 100  # with the newline: a short access log line


def line(writer: str, sequence: int, line_bytes: int = LINE_BYTES) -> bytes:
    """One line with its newline; all lines of one writer have the same length."""
    head = b"%s %06d " % (writer.encode(), sequence)
    padding = (b"abcdefghijklmnopqrstuvwxyz" * 8)[: line_bytes - len(head) - 10]
    return head + b"%08x " % zlib.crc32(head + padding) + padding + b"\n"


class Expected:
    """Which lines were written, and how often each: the truth an agent's output is compared with."""

    def __init__(self) -> None:
        self.counts: collections.Counter[bytes] = collections.Counter()
        self.total = 0
        self._lock = threading.Lock()  # writers may be threads

    def add(self, text: bytes) -> None:
        lines = text.split(b"\n")[:-1]
        with self._lock:
            self.counts.update(lines)
            self.total += len(lines)


class LogFile:
    """A file that an application writes its log to, as its open descriptor sees it."""

    def __init__(self, path: str, writer: str, expected: Expected, append: bool = True) -> None:
        self.path, self.writer, self.expected = path, writer, expected
        self.sequence = 0
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0)
        self.descriptor = os.open(path, flags, 0o644)

    def write(self, lines: int) -> None:
        """All of them in one write, so that no reader sees a torn line that we are to blame for."""
        text = b"".join(line(self.writer, self.sequence + i) for i in range(lines))
        self.sequence += lines
        self.write_text(text)

    def write_text(self, text: bytes) -> None:
        self.expected.add(text)
        while text:
            text = text[os.write(self.descriptor, text) :]

    def truncate(self) -> None:
        """What copytruncate does; a writer that does not append stays where it was."""
        os.ftruncate(self.descriptor, 0)

    def inode(self) -> int:
        return os.fstat(self.descriptor).st_ino

    def close(self) -> None:
        os.close(self.descriptor)
