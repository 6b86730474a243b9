"""Verdict: the account of one agent in one case. Each line received is good, a duplicate or garbled."""

import dataclasses


@dataclasses.dataclass
class Verdict:
    written: int = 0
    received: int = 0
    missing: int = 0
    duplicates: int = 0
    garbled: int = 0  # nobody wrote such a line: torn, glued together, or with NULs before it
    nul_bytes: int = 0
    exchanged: int = 0  # files that were replaced by others
    inodes_back: int = 0  # and how many of those got their predecessor's inode
    seconds: float | None = None  # None: not measured, or never complete
    note: str = ""

    def exact(self) -> bool:
        return self.missing == self.duplicates == self.garbled == self.nul_bytes == 0

    def remark(self, text: str) -> None:
        self.note += ("; " if self.note else "") + text

    def add(self, other: "Verdict") -> None:
        """Counts are summed. Of the seconds the fewest stay: what else the machine does only adds."""
        for field in ("written", "received", "missing", "duplicates", "garbled", "nul_bytes", "exchanged",
                      "inodes_back"):
            setattr(self, field, getattr(self, field) + getattr(other, field))
        if other.seconds is not None:
            self.seconds = min(self.seconds or other.seconds, other.seconds)
        if other.note and other.note not in self.note:
            self.remark(other.note)
