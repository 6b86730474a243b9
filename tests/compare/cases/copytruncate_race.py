"""A log is emptied and has grown past the agent's old offset before the agent looks again.

The agent is stopped with SIGSTOP meanwhile. All lines have the same length, so the old offset is
the beginning of a line also in the new text, and the size never tells.
"""

from scene import Scene
from verdict import Verdict

TITLE = "copytruncate, regrown past the old offset"
FILES = ["app.log"]
ROUNDS = 3


def run(scene: Scene) -> Verdict:
    log = scene.log("app.log")
    scene.start()
    lines_in_file = 0
    for _ in range(ROUNDS):
        log.write(10)
        scene.catch_up()
        scene.agent.freeze()
        log.truncate()
        lines_in_file += 100
        log.write(lines_in_file)
        scene.agent.thaw()
        scene.catch_up()
    return scene.finish()
