"""Measures pycompileall against compileall and against the floor programs of scripts/floors.

scripts/bench calls it with the interpreter that configure found, whose libpython is embedded. The
map of this folder:

  command       messages, and commands that are not measured
  trees         the scratch trees
  rows          what is promised, ratios from samples, and the tables
  bench         what all sections share: programs, trees, rounds
  up_to_date, stale, interpreters, memory
                the sections
"""

import argparse
import itertools
import os
import platform
import signal
import sys
import tempfile

import interpreters
import memory
import rows
import stale
import up_to_date
from bench import Bench
from command import run, tell

HELP = """\
Measures pycompileall on scratch trees under $TMPDIR: copies of the standard library of the linked
Python, until there are enough sources; in every other copy, folders are divided into parts of five
sources. Prints a Markdown table of ratios and one of times.

sections:
  fresh  nothing is stale: against floor_check (the system calls that prove it, and nothing else)
         and compileall
  hash   nothing is stale, byte-code with checked source hashes: against floor_check --hash
  one    one file that is up to date, and an empty folder: against floor_nothing and compileall
  three  three files of the tree are stale: against a run that finds nothing stale and a run on
         those three alone, one after the other
  stale  no byte-code is there: against floor_compile (reads, compiles and marshals; writes nothing,
         or with --write what it compiled) and compileall
  tiny   the same on 1,000 sources of five lines, in 25 folders
  flat   the same on one folder of 2,000 of the library's sources, or 300 with --quick
  levels        no byte-code is there: -o 0 -o 1 against -o 0
  python        nothing is stale, for the linked Python as one of --python, known from before:
                against the same without that option
  python-stale  the same with no byte-code there
  targets       no byte-code is there, and then nothing is stale, for all of the interpreters named
                with --python at once: against a run for each of them
  servers       resident memory of the compile servers, on one copy of the library, and on a folder
                where one source is giant: against python3 -c pass and what floor_compile needs
  memory        resident memory of the main program, and time a file: nothing is stale in 1,000,000
                sources in 50,000 folders, 20,000 in 1,000, and 200,000 in one. They are links to a
                few files, so that making them takes minutes and not hours

Every round runs all programs of a section once, one after the other, in an order by chance; a
ratio is taken within a round, and the table has the median of the rounds. Caches are warm. The
floors are given the threads or processes that --jobs says. What a file system takes to make files
can be left out by a $TMPDIR in memory. With --quick the sections in which the tree is stale are
given one copy of the library, and memory is left out unless --only names it.
"""

EPILOG = """\
exit status: 0 every bar is met; 1 one is missed; 2 the command line is wrong; 3 it could not be
measured, or a program did not do what it was measured for.
"""

# In the order in which they are run: hash leaves byte-code that the others would not expect.
SECTIONS = {
    "fresh": up_to_date.fresh,
    "one": up_to_date.one,
    "three": up_to_date.three,
    "python": interpreters.python,
    "stale": stale.stale,
    "tiny": stale.tiny,
    "flat": stale.flat,
    "levels": stale.levels,
    "python-stale": interpreters.python_stale,
    "targets": interpreters.targets,
    "servers": memory.servers,
    "hash": up_to_date.hash_checked,
    "memory": memory.memory,
}

# Sources of the tree, what is compiled as a whole, and rounds by section; a section without rounds
# is left out. --quick is to take less than two minutes.
QUICK = {"sources": 5000, "stale whole": False, "flat sources": 300}
QUICK |= {"fresh": 10, "one": 20, "three": 10, "python": 10, "hash": 5, "servers": 1}
QUICK |= {"stale": 2, "tiny": 3, "flat": 2, "levels": 2, "python-stale": 2, "targets": 1}
FULL = {"sources": 20000, "stale whole": True, "flat sources": 2000}
FULL |= {"fresh": 20, "one": 40, "three": 20, "python": 20, "hash": 10, "servers": 3, "memory": 10}
FULL |= {"stale": 10, "tiny": 20, "flat": 10, "levels": 10, "python-stale": 10, "targets": 3}


# --- Printing ---------------------------------------------------------------------------------


def first_line(path, key):
    """What follows the key and a colon or equals sign in a file; "unknown" without such a line."""
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                name, _, value = line.replace("=", ":", 1).partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return "unknown"


def describe_tree(tree):
    system = run(["stat", "--file-system", "--format=%T", tree.path]).strip()
    numbers = tree.sources, tree.size / 1e6, tree.folders, system
    return "%d sources, %.1f MB, in %d folders, on %s" % numbers


def print_facts(bench):
    makefile = os.path.join(bench.build, "Makefile")
    flags = (first_line(makefile, "CFLAGS"), first_line(makefile, "SANITIZER_CFLAGS"))
    facts = {
        "machine": "%d CPUs usable, %s; %s %s; load average before the first round %.1f"
        % (
            len(os.sched_getaffinity(0)),
            first_line("/proc/cpuinfo", "model name"),
            platform.system(),
            platform.release(),
            bench.load,
        ),
        "Python": "%s %s" % (platform.python_implementation(), platform.python_version()),
        "built with": " ".join(flags).strip(),
        "N": "%d (%s)" % (bench.jobs, "--jobs" if bench.program[2:] else "the program's default"),
    }
    for name in ("tree", "stale_tree"):
        # Only what a section asked for was made.
        if name in vars(bench):
            facts[name.replace("_", " ")] = describe_tree(vars(bench)[name])
    for name, value in facts.items():
        print("- %s: %s" % (name, value))
    print()


# --- The command line -------------------------------------------------------------------------


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def describe(scale):
    rounds = ", ".join("%s %d" % (name, scale[name]) for name in SECTIONS if name in scale)
    return "%d sources, rounds: %s" % (scale["sources"], rounds)


def parse_options():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--build", metavar="DIR", help="build folder (default: $BUILD_DIR, or ./build)"
    )
    parser.add_argument(
        "--quick",
        dest="scale",
        action="store_const",
        const=QUICK,
        default=FULL,
        help="%s; without: %s" % (describe(QUICK), describe(FULL)),
    )
    parser.add_argument("--sources", type=positive, metavar="N", help="at least N sources")
    parser.add_argument("--rounds", type=positive, metavar="N", help="N rounds in every section")
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="N workers (default: as many as usable CPUs)"
    )
    parser.add_argument(
        "--python",
        action="append",
        metavar="EXE",
        help="an interpreter for the section targets; to be given more than once",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=SECTIONS,
        metavar="SECTION",
        help="only this section; may be given more than once",
    )
    return parser.parse_args()


def clean_environment():
    """Takes away what would change how Python or the program compiles."""
    for name in list(os.environ):
        if name.startswith("PYTHON") or name == "SOURCE_DATE_EPOCH":
            del os.environ[name]


def main():
    options = parse_options()
    options.build = os.path.abspath(options.build)
    clean_environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    wanted = options.only or options.scale
    with tempfile.TemporaryDirectory(prefix="pycompileall-bench.") as scratch:
        bench = Bench(options, scratch)
        sections = [SECTIONS[name] for name in SECTIONS if name in wanted]
        found = list(itertools.chain.from_iterable(section(bench) for section in sections))
        print_facts(bench)
        met = rows.print_ratios(found)
        rows.print_times(bench.times, bench.jobs)
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(3)
