"""Fifty logs begin with the same 4 KB, as those of programs that print a banner do."""

from lines import line
from scene import Scene
from verdict import Verdict

TITLE = "50 files with the same first 4 KB"
FILES = [f"app-{i:02}.log" for i in range(50)]
HEADER = b"".join(line("banner", i, 128) for i in range(32))  # 4,096 bytes
LINES = 20


def run(scene: Scene) -> Verdict:
    scene.start()
    logs = [scene.log(name) for name in FILES]
    for log in logs:
        log.write_text(HEADER)
    for log in logs:
        log.write(LINES)
    verdict = scene.finish()
    return verdict
