"""The real logrotate, with a configuration and a state file of its own."""

import os
import subprocess


class Logrotate:
    def __init__(self, directory: str, path: str, how: str) -> None:
        """`how`: directives, such as copytruncate, one per line."""
        self._configuration = os.path.join(directory, "logrotate.conf")
        self._state = os.path.join(directory, "logrotate.state")
        with open(self._configuration, "w", encoding="utf-8") as file:
            file.write(f'"{path}" {{\n  su root root\n  rotate 100\n  missingok\n{how}\n}}\n'
                       if os.geteuid() == 0 else
                       f'"{path}" {{\n  rotate 100\n  missingok\n{how}\n}}\n')

    def run(self) -> None:
        program = next(one for one in ("/usr/sbin/logrotate", "/usr/bin/logrotate") if os.path.exists(one))
        subprocess.run([program, "--force", "--state", self._state, self._configuration], check=True)
