"""compile_server.py: compiles Python sources for pycompileall, by the interpreter that runs it.

The twin of compile_server.c for interpreters that are not linked with the program. It is started as

    INTERPRETER -S -B -s compile_server.py

with a stream socket as descriptor 0, and speaks what src/protocol.h describes: it greets, answers
one request after the other, and ends when the other end closes. What it answers is what
`INTERPRETER -m compileall` would have written or printed for the same bytes under the same name:
the code comes from source_to_code of importlib's loader, the text of an error from
py_compile.PyCompileError, that of a warning from warnings.formatwarning.

CPython itself would open the file of that name to quote a line of it in an error or a warning. This
is refused, because by now the file may be another one, or a FIFO. Where a line is to be quoted, the
bytes at hand are put into a file in memory for the interpreter to read instead.

It runs on CPython 3.6 and newer and on PyPy 3. One is started for every worker, so what is not
needed by all sources is imported when it is needed first. Python 2 can read it, to be refused.
"""

import sys

# The folder of this script: nothing that lies there may stand in for the library's modules.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import gc
import posix
import warnings

CONVERSATION = 0  # the descriptor of the socket

# As in protocol.h. All numbers are little-endian.
PROTOCOL_VERSION = 2
REQUEST_SIZE = 24  # bytes, without name and source
TAG_MAX = 255  # bytes of a cache tag
NAME_MAX = 1 << 20  # bytes of a name
BODY_MAX = 1 << 32  # bytes of a source
QUOTE = 1  # the only flag of a request: messages may quote the source's lines
CODE, ERROR = 0, 1  # what the payload of a response is

# Received at once. Most requests are smaller, and come with one system call then.
BUFFER_SIZE = 1 << 16  # bytes


# Of the modules that compileall imports.
CLASSES_WITHIN_OTHERS = (
    "HelpFormatter._Section",
    "_SubParsersAction._ChoicesPseudoAction",
    "cmp_to_key.<locals>.K",
)


class BrokenConversation(Exception):
    """The other end closed within a request, or what it sent is none."""


def die(what, why):
    write_all(2, "compile_server.py: {}: {}\n".format(what, why).encode("utf-8", "replace"))
    posix._exit(1)


def write_all(descriptor, data):
    rest = memoryview(data)
    while len(rest) > 0:
        rest = rest[posix.write(descriptor, rest) :]


def encode(text):
    """What UTF-8 lacks is escaped as Python's stderr does."""
    return text.encode("utf-8", "backslashreplace")


def decode_name(name):
    """As Python does what the system calls by bytes."""
    return name.decode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


# ---- One source to compile ----


class Request:
    def __init__(self, name, source, level, quote):
        self.name = name  # str: co_filename
        self.source = source  # bytes
        self.level = level  # compile()'s optimize
        self.quote = quote  # messages may quote the source's lines
        self.file = None  # descriptor of the source in memory

    def path(self):
        """The path by which Python can open the source, until forget(). None: there is none."""
        if self.file is None:
            self.file = store(self.source)
        return None if self.file is None else "/proc/self/fd/{}".format(self.file)

    def forget(self):
        """Leaves nothing for the next source, whose file in memory may have the same path."""
        if self.file is None:
            return
        posix.close(self.file)
        if "linecache" in sys.modules:
            sys.modules["linecache"].clearcache()


def store(source):
    """The descriptor of a file that holds the source and has no name. None: it cannot be had."""
    try:
        file = open_nameless()
    except (AttributeError, OSError):
        return None
    try:
        write_all(file, source)
        return file
    except OSError:
        posix.close(file)
        return None


def open_nameless():
    """A kernel or a sandbox may know no memfd_create: then a file that never had a name."""
    try:
        return posix.memfd_create("source")
    except (AttributeError, OSError):
        return posix.open("/tmp", posix.O_TMPFILE | posix.O_RDWR | posix.O_CLOEXEC, 0o600)


# ---- What keeps compile() from opening the source ----


class AuditHook:
    """Refuses the one file that has the name of what is compiled."""

    def __init__(self):
        self.name = None
        sys.addaudithook(self.audit)

    def audit(self, event, arguments):
        if event == "open" and self.name is not None and arguments[0] == self.name:
            raise PermissionError("a compile server opens no source")

    def impose(self, request):
        self.name = request.name

    def lift(self):
        self.name = None


class OpenLimit:
    """Refuses all files, before Python 3.8: no number is left for another descriptor.

    What compile() may have to import is imported before.
    """

    def __init__(self):
        import resource

        self.set = resource.setrlimit
        self.kind = resource.RLIMIT_NOFILE
        self.usual = resource.getrlimit(self.kind)
        self.none = (0, self.usual[1])

    def impose(self, request):
        self.import_codec(request.source)
        self.import_names(request.source)
        self.set(self.kind, self.none)

    def lift(self):
        self.set(self.kind, self.usual)

    def import_codec(self, source):
        """Looks up what might be named by a coding cookie; if it is none, that does no harm."""
        lines = b"\n".join(source.replace(b"\r", b"\n").split(b"\n", 2)[:2])
        if b"coding" not in lines:
            return
        import codecs
        import re

        for codec in re.findall(br"coding[:=][ \t]*([-\w.]+)", lines):
            try:
                codecs.lookup(codec.decode("ascii"))
            except Exception:
                pass  # compile() will say so

    def import_names(self, source):
        """Identifiers beyond ASCII are normalized, and characters may be named."""
        if b"\\N{" in source or max(source, default=0) > 127:
            try:
                import unicodedata
            except ImportError:
                pass


# ---- Compiling ----


class Server:
    def __init__(self, importlib):
        self.to_code = importlib.SourceFileLoader("<py_compile>", "").source_to_code
        if hasattr(importlib, "_code_to_timestamp_pyc"):
            self.to_pyc, self.header_size = importlib._code_to_timestamp_pyc, 16
        else:
            self.to_pyc, self.header_size = importlib._code_to_bytecode, 12
        self.guard = AuditHook() if hasattr(sys, "addaudithook") else OpenLimit()
        self.compiling = None  # the request whose warnings are kept; None: they are dropped
        self.printed = b""  # warnings of the request at hand, UTF-8
        warnings.showwarning = self.show_warning

    def answer(self, request):
        """The status and the payload of the response; the warnings are in `printed`."""
        self.printed = b""
        try:
            code = self.compile(request)
            # Called as py_compile calls it: what is referred to once is marshalled differently.
            return CODE, memoryview(self.to_pyc(code))[self.header_size :]
        except BaseException as raised:
            error = raised.with_traceback(None)
        return ERROR, self.describe(request, error)

    def compile(self, request):
        self.begin(request)
        try:
            return self.to_code(request.source, request.name, _optimize=request.level)
        finally:
            self.end()

    def begin(self, request):
        self.guard.impose(request)
        self.compiling = request

    def end(self):
        self.compiling = None
        self.guard.lift()

    # -- Warnings --

    def show_warning(self, message, category, name, number, file=None, line=None):
        """Stands in the place of warnings.showwarning."""
        request = self.compiling
        if request is None:
            return
        # Imports may open the very file that is being compiled, if that is of the library.
        self.end()
        try:
            line = self.warning_line(request, name, number)
            text = warnings.formatwarning(message, category, name, number, line)
            self.printed += encode(text)
        finally:
            self.begin(request)

    def warning_line(self, request, name, number):
        """What formatwarning is to show of the file: a line, or "" if it is not to be quoted.

        None (find it yourself) where the warning is not about the source but a codec's module.
        """
        if name != request.name:
            return None
        if not request.quote:
            return ""
        try:
            import linecache

            return linecache.getline(request.path(), number)
        except Exception:
            return ""  # as in warnings.py: left out, whatever the reason

    def reset_warnings(self):
        """Forgets which warnings were shown, so that they do not depend on the sources before.

        A last filter that does what would be done without it changes nothing, but after a change of
        the filters Python takes the registries of all modules for void.
        """
        if self.printed:
            warnings.simplefilter("default", append=True)

    # -- Errors --

    def describe(self, request, error):
        """The message for what compile() raised; whatever goes wrong with it, the type is told."""
        try:
            return encode(self.error_message(request, error))
        except Exception:
            return encode("Sorry: {}: ".format(type(error).__name__))

    def error_message(self, request, error):
        """Only SyntaxError itself is shown with its line: its subclasses become one line."""
        path, again = None, None
        if request.quote and type(error) is SyntaxError and error.lineno is not None:
            path = request.path()
        if path is not None:
            again = self.raise_from_file(request, error, path)
        if again is None:
            return format_error(error, request.name)
        message = format_error(again, request.name)
        return message.replace('File "{}"'.format(path), 'File "{}"'.format(request.name), 1)

    def raise_from_file(self, request, error, path):
        """Compiles again as the file at `path`.

        The SyntaxError raised has the text and the offsets that CPython finds by reading it. None
        if there is none.
        """
        try:
            self.to_code(request.source, path, _optimize=request.level)
        except SyntaxError as raised:
            if type(raised) is SyntaxError:
                # Some messages name the file, and the first one has it right.
                raised.msg = error.msg
                return raised.with_traceback(None)
        except Exception:
            pass
        return None


def format_error(error, name):
    import py_compile

    return py_compile.PyCompileError(type(error), error, name).msg


# ---- The conversation ----


def number(frame, start, end, signed=False):
    return int.from_bytes(frame[start:end], "little", signed=signed)


def receive(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise BrokenConversation("Connection reset by peer")
    return data


def receive_request(stream):
    """The next request; None at the end of the conversation.

    0-3   level, signed         8-11  length of the name       16-23 length of the source
    4-7   flags                 12-15 zero                     24-   the name, then the source
    """
    frame = stream.read(REQUEST_SIZE)
    if len(frame) != REQUEST_SIZE:
        return None
    flags, name_size, zero = number(frame, 4, 8), number(frame, 8, 12), number(frame, 12, 16)
    source_size = number(frame, 16, 24)
    if flags & ~QUOTE or zero or name_size > NAME_MAX or source_size > BODY_MAX:
        raise BrokenConversation("Protocol error")
    name = decode_name(receive(stream, name_size))
    source = receive(stream, source_size)
    return Request(name, source, number(frame, 0, 4, signed=True), flags == QUOTE)


def send_response(status, payload, printed):
    """
    0-3   status                8-15  length of the payload    24-   the payload, then the warnings
    4-7   zero                  16-23 length of the warnings
    """
    frame = (
        status.to_bytes(8, "little")
        + len(payload).to_bytes(8, "little")
        + len(printed).to_bytes(8, "little")
    )
    write_all(CONVERSATION, b"".join((frame, payload, printed)))


def serve_one(server, stream):
    """Answers a request. False: there was none, or nobody wants the answer."""
    try:
        request = receive_request(stream)
    except Exception as error:
        die("cannot receive a request", error)
    if request is None:
        return False
    status, payload = server.answer(request)
    try:
        send_response(status, payload, server.printed)
    except OSError:
        return False
    request.forget()
    server.reset_warnings()
    return True


def serve(server):
    """Answers requests until the other end closes."""
    with open(CONVERSATION, "rb", BUFFER_SIZE, closefd=False) as stream:
        while serve_one(server, stream):
            pass


def greet(importlib):
    """
    0-3   "pycs"                12-15 length of the cache tag    24-31 source hash of nothing
    4-7   protocol version      16-19 version of the language    32-   the cache tag
    8-11  magic number          20-23 own optimization level
    """
    tag = (sys.implementation.cache_tag or "").encode("utf-8")
    if not 0 < len(tag) <= TAG_MAX:
        die("this interpreter writes no cache files", repr(sys.implementation.cache_tag))
    write_all(
        CONVERSATION,
        b"pycs"
        + PROTOCOL_VERSION.to_bytes(4, "little")
        + importlib.MAGIC_NUMBER
        + len(tag).to_bytes(4, "little")
        + sys.hexversion.to_bytes(4, "little")
        + sys.flags.optimize.to_bytes(4, "little", signed=True)
        + hash_of_nothing(importlib.MAGIC_NUMBER)
        + tag,
    )


def hash_of_nothing(magic):
    """By this the program finds out which hash the interpreter uses. Zeroes: it uses none (3.6)."""
    import _imp

    if not hasattr(_imp, "source_hash"):
        return bytes(8)
    return _imp.source_hash(int.from_bytes(magic, "little"), b"")


# ---- Starting ----


def pin_strings():
    """Makes byte-code depend less on what else there is in the process.

    marshal tells apart which strings others refer to as well. Up to Python 3.10 these may be any
    names in any module: so all modules are imported that compileall's process has, and now, not
    some of them at the first error. From 3.13 on they are names of classes within others.
    """
    if sys.implementation.name != "cpython":
        return
    if sys.version_info >= (3, 11):
        for name in CLASSES_WITHIN_OTHERS:
            sys.intern(name)
        return
    import site
    import runpy
    import compileall
    import argparse

    argparse.ArgumentParser()  # which imports some more


def stop_garbage_collector():
    """Nothing that is compiled makes reference cycles, and looking for them takes time.

    An interpreter that counts no references (PyPy), or not those to code (CPython without its
    lock), finds garbage by nothing else.
    """
    if hasattr(sys, "getrefcount") and "t" not in sys.abiflags:
        gc.disable()


def main():
    import _frozen_importlib_external as importlib

    server = Server(importlib)
    try:
        greet(importlib)
    except OSError:
        return  # nobody wants to know
    pin_strings()
    stop_garbage_collector()
    serve(server)


if sys.version_info < (3, 6):
    die("this interpreter is too old", "Python 3.6 is the oldest that will do")
# The compiler's limit on nesting counts what is below it: up to Python 3.11 all frames, later those
# that were entered by way of C. compileall of a folder has eight: two of runpy, exec, the module,
# main, compile_dir, compile_file, compile. Here they are the module, exec, its string, main, serve,
# serve_one, answer, compile. In Python 3.6 what calls runpy counts as well.
if sys.version_info < (3, 7):
    sys.setrecursionlimit(sys.getrecursionlimit() - 1)
exec("main()")
# Taking the interpreter down would only cost time.
posix._exit(0)
