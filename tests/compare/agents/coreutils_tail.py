"""`tail -F` from coreutils, told every path it will have to follow, because it knows no patterns.

It keeps no state: started again it begins at the first line, which is the best it can do.
"""

import shutil

from agents.agent import Agent
from agents.package import first_line


class CoreutilsTail(Agent):
    name = "tail -F"

    @classmethod
    def available(cls) -> bool:
        return shutil.which("tail") is not None

    @classmethod
    def version(cls) -> str:
        return first_line(["tail", "--version"])

    def command(self) -> list[str]:
        return ["tail", "-q", "-n", "+1", "-F", "--", *self.job.files]

    def standard_output(self) -> str:
        return self.output
