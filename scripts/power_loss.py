"""Takes the power from a disk while pycompileall writes to it, and looks at what is left.

scripts/power_loss and the test suite call it. It needs root, loop devices and mounts of its own,
and ends with exit status 77 where it gets none.
"""

import argparse
import ctypes
import errno
import fcntl
import os
import random
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from typing import NamedTuple, Optional

HELP = """\
Makes a file system in an image, puts a copy of the standard library and some sources with giant
constants there, runs pycompileall over them, and takes the power away at a random moment during the
run or after it. Then mounts the file system again, looks at each .pyc, and lets pycompileall run
once more. Prints what became of the .pyc files, one line for each way.

ways to lose power:
  shutdown  the ioctl of that name: the file system (ext4, xfs) writes nothing from that moment on;
            what it wrote before is there, in that order
  cache     the disk under it (a file on another ext4, which is shut down) goes, and with it, at
            random, what it was not told to flush; for any file system

what became of a .pyc:
  right    all of the new one           old      all of the one from before the run
  absent   none                         empty    no byte
  blank    all zeros, and in one piece on the disk, for which pycompileall does not wait
  refused  the magic number is not there, or not the whole header: Python and pycompileall take
           neither that nor a blank or empty one for byte-code, and make it anew
  torn     anything else: an import fails, or does what nobody wrote
"""

EPILOG = """\
exit status: 0 nothing was torn, and the next run made what was missing; 1 otherwise; 2 the command
line is wrong; 3 the experiment failed; 77 it cannot be made here, and why is printed.
"""

SKIP = 77

# _IOR('X', 125, __u32) of ext4, which is XFS_IOC_GOINGDOWN too; without writing the journal first.
IOC_SHUTDOWN = 0x8004587D
SHUTDOWN_NOLOGFLUSH = 2

SYNC_FILE_RANGE_ALL = 7

# struct fiemap of <linux/fiemap.h>: start, length, flags, pieces found, room for pieces, reserved.
IOC_FIEMAP = 0xC020660B
FIEMAP = struct.Struct("QQIIII")
FIEMAP_MAX_OFFSET = (1 << 64) - 1

HEADER_SIZE = 16

MEBIBYTE = 1 << 20

# What a disk with a cache writes in one go.
PIECE = 1 << 16

MKFS = {
    # As on a big disk, but with inodes enough for many small files.
    "ext4": ["mkfs.ext4", "-q", "-F", "-b", "4096", "-i", "4096", "-E", "lazy_itable_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}

# What may be left, the best first.
STATES = ("right", "old", "absent", "blank", "empty", "refused", "torn")

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The experiment cannot be made on this machine."""


def call(*words, **options):
    """Runs a command; what it says is shown only if it fails."""
    done = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
        **options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stdout.strip()}")


def attach(image):
    """A loop device that passes by the page cache."""
    words = ["losetup", "--find", "--show", "--direct-io=on", image]
    done = subprocess.run(words, stdout=subprocess.PIPE, universal_newlines=True, check=True)
    return done.stdout.strip()


def shut_down(descriptor):
    """Takes the power from the file system of an open folder or file."""
    fcntl.ioctl(descriptor, IOC_SHUTDOWN, struct.pack("I", SHUTDOWN_NOLOGFLUSH))


class Mount:
    """
    A file system in an image, mounted; the loop device goes with the mount. With `direct`, what is
    written takes the time that the disk under the image takes.
    """

    def __init__(self, image, place, direct=False):
        self.place = place
        os.makedirs(place, exist_ok=True)
        if direct:
            device = attach(image)
            try:
                call("mount", device, place)
            finally:
                # As soon as it is no longer mounted.
                call("losetup", "--detach", device)
        else:
            call("mount", "-o", "loop", image, place)
        self.mounted = True

    def unmount(self):
        """Again and again while somebody still has it: who lost a disk may take a while."""
        for _ in range(100):
            words = ["umount", self.place]
            if subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                self.mounted = False
                return
            time.sleep(0.1)
        raise RuntimeError(f"cannot unmount {self.place}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mounted:
            self.unmount()


class Sources(NamedTuple):
    """What there is to compile."""

    modules: int
    giants: int
    giant_size: int

    def create(self, tree, chance):
        """Files of the standard library, and giants."""
        os.makedirs(tree)
        for i, path in enumerate(library_modules()[: self.modules]):
            shutil.copyfile(path, os.path.join(tree, f"m{i:04}_{os.path.basename(path)}"))
        for i in range(self.giants):
            with open(os.path.join(tree, f"giant{i}.py"), "w", encoding="ascii") as file:
                # No two pages are the same, so that one in another's place is seen.
                text = chance.getrandbits(4 * self.giant_size)
                file.write(f'DATA = "{text:0{self.giant_size}x}"\n')


def library_modules():
    """Sources of the standard library, always in the same random order."""
    library = sysconfig.get_path("stdlib")
    found = []
    for name in ("", "asyncio", "email", "http", "importlib", "json", "unittest", "urllib"):
        folder = os.path.join(library, name)
        if os.path.isdir(folder):
            names = [file for file in sorted(os.listdir(folder)) if file.endswith(".py")]
            found += [os.path.join(folder, file) for file in names]
    random.Random(1).shuffle(found)
    return found


def fragment(place, piece, keep):
    """Leaves `keep` bytes of the free space, in pieces of `piece` bytes that do not touch."""
    folder = os.path.join(place, "filler")
    os.mkdir(folder)
    block = os.urandom(piece)
    files = []
    try:
        while True:
            name = os.path.join(folder, str(len(files)))
            with open(name, "wb") as file:
                files.append(name)
                file.write(block)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    with open(files[0], "rb") as file:
        libc.syncfs(file.fileno())
    for name in files[1 : 2 * keep // piece : 2]:
        os.unlink(name)


def count_pieces(file):
    """How many pieces an open file has on the disk, or None where the file system does not tell."""
    try:
        asked = fcntl.ioctl(file, IOC_FIEMAP, FIEMAP.pack(0, FIEMAP_MAX_OFFSET, 0, 0, 0, 0))
    except OSError:
        return None
    return FIEMAP.unpack(asked)[3]


class Content(NamedTuple):
    """What is in a .pyc, and how it lies on the disk."""

    data: bytes
    pieces: Optional[int]

    def is_blank(self):
        return self.pieces == 1 and len(self.data) <= MEBIBYTE and not any(self.data)


def read_tree(tree):
    """The content of every .pyc, by its name."""
    cache = os.path.join(tree, "__pycache__")
    found = {}
    if os.path.isdir(cache):
        for name in os.listdir(cache):
            if name.endswith(".pyc"):
                with open(os.path.join(cache, name), "rb") as file:
                    found[name] = Content(file.read(), count_pieces(file))
    return found


def classify(content, right, old):
    """Which of STATES a .pyc is in, `content` and `old` None if there is none."""
    if content is None:
        return "absent"
    if content.data == right.data:
        return "right"
    if old is not None and content.data == old.data:
        return "old"
    if not content.data:
        return "empty"
    if content.is_blank():
        return "blank"
    if len(content.data) < HEADER_SIZE or content.data[:4] != right.data[:4]:
        return "refused"
    return "torn"


class Experiment:
    """One file system with its sources, from which the power is taken again and again."""

    def __init__(self, arguments, work, file_system, replace):
        self.arguments = arguments
        self.file_system = file_system
        self.replace = replace
        self.chance = random.Random(arguments.seed)
        self.golden = os.path.join(work, "golden")
        self.image = os.path.join(work, "image")
        self.disk = os.path.join(work, "disk")
        self.place = os.path.join(work, "mount")
        self.tree = os.path.join(self.place, "tree")
        self.prepare()

    def command(self, *more):
        return shlex.split(self.arguments.program) + ["-q", *more, self.tree]

    def prepare(self):
        """Makes the image that each round begins with, and learns what is right."""
        arguments = self.arguments
        sources = Sources(arguments.modules, arguments.giants, int(arguments.giant_size * MEBIBYTE))
        with open(self.golden, "wb") as file:
            file.truncate(arguments.size * MEBIBYTE)
        call(*MKFS[self.file_system], self.golden)
        with Mount(self.golden, self.place):
            sources.create(self.tree, self.chance)
            start = time.monotonic()
            subprocess.run(self.command(), check=True)
            self.duration = time.monotonic() - start
            self.right = read_tree(self.tree)
            shutil.rmtree(os.path.join(self.tree, "__pycache__"))
            # Before there is an old one, whose place is free for a new one as soon as it is gone.
            if arguments.fragmented:
                needed = sum(len(content.data) for content in self.right.values())
                fragment(self.place, arguments.fragmented * 1024, 3 * needed)
            self.old = {}
            if self.replace:
                subprocess.run(self.command("-s", self.place, "-p", "/before"), check=True)
                self.old = read_tree(self.tree)
                if any(self.old[name].data == right.data for name, right in self.right.items()):
                    raise RuntimeError("old and new byte-code do not differ")

    def mount_for_loss(self):
        """The mounts of a round, the one to be shut down first."""
        if self.arguments.way == "shutdown":
            shutil.copyfile(self.golden, self.image)
            return [Mount(self.image, self.place, self.arguments.direct)]
        with open(self.image, "wb") as file:
            file.truncate(self.arguments.size * MEBIBYTE * 5 // 4 + 64 * MEBIBYTE)
        call(*MKFS["ext4"], self.image)
        outer = Mount(self.image, self.disk)
        try:
            # No holes: whatever is written there later changes nothing of the file system below.
            copy = os.path.join(self.disk, "image")
            call("dd", f"if={self.golden}", f"of={copy}", "bs=1M", "conv=fsync", "status=none")
            return [outer, Mount(copy, self.place)]
        except BaseException:
            outer.unmount()
            raise

    def round(self):
        """One loss of power. Counts of STATES, and whether the next run mended what there was."""
        mounts = self.mount_for_loss()
        try:
            Loss(self, mounts[0].place).run()
        finally:
            for mount in reversed(mounts):
                mount.unmount()
        if self.arguments.way == "shutdown":
            with Mount(self.image, self.place):
                return self.look()
        with Mount(self.image, self.disk), Mount(os.path.join(self.disk, "image"), self.place):
            return self.look()

    def look(self):
        left = self.states()
        if os.path.isdir(self.tree):
            subprocess.run(self.command(), check=False)
        mended = all(state in ("right", "old") for state in self.states().values())
        return left, mended

    def states(self):
        found = read_tree(self.tree)
        return {
            name: classify(found.get(name), right, self.old.get(name))
            for name, right in self.right.items()
        }


class Loss:
    """A run that loses the power, with what others may do on that file system at the same time."""

    def __init__(self, experiment, victim):
        arguments, chance = experiment.arguments, experiment.chance
        self.experiment = experiment
        self.victim = victim
        self.over = threading.Event()
        # Half of them in the middle of it.
        self.moment = chance.uniform(0, experiment.duration)
        if chance.random() < 0.5:
            self.moment = experiment.duration + chance.uniform(0, arguments.after)
        # sync(2), whoever calls it, writes all there is, and is interrupted by the loss.
        self.sync = None
        if chance.random() < arguments.sync:
            self.sync = self.moment - chance.uniform(0, 0.3)
        # fsync(2) of another file commits the journal, and writes nothing of our files.
        self.commits = chance.random() < arguments.commits

    def run(self):
        folder = os.open(self.victim, os.O_RDONLY | os.O_DIRECTORY)
        helpers = [threading.Thread(target=job) for job in self.jobs()]
        start = time.monotonic()
        more = ["-f"] if self.experiment.replace else []
        program = subprocess.Popen(
            self.experiment.command(*more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for helper in helpers:
                helper.start()
            time.sleep(max(0, start + self.moment - time.monotonic()))
            self.lose_some()
            shut_down(folder)
        finally:
            self.over.set()
            os.close(folder)
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            for helper in helpers:
                helper.join()

    def lose_some(self):
        """A disk writes what is in its cache in an order of its own."""
        if self.experiment.arguments.way == "shutdown":
            return
        chance = self.experiment.chance
        pieces = self.experiment.arguments.size * MEBIBYTE // PIECE
        portion = chance.choice((0, 0.1, 0.5, 0.9))
        with open(os.path.join(self.victim, "image"), "rb") as file:
            for i in range(pieces):
                if chance.random() < portion:
                    start, size = ctypes.c_int64(i * PIECE), ctypes.c_int64(PIECE)
                    libc.sync_file_range(file.fileno(), start, size, SYNC_FILE_RANGE_ALL)

    def jobs(self):
        if self.sync is not None:
            yield self.sync_once
        if self.commits:
            yield self.commit_often

    def sync_once(self):
        descriptor = os.open(self.experiment.place, os.O_RDONLY)
        self.over.wait(max(0, self.sync))
        libc.syncfs(descriptor)
        os.close(descriptor)

    def commit_often(self):
        try:
            with open(os.path.join(self.experiment.place, "other"), "wb", buffering=0) as file:
                while not self.over.wait(0.005):
                    file.write(b"other")
                    os.fsync(file.fileno())
        except OSError:
            # The power is gone.
            pass


def enter_namespace():
    """Mounts that nobody else sees, and that go with this process, however it ends."""
    if os.geteuid() != 0:
        raise Skip("only root can mount an image")
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 0x40000
    if libc.unshare(clone_newns) != 0:
        raise Skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    if libc.mount(b"none", b"/", None, ctypes.c_ulong(ms_rec | ms_private), None) != 0:
        raise Skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")


def check_possible(work, file_system, shut):
    """Raises Skip where no such file system can be made, mounted, and with `shut` shut down."""
    for tool in (MKFS[file_system][0], "mount", "umount", "losetup"):
        if not shutil.which(tool):
            raise Skip(f"no {tool}")
    image, place = os.path.join(work, "try"), os.path.join(work, "mount")
    with open(image, "wb") as file:
        file.truncate((320 if file_system != "ext4" else 16) * MEBIBYTE)
    call(*MKFS[file_system], image)
    try:
        with Mount(image, place):
            if shut:
                try_shut_down(place)
    except (OSError, RuntimeError) as error:
        raise Skip(str(error)) from None
    os.unlink(image)


def try_shut_down(place):
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        shut_down(descriptor)
    finally:
        os.close(descriptor)


def parse(words):
    parser = argparse.ArgumentParser(
        prog="power_loss", description=HELP, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--program", default="pycompileall", help="the command under test (default: %(default)s)")
    add("--file-system", default="ext4", choices=sorted(MKFS), help="default: %(default)s")
    add("--way", default="shutdown", choices=("shutdown", "cache"), help="default: %(default)s")
    add("--kind", default="both", choices=("first", "replace", "both"),
        help="no byte-code there, another one, or each in turn (default: %(default)s)")
    add("--crashes", type=int, default=50, metavar="N", help="of each kind (default: %(default)s)")
    add("--after", type=float, default=6, metavar="SECONDS",
        help="half of them up to so long after the run (default: %(default)s)")
    add("--modules", type=int, default=100, metavar="N",
        help="of the standard library (default: %(default)s)")
    add("--giants", type=int, default=3, metavar="N", help="default: %(default)s")
    add("--giant-size", type=float, default=8, metavar="MIB", help="default: %(default)s")
    add("--size", type=int, default=512, metavar="MIB", help="of the image (default: %(default)s)")
    add("--fragmented", type=int, default=0, metavar="KIB",
        help="free space only in pieces of that size, and little of it")
    add("--sync", type=float, default=0.5, metavar="P",
        help="how probable a sync(2) right before is (default: %(default)s)")
    add("--commits", type=float, default=0.5, metavar="P",
        help="how probable fsync(2) by others all the time is (default: %(default)s)")
    add("--direct", action="store_true",
        help="writes take the time of the disk under $TMPDIR (with shutdown only)")
    add("--seed", type=int, default=None, metavar="N", help="default: the time")
    add("--strict", action="store_true", help="an empty or a refused one is a failure too")
    add("--verbose", action="store_true", help="tell of each loss")
    arguments = parser.parse_args(words)
    if arguments.seed is None:
        arguments.seed = int(time.time())
    return arguments


def run_kind(arguments, work, kind):
    """All losses of one kind; whether all was well."""
    experiment = Experiment(arguments, work, arguments.file_system, kind == "replace")
    bad = ("empty", "refused", "torn") if arguments.strict else ("torn",)
    counts, hit, unmended = dict.fromkeys(STATES, 0), dict.fromkeys(STATES, 0), 0
    for i in range(arguments.crashes):
        left, mended = experiment.round()
        states = list(left.values())
        for state in STATES:
            counts[state] += states.count(state)
            hit[state] += state in states
        unmended += not mended
        for name in sorted(left):
            if left[name] in bad:
                print(f"loss {i}: {left[name]}: {name}", flush=True)
        if arguments.verbose:
            print(i, {state: states.count(state) for state in STATES}, mended, flush=True)
    files = ", ".join(f"{state} {counts[state]} ({hit[state]})" for state in STATES)
    print(f"{arguments.file_system}, {arguments.way}, {kind}, seed {arguments.seed}: "
          f"{arguments.crashes} losses; .pyc files (losses with such): {files}; "
          f"not mended by the next run: {unmended}", flush=True)
    return unmended == 0 and all(counts[state] == 0 for state in bad)


def main():
    arguments = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="power_loss.") as work:
        try:
            enter_namespace()
            check_possible(work, arguments.file_system, arguments.way == "shutdown")
            if arguments.way == "cache":
                check_possible(work, "ext4", True)
        except Skip as reason:
            print(f"power_loss: skipped: {reason}")
            return SKIP
        kinds = ("first", "replace") if arguments.kind == "both" else (arguments.kind,)
        # Each of them, even if the first has failed.
        return 0 if all([run_kind(arguments, work, kind) for kind in kinds]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, subprocess.SubprocessError) as failure:
        print(f"power_loss: {failure}", file=sys.stderr)
        sys.exit(3)
