"""A thousand files of three bytes appear while the agent runs; how long until all are delivered?"""

import time

from scene import Scene
from verdict import Verdict

TITLE = "1,000 files of 3 bytes"
FILES = [f"tiny-{i:03}.log" for i in range(1000)]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def run(scene: Scene) -> Verdict:
    scene.start()
    begin = time.monotonic()
    for i, name in enumerate(FILES):
        log = scene.log(name)
        log.write_text((LETTERS[i // 36] + LETTERS[i % 36] + "\n").encode())
        log.close()
    writing = time.monotonic() - begin
    seconds = writing + scene.catch_up()
    verdict = scene.finish()
    if verdict.missing == 0:
        verdict.seconds = seconds
    return verdict
