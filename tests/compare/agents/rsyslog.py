"""rsyslog's imfile with everything its manual offers against loss.

The direct queue delivers a line before the next is read. Where a kill -9 comes, the position is
written after each line; without that the state would be that of the last clean stop, and with it a
few hundred lines per second are all there is, so it is left out where nothing is killed.
"""

import os

from agents.agent import Agent
from agents.package import Package, first_line

PACKAGE = Package("rsyslog")
PROGRAM = PACKAGE.path("usr/sbin/rsyslogd")
AGAINST_KILL = 'persistStateInterval="1" persistStateAfterSubmission="on"'


class Rsyslog(Agent):
    name = "rsyslog"

    @classmethod
    def available(cls) -> bool:
        return os.access(PROGRAM, os.X_OK)

    @classmethod
    def version(cls) -> str:
        return " ".join(first_line([PROGRAM, "-v"], PACKAGE.environment()).split()[:2])

    def configure(self) -> None:
        against_kill = AGAINST_KILL if self.job.killed else ""
        self.configuration = self._write("rsyslog.conf", f"""\
global(workDirectory="{self.directory}" maxMessageSize="64k" internalmsg.severity="debug")
module(load="imfile" mode="inotify")
template(name="line" type="string" string="%msg%\\n")
input(type="imfile" file="{self.job.logs}/{self.job.pattern}" tag="compare:" ruleset="store"
      reopenOnTruncate="on" freshStartTail="off" {against_kill})
ruleset(name="store" queue.type="Direct") {{
  action(type="omfile" file="{self.output}" template="line" flushOnTXEnd="on")
}}
action(type="omfile" file="{self.directory}/messages")
""")

    def command(self) -> list[str]:
        plugins = [path for path in map(PACKAGE.path, ("usr/lib/x86_64-linux-gnu/rsyslog",
                                                       "usr/lib/aarch64-linux-gnu/rsyslog"))
                   if os.path.isdir(path)]
        return [PROGRAM, "-n", "-i", f"{self.directory}/pid", "-f", self.configuration,
                "-M", ":".join(plugins)]

    def environment(self) -> dict[str, str]:
        return PACKAGE.environment()
