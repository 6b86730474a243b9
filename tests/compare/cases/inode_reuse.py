"""A log is deleted, and another one with more in it gets its name and, on ext4, its inode.

Half of the logs are exchanged while the agent runs, half while it is stopped. An agent that still
holds the deleted file keeps the inode from being used again; it is given time to let go.
"""

import os
import time

from lines import LogFile
from scene import Scene
from verdict import Verdict

TITLE = "inode reuse"
RUNNING = [f"running-{i}.log" for i in range(5)]
STOPPED = [f"stopped-{i}.log" for i in range(5)]
FILES = RUNNING + STOPPED
LINES_BEFORE, LINES_AFTER = 10, 30
PROBES_MAX = 50
PROBE_SECONDS = 0.2
REUSE_SECONDS_MAX = 45  # longer than any agent keeps a deleted file by default


def _take_inode(path: str, inode: int) -> list[int] | None:
    """Makes `inode` the next one that the file system hands out: takes the free ones before it, with
    a name that nobody follows. Returns their descriptors, to be closed later; None: it is in use."""
    probe = path + ".probe"
    held: list[int] = []
    while len(held) < PROBES_MAX:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT, 0o644)
        os.unlink(probe)
        if os.fstat(descriptor).st_ino == inode:
            os.close(descriptor)
            return held
        held.append(descriptor)
    _close(held)
    return None


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _exchange(scene: Scene, log: LogFile, patience: float) -> bool:
    inode = log.inode()
    log.close()
    os.unlink(log.path)
    until = time.monotonic() + patience
    while (held := _take_inode(log.path, inode)) is None and time.monotonic() < until:
        time.sleep(PROBE_SECONDS)
    successor = scene.log(log.writer + ".log")
    successor.writer += "-new"
    reused = successor.inode() == inode
    _close(held or [])
    successor.write(LINES_AFTER)
    successor.close()
    return reused


def run(scene: Scene) -> Verdict:
    logs = {name: scene.log(name) for name in FILES}
    for log in logs.values():
        log.write(LINES_BEFORE)
    scene.start()
    scene.catch_up()
    reused = [_exchange(scene, logs[name], REUSE_SECONDS_MAX) for name in RUNNING]
    scene.catch_up()
    scene.agent.stop()
    reused += [_exchange(scene, logs[name], 0) for name in STOPPED]
    scene.agent.start()
    verdict = scene.finish()
    verdict.exchanged, verdict.inodes_back = len(reused), sum(reused)
    return verdict
