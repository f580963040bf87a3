/*
 * floor_compile: the least that compiling a list of sources costs. The floor for a run that finds
 * everything stale.
 *
 *     floor_compile PROCESSES LIST
 *
 * LIST holds one path a line. Each process initialises an interpreter as the compile server does
 * (isolated, no site, no garbage collector), then reads, compiles with the interpreter's own
 * compile(), and marshals; nothing is written. The processes take the next path from one counter
 * in shared memory, so that all are busy to the end; the list should have its longest sources
 * first. Prints how many sources were compiled.
 */
#include "config.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <marshal.h>

#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the processes share. */
struct shared {
	atomic_size_t next;     /* the first path that nobody has taken */
	atomic_size_t compiled; /* sources compiled and marshalled */
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

static int open_to_read(const char *path, size_t *size)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0)
		err(1, "%s", path);
	*size = (size_t)status.st_size;
	return fd;
}

/* The paths of a list, NULL at the end. Never freed: the process ends with them. */
static char **read_list(const char *path, size_t *count)
{
	size_t size, lines = 0;
	int fd = open_to_read(path, &size);
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

static PyObject *read_source(const char *path)
{
	size_t size;
	int fd = open_to_read(path, &size);
	PyObject *source = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);

	if (!source)
		errx(1, "%s: out of memory", path);
	read_all(fd, path, PyBytes_AS_STRING(source), size);
	close(fd);
	return source;
}

/* compile(source, path, "exec", dont_inherit=True), then marshal.dumps. Whether both succeeded. */
static bool compile_source(PyObject *compile, const char *path)
{
	PyObject *source = read_source(path);
	PyObject *name = PyUnicode_DecodeFSDefault(path);
	PyObject *code =
		name ? PyObject_CallFunction(compile, "OOsii", source, name, "exec", 0, 1) : NULL;
	PyObject *bytes = code ? PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION) : NULL;
	bool done = bytes != NULL;

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
		compiled += compile_source(compile, paths[at]);
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
	unsigned long processes = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int status, failed = 0;
	struct shared *shared;
	size_t count;
	char **paths;

	if (processes < 1 || processes > 1024)
		errx(2, "usage: floor_compile PROCESSES LIST");
	paths = read_list(argv[2], &count);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	start_processes((unsigned)processes, shared, paths, count);
	while (wait(&status) > 0)
		failed |= status;
	printf("%zu of %zu compiled\n", atomic_load(&shared->compiled), count);
	return failed || fflush(stdout) != 0 ? 1 : 0;
}
