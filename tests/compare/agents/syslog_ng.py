"""syslog-ng's wildcard-file source into a file.

flow-control keeps a position from passing a line that is not written; follow-freq is a fifth of
the default, so that its polling is not what is measured.
"""

import os

from agents.agent import Agent
from agents.package import Package, first_line

PACKAGE = Package("syslog-ng-core")
PROGRAM = PACKAGE.path("usr/sbin/syslog-ng")


class SyslogNg(Agent):
    name = "syslog-ng"

    @classmethod
    def available(cls) -> bool:
        return os.access(PROGRAM, os.X_OK)

    @classmethod
    def _environment(cls) -> dict[str, str]:
        return PACKAGE.environment("usr/lib/syslog-ng")

    @classmethod
    def _modules(cls) -> str:
        folder = PACKAGE.path("usr/lib/syslog-ng")
        versions = [one for one in sorted(os.listdir(folder)) if one[0].isdigit()]
        return os.path.join(folder, versions[-1])

    @classmethod
    def version(cls) -> str:
        text = first_line([PROGRAM, f"--module-path={cls._modules()}", "-V"], cls._environment())
        return "syslog-ng " + text.split("(")[1].rstrip(")")

    def configure(self) -> None:
        version = os.path.basename(self._modules())
        self.configuration = self._write("syslog-ng.conf", f"""\
@version: {version}
options {{ log-msg-size(65536); stats-freq(0); flush-lines(1); }};
source logs {{
  wildcard-file(base-dir("{self.job.logs}") filename-pattern("{self.job.pattern}") recursive(no) flags(no-parse)
                monitor-method("auto") follow-freq(0.2) max-files(2000) log-iw-size(200000)
                multi-line-mode(none));
}};
destination lines {{ file("{self.output}" template("${{MESSAGE}}\\n")); }};
log {{ source(logs); destination(lines); flags(flow-control); }};
""")

    def command(self) -> list[str]:
        return [PROGRAM, "-F", "-f", self.configuration, f"--module-path={self._modules()}",
                f"--persist-file={self.directory}/persist", f"--pidfile={self.directory}/pid",
                f"--control={self.directory}/control"]

    def environment(self) -> dict[str, str]:
        return self._environment()
