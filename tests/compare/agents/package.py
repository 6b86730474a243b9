"""A Debian package that was unpacked, not installed: where its programs and libraries are.

rsyslog and syslog-ng-core exclude each other as packages, and installing either starts a service.
Unpacked below one directory each they can be run side by side and touch nothing.
"""

import os
import subprocess

ROOT = os.environ.get("COMPARE_PACKAGES", "build/compare")


class Package:
    def __init__(self, name: str) -> None:
        self.directory = os.path.abspath(os.path.join(ROOT, name))

    def path(self, below: str) -> str:
        return os.path.join(self.directory, below)

    def environment(self, *libraries: str) -> dict[str, str]:
        folders = ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/x86_64-linux-gnu",
                   "lib/aarch64-linux-gnu", *libraries]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(self.path(one) for one in folders)}


def first_line(command: list[str], environment: dict[str, str] | None = None) -> str:
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return run.stdout.splitlines()[0].strip()
