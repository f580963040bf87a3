#include "config.h"

#include "python.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_SIZE (3 * PATH_MAX)
#define SECONDS     20 /* that an interpreter may take to tell what it is */

/* A line for each member of struct python. */
static const char script[] = "import importlib.util, sys, sysconfig\n"
			     "print(sys.executable)\n"
			     "print(sysconfig.get_path('stdlib'))\n"
			     "print(sys.implementation.cache_tag)\n"
			     "print(importlib.util.MAGIC_NUMBER.hex())\n"
			     "print(sys.implementation.name)\n"
			     "print(sys.hexversion >> 16)\n";

/* Behind a fork. What hangs is ended by the alarm, which exec does not take away. */
static void become(const char *path, int output)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)alarm(SECONDS);
	if (nothing >= 0 && dup2(nothing, 0) == 0 && dup2(nothing, 2) == 2 && dup2(output, 1) == 1)
		(void)execl(path, path, "-I", "-S", "-c", script, (char *)NULL);
	_exit(127);
}

/* All that comes, as a text; it is closed. */
static void read_answer(int input, char answer[ANSWER_SIZE])
{
	size_t size = 0;
	ssize_t more;

	while (size < ANSWER_SIZE - 1 &&
	       (more = read(input, answer + size, ANSWER_SIZE - 1 - size)) > 0)
		size += (size_t)more;
	answer[size] = '\0';
	(void)close(input);
}

/* No assertions here, which belong into tests: parameters are made before them. */
static bool ask(const char *path, char answer[ANSWER_SIZE])
{
	int ends[2], status = -1;
	pid_t process;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	process = fork();
	if (process == 0)
		become(path, ends[1]);
	(void)close(ends[1]);
	read_answer(ends[0], answer);
	return process > 0 && waitpid(process, &status, 0) == process && status == 0;
}

static bool identify(struct python *python, const char *path)
{
	char answer[ANSWER_SIZE];

	return ask(path, answer) &&
	       sscanf(answer, "%4095[^\n]\n%4095[^\n]\n%31s\n%15s\n%31s\n%u", python->path,
		      python->library, python->tag, python->magic, python->name,
		      &python->version) == 6 &&
	       python->version >= 0x0306 && access(python->path, X_OK) == 0;
}

struct list {
	struct python *items;
	size_t count;
};

static void add(struct list *list, const char *path)
{
	struct python *python = &list->items[list->count];

	if (list->count == PYTHON_MAX || access(path, X_OK) != 0 || !identify(python, path))
		return;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].magic, python->magic) == 0 &&
		    strcmp(list->items[i].tag, python->tag) == 0)
			return;
	list->count++;
}

/* "python3.11", but not "python3.11-config". */
static bool is_plain(const char *path)
{
	return isdigit((unsigned char)path[strlen(path) - 1]);
}

static void add_matching(struct list *list, const char *folder, const char *pattern)
{
	char path[PATH_MAX];
	glob_t found;

	if (snprintf(path, sizeof(path), "%s/%s", folder, pattern) >= (int)sizeof(path) ||
	    glob(path, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (is_plain(found.gl_pathv[i]))
			add(list, found.gl_pathv[i]);
	globfree(&found);
}

static void add_pyenv(struct list *list)
{
	const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
	char path[PATH_MAX];

	if (root && *root)
		(void)snprintf(path, sizeof(path), "%s", root);
	else
		(void)snprintf(path, sizeof(path), "%s/.pyenv", home ? home : "");
	add_matching(list, path, "versions/*/bin/python3");
}

/* Calls `add_one` for each part of a list with colons. */
static void for_each_part(struct list *list, const char *text,
			  void (*add_one)(struct list *list, const char *part))
{
	char *copy = strdup(text ? text : ""), *rest = copy, *part;

	while ((part = strsep(&rest, ":")))
		if (*part)
			add_one(list, part);
	free(copy);
}

static void add_folder(struct list *list, const char *folder)
{
	add_matching(list, folder, "python3.[0-9]*");
	add_matching(list, folder, "pypy3");
}

size_t python_find(struct python pythons[PYTHON_MAX])
{
	const char *linked = getenv("PYTHON"), *others = getenv("PYCOMPILEALL_TESTS_PYTHONS");
	struct list list = {pythons, 0};

	if (linked)
		add(&list, linked);
	if (others) {
		for_each_part(&list, others, add);
		return list.count;
	}
	add_pyenv(&list);
	for_each_part(&list, getenv("PATH"), add_folder);
	return list.count;
}

struct criterion_test_params python_parameters(void)
{
	static struct python pythons[PYTHON_MAX];
	static size_t count;

	if (count == 0)
		count = python_find(pythons);
	return cr_make_param_array(struct python, pythons, count);
}

bool python_has_modes(const struct python *python)
{
	return python->version >= 0x0307;
}

bool python_is_exact(const struct python *python)
{
	return strcmp(python->name, "cpython") == 0 && python->version >= 0x030b;
}

void python_compare(struct run_result *result, const struct python *python, const char *theirs,
		    const char *ours)
{
	const char *folder = getenv("top_srcdir");
	char path[PATH_MAX];

	cr_assert_not_null(folder, "top_srcdir must be set");
	(void)snprintf(path, sizeof(path), "%s/tests/support/same_code.py", folder);
	run_program(result,
		    &(struct run_request){.program = RUN_LIST(python->path, "-S", "-B", path),
					  .arguments = RUN_LIST(theirs, ours)});
}

const char *python_cache_variable(void)
{
	static char variable[PATH_MAX + 32];

	(void)snprintf(variable, sizeof(variable), "XDG_CACHE_HOME=%s/cache", scratch_path());
	return variable;
}
