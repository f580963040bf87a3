"""Compares two folders of byte-code by the interpreter that it is for.

    EXE -S same_code.py THEIRS OURS

Only files with EXE's own tag count. Prints a line for each file that only one folder has, or whose
code objects or headers are not equal; then how many files there are, and in how many the bytes
differ. The exit status is 1 if there was such a line.
Equal: all parts are alike in type and value, to any depth, whichever objects are shared.
"""

import marshal
import os
import sys
import types

HEADER = 16 if sys.version_info >= (3, 7) else 12  # bytes
TAG = sys.implementation.cache_tag


def code_parts(code):
    """All that can be read of a code object but what is computed from the rest."""
    names = (name for name in dir(code) if name.startswith("co_") and name != "co_lnotab")
    return [value for value in (getattr(code, name) for name in names) if not callable(value)]


def is_same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, types.CodeType):
        return is_same(code_parts(one), code_parts(other))
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, frozenset):
        return one == other and sorted(map(repr, one)) == sorted(map(repr, other))
    if isinstance(one, (float, complex)):
        return repr(one) == repr(other)  # NaN, and the sign of zero
    return one == other


def is_same_file(one, other):
    if one[:HEADER] != other[:HEADER]:
        return False
    return is_same(marshal.loads(one[HEADER:]), marshal.loads(other[HEADER:]))


def is_own(name):
    return name.endswith(".pyc") and ".{}.".format(TAG) in name


def find(folder):
    """The contents of the .pyc files, by their paths within the folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in filter(is_own, names):
            path = os.path.join(place, name)
            with open(path, "rb") as stream:
                found[os.path.relpath(path, folder)] = stream.read()
    return found


def main():
    theirs, ours = find(sys.argv[1]), find(sys.argv[2])
    wrong = sorted(set(theirs) ^ set(ours))
    differ = [path for path in theirs if path in ours and theirs[path] != ours[path]]
    wrong += [path for path in differ if not is_same_file(theirs[path], ours[path])]
    for path in wrong:
        print("not the same:", ascii(path))
    print("{} files, the bytes of {} differ".format(len(theirs), len(differ)))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
