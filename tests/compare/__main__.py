"""Runs cases with agents, each pair in an empty directory, and prints what came of it.

Exit code 1 if tailrace itself lost, doubled or changed a line.
"""

import argparse
import importlib
import os
import platform
import shutil
import sys
import tempfile
import time

from agents.agent import Agent
from agents.coreutils_tail import CoreutilsTail
from agents.go_tail import GoTail
from agents.rsyslog import Rsyslog
from agents.syslog_ng import SyslogNg
from agents.tailrace import Tailrace
from scene import Scene
from table import markdown
from verdict import Verdict

AGENTS: dict[str, type[Agent]] = {
    "tailrace": Tailrace, "rsyslog": Rsyslog, "syslog-ng": SyslogNg, "tail": CoreutilsTail,
    "gotail": GoTail}
Result = tuple[str, str, Verdict]  # case, agent
CASES = ["copytruncate", "copytruncate_race", "nul_hole", "inode_reuse", "same_head", "tiny_files",
         "kill_storm", "kill_storm_rotated"]


def chosen(text: str, known: list[str]) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in known:
            raise SystemExit(f"compare: no '{name}'; there are {', '.join(known)}")
    return names


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/compare.sh", description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES), help="default: %(default)s")
    parser.add_argument("--agents", default=",".join(AGENTS), help="default: %(default)s")
    parser.add_argument("--repeat", type=int, default=1, help="so often each; the table has the sums")
    parser.add_argument("--directory", default=os.environ.get("TMPDIR", "/var/tmp"),
                        help="where logs and outputs are; on ext4, or inode reuse shows nothing")
    parser.add_argument("--keep", action="store_true", help="remove nothing")
    return parser.parse_args()


def play(case: str, agent: type[Agent], directory: str) -> Verdict:
    module = importlib.import_module("cases." + case)
    pattern, killed = getattr(module, "PATTERN", "*.log"), getattr(module, "KILLED", False)
    return module.run(Scene(directory, agent, module.FILES, pattern, killed))


def play_all(cases: list[str], agents: list[type[Agent]], repeat: int, root: str) -> list[Result]:
    results: list[Result] = []
    for case in cases:
        title = importlib.import_module("cases." + case).TITLE
        for agent in agents:
            verdict = Verdict()
            for turn in range(repeat):
                begin = time.monotonic()
                one = play(case, agent, os.path.join(root, case, agent.name.replace(" ", ""), str(turn)))
                verdict.add(one)
                took = time.monotonic() - begin
                print(f"compare: {case}, {agent.name}: {one} ({took:.0f} s)", file=sys.stderr)
            results.append((title, agent.name, verdict))
    return results


def main() -> int:
    options = arguments()
    agents = [AGENTS[name] for name in chosen(options.agents, list(AGENTS))]
    for agent in [one for one in agents if not one.available()]:
        print(f"compare: {agent.name} is not there and is left out", file=sys.stderr)
        agents.remove(agent)
    versions = [agent.version() for agent in agents]
    root = tempfile.mkdtemp(prefix="tailrace-compare.", dir=options.directory)
    results = play_all(chosen(options.cases, CASES), agents, options.repeat, root)
    if options.keep:
        print(f"compare: everything is in {root}", file=sys.stderr)
    else:
        shutil.rmtree(root)
    print(f"Linux {platform.release()}, {os.cpu_count()} CPUs; {', '.join(versions)}\n")
    print(markdown(results))
    wrong = any(name == Tailrace.name and not verdict.exact() for _, name, verdict in results)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
