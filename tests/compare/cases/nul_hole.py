"""A writer that does not append goes on where it was after its log was emptied: behind a hole.

The hole reads as NUL bytes. None of them was ever written.
"""

from logrotate import Logrotate
from scene import Scene
from verdict import Verdict

TITLE = "NUL hole left by a writer without O_APPEND"
FILES = ["app.log"]
LINES_BEFORE = 80_000  # 8 MB of hole
LINES_AFTER = 100


def run(scene: Scene) -> Verdict:
    log = scene.log("app.log", append=False)
    rotation = Logrotate(scene.agent.directory, scene.path("app.log"), "  copytruncate")
    scene.start()
    log.write(LINES_BEFORE)
    scene.catch_up()
    rotation.run()
    scene.let_notice()
    log.write(LINES_AFTER)
    return scene.finish()
