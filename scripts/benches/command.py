"""Messages, and commands that are run for what they do rather than for how long they take."""

import shlex
import subprocess
import sys


def tell(message):
    print("bench: %s" % message, file=sys.stderr)


def fail(message):
    tell(message)
    sys.exit(3)


def run(command, **keywords):
    """Runs a command that must succeed. Returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, **keywords)
    if done.returncode != 0:
        fail("%s: status %d\n%s" % (shlex.join(command), done.returncode, done.stderr))
    return done.stdout
