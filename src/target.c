#include "config.h"

#include "target.h"

#include "durability.h"
#include "environment.h"
#include "interpreter_cache.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_NAME "compile_server.py"

extern char **environ;

/* ---- What is made: levels, mode, places ---- */

static bool has_level(const struct target *target, const struct target_level *level)
{
	for (size_t i = 0; i < target->level_count; i++)
		if (strcmp(target->levels[i].optimization, level->optimization) == 0)
			return true;
	return false;
}

static int compare_integers(const void *left, const void *right)
{
	const int *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/*
 * Adds the levels as a sorted set of different cache files. compile() refuses every level above 2,
 * and an error at one level stops the later ones: behind the first of those none can matter.
 */
static void add_levels(struct target *target, const int *levels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct target_level level;

		level.level = environment_resolve_level(levels[i], target->interpreter.level,
							level.optimization);
		if (!has_level(target, &level))
			target->levels[target->level_count++] = level;
		if (levels[i] > 2)
			break;
	}
}

/* The levels asked for; the interpreter's own if none was. */
static int set_levels(struct target *target, const struct options *options)
{
	static const int own = -1;
	int *sorted;

	if (options->level_count == 0) {
		add_levels(target, &own, 1);
		return 0;
	}
	sorted = calloc(options->level_count, sizeof(*sorted));
	if (!sorted)
		return -1;
	memcpy(sorted, options->levels, options->level_count * sizeof(*sorted));
	qsort(sorted, options->level_count, sizeof(*sorted), compare_integers);
	add_levels(target, sorted, options->level_count);
	free(sorted);
	return 0;
}

/* An interpreter before PEP 552 has one mode, which nobody can ask for otherwise. */
static int set_demand(struct target *target, const struct options *options, struct buffer *problem)
{
	struct staleness_demand *demand = &target->demand;

	demand->interpreter = &target->interpreter;
	demand->any_mode = !options->mode_given;
	demand->mode = options_mode(options);
	if (target->interpreter.hash_kind != SOURCE_HASH_NONE ||
	    demand->mode == INVALIDATION_TIMESTAMP)
		return 0;
	demand->mode = INVALIDATION_TIMESTAMP;
	if (!options->mode_given)
		return 0;
	buffer_printf(problem, "argument --invalidation-mode: Python %s knows timestamp only",
		      target->interpreter.version);
	errno = EINVAL;
	return -1;
}

static void set_cache(struct target *target, const struct options *options,
		      const struct targets *targets)
{
	target->cache.cache_tag = target->interpreter.cache_tag;
	target->cache.prefix = environment_pycache_prefix();
	target->cache.cwd = targets->cwd;
	target->cache.durability = targets->durability;
	target->cache.legacy = options->legacy;
	target->cache.explicit = options->cfile;
}

static int settle(struct targets *targets, const struct options *options, struct buffer *problem)
{
	if (environment_pycache_prefix()) {
		targets->cwd = getcwd(NULL, 0);
		if (!targets->cwd)
			return -1;
	}
	if (options->sync) {
		targets->durability = durability_create();
		if (!targets->durability)
			return -1;
	}
	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = targets->list[i];

		set_cache(target, options, targets);
		if (targets->count > 1)
			target->label = target->interpreter.cache_tag;
		if (set_levels(target, options) != 0 || set_demand(target, options, problem) != 0)
			return -1;
	}
	return 0;
}

/* Adds one, all zero. NULL: no memory. It stays where it is, since its parts refer to each other.
 */
static struct target *add_target(struct targets *targets)
{
	struct target *target = calloc(1, sizeof(*target));

	if (target)
		targets->list[targets->count++] = target;
	return target;
}

/* ---- The embedded interpreter ---- */

static void set_limits(struct target *target, const struct options *options)
{
	target->command.timeout = (unsigned)options->timeout;
	/* The program reaps and ends its servers; should it be killed itself, the system does. */
	target->command.process.bound = true;
	target->command.process.memory_limit = options->memory_limit;
}

static int add_embedded(struct targets *targets, const struct options *options)
{
	struct target *target = add_target(targets);

	if (!target)
		return -1;
	target->interpreter = *interpreter_embedded();
	target->server = compiler_find_server();
	targets->pythons[0].path = strdup(PYTHON_EXECUTABLE);
	if (!target->server || !targets->pythons[0].path)
		return -1;
	(void)compiler_embedded(&target->command, target->server);
	set_limits(target, options);
	targets->python_count = 1;
	return 0;
}

/* ---- The interpreters of --python ---- */

/* "interpreter 'EXE': " and what follows, which the caller appends. Always -1. */
static int blame(struct buffer *problem, const char *path)
{
	buffer_append_string(problem, "interpreter ");
	text_append_repr(problem, path);
	buffer_append_string(problem, ": ");
	return -1;
}

static int blame_errno(struct buffer *problem, const char *path, int error)
{
	(void)blame(problem, path);
	buffer_append_string(problem, strerror(error));
	errno = error;
	return -1;
}

/* What may pass from the user to a server: which warnings there are, and how names are decoded. */
static bool passes(const char *variable)
{
	static const char *const kept[] = {
		"PYTHONWARNINGS=", "PYTHONUTF8=", "PYTHONCOERCECLOCALE="};

	if (strncmp(variable, "PYTHON", strlen("PYTHON")) != 0)
		return true;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

/*
 * A server is isolated by its environment and not by -I, because that would leave the hash seed to
 * chance: in 3.10 and older, byte-code can depend on the order of sets of strings.
 */
static char **server_environment(void)
{
	static char seed[] = "PYTHONHASHSEED=0";
	size_t count = 0, used = 0;
	char **environment;

	while (environ && environ[count])
		count++;
	environment = calloc(count + 2, sizeof(*environment));
	if (!environment)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (passes(environ[i]))
			environment[used++] = environ[i];
	environment[used] = seed;
	return environment;
}

/* EXE -S -B -s .../compile_server.py */
static int set_command(struct target *target, char **environment, const struct options *options)
{
	static char no_site[] = "-S", no_bytecode[] = "-B", no_user_site[] = "-s";
	char *const arguments[] = {target->path, no_site,        no_bytecode,
				   no_user_site, target->server, NULL};

	_Static_assert(sizeof(arguments) == sizeof(target->arguments), "room for all arguments");
	if (!target->server)
		return -1;
	memcpy(target->arguments, arguments, sizeof(arguments));
	target->command.process.path = target->path;
	target->command.process.arguments = target->arguments;
	target->command.process.environment = environment;
	/* What is no Python may complain of its arguments in many lines; the reason is told in one.
	 */
	target->command.process.silent = true;
	set_limits(target, options);
	return 0;
}

/* Starts asking an interpreter, unless it is known. */
static int begin(struct target *target, bool use_cache, struct buffer *problem)
{
	struct compiler_answer answer = {.outcome = COMPILER_CODE};

	if (executable_identify(&target->executable, target->path) == 0 && use_cache &&
	    interpreter_cache_load(&target->executable, &target->interpreter) == 0)
		return 0;
	target->asked = compiler_create(&target->command, NULL);
	if (!target->asked)
		return -1;
	if (compiler_start(target->asked, &answer) != COMPILER_CODE) {
		(void)blame(problem, target->path);
		buffer_append_string(problem, buffer_string(&answer.payload));
	}
	buffer_fini(&answer.payload);
	errno = ECHILD;
	return answer.outcome == COMPILER_CODE && problem->size == 0 ? 0 : -1;
}

/* Hears the answer, and keeps it for the next run if it is sure to be that executable's own. */
static int hear(struct target *target, bool use_cache, struct buffer *problem)
{
	struct compiler_answer answer = {.outcome = COMPILER_CODE};
	enum compiler_outcome outcome;

	if (!target->asked)
		return 0;
	outcome = compiler_ask(target->asked, &target->interpreter, &answer);
	if (outcome != COMPILER_CODE) {
		(void)blame(problem, target->path);
		buffer_append_string(problem, "does not answer as Python 3.6 or later would: ");
		buffer_append_string(problem, buffer_string(&answer.payload));
		errno = ECHILD;
	} else if (use_cache && target->executable.path &&
		   executable_is_run_by(&target->executable, compiler_process(target->asked))) {
		/* Where it cannot be kept, the next run asks again. */
		(void)interpreter_cache_store(&target->executable, &target->interpreter);
	}
	buffer_fini(&answer.payload);
	return outcome == COMPILER_CODE ? 0 : -1;
}

/* Finds one executable and starts asking it. */
static int add_python(struct targets *targets, const char *name, const struct options *options,
		      struct buffer *problem)
{
	struct target *target = add_target(targets);
	struct target_python *python = &targets->pythons[targets->python_count];

	if (!target)
		return -1;
	python->index = targets->count - 1;
	python->path = executable_find(name);
	if (!python->path)
		return errno == ENOMEM ? -1 : blame_errno(problem, name, errno);
	targets->python_count++;
	target->path = python->path;
	target->server = compiler_find_file(SCRIPT_NAME);
	if (set_command(target, targets->environment, options) != 0)
		return -1;
	return begin(target, !options->no_interpreter_cache, problem);
}

static void destroy(struct target *target)
{
	compiler_destroy(target->asked);
	executable_fini(&target->executable);
	free(target->server);
	free(target);
}

/* Takes target number `index` out, whose byte-code is that of number `same`. */
static void merge(struct targets *targets, size_t index, size_t same)
{
	destroy(targets->list[index]);
	targets->count--;
	memmove(&targets->list[index], &targets->list[index + 1],
		(targets->count - index) * sizeof(targets->list[0]));
	for (size_t i = 0; i < targets->python_count; i++) {
		if (targets->pythons[i].index == index)
			targets->pythons[i].index = same;
		else if (targets->pythons[i].index > index)
			targets->pythons[i].index--;
	}
}

/* Two targets that share a place must make the same; then one of them will do. */
static int join(struct targets *targets, size_t index, size_t other, struct buffer *problem)
{
	const struct target *one = targets->list[other], *two = targets->list[index];

	if (interpreter_equals(&one->interpreter, &two->interpreter)) {
		merge(targets, index, other);
		return 1;
	}
	if (strcmp(one->interpreter.cache_tag, two->interpreter.cache_tag) != 0)
		return 0;
	buffer_printf(problem,
		      "argument --python: %s and %s both write %s.pyc files, of different "
		      "magic numbers",
		      one->path, two->path, one->interpreter.cache_tag);
	errno = EINVAL;
	return -1;
}

/* Leaves one target for each kind of byte-code. */
static int join_equals(struct targets *targets, struct buffer *problem)
{
	for (size_t i = 1; i < targets->count;) {
		int joined = 0;

		for (size_t k = 0; k < i && joined == 0; k++)
			joined = join(targets, i, k, problem);
		if (joined < 0)
			return -1;
		i += joined == 0;
	}
	return 0;
}

/* One path for the byte-code of a source is too few for several interpreters. */
static int check_places(const struct targets *targets, const struct options *options,
			struct buffer *problem)
{
	if (targets->count < 2 || (!options->legacy && !options->cfile))
		return 0;
	buffer_printf(problem, "%s goes with one interpreter", options->legacy ? "-b" : "--cfile");
	errno = EINVAL;
	return -1;
}

static int find_pythons(struct targets *targets, const struct options *options,
			struct buffer *problem)
{
	targets->environment = server_environment();
	if (!targets->environment)
		return -1;
	for (size_t i = 0; i < options->python_count; i++)
		if (add_python(targets, options->pythons[i], options, problem) != 0)
			return -1;
	for (size_t i = 0; i < targets->count; i++)
		if (hear(targets->list[i], !options->no_interpreter_cache, problem) != 0)
			return -1;
	if (join_equals(targets, problem) != 0)
		return -1;
	return check_places(targets, options, problem);
}

int targets_find(struct targets *targets, const struct options *options, struct buffer *problem)
{
	size_t count = options->python_count > 0 ? options->python_count : 1;

	*targets = (struct targets){0};
	targets->list = calloc(count, sizeof(*targets->list));
	targets->pythons = calloc(count, sizeof(*targets->pythons));
	if (!targets->list || !targets->pythons)
		return -1;
	if (options->python_count == 0) {
		if (add_embedded(targets, options) != 0)
			return -1;
	} else if (find_pythons(targets, options, problem) != 0) {
		return -1;
	}
	return settle(targets, options, problem);
}

void targets_fini(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		destroy(targets->list[i]);
	for (size_t i = 0; i < targets->python_count; i++)
		free(targets->pythons[i].path);
	free(targets->list);
	free(targets->pythons);
	free(targets->environment);
	free(targets->cwd);
	durability_destroy(targets->durability);
	*targets = (struct targets){0};
}

int targets_sync(const struct targets *targets)
{
	return durability_sync(targets->durability);
}

void targets_forget(const struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->list[i]->executable.path)
			interpreter_cache_forget(&targets->list[i]->executable);
}

struct compiler *target_compiler(struct target *target)
{
	struct compiler *compiler = target->asked;

	target->asked = NULL;
	return compiler ? compiler : compiler_create(&target->command, &target->interpreter);
}
