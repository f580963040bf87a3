#!/bin/sh
# tests/program/power_loss.sh: a few losses of power; scripts/power_loss makes more of them.
#
# Free space is in small pieces, so that every file has several and is waited for, somebody else commits
# the journal all the time, and a sync(2) is under way: without the wait before the rename, files are
# empty or torn in nearly every loss. On ext4 neither may ever be.
set -eu

exec "$PYTHON" -I "$top_srcdir/scripts/power_loss.py" --program "$PYCOMPILEALL" --strict \
	--file-system ext4 --size 64 --fragmented 8 --modules 0 --giants 40 --giant-size 0.06 \
	--crashes 5 --after 0.3 --sync 1 --commits 1
