/*
 * floor_compile: the least that compiling a list of sources costs. The floor for a run that finds
 * everything stale.
 *
 *     floor_compile [--write] PROCESSES LIST
 *
 * LIST holds one absolute path a line. Each process initialises an interpreter as the compile
 * server does (isolated, no site, no garbage collector), then reads, compiles with the
 * interpreter's own compile(), and marshals. Nothing is written, unless --write asks for the least
 * that leaves behind what a run does: openat with O_EXCL in __pycache__, write, close, and rename.
 * The processes take the next path from one counter in shared memory, so that all are busy to the
 * end; the list should have its longest sources first. Prints how many sources were compiled.
 */
#include "config.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <marshal.h>

#include "interpreter.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the processes share. */
struct shared {
	atomic_size_t next;     /* the first path that nobody has taken */
	atomic_size_t compiled; /* sources compiled and marshalled */
	bool write;             /* write them, too; constant */
};

/* Reads a whole file into `bytes`, which has room for `size`. Ends the process on failure. */
static void read_all(int fd, const char *path, char *bytes, size_t size)
{
	size_t done = 0;
	ssize_t got;

	while (done < size) {
		got = read(fd, bytes + done, size - done);
		if (got <= 0)
			err(1, "%s", path);
		done += (size_t)got;
	}
}

static int open_to_read(const char *path, struct stat *status)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, status) < 0)
		err(1, "%s", path);
	return fd;
}

/* The paths of a list, NULL at the end. Never freed: the process ends with them. */
static char **read_list(const char *path, size_t *count)
{
	struct stat status;
	int fd = open_to_read(path, &status);
	size_t size = (size_t)status.st_size, lines = 0;
	char *text = malloc(size + 1), *save = NULL, **paths;

	if (!text)
		err(1, "malloc");
	read_all(fd, path, text, size);
	close(fd);
	text[size] = '\0';
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	paths = calloc(lines + 1, sizeof *paths);
	if (!paths)
		err(1, "calloc");
	*count = 0;
	for (char *line = strtok_r(text, "\n", &save); line && *count < lines;
	     line = strtok_r(NULL, "\n", &save))
		paths[(*count)++] = line;
	return paths;
}

static void start_python(void)
{
	PyConfig config;
	PyStatus status;

	PyConfig_InitIsolatedConfig(&config);
	config.site_import = 0;
	config.write_bytecode = 0;
	status = PyWideStringList_Append(&config.warnoptions, L"ignore");
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesString(&config, &config.program_name, PYTHON_EXECUTABLE);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	if (PyStatus_Exception(status))
		errx(1, "cannot start Python: %s", status.err_msg);
	if (PyRun_SimpleString("import gc; gc.disable()") != 0)
		errx(1, "cannot turn the garbage collector off");
}

static PyObject *read_source(const char *path, struct stat *status)
{
	int fd = open_to_read(path, status);
	PyObject *source = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)status->st_size);

	if (!source)
		errx(1, "%s: out of memory", path);
	read_all(fd, path, PyBytes_AS_STRING(source), (size_t)status->st_size);
	close(fd);
	return source;
}

/* Opens FOLDER/__pycache__, which it makes if need be. `length` is that of FOLDER with its slash.
 */
static int open_cache(const char *path, size_t length)
{
	char folder[PATH_MAX];
	int fd;

	if (snprintf(folder, sizeof(folder), "%.*s__pycache__", (int)length, path) >=
	    (int)sizeof(folder))
		errx(1, "%s: too long", path);
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && (mkdir(folder, 0777) == 0 || errno == EEXIST))
		fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", folder);
	return fd;
}

/* Writes header and byte-code under another name, then renames. */
static void write_pyc(int folder, const char *name, unsigned char *header, size_t header_size,
		      PyObject *bytes)
{
	struct iovec parts[] = {
		{.iov_base = header, .iov_len = header_size},
		{.iov_base = PyBytes_AS_STRING(bytes), .iov_len = (size_t)PyBytes_GET_SIZE(bytes)},
	};
	char temporary[32];
	int fd;

	(void)snprintf(temporary, sizeof(temporary), "temporary.%d", (int)getpid());
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 || writev(fd, parts, 2) != (ssize_t)(parts[0].iov_len + parts[1].iov_len) ||
	    close(fd) != 0 || renameat(folder, temporary, folder, name) != 0)
		err(1, "%s", temporary);
}

/* Leaves byte-code behind that is up to date. */
static void write_cache(const char *path, const struct stat *status, PyObject *source,
			PyObject *bytes)
{
	const struct interpreter *python = interpreter_embedded();
	const char *base = strrchr(path, '/') + 1;
	unsigned char header[PYC_HEADER_SIZE];
	size_t size = interpreter_build_header(python, INVALIDATION_TIMESTAMP, status,
					       PyBytes_AS_STRING(source), header);
	int folder = open_cache(path, (size_t)(base - path));
	char name[NAME_MAX + sizeof(python->cache_tag)];

	(void)snprintf(name, sizeof(name), "%.*s.%s.pyc", (int)strlen(base) - 3, base,
		       python->cache_tag);
	write_pyc(folder, name, header, size, bytes);
	close(folder);
}

/* compile(source, path, "exec", dont_inherit=True), then marshal.dumps. Whether both succeeded. */
static bool compile_source(PyObject *compile, const char *path, bool write)
{
	struct stat status;
	PyObject *source = read_source(path, &status);
	PyObject *name = PyUnicode_DecodeFSDefault(path);
	PyObject *code =
		name ? PyObject_CallFunction(compile, "OOsii", source, name, "exec", 0, 1) : NULL;
	PyObject *bytes = code ? PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION) : NULL;
	bool done = bytes != NULL;

	if (done && write)
		write_cache(path, &status, source, bytes);
	Py_XDECREF(bytes);
	Py_XDECREF(code);
	Py_XDECREF(name);
	Py_DECREF(source);
	PyErr_Clear();
	return done;
}

/* The life of one process. */
static void work(struct shared *shared, char **paths, size_t count)
{
	PyObject *compile;
	size_t at, compiled = 0;

	start_python();
	compile = PyDict_GetItemString(PyEval_GetBuiltins(), "compile");
	if (!compile)
		errx(1, "Python has no compile()");
	while ((at = atomic_fetch_add(&shared->next, 1)) < count)
		compiled += compile_source(compile, paths[at], shared->write);
	atomic_fetch_add(&shared->compiled, compiled);
}

static void start_processes(unsigned processes, struct shared *shared, char **paths, size_t count)
{
	for (unsigned i = 0; i < processes; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			work(shared, paths, count);
			_exit(0);
		}
	}
}

int main(int argc, char **argv)
{
	bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
	unsigned long processes;
	int status, failed = 0;
	struct shared *shared;
	size_t count;
	char **paths;

	argv += write;
	argc -= write;
	processes = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	if (processes < 1 || processes > 1024)
		errx(2, "usage: floor_compile [--write] PROCESSES LIST");
	paths = read_list(argv[2], &count);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	shared->write = write;
	start_processes((unsigned)processes, shared, paths, count);
	while (wait(&status) > 0)
		failed |= status;
	printf("%zu of %zu compiled\n", atomic_load(&shared->compiled), count);
	return failed || fflush(stdout) != 0 ? 1 : 0;
}
