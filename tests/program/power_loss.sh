#!/bin/sh
# tests/program/power_loss.sh: a few losses of power; scripts/power_loss makes more of them.
#
# Free space is in small pieces, so that every file has several and is waited for, somebody else commits
# the journal all the time, and a sync(2) is under way. On ext4 no such file may be empty or torn. With
# no write-back before the rename, one loss in three leaves empty files where there were none; if it is
# begun and not waited for, one in twelve leaves a torn one.
set -eu

exec "$PYTHON" -I "$top_srcdir/scripts/power_loss.py" --program "$PYCOMPILEALL" --strict \
	--file-system ext4 --size 64 --fragmented 4 --modules 0 --giants 40 --giant-size 0.06 \
	--crashes 15 --after 0.3 --sync 1 --commits 1
