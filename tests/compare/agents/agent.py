"""Agent: a program that follows files, as a child process with its own directory and configuration.

It runs in the foreground, as whoever runs the comparison, and never sees the machine's own
configuration. Subclasses say how it is configured and started and where its output is.
"""

import ctypes
import dataclasses
import os
import resource
import signal
import subprocess
from typing import BinaryIO

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 30


def _die_with_parent() -> None:
    """An interrupted comparison leaves no daemon behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # 1,000 files are one of the cases


@dataclasses.dataclass
class Job:
    """What an agent is asked to do. A subclass chooses the configuration that suits it best."""

    directory: str  # for configuration, state and output
    logs: str  # where the logs are
    pattern: str  # which of them are followed
    files: list[str]  # the paths that will be written, for programs that know no patterns
    killed: bool  # it will get SIGKILL


class Agent:
    name = ""

    def __init__(self, job: Job) -> None:
        self.job, self.directory = job, job.directory
        self.output = os.path.join(self.directory, "output")
        self._process: subprocess.Popen[bytes] | None = None
        self._taken_bytes = 0
        os.makedirs(self.directory)
        self.configure()

    # What a subclass says.
    @classmethod
    def available(cls) -> bool:
        raise NotImplementedError

    @classmethod
    def version(cls) -> str:
        raise NotImplementedError

    def configure(self) -> None:
        """Writes configuration files."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def standard_output(self) -> str:
        return os.path.join(self.directory, "agent.log")

    # What it does.
    def start(self) -> None:
        with open(self.standard_output(), "ab") as out, self._log() as log:
            self._process = subprocess.Popen(
                self.command(), stdout=out, stderr=log, env=self.environment(), cwd=self.directory,
                preexec_fn=_die_with_parent)

    def stop(self) -> None:
        """A clean stop; killed if it does not obey."""
        self._signal(signal.SIGTERM)
        try:
            self._running().wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._running().wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def ended_by_itself(self) -> bool:
        return self._running().poll() is not None

    def new_output(self) -> bytes:
        """What was put out since the last call."""
        try:
            with open(self.output, "rb") as file:
                file.seek(self._taken_bytes)
                text = file.read()
        except FileNotFoundError:
            return b""
        self._taken_bytes += len(text)
        return text

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _signal(self, number: int) -> None:
        if not self.ended_by_itself():
            self._running().send_signal(number)

    def _log(self) -> BinaryIO:
        return open(os.path.join(self.directory, "agent.log"), "ab")

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path
