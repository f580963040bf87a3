"""What is promised, how it is computed from the samples, and how the tables are printed."""

import statistics
from typing import NamedTuple

# Section and quantity, then how the median must compare to the limit. A quantity without a bar is
# only shown.
BARS = {
    ("fresh", "wall: pycompileall / floor_check"): ("<=", 1.25),
    ("fresh", "wall: compileall -j1 / pycompileall"): (">=", 9),
    ("fresh", "wall: compileall -jN / pycompileall"): (">=", 25),
    ("hash", "wall: pycompileall / floor_check --hash"): ("<=", 1.25),
    ("one", "wall: compileall / pycompileall"): (">=", 25),
    ("one", "wall, ms: pycompileall − floor_nothing"): ("<=", 1),
    ("one", "wall: compileall, empty folder / pycompileall, empty folder"): (">=", 25),
    ("one", "wall, ms: pycompileall, empty folder − floor_nothing"): ("<=", 1),
    ("three", "wall: three stale / (none stale + the three alone)"): ("<=", 1),
    ("levels", "wall: -o 0 -o 1 / -o 0"): ("<", 1.6),
    ("python", "wall: pycompileall --python / pycompileall"): ("<=", 1.1),
    ("python-stale", "wall: pycompileall --python / pycompileall"): ("<=", 1.1),
    ("targets", "wall: all at once / one after the other"): ("<=", 1),
    ("targets", "wall, nothing stale: all at once / one after the other"): ("<=", 1),
    ("servers", "a server's peak − its largest source's / python3 -c pass"): ("<=", 1.3),
    ("servers", "the same, giant source"): ("<=", 1.3),
    ("servers", "left after the giant source / python3 -c pass"): ("<=", 1.3),
    ("memory", "MiB: pycompileall, 1,000,000 sources in 50,000 folders"): ("<=", 32),
    ("memory", "MiB: pycompileall, 200,000 sources in one folder"): ("<=", 32),
    ("memory", "wall a file, pycompileall: of 1,000,000 / of 20,000"): ("<=", 1.2),
}
# A tree that is stale as a whole, whatever it looks like.
for _section in ("stale", "tiny", "flat"):
    BARS[_section, "wall: compileall -jN / pycompileall"] = (">=", 1.2)
    BARS[_section, "wall: pycompileall / floor_compile"] = ("<=", 1.08)
    BARS[_section, "CPU: pycompileall / floor_compile"] = ("<=", 1.12)
BARS["stale", "cores busy: pycompileall / floor_compile"] = (">=", 0.95)

SIGNS = {"<=": "≤", ">=": "≥", "<": "<"}


class Sample(NamedTuple):
    """One run of one program, with all the processes it waited for."""

    wall: float  # seconds
    cpu: float  # seconds, user and system


class Row(NamedTuple):
    """A line of the table of ratios."""

    section: str
    quantity: str
    values: list  # one a round


# --- Rows from samples: lists of one a round, by the name of the program ------------------------


def pairs(samples, left, right):
    return zip(samples[left], samples[right])


def wall_ratio(section, samples, left, right):
    values = [a.wall / b.wall for a, b in pairs(samples, left, right)]
    return Row(section, "wall: %s / %s" % (left, right), values)


def wall_excess(section, samples, left, right):
    values = [(a.wall - b.wall) * 1000 for a, b in pairs(samples, left, right)]
    return Row(section, "wall, ms: %s − %s" % (left, right), values)


def cpu_ratio(section, samples, left, right):
    values = [a.cpu / b.cpu for a, b in pairs(samples, left, right)]
    return Row(section, "CPU: %s / %s" % (left, right), values)


def busy_ratio(section, samples, left, right):
    values = [(a.cpu / a.wall) / (b.cpu / b.wall) for a, b in pairs(samples, left, right)]
    return Row(section, "cores busy: %s / %s" % (left, right), values)


# --- Printing ---------------------------------------------------------------------------------


def is_met(sense, value, limit):
    if sense == "<":
        return value < limit
    return value <= limit if sense == "<=" else value >= limit


def judge(row):
    """The bar of a row and whether it is met, as the table has them."""
    bar = BARS.get((row.section, row.quantity))
    if not bar:
        return "", ""
    sense, limit = bar
    met = is_met(sense, statistics.median(row.values), limit)
    return "%s %g" % (SIGNS[sense], limit), "ok" if met else "MISSED"


def print_ratios(rows):
    """Prints the table. Returns whether every bar is met."""
    print("| section | measured | median | min – max | bar | |")
    print("|---|---|--:|--:|--:|---|")
    missed = False
    for row in rows:
        bar, verdict = judge(row)
        missed |= verdict == "MISSED"
        numbers = statistics.median(row.values), min(row.values), max(row.values)
        print(
            "| %s | %s | %.2f | %.2f – %.2f | %s | %s |"
            % (row.section, row.quantity, *numbers, bar, verdict)
        )
    print()
    return not missed


def print_times(times, jobs):
    """Prints medians; cores busy is the share of `jobs` processors that a program had."""
    print("| section | program | wall, ms | CPU, ms | cores busy | rounds |")
    print("|---|---|--:|--:|--:|--:|")
    for section, name, samples in times:
        wall = statistics.median(sample.wall for sample in samples) * 1000
        cpu = statistics.median(sample.cpu for sample in samples) * 1000
        busy = statistics.median(sample.cpu / sample.wall for sample in samples) / jobs
        print(
            "| %s | %s | %.1f | %.1f | %.0f %% | %d |"
            % (section, name, wall, cpu, busy * 100, len(samples))
        )
