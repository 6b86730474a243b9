"""The same storm, and the pattern matches the rotated names too.

Nothing can be missed then, if a renamed file is known again for what it is.
"""

from cases import kill_storm

TITLE = "kill -9 storm, rotated names followed"
KILLED = True
PATTERN = "*.log*"
FILES = kill_storm.FILES
run = kill_storm.run
