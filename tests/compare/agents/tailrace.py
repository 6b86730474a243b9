"""tailrace into its store; everything but the flush age is the default."""

import os
import subprocess

from agents.agent import Agent
from agents.package import first_line

PROGRAM = os.path.abspath(os.environ.get("TAILRACE", "build/release/tailrace"))


class Tailrace(Agent):
    name = "tailrace"

    @classmethod
    def available(cls) -> bool:
        return os.access(PROGRAM, os.X_OK)

    @classmethod
    def version(cls) -> str:
        return first_line([PROGRAM, "version"])

    def configure(self) -> None:
        self._next_sequence = 0
        self.data = os.path.join(self.directory, "data")
        self.configuration = self._write("tailrace.yaml", f"""\
data_dir: {self.data}
streams:
  lines: {{ shards: 1 }}
flows:
  logs:
    from: {{ files: "{self.job.logs}/{self.job.pattern}", start: beginning }}
    to: {{ stream: lines, flush: {{ age: 100ms }} }}
""")

    def command(self) -> list[str]:
        return [PROGRAM, "run", "-c", self.configuration]

    def new_output(self) -> bytes:
        """Read as any consumer reads: by sequence number, in another process."""
        run = subprocess.run([PROGRAM, "stream", "get", "lines", "--data-dir", self.data, "--raw",
                              "--from", str(self._next_sequence)], capture_output=True, check=False)
        self._next_sequence += run.stdout.count(b"\n")  # one shard, and no line has a newline in it
        return run.stdout
