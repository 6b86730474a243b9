"""gotail: the command of the Go library nxadm/tail, whose relatives are inside several agents.

Optional: it is there if a Go toolchain is. Like `tail -F` it is told every path and keeps no state.
"""

import os
import subprocess

from agents.agent import Agent
from agents.package import Package

PROGRAM = Package("gotail").path("bin/gotail")


class GoTail(Agent):
    name = "gotail"

    @classmethod
    def available(cls) -> bool:
        return os.access(PROGRAM, os.X_OK)

    @classmethod
    def version(cls) -> str:
        run = subprocess.run(["go", "version", "-m", PROGRAM], capture_output=True, text=True, check=False)
        for one in run.stdout.splitlines():
            if one.split()[:2] == ["mod", "github.com/nxadm/tail"]:
                return "nxadm/tail " + one.split()[2]
        return "nxadm/tail"

    def command(self) -> list[str]:
        return [PROGRAM, "-F", *self.job.files]

    def standard_output(self) -> str:
        return self.output
