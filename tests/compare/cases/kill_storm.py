"""Four writers write at a steady rate and rotate by rename; the agent is killed again and again.

Rotated files leave the pattern (app.log becomes app.log.1) and none is deleted. The agent is down
for much shorter than a file lives, so there is none that it could not have seen under its name.
"""

import os
import random
import threading
import time

from scene import Scene
from verdict import Verdict

TITLE = "kill -9 storm, rotated names not followed"
KILLED = True
FILES = [f"app-{i}.log" for i in range(4)]
KILLS = 20
LINES_PER_SECOND = 50  # each writer; slow, since this is no contest of speed
ROTATE_SECONDS = 2.0
TICK_SECONDS = 0.01
LIFE_SECONDS = (0.3, 1.5)
DOWN_SECONDS = (0.0, 0.3)
SEED = 1


class Writer(threading.Thread):
    """Writes every TICK_SECONDS what is due by then."""

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__()
        self._scene, self._file_name = scene, name
        self.ended = threading.Event()

    def run(self) -> None:
        begin = rotated = time.monotonic()
        log = self._scene.log(self._file_name)
        rotations = 0
        while not self.ended.wait(TICK_SECONDS):
            now = time.monotonic()
            if now - rotated >= ROTATE_SECONDS:
                rotations += 1
                os.rename(log.path, f"{log.path}.{rotations}")
                successor = self._scene.log(self._file_name)
                successor.sequence = log.sequence
                log.close()
                log, rotated = successor, now
            due = int((now - begin) * LINES_PER_SECOND)
            if due > log.sequence:
                log.write(due - log.sequence)
        log.close()


def run(scene: Scene) -> Verdict:
    chance = random.Random(SEED)
    scene.start()
    writers = [Writer(scene, name) for name in FILES]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(*LIFE_SECONDS))
        scene.agent.kill()
        time.sleep(chance.uniform(*DOWN_SECONDS))
        scene.agent.start()
    for writer in writers:
        writer.ended.set()
        writer.join()
    return scene.finish()
