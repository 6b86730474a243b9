"""Delivery: what an agent has put out so far, compared with what it owes.

Programs that give no sign when they are done have to be waited for. A wait ends when every line
owed is there, when the output has not grown for QUIET_SECONDS, or after LONGEST_SECONDS.
"""

import collections
import time

from agents.agent import Agent
from lines import Expected
from verdict import Verdict

POLL_SECONDS = 0.02
SETTLED_SECONDS = 2.0  # waited after the last line: a duplicate may follow it
QUIET_SECONDS = 8.0  # given up although lines are missing; longer than any agent's polling interval
LONGEST_SECONDS = 90.0
READY = b"ready "  # begins the line by which an agent shows that it runs; not part of the account


class Delivery:
    def __init__(self, agent: Agent, expected: Expected) -> None:
        self._agent, self._expected = agent, expected
        self._got: collections.Counter[bytes] = collections.Counter()
        self._begun = b""  # a line without its end yet
        self._bytes = self._nul_bytes = 0
        self._ready = False
        self._given_up: set[bytes] = set()  # waited for in vain once; later waits do without

    def poll(self) -> None:
        text = self._agent.new_output()
        self._bytes += len(text)
        self._nul_bytes += text.count(b"\0")
        *whole, self._begun = (self._begun + text).split(b"\n")
        self._got.update(one for one in whole if not one.startswith(READY))
        if any(one.startswith(READY) for one in whole):
            self._ready = True

    def _owed(self) -> list[bytes]:
        """Lines that are still to come."""
        return [one for one, count in self._expected.counts.items()
                if self._got[one] < count and one not in self._given_up]

    def wait(self, settled: float = 0.0) -> float:
        """Until everything owed is there and `settled` seconds more without growth. Returns the
        seconds from now to the last growth."""
        begin = last_growth = time.monotonic()
        seen = -1
        owed: list[bytes] = []
        while True:
            self.poll()
            now = time.monotonic()
            if self._bytes != seen:
                seen, last_growth, owed = self._bytes, now, self._owed()
            quiet = now - last_growth
            if not owed and self._ready and quiet >= settled:
                break
            if quiet >= QUIET_SECONDS or now - begin >= LONGEST_SECONDS:
                self._given_up.update(owed)
                break
            time.sleep(POLL_SECONDS)
        return last_growth - begin

    def verdict(self) -> Verdict:
        self.poll()
        got = self._got.copy()
        if self._begun:
            got[self._begun] += 1
        owed = self._expected.counts
        return Verdict(
            written=self._expected.total,
            received=got.total(),
            missing=sum(max(0, count - got[one]) for one, count in owed.items()),
            duplicates=sum(max(0, got[one] - count) for one, count in owed.items()),
            garbled=sum(count for one, count in got.items() if one not in owed),
            nul_bytes=self._nul_bytes)
