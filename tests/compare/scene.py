"""Scene: one agent in one case: its directories, its logs, what it owes, and how to wait for it."""

import os
import time

from agents.agent import Agent, Job
from delivery import READY, SETTLED_SECONDS, Delivery
from lines import Expected, LogFile
from verdict import Verdict

NOTICE_SECONDS = 2.0


class Scene:
    def __init__(self, root: str, agent: type[Agent], names: list[str], pattern: str, killed: bool) -> None:
        """`names`: the log files there will be. `pattern`, `killed`: see Job."""
        self.logs = os.path.join(root, "logs")
        os.makedirs(self.logs)
        self.expected = Expected()
        files = [self.path(name) for name in ["ready.log", *names]]
        self.agent = agent(Job(directory=os.path.join(root, "agent"), logs=self.logs,
                               pattern=pattern, files=files, killed=killed))
        self.delivery = Delivery(self.agent, self.expected)

    def path(self, name: str) -> str:
        return os.path.join(self.logs, name)

    def log(self, name: str, append: bool = True) -> LogFile:
        return LogFile(self.path(name), name.removesuffix(".log"), self.expected, append)

    def start(self) -> None:
        """Starts the agent and waits until a line that was there before has come through."""
        with open(self.path("ready.log"), "wb") as file:
            file.write(READY + b"when this line arrives\n")
        self.agent.start()
        self.delivery.wait()

    def catch_up(self) -> float:
        """Until the agent has delivered what was written so far, or has given up doing so."""
        return self.delivery.wait()

    def let_notice(self) -> None:
        """Time to see something that no agent answers to, such as an empty file."""
        time.sleep(NOTICE_SECONDS)

    def finish(self) -> Verdict:
        """Everything is written: waits for the agent, also for what comes too often, and judges."""
        self.delivery.wait(SETTLED_SECONDS)
        crashed = self.agent.ended_by_itself()
        self.agent.stop()
        verdict = self.delivery.verdict()
        if crashed:
            verdict.remark("ended by itself")
        return verdict
