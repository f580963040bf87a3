/*
 * compile_server: compiles Python sources for pycompileall, in a process of its own.
 *
 * It speaks protocol.h on descriptor 0, one request after the other, and ends when the other end
 * closes. Bytes come in and bytes go out: it opens no source and no cache file. What it answers is
 * what `python3 -m compileall` would have written or printed for the same bytes under the same
 * name: the code comes from source_to_code of importlib's loader, the text of an error from
 * py_compile.PyCompileError, that of a warning from warnings.formatwarning.
 *
 * CPython itself would open the file of that name to quote a line of it in an error or a warning.
 * An audit hook refuses this, because by now the file may be another one, or a FIFO. Where a line
 * is to be quoted, the bytes at hand are put into a file in memory for CPython to read instead.
 *
 * Everything is done by one thread. Every Python exception is an answer; what cannot be answered
 * (no memory for a request, a broken frame) ends the process.
 */
#include "config.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <marshal.h>

#include "buffer.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define CONVERSATION 0 /* the descriptor of the socket */

/* A source of that many bytes has left so much free memory behind that it is worth giving back. */
#define GIANT_SOURCE ((Py_ssize_t)1 << 20)

/*
 * Up to Python 3.11 the compiler's limit on nesting counts the Python frames below it. compileall
 * of a folder has eight that are not here: two of runpy, exec, the module, main, compile_dir,
 * compile_file, and py_compile.compile.
 */
#if PY_VERSION_HEX < 0x030C0000
#define COMPILEALL_FRAMES 8
#else
#define COMPILEALL_FRAMES 0
#endif

/* One source to compile. */
struct request {
	PyObject *name;   /* str: co_filename */
	PyObject *source; /* bytes */
	int level;        /* compile()'s optimize */
	bool quote;       /* messages may quote the source's lines */
};

struct server {
	PyObject *to_code;    /* source_to_code of importlib's loader, bound */
	PyObject *warnings;   /* the module */
	PyObject *linecache;  /* the module; NULL until a warning quotes a line */
	PyObject *py_compile; /* the module; NULL until there is an error */
	/* What compile() is at work on: may not be opened, and its warnings are kept. NULL while
	 * Python does anything else. */
	const struct request *compiling;
	struct buffer printed;         /* warnings of the request at hand, UTF-8 */
	struct protocol_reader reader; /* of the conversation */
	struct buffer name;            /* bytes of the request's name, before they are decoded */
	int memory_file;               /* descriptor of the source in memory; -1 = none */
	char memory_name[32];          /* the path by which Python opens it */
};

static void die(const char *what)
{
	(void)fprintf(stderr, "compile_server: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* The exception that is set, normalized; it is set no longer. A new reference. */
static PyObject *take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
	return PyErr_GetRaisedException();
#else
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	Py_XDECREF(type);
	Py_XDECREF(traceback);
	return value;
#endif
}

/* ---- The source as a file in memory ---- */

static int write_all(int descriptor, const char *bytes, Py_ssize_t size)
{
	while (size > 0) {
		ssize_t written = write(descriptor, bytes, (size_t)size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		size -= written;
	}
	return 0;
}

/* A kernel or a sandbox may know no memfd_create: then a file that never had a name. */
static int open_nameless(void)
{
	int descriptor = -1;

#ifdef HAVE_MEMFD_CREATE
	descriptor = memfd_create("source", MFD_CLOEXEC);
#endif
	if (descriptor < 0)
		descriptor = open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return descriptor;
}

/*
 * The path under which Python can open the source of `request`; made at the first call for it,
 * valid until forget_source. NULL without an exception where there can be none.
 */
static const char *source_path(struct server *server, const struct request *request)
{
	if (server->memory_file >= 0)
		return server->memory_name;
	server->memory_file = open_nameless();
	if (server->memory_file < 0)
		return NULL;
	if (write_all(server->memory_file, PyBytes_AS_STRING(request->source),
		      PyBytes_GET_SIZE(request->source)) != 0) {
		(void)close(server->memory_file);
		server->memory_file = -1;
		return NULL;
	}
	(void)snprintf(server->memory_name, sizeof(server->memory_name), "/proc/self/fd/%d",
		       server->memory_file);
	return server->memory_name;
}

static void forget_source(struct server *server)
{
	PyObject *result;

	if (server->memory_file < 0)
		return;
	(void)close(server->memory_file);
	server->memory_file = -1;
	if (!server->linecache)
		return;
	result = PyObject_CallMethod(server->linecache, "clearcache", NULL);
	if (!result)
		PyErr_Clear();
	Py_XDECREF(result);
}

/* ---- Warnings ---- */

/* Imports a module when it is needed first: most servers never need it. A borrowed reference. */
static PyObject *import_once(PyObject **module, const char *name)
{
	if (!*module)
		*module = PyImport_ImportModule(name);
	return *module;
}

/* Python's text in UTF-8, what it lacks escaped as Python's stderr does. A new reference. */
static PyObject *encode(PyObject *text)
{
	return PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
}

/*
 * What formatwarning is to show of the file: line `number` of the source, "" if it is not to be
 * quoted, None (find it yourself) where the warning is not about the source but a codec's module.
 */
static PyObject *warning_line(struct server *server, const struct request *request, PyObject *name,
			      PyObject *number)
{
	const char *path;
	PyObject *line = NULL;

	if (!PyUnicode_Check(name) || PyUnicode_Compare(name, request->name) != 0)
		Py_RETURN_NONE;
	path = request->quote ? source_path(server, request) : NULL;
	if (path && import_once(&server->linecache, "linecache"))
		line = PyObject_CallMethod(server->linecache, "getline", "sO", path, number);
	if (line)
		return line;
	/* As in warnings.py: a line that cannot be had is left out, whatever the reason. */
	PyErr_Clear();
	return PyUnicode_FromString("");
}

static int print_warning(struct server *server, const struct request *request, PyObject *arguments)
{
	PyObject *message, *category, *name, *number, *file, *given_line;
	PyObject *line, *text, *bytes;

	if (!PyArg_ParseTuple(arguments, "OOOO|OO", &message, &category, &name, &number, &file,
			      &given_line))
		return -1;
	line = warning_line(server, request, name, number);
	if (!line)
		return -1;
	text = PyObject_CallMethod(server->warnings, "formatwarning", "OOOOO", message, category,
				   name, number, line);
	Py_DECREF(line);
	bytes = text ? encode(text) : NULL;
	Py_XDECREF(text);
	if (!bytes)
		return -1;
	buffer_append(&server->printed, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
	Py_DECREF(bytes);
	return 0;
}

/* warnings.showwarning(message, category, filename, lineno, file=None, line=None). */
static PyObject *show_warning(PyObject *self, PyObject *arguments)
{
	struct server *server = PyCapsule_GetPointer(self, NULL);
	const struct request *request;
	int result;

	if (!server)
		return NULL;
	request = server->compiling;
	if (!request)
		Py_RETURN_NONE;
	/* Imports may open the very file that is being compiled, if that is of the library. */
	server->compiling = NULL;
	result = print_warning(server, request, arguments);
	server->compiling = request;
	if (result != 0)
		return NULL;
	Py_RETURN_NONE;
}

/*
 * Forgets which warnings were shown, so that those of a file do not depend on which others this
 * server has had. A last filter that does what would be done without it changes nothing, but after
 * a change of the filters Python takes the registries of all modules for void.
 */
static int reset_warnings(const struct server *server)
{
	PyObject *filter = PyObject_GetAttrString(server->warnings, "simplefilter");
	PyObject *arguments = Py_BuildValue("(s)", "default");
	PyObject *keywords = Py_BuildValue("{sO}", "append", Py_True);
	PyObject *result = NULL;

	if (filter && arguments && keywords)
		result = PyObject_Call(filter, arguments, keywords);
	Py_XDECREF(filter);
	Py_XDECREF(arguments);
	Py_XDECREF(keywords);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

/* ---- Compiling ---- */

/* Audit hook: compile() must not open the file that has the name of what it compiles. */
static int refuse_source(const char *event, PyObject *arguments, void *data)
{
	const struct server *server = data;
	PyObject *path;

	if (!server->compiling || strcmp(event, "open") != 0)
		return 0;
	path = PyTuple_GetItem(arguments, 0);
	if (!path)
		return -1;
	if (!PyUnicode_Check(path) || PyUnicode_Compare(path, server->compiling->name) != 0)
		return 0;
	PyErr_SetString(PyExc_PermissionError, "a compile server opens no source");
	return -1;
}

/* source_to_code(source, name, _optimize=level). A new reference, or NULL with an exception. */
static PyObject *compile_as(const struct server *server, const struct request *request,
			    PyObject *name)
{
	PyObject *arguments = PyTuple_Pack(2, request->source, name);
	PyObject *keywords = arguments ? Py_BuildValue("{si}", "_optimize", request->level) : NULL;
	PyObject *code = keywords ? PyObject_Call(server->to_code, arguments, keywords) : NULL;

	Py_XDECREF(arguments);
	Py_XDECREF(keywords);
	return code;
}

static PyObject *compile_source(struct server *server, const struct request *request)
{
	PyObject *code;

	server->compiling = request;
	code = compile_as(server, request, request->name);
	server->compiling = NULL;
	return code;
}

/* ---- Errors ---- */

/* Copies the attribute `name` from one object to another. */
static int copy_attribute(PyObject *to, PyObject *from, const char *name)
{
	PyObject *value = PyObject_GetAttrString(from, name);
	int result = value ? PyObject_SetAttrString(to, name, value) : -1;

	Py_XDECREF(value);
	return result;
}

static bool has_line(PyObject *error)
{
	PyObject *number = PyObject_GetAttrString(error, "lineno");
	bool known = number && number != Py_None;

	Py_XDECREF(number);
	PyErr_Clear();
	return known;
}

/*
 * Compiles the request again as the file at `path`, so that the SyntaxError raised has the text and
 * the offsets that CPython finds by reading it. A new reference, or NULL without an exception.
 */
static PyObject *raise_from_file(const struct server *server, const struct request *request,
				 PyObject *error, const char *path)
{
	PyObject *name = PyUnicode_FromString(path);
	PyObject *code = name ? compile_as(server, request, name) : NULL;
	PyObject *again = code ? NULL : take_exception();

	Py_XDECREF(name);
	Py_XDECREF(code);
	/* Some messages name the file, and the first one has it right. */
	if (again && Py_TYPE(again) == Py_TYPE(error) && copy_attribute(again, error, "msg") == 0)
		return again;
	PyErr_Clear();
	Py_XDECREF(again);
	return NULL;
}

/* py_compile.PyCompileError(type, error, name).msg; a new reference, or NULL with an exception. */
static PyObject *format_error(struct server *server, PyObject *error, PyObject *name)
{
	PyObject *formatted, *message;

	if (!import_once(&server->py_compile, "py_compile"))
		return NULL;
	formatted = PyObject_CallMethod(server->py_compile, "PyCompileError", "OOO",
					(PyObject *)Py_TYPE(error), error, name);
	if (!formatted)
		return NULL;
	message = PyObject_GetAttrString(formatted, "msg");
	Py_DECREF(formatted);
	return message;
}

/* The message of an error raised from the file at `path`, with the name that the request gave. */
static PyObject *format_renamed(struct server *server, PyObject *error, const char *path,
				PyObject *name)
{
	PyObject *message = format_error(server, error, name);
	PyObject *found = message ? PyUnicode_FromFormat("File \"%s\"", path) : NULL;
	PyObject *wanted = found ? PyUnicode_FromFormat("File \"%U\"", name) : NULL;
	PyObject *renamed = wanted ? PyUnicode_Replace(message, found, wanted, 1) : NULL;

	Py_XDECREF(message);
	Py_XDECREF(found);
	Py_XDECREF(wanted);
	return renamed;
}

/*
 * The message for an exception that compile() raised; a new reference, or NULL with an exception.
 * Only SyntaxError itself is shown with its line: its subclasses become one line of text.
 */
static PyObject *error_message(struct server *server, const struct request *request,
			       PyObject *error)
{
	const char *path = NULL;
	PyObject *again = NULL, *message;

	if (request->quote && Py_TYPE(error) == (PyTypeObject *)PyExc_SyntaxError &&
	    has_line(error))
		path = source_path(server, request);
	if (path)
		again = raise_from_file(server, request, error, path);
	if (!again)
		return format_error(server, error, request->name);
	message = format_renamed(server, again, path, request->name);
	Py_DECREF(again);
	return message;
}

/* The answer to an exception, as UTF-8; whatever goes wrong with its text, its type is told. */
static PyObject *describe_exception(struct server *server, const struct request *request)
{
	PyObject *error = take_exception();
	PyObject *message = error_message(server, request, error);
	PyObject *bytes = message ? encode(message) : NULL;

	if (!bytes) {
		PyErr_Clear();
		bytes = PyBytes_FromFormat("Sorry: %s: ", Py_TYPE(error)->tp_name);
	}
	Py_XDECREF(message);
	Py_DECREF(error);
	return bytes;
}

/* ---- The conversation ---- */

/* The code as importlib writes it. What is referred to once is marshalled differently, and there
 * the caller's variable refers to the code as well. */
static PyObject *marshal(PyObject *code)
{
	PyObject *bytes;

	Py_INCREF(code);
	bytes = PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION);
	Py_DECREF(code);
	return bytes;
}

/* The answer to a request: code or message, a new reference; NULL if memory does not suffice. */
static PyObject *answer_request(struct server *server, const struct request *request,
				enum protocol_status *status)
{
	PyObject *code = compile_source(server, request);
	PyObject *payload = code ? marshal(code) : NULL;

	Py_XDECREF(code);
	*status = payload ? PROTOCOL_CODE : PROTOCOL_ERROR;
	if (!payload)
		payload = describe_exception(server, request);
	if (server->printed.size > 0 && reset_warnings(server) != 0)
		Py_CLEAR(payload);
	return payload;
}

static int send_answer(struct server *server, enum protocol_status status, PyObject *payload)
{
	unsigned char bytes[PROTOCOL_RESPONSE_SIZE];
	const struct protocol_response response = {
		.status = status,
		.payload_size = (uint64_t)PyBytes_GET_SIZE(payload),
		.warnings_size = server->printed.size,
	};

	const struct protocol_part parts[] = {
		{bytes, sizeof(bytes)},
		{PyBytes_AS_STRING(payload), (size_t)PyBytes_GET_SIZE(payload)},
		{server->printed.data, server->printed.size},
	};

	protocol_build_response(bytes, &response);
	return protocol_send_parts(CONVERSATION, PROTOCOL_NO_DEADLINE, parts, 3);
}

/* Receives a name and decodes it as Python does file names. A new reference, or NULL. */
static PyObject *receive_name(struct server *server, size_t size)
{
	char *bytes = buffer_reserve(&server->name, size);

	if (!bytes || protocol_receive(&server->reader, bytes, size) != 0)
		return NULL;
	return PyUnicode_DecodeFSDefaultAndSize(bytes, (Py_ssize_t)size);
}

static PyObject *receive_source(struct server *server, size_t size)
{
	PyObject *source = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);

	if (source && protocol_receive(&server->reader, PyBytes_AS_STRING(source), size) != 0)
		Py_CLEAR(source);
	return source;
}

/* Receives the next request. 0; 1 at the end of the conversation; -1 if there is none to be had. */
static int receive_request(struct server *server, struct request *request)
{
	unsigned char bytes[PROTOCOL_REQUEST_SIZE];
	struct protocol_request frame;

	if (protocol_receive(&server->reader, bytes, sizeof(bytes)) != 0)
		return errno == ECONNRESET ? 1 : -1;
	if (protocol_parse_request(&frame, bytes) != 0)
		return -1;
	request->level = frame.level;
	request->quote = (frame.flags & PROTOCOL_REQUEST_QUOTE) != 0;
	request->name = receive_name(server, frame.name_size);
	if (!request->name)
		return -1;
	request->source = receive_source(server, (size_t)frame.source_size);
	return request->source ? 0 : -1;
}

/* Ends a request: the next one finds nothing of it, and the system gets a giant's memory back. */
static void finish_request(struct server *server, struct request *request)
{
	bool giant = PyBytes_GET_SIZE(request->source) >= GIANT_SOURCE;

	forget_source(server);
	Py_CLEAR(request->name);
	Py_CLEAR(request->source);
	buffer_clear(&server->printed);
#ifdef __GLIBC__
	if (giant)
		(void)malloc_trim(0);
#else
	(void)giant;
#endif
}

/* Answers requests until the other end closes. */
static void serve(struct server *server)
{
	for (;;) {
		struct request request = {NULL, NULL, 0, false};
		enum protocol_status status;
		PyObject *payload;
		int received = receive_request(server, &request);

		if (received > 0)
			return;
		if (received < 0)
			die("cannot receive a request");
		payload = answer_request(server, &request, &status);
		if (!payload || buffer_failed(&server->printed)) {
			errno = ENOMEM;
			die("cannot answer a request");
		}
		/* A program that is gone wants no answer, nor a message about it. */
		if (send_answer(server, status, payload) != 0)
			return;
		Py_DECREF(payload);
		finish_request(server, &request);
	}
}

/* The source hash of no bytes, as it stands in a .pyc. 0, or -1 with an exception. */
static int hash_nothing(long magic, unsigned char hash[8])
{
	PyObject *module = PyImport_ImportModule("_imp");
	PyObject *bytes =
		module ? PyObject_CallMethod(module, "source_hash", "ly#", magic, "", (Py_ssize_t)0)
		       : NULL;
	int result = bytes && PyBytes_Check(bytes) && PyBytes_GET_SIZE(bytes) == 8 ? 0 : -1;

	if (result == 0)
		memcpy(hash, PyBytes_AS_STRING(bytes), 8);
	Py_XDECREF(module);
	Py_XDECREF(bytes);
	return result;
}

/* Tells the program what this interpreter is. 0, or -1 with an exception. */
static int greet(void)
{
	unsigned char bytes[PROTOCOL_GREETING_SIZE];
	const char *tag = PyImport_GetMagicTag();
	long magic = PyImport_GetMagicNumber();
	struct protocol_greeting greeting = {
		.version = PROTOCOL_VERSION,
		.tag_size = tag ? (uint32_t)strlen(tag) : 0,
		.python = PY_VERSION_HEX,
	};
	const struct protocol_part parts[] = {{bytes, sizeof(bytes)}, {tag, greeting.tag_size}};

	for (int i = 0; i < 4; i++)
		greeting.magic[i] = (unsigned char)(magic >> (8 * i));
	if (hash_nothing(magic, greeting.hash) != 0)
		return -1;
	protocol_build_greeting(bytes, &greeting);
	/* A program that is gone wants no greeting. */
	if (protocol_send_parts(CONVERSATION, PROTOCOL_NO_DEADLINE, parts, 2) != 0)
		_exit(0);
	return 0;
}

/* ---- Starting Python ---- */

/* Encodings are those that `python3` would have; everything else is isolated from the user. */
static PyStatus start_python(void)
{
	PyPreConfig preconfig;
	PyConfig config;
	PyStatus status;

	PyPreConfig_InitPythonConfig(&preconfig);
	preconfig.parse_argv = 0;
	status = Py_PreInitialize(&preconfig);
	if (PyStatus_Exception(status))
		return status;
	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	config.install_signal_handlers = 0;
	/* In 3.10 and older, byte-code can depend on the order of sets of strings. */
	config.use_hash_seed = 1;
	config.hash_seed = 0;
	/* The library is found from the interpreter's place, also outside /usr. */
	status = PyConfig_SetBytesString(&config, &config.program_name, PYTHON_EXECUTABLE);
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesString(&config, &config.executable, PYTHON_EXECUTABLE);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return status;
}

/* The method by which py_compile compiles, bound to a loader as py_compile has it. A warning that a
 * codec gives names the frame below compile(), so that should be importlib's here too. */
static PyObject *find_to_code(void)
{
	/* importlib.machinery is where this class is public, and takes longer to import. */
	PyObject *module = PyImport_ImportModule("_frozen_importlib_external");
	PyObject *loader = NULL, *method = NULL;

	if (module)
		loader = PyObject_CallMethod(module, "SourceFileLoader", "ss", "<py_compile>", "");
	if (loader)
		method = PyObject_GetAttrString(loader, "source_to_code");
	Py_XDECREF(module);
	Py_XDECREF(loader);
	return method;
}

/* What lies between the commas of PYTHONWARNINGS, without empty parts. A new reference. */
static PyObject *list_warning_options(void)
{
	const char *text = getenv("PYTHONWARNINGS");
	PyObject *options = PyList_New(0);

	while (options && text && *text) {
		size_t size = strcspn(text, ",");
		PyObject *option = PyUnicode_DecodeFSDefaultAndSize(text, (Py_ssize_t)size);

		if (!option || (size > 0 && PyList_Append(options, option) != 0))
			Py_CLEAR(options);
		Py_XDECREF(option);
		text += size;
		text += *text == ',';
	}
	return options;
}

/*
 * Imports `warnings`, which takes the options of PYTHONWARNINGS. It complains of invalid ones on
 * stderr; each server would, so it is given no stderr meanwhile.
 */
static PyObject *import_warnings(void)
{
	PyObject *options = list_warning_options();
	PyObject *stream = PySys_GetObject("stderr"); /* borrowed */
	PyObject *module = NULL;

	Py_XINCREF(stream);
	if (options && PySys_SetObject("warnoptions", options) == 0 &&
	    PySys_SetObject("stderr", Py_None) == 0)
		module = PyImport_ImportModule("warnings");
	(void)PySys_SetObject("stderr", stream);
	Py_XDECREF(stream);
	Py_XDECREF(options);
	return module;
}

/* Puts show_warning in the place of warnings.showwarning. */
static int catch_warnings(struct server *server)
{
	static PyMethodDef definition = {"showwarning", show_warning, METH_VARARGS, NULL};
	PyObject *capsule = PyCapsule_New(server, NULL, NULL);
	PyObject *hook = capsule ? PyCFunction_New(&definition, capsule) : NULL;
	int result = hook ? PyObject_SetAttrString(server->warnings, "showwarning", hook) : -1;

	Py_XDECREF(capsule);
	Py_XDECREF(hook);
	return result;
}

/* Nothing that is compiled makes reference cycles, and looking for them takes up to 8 % of the
 * time. */
static int stop_garbage_collector(void)
{
	PyObject *module = PyImport_ImportModule("gc");
	PyObject *result = module ? PyObject_CallMethod(module, "disable", NULL) : NULL;

	Py_XDECREF(module);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

/*
 * Makes byte-code depend less on what else there is in the process: marshal tells apart which
 * strings others refer to as well. From Python 3.13 on these may be names of classes within others,
 * of which compileall's process has three; they are never given back. 0, or -1 with an exception.
 */
#if PY_VERSION_HEX >= 0x030B0000
static int pin_strings(void)
{
	static const char *const names[] = {
		"HelpFormatter._Section",
		"_SubParsersAction._ChoicesPseudoAction",
		"cmp_to_key.<locals>.K",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!PyUnicode_InternFromString(names[i]))
			return -1;
	return 0;
}
#else
/* Up to Python 3.10 these may be any names in any module: so all are imported that compileall's
 * process has, and now, not some of them at the first error. */
static int pin_strings(void)
{
	static const char *const names[] = {"site", "runpy", "compileall"};
	PyObject *argparse, *parser;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!PyImport_ImportModule(names[i]))
			return -1;
	argparse = PyImport_ImportModule("argparse");
	/* This imports some more. */
	parser = argparse ? PyObject_CallMethod(argparse, "ArgumentParser", NULL) : NULL;
	Py_XDECREF(argparse);
	Py_XDECREF(parser);
	return parser ? 0 : -1;
}
#endif

/* 0, or -1 with an exception. */
static int prepare(struct server *server)
{
	server->to_code = find_to_code();
	server->warnings = import_warnings();
	if (!server->to_code || !server->warnings || catch_warnings(server) != 0)
		return -1;
	Py_SetRecursionLimit(Py_GetRecursionLimit() - COMPILEALL_FRAMES);
	return stop_garbage_collector();
}

int main(void)
{
	/* Not on the stack, which is as deep for Python's compiler as it is elsewhere. */
	static struct server server = {
		.printed = BUFFER_INIT,
		.name = BUFFER_INIT,
		.memory_file = -1,
	};
	PyStatus status;

	protocol_reader_init(&server.reader, CONVERSATION);
	if (PySys_AddAuditHook(refuse_source, &server) != 0)
		die("cannot add an audit hook");
	status = start_python();
	if (PyStatus_Exception(status))
		Py_ExitStatusException(status);
	if (prepare(&server) != 0 || greet() != 0 || pin_strings() != 0) {
		PyErr_Print();
		return 1;
	}
	serve(&server);
	/* Taking the interpreter down would only cost time. */
	_exit(0);
}
