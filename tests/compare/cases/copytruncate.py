"""The real logrotate empties a log in place, again and again, while the agent watches.

The writer is idle around the copy, and for a moment after it, so every line can be had: what was
written before has been delivered, or the agent has stopped delivering, when logrotate runs.
"""

from logrotate import Logrotate
from scene import Scene
from verdict import Verdict

TITLE = "copytruncate, watched live"
FILES = ["app.log"]
LINES_PER_ROUND = [200, 50, 300, 10, 100]  # less than before, and more


def run(scene: Scene) -> Verdict:
    log = scene.log("app.log")
    rotation = Logrotate(scene.agent.directory, scene.path("app.log"), "  copytruncate")
    scene.start()
    for lines in LINES_PER_ROUND:
        log.write(lines)
        scene.catch_up()
        rotation.run()
        scene.let_notice()
    log.write(20)
    return scene.finish()
