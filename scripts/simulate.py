"""Simulates how the program's threads share a tree, and holds that against the program itself.

scripts/simulate calls it with the interpreter that configure found. doc/performance.md has the
model behind it, and where its numbers come from.
"""

import argparse
import collections
import heapq
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

HELP = """\
Simulates how the threads of a run share a tree: processors, the queue's and the report's locks, and
the walk, as src/feed.c, src/queue.c, src/worker.c and src/report.c have it. Prints Markdown tables.

  (nothing)  seconds and speed-ups by the number of workers, with as many processors
  --check    runs the program on each tree, slowed down by scripts/floors/delays.c, and shows how far
             the simulation is from it. A delay ends when the machine gives its thread a processor
             again, so it is timed, and the simulation is given what it was on average.
  --costs    measures what the simulation is given: processor time of runs with one worker, least of
             all rounds

rules: when a walk leaves folders to others.
  former  never: one thread walks
  empty   a worker sleeps, and no job and no seed waits
  spare   more workers sleep than jobs wait, and no seed waits
  near    the same, and of the seeds that one is taken that comes first in the output

trees: wide (15 folders in each folder, three levels, 4 sources each: 3,616 folders), chain (1,000
folders, one in the other, 4 sources each), comb (a chain of 200 folders, beside each 10 others, 4
sources each), flat (8,000 sources in one folder), large (14,425 folders, 7 sources each), or a path:
the shape of that folder, not for --check.
"""

# As in the sources of the program.
BATCH_MAX = 64
BATCHES_A_WORKER = 8
WAITING_MAX = 8192

RULES = ("former", "empty", "spare", "near")

# Opens and closes, as strace -c counts them.
TABLE_A_FOLDER = 6
TABLE_A_SOURCE = 2


class Costs(NamedTuple):
    """Seconds. Everything but the waits takes a processor. doc/performance.md says where each of
    them comes from."""

    folder: float = 9.3e-6  # to list a folder, reach it and make its slots
    entry: float = 0.75e-6  # for each entry of it that matters
    component: float = 0.22e-6  # for each folder above it, since the walk goes by whole paths
    branch: float = 4e-6  # to begin a walk at a folder that another walk left
    source: float = 5.1e-6  # to check a source that is up to date
    batch: float = 3e-6  # to make, take and free a batch
    queue_lock: float = 0.03e-6  # under the queue's lock, each time it is taken
    report_lock: float = 0.05e-6  # under the report's lock, each time it is taken
    report_slot: float = 0.006e-6  # and for each slot that is printed past
    thread: float = 30e-6  # to start a worker
    wake: float = 1.1e-6  # to wake a thread that sleeps, for whoever wakes it
    switch: float = 6e-6  # and for the thread itself

    woken: float = 5e-6  # from then until it has a processor
    preempted: float = 0.0  # for how long that keeps whoever woke it from going on
    ticket: float = 0.003e-6  # to look at one consumer for parts to share
    contended: float = 0.1e-6  # more under a lock that somebody else waits for
    table: float = 0.05e-6  # under the lock of the table of descriptors, for each open and close
    compile: float = 0.0  # for a stale source, in the worker and its server
    folder_wait: float = 0.0  # for the disk or a file server, without a processor
    source_wait: float = 0.0


# --- Trees ------------------------------------------------------------------------------------


class Folder:
    """One folder of a tree, and its slots once it was opened: folders first, then sources."""

    __slots__ = ("folders", "sources", "above", "slot", "place", "depth", "filled", "printed")

    def __init__(self, sources, folders=()):
        self.sources = sources
        self.folders = list(folders)
        self.above = None
        self.slot = 0  # which of the slots above is its own
        self.place = self.depth = 0  # in the order of output, and below the operand
        for number, folder in enumerate(self.folders):
            folder.above, folder.slot = self, number
        self.filled = None  # bytearray; None: not opened
        self.printed = 0

    @property
    def entries(self):
        return len(self.folders) + self.sources

    def each(self):
        stack = [self]
        while stack:
            folder = stack.pop()
            yield folder
            stack += reversed(folder.folders)

    def reset(self):
        for place, folder in enumerate(self.each()):
            folder.filled, folder.printed, folder.place = None, 0, place
            folder.depth = folder.above.depth + 1


def wide_tree(fan=15, levels=3, sources=4):
    below = (wide_tree(fan, levels - 1, sources) for _ in range(fan if levels else 0))
    return Folder(sources, below)


def chain_tree(depth=1000, sources=4, teeth=0):
    folder = Folder(sources)
    for _ in range(depth - 1):
        folder = Folder(sources, [folder, *(Folder(sources) for _ in range(teeth))])
    return folder


def shape_of(path):
    folders, sources = [], 0
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                folders.append(shape_of(entry.path))
        elif entry.name.endswith(".py"):
            sources += 1
    return Folder(sources, folders)


TREES = {
    "wide": wide_tree,
    "chain": chain_tree,
    "comb": lambda: chain_tree(200, 4, 10),
    "flat": lambda: Folder(8000),
    "large": lambda: wide_tree(24, 3, 7),
}


def tree_named(name):
    return TREES[name]() if name in TREES else shape_of(name)


# --- Threads, processors, locks ---------------------------------------------------------------


class Lock:
    """First come, first served; whoever waits for it leaves its processor to others."""

    def __init__(self):
        self.held = False
        self.waiting = collections.deque()
        self.busy = 0.0  # seconds that it was held


class Machine:
    """Runs threads, which are generators of steps; what lies between two steps takes no time.

    A step is ("run", seconds), ("wait", seconds), ("hold", lock, seconds), after which the thread
    goes on as the last thing under the lock, or ("sleep",), until somebody wakes the thread.
    """

    def __init__(self, cores, contended):
        self.free = cores
        self.contended = contended
        self.now = 0.0
        self.current = None  # the thread that takes a step
        self.events = []
        self.ready = collections.deque()  # threads that wait for a processor
        self.order = itertools.count()
        self.busy = 0.0  # seconds that processors were busy

    def at(self, delay, what, *arguments):
        heapq.heappush(self.events, (self.now + delay, next(self.order), what, arguments))

    def start(self, thread, delay=0.0):
        self.at(delay, self.step, thread)

    def run(self):
        while self.events:
            self.now, _, what, arguments = heapq.heappop(self.events)
            what(*arguments)
        return self.now

    def step(self, thread):
        self.current = thread
        step = next(thread, None)
        if step is None:
            return
        kind = step[0]
        if kind == "run":
            self.want_core(thread, step[1], None)
        elif kind == "wait":
            self.at(step[1], self.step, thread)
        elif kind == "hold":
            self.want_lock(thread, step[1], step[2])

    def want_core(self, thread, seconds, lock):
        if self.free:
            self.free -= 1
            self.at(seconds, self.leave_core, thread, seconds, lock)
        else:
            self.ready.append((thread, seconds, lock))

    def leave_core(self, thread, seconds, lock):
        self.busy += seconds
        self.free += 1
        self.step(thread)
        if lock:
            self.unlock(lock, seconds)
        while self.free and self.ready:
            self.want_core(*self.ready.popleft())

    def want_lock(self, thread, lock, seconds):
        if lock.held:
            lock.waiting.append((thread, seconds))
        else:
            lock.held = True
            self.want_core(thread, seconds, lock)

    def unlock(self, lock, seconds):
        lock.busy += seconds
        if lock.waiting:
            thread, seconds = lock.waiting.popleft()
            self.want_core(thread, seconds + self.contended, lock)
        else:
            lock.held = False


# --- The program ------------------------------------------------------------------------------


class Batch:
    __slots__ = ("folder", "first", "count", "next", "done")

    def __init__(self, folder, first, count):
        self.folder, self.first, self.count = folder, first, count
        self.next = self.done = 0


class Walk:
    """fts: the folders that are still to come, by level, the next one last."""

    def __init__(self, folder):
        self.levels = [[folder]]

    def next(self):
        while self.levels and not self.levels[-1]:
            self.levels.pop()
        return self.levels[-1].pop() if self.levels else None

    def enter(self, folder):
        if folder.folders:
            self.levels.append(folder.folders[::-1])

    def take_siblings(self):
        """What comes after the folder at hand, nearest level first; [] if nothing does."""
        for level in reversed(self.levels):
            if level:
                taken, level[:] = level[:], []
                return taken
        return []


class Run:
    """One run of the program. `cores` processors, `jobs` workers; `herd`: whether a seed wakes all
    that sleep, or one for each of its folders."""

    def __init__(self, tree, jobs, cores, costs, rule, herd=True):
        self.machine = Machine(cores, costs.contended)
        self.tree, self.jobs, self.costs = tree, jobs, costs
        self.rule = rule
        self.herd = herd
        self.capacity = jobs * BATCHES_A_WORKER
        self.queue_lock, self.report_lock, self.table = Lock(), Lock(), Lock()
        self.waiting_jobs = collections.deque()  # nobody has begun them
        self.begun = {}  # batches with parts left that somebody has begun; ordered
        self.seeds = []  # lists of folders, the next one last
        self.consumers = self.found = self.unfinished = 0
        self.asleep = collections.deque()
        self.idle = 0
        self.blocked = []  # the feeding thread: for room in the queue or the report
        self.closed = False
        self.root = Folder(0, [tree])
        self.root.filled = bytearray(1)
        self.root.depth = -1
        self.cursor, self.full, self.waiting_slots = self.root, False, 0
        self.most_waiting = self.most_slots = 0
        tree.reset()

    def simulate(self):
        self.machine.start(self.feeder())
        return self.machine.run()

    # Waking up. Who wakes somebody pays for it, under the lock that it holds.

    def wake(self, count):
        """Wakes so many consumers. Returns the seconds that takes."""
        count = min(count, len(self.asleep))
        for _ in range(count):
            self.machine.start(self.asleep.popleft(), self.costs.woken)
        return count * self.costs.wake

    def pay(self, seconds):
        if seconds:
            yield "hold", self.queue_lock, seconds
            if self.costs.preempted:
                yield "wait", self.costs.preempted

    def wake_feeder(self):
        for thread in self.blocked:
            self.machine.start(thread, self.costs.woken)
        self.blocked = []

    # The queue. Each of these is called under its lock.

    def take(self):
        """A part of a seed, or a batch, or None."""
        if self.seeds and len(self.waiting_jobs) < self.consumers:
            places = range(len(self.seeds) - 1, -1, -1)
            if self.rule == "near":
                places = sorted(places, key=lambda place: self.seeds[place][-1].place)
            for place in places:
                if not self.is_full(self.seeds[place][-1]):
                    folder = self.seeds[place].pop()
                    if not self.seeds[place]:
                        del self.seeds[place]
                    return folder
        if self.waiting_jobs:
            if len(self.waiting_jobs) == self.capacity:
                self.wake_feeder()
            batch = self.waiting_jobs.popleft()
            if batch.count > 1:
                self.begun[batch] = None
            return batch
        return next(iter(self.begun), None)

    def is_hungry(self):
        if self.rule == "former" or self.seeds:
            return False
        if self.rule in ("spare", "near"):
            return self.idle > len(self.waiting_jobs)
        return self.idle > 0 and not self.waiting_jobs

    def finish_one(self):
        self.unfinished -= 1
        if self.unfinished == 0 and self.closed:
            return self.wake(len(self.asleep))
        return 0.0

    # The report.

    def is_full(self, folder):
        return self.full and not (
            self.cursor is folder.above and self.cursor.printed == folder.slot
        )

    def advance(self):
        """Prints as far as it is filled. Returns how many slots it went past."""
        cursor, passed = self.cursor, 0
        while True:
            if cursor.printed < cursor.entries:
                slot = cursor.printed
                if not cursor.filled[slot]:
                    break
                passed += 1
                if slot < len(cursor.folders) and cursor.folders[slot].entries:
                    cursor = cursor.folders[slot]
                    self.waiting_slots -= 1
                else:
                    cursor.printed += 1
            elif cursor.above is None:
                break
            else:
                cursor.filled = None
                cursor = cursor.above
                cursor.printed += 1
        self.most_slots = max(self.most_slots, self.waiting_slots)
        moved = self.full and (passed or self.waiting_slots < WAITING_MAX)
        self.cursor, self.full = cursor, self.waiting_slots >= WAITING_MAX
        return passed, moved

    def publish(self, folder=None):
        """Opens a folder's slots, or only prints past what is filled."""
        costs = self.costs
        if folder:
            folder.filled = bytearray(folder.entries)
            folder.above.filled[folder.slot] = 1
            self.waiting_slots += folder.entries > 0
        passed, moved = self.advance()
        yield "hold", self.report_lock, costs.report_lock + passed * costs.report_slot
        if moved:
            self.wake_feeder()
            yield "hold", self.queue_lock, costs.queue_lock
            if self.seeds:
                yield from self.pay(self.wake(len(self.asleep)))

    # The walk.

    def ahead(self, found):
        self.found += found
        while self.consumers < min(self.jobs, self.found):
            self.consumers += 1
            yield "run", self.costs.thread
            self.machine.start(self.worker(), self.costs.woken)

    def push(self, batch, blocks):
        yield from self.ahead(batch.count)
        yield "hold", self.queue_lock, self.costs.queue_lock
        while blocks and len(self.waiting_jobs) >= self.capacity:
            self.blocked.append(self.machine.current)
            yield ("sleep",)
            yield "hold", self.queue_lock, self.costs.queue_lock
        self.unfinished += 1
        self.waiting_jobs.append(batch)
        self.most_waiting = max(self.most_waiting, len(self.waiting_jobs))
        yield from self.pay(self.wake(1))

    def seed(self, folders):
        yield "hold", self.queue_lock, self.costs.queue_lock
        self.unfinished += len(folders)
        self.seeds.append(folders)
        yield from self.pay(self.wake(len(self.asleep) if self.herd else len(folders)))

    def visit(self, walk, folder, worker):
        costs = self.costs
        if costs.folder_wait:
            yield "wait", costs.folder_wait
        path = folder.depth * costs.component
        yield "run", costs.folder + folder.entries * costs.entry + path
        for _ in range(TABLE_A_FOLDER if costs.table else 0):
            yield "hold", self.table, costs.table
        while not worker and self.is_full(folder):
            self.blocked.append(self.machine.current)
            yield ("sleep",)
        yield from self.publish(folder)
        for first in range(0, folder.sources, BATCH_MAX):
            count = min(BATCH_MAX, folder.sources - first)
            yield "run", costs.batch / 2
            batch = Batch(folder, len(folder.folders) + first, count)
            yield from self.push(batch, blocks=not worker)
        yield from self.ahead(len(folder.folders))
        if self.is_hungry():
            taken = walk.take_siblings()
            walk.enter(folder)
            if taken:
                yield from self.seed(taken)
            return
        walk.enter(folder)
        if not worker:
            return
        yield "hold", self.queue_lock, costs.queue_lock
        crowded = self.rule == "near" and self.waiting_slots >= WAITING_MAX / 2
        if len(self.waiting_jobs) >= self.capacity or self.full or crowded:
            for level in walk.levels:
                if level:
                    yield from self.seed(level[:])
                    level[:] = []

    def walk(self, folder, worker):
        walk = Walk(folder)
        while folder := walk.next():
            yield from self.visit(walk, folder, worker)

    def feeder(self):
        yield from self.walk(self.tree, worker=False)
        yield "hold", self.queue_lock, self.costs.queue_lock
        self.closed = True
        self.wake(len(self.asleep))

    # The workers.

    def check(self, batch):
        """Takes parts of a batch, as long as there are some."""
        costs = self.costs
        while batch.next < batch.count:
            part = batch.next
            batch.next += 1
            if batch.next == batch.count:
                self.begun.pop(batch, None)
            if costs.source_wait:
                yield "wait", costs.source_wait
            yield "run", costs.source
            for _ in range(TABLE_A_SOURCE if costs.table else 0):
                yield "hold", self.table, costs.table
            if costs.compile:
                yield from self.invite(batch)
                yield "run", costs.compile
            batch.folder.filled[batch.first + part] = 1
            batch.done += 1
            if batch.done == batch.count:
                yield "run", costs.batch / 2
                yield from self.publish()
                yield "hold", self.queue_lock, 2 * costs.queue_lock
                self.finish_one()

    def invite(self, batch):
        if batch.next < batch.count:
            yield "hold", self.queue_lock, self.costs.queue_lock
            yield from self.pay(self.wake(len(self.asleep)))

    def worker(self):
        costs = self.costs
        while True:
            yield "hold", self.queue_lock, costs.queue_lock
            job = self.take()
            if job is None:
                yield "hold", self.queue_lock, self.consumers * costs.ticket
                if self.closed and self.unfinished == 0:
                    return
                job = self.take()
            if job is None:
                self.idle += 1
                self.asleep.append(self.machine.current)
                yield ("sleep",)
                yield "run", costs.switch
                self.idle -= 1
            elif isinstance(job, Folder):
                yield "run", costs.branch
                yield from self.walk(job, worker=True)
                yield "hold", self.queue_lock, costs.queue_lock
                self.finish_one()
            else:
                yield from self.check(job)


def simulate(tree, jobs, cores, costs, rule, herd=True):
    """Returns the run, and its seconds; processors may be many more than there are."""
    run = Run(tree, jobs, cores, costs, rule, herd)
    return run, run.simulate()


# --- Speed-up by processors -------------------------------------------------------------------


def show_speed_ups(options):
    columns = ["%s, s | × | queue, report, table" % rule for rule in options.rules]
    print("| tree | -j | %s |" % " | ".join(columns))
    print("|---|--:|%s" % ("--:|--:|--:|" * len(options.rules)))
    for name in options.tree:
        tree = tree_named(name)
        alone = {}
        for jobs in options.jobs:
            cells = []
            for rule in options.rules:
                cores = options.processors or jobs
                run, seconds = simulate(tree, jobs, cores, options.costs, rule, not options.calm)
                alone.setdefault(rule, seconds)
                locks = (run.queue_lock, run.report_lock, run.table)
                held = ", ".join("%.0f %%" % (lock.busy / seconds * 100) for lock in locks)
                cells.append("%.4f | %.1f | %s" % (seconds, alone[rule] / seconds, held))
            print("| %s | %d | %s |" % (name, jobs, " | ".join(cells)), flush=True)


# --- The program, with delays -----------------------------------------------------------------


def fail(message):
    print("simulate: %s" % message, file=sys.stderr)
    sys.exit(3)


def make_tree(path, folder, suffix=".py"):
    """The folder as a tree of tiny sources; the names of folders come before those of sources."""
    os.mkdir(path)
    stack = [(path, folder)]
    while stack:
        path, folder = stack.pop()
        for number in range(folder.sources):
            with open(os.path.join(path, "m%04d%s" % (number, suffix)), "w") as file:
                file.write("x = %d\n" % number)
        for number, below in enumerate(folder.folders):
            # Short, so that a chain of a thousand is a path.
            below_path = os.path.join(path, "d%d" % number if number else "d")
            os.mkdir(below_path)
            stack.append((below_path, below))


class Sample(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds, user and system, with the processes it waited for


def run_once(command, environment=None, batch=False):
    def calm():
        if batch:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    begin = time.monotonic()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, preexec_fn=calm
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = status
    if status != 0:
        fail("%s: status %d" % (command, status))
    return Sample(wall, usage.ru_utime + usage.ru_stime)


class Delayed(NamedTuple):
    wall: float
    cpu: float
    folder: float  # mean delays, seconds
    source: float


def run_delayed(options, scratch, program, jobs, tree):
    log = os.path.join(scratch, "delays")
    library = os.path.join(options.build, "scripts", "floors", ".libs", "delays.so")
    environment = {
        "LD_PRELOAD": library,
        "DELAY_FOLDER": str(options.delay),
        "DELAY_SOURCE": str(options.delay),
        "DELAY_LOG": log,
    }
    command = [program, "-q", "-j%d" % jobs, tree]
    sample = run_once(command, environment, options.batch)
    with open(log, encoding="utf-8") as file:
        folders, folder, sources, source = map(float, file.read().split())
    os.remove(log)
    return Delayed(*sample, folder / 1e6, source / 1e6)


def check_one(options, scratch, name, jobs, rule, program):
    """One line: the median of the rounds by how far they are from the simulation."""
    rounds = []
    for _ in range(options.rounds):
        real = run_delayed(options, scratch, program, jobs, os.path.join(scratch, name))
        costs = options.costs._replace(folder_wait=real.folder, source_wait=real.source)
        cores = len(os.sched_getaffinity(0))
        _, seconds = simulate(tree_named(name), jobs, cores, costs, rule)
        rounds.append((seconds / real.wall - 1, seconds, real))
    off, seconds, real = sorted(rounds)[len(rounds) // 2]
    print(
        "| %s | %d | %s | %.2f, %.2f | %.3f | %.3f | %+.0f %% | %.2f |"
        % (
            name,
            jobs,
            rule,
            real.folder * 1000,
            real.source * 1000,
            real.wall,
            seconds,
            off * 100,
            real.cpu,
        ),
        flush=True,
    )


def check(options, scratch):
    programs = dict(zip(options.rules, options.program))
    for name in options.tree:
        make_tree(os.path.join(scratch, name), tree_named(name))
        run_once([programs[options.rules[0]], "-qq", os.path.join(scratch, name)])
    print("| tree | -j | rule | delays, ms | measured, s | simulated, s | off | CPU, s |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for name, jobs in itertools.product(options.tree, options.jobs):
        for rule, program in programs.items():
            check_one(options, scratch, name, jobs, rule, program)


# --- Costs ------------------------------------------------------------------------------------


def least(options, command, before=None):
    """The least processor time of all rounds: what disturbs a run only adds to it."""
    samples = []
    for _ in range(options.rounds):
        if before:
            before()
        samples.append(run_once(command).cpu)
    return min(samples)


def measure_costs(options, scratch):
    program = [options.program[0], "-q", "-j1"]
    shapes = {
        "nothing": (Folder(0), ".py"),
        "texts": (Folder(8000), ".txt"),
        "folders": (wide_tree(15, 3, 0), ".py"),
        "wide": (wide_tree(15, 3, 4), ".py"),
        "flat": (Folder(8000), ".py"),
        "chain": (chain_tree(1000, 0), ".py"),
    }
    cost = {}
    for name, (folder, suffix) in shapes.items():
        tree = os.path.join(scratch, name)
        make_tree(tree, folder, suffix)
        run_once([*program, tree])
        cost[name] = least(options, [*program, tree])
    stale = run_once([*program, "-f", os.path.join(scratch, "flat")]).cpu
    listed = (cost["texts"] - cost["nothing"]) / 8000
    folder = (cost["folders"] - cost["nothing"]) / 3616
    source = (cost["flat"] - cost["nothing"]) / 8000
    component = (cost["chain"] - cost["nothing"] - 1000 * folder) / (999 * 500)
    batch = (cost["wide"] - cost["folders"]) / 3616 - 4 * source
    print("| cost | µs of processor time |")
    print("|---|--:|")
    for what, seconds in (
        ("a run that finds nothing", cost["nothing"]),
        ("a folder without sources", folder),
        ("and for each folder above it", component),
        ("to list a file", listed),
        ("a source that is up to date, listed, among 8,000", source),
        ("a batch, beyond its sources and its folder", batch),
        ("a tiny source that is compiled, with the server", (stale - cost["nothing"]) / 8000),
    ):
        print("| %s | %.2f |" % (what, seconds * 1e6))


# --- The command line -------------------------------------------------------------------------


def numbers(text):
    return [int(number) for number in text.split(",")]


def set_cost(costs, text):
    name, _, value = text.partition("=")
    if name not in Costs._fields:
        fail("no such cost: %s (%s)" % (name, ", ".join(Costs._fields)))
    return costs._replace(**{name: float(value) * 1e-6})


def parse_options():
    parser = argparse.ArgumentParser(
        prog="scripts/simulate",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="hold it against the program")
    what.add_argument("--costs", action="store_true", help="measure the costs")
    parser.add_argument("--build", metavar="DIR", help="build folder (default: ./build)")
    parser.add_argument("--tree", action="append", metavar="TREE", help="may be given again")
    parser.add_argument(
        "--jobs", type=numbers, metavar="N,N...", help="workers (default: 1,4,16,64,256)"
    )
    parser.add_argument(
        "--processors", type=int, metavar="N", help="(default: as many as workers)"
    )
    parser.add_argument(
        "--rule",
        action="append",
        choices=RULES,
        help="may be given again (default: all; with --check: near)",
    )
    parser.add_argument(
        "--program",
        action="append",
        metavar="FILE",
        help="the program that has the rule, in the order of --rule (default: that of the build)",
    )
    parser.add_argument(
        "--cost", action="append", default=[], metavar="NAME=US", help="another cost, microseconds"
    )
    parser.add_argument(
        "--calm", action="store_true", help="a seed wakes no more than it has folders"
    )
    parser.add_argument(
        "--delay", type=int, default=1000, metavar="US", help="of --check (default: 1000)"
    )
    parser.add_argument(
        "--batch",
        action="store_true",
        help="--check under SCHED_BATCH: a thread that wakes does not push aside who woke it",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of --check, --costs")
    return parser.parse_args()


def complete(options):
    options.build = os.path.abspath(options.build or "build")
    options.rules = options.rule or (["near"] if options.check or options.costs else list(RULES))
    options.program = [os.path.abspath(program) for program in options.program or []]
    if not options.program:
        options.program = [os.path.join(options.build, "src", "pycompileall")]
    options.jobs = options.jobs or [1, 4, 16, 64, 256]
    options.tree = options.tree or (["wide", "chain", "flat"] if options.check else ["large"])
    costs = Costs()
    for text in options.cost:
        costs = set_cost(costs, text)
    options.cost, options.costs, options.measure = None, costs, options.costs


def main():
    options = parse_options()
    complete(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    scratch = tempfile.mkdtemp(prefix="pycompileall-simulate.")
    try:
        if options.check:
            check(options, scratch)
        elif options.measure:
            measure_costs(options, scratch)
        else:
            show_speed_ups(options)
    finally:
        # shutil.rmtree calls itself for each level, and a chain has a thousand.
        subprocess.run(["rm", "-rf", scratch])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(3)
