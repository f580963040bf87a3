#include "config.h"

#include "session.h"

#include "compiler.h"
#include "cpu.h"
#include "environment.h"
#include "feed.h"
#include "filter.h"
#include "interpreter.h"
#include "interrupt.h"
#include "list.h"
#include "options.h"
#include "sys_path.h"
#include "thread.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Batches that wait for each worker: enough that none runs dry while the walker reads a folder. */
#define BATCHES_A_WORKER 8

struct session {
	const struct options *options;
	struct worker_level levels[WORKER_LEVELS_MAX];
	struct worker_settings settings;
	struct queue *queue;
	struct report *report;
	struct list operands; /* what is to be compiled */
	struct filter *filter;
	char *server;    /* path of the compile server */
	char *cwd;       /* NULL: not needed */
	bool whole_path; /* nothing was named: sys.path, not recursive */

	/* The workers, started as there is work for them. */
	struct worker **workers;
	size_t jobs;    /* how many there may be */
	size_t started; /* how many there are; grows under the lock */
	size_t sources; /* how many sources were fed */

	pthread_mutex_t lock; /* for what follows, and `started` */
	bool cancelled;       /* no worker is started any more */
	char *impossible;     /* why the run cannot go on; NULL: it can */
};

/* Ends the run early. Any thread, any number of times. */
static void cancel(void *context)
{
	struct session *session = context;

	report_cancel(session->report);
	queue_cancel(session->queue);
	thread_lock(&session->lock);
	session->cancelled = true;
	for (size_t i = 0; i < session->started; i++)
		worker_cancel(session->workers[i]);
	thread_unlock(&session->lock);
}

/* The first reason stands; the others follow from the same cause. */
static void give_up(void *context, const char *why)
{
	struct session *session = context;

	thread_lock(&session->lock);
	if (!session->impossible && !session->cancelled)
		session->impossible = strdup(why);
	thread_unlock(&session->lock);
	cancel(session);
}

/* Starts one more worker; 0 unless there is none at all. */
static int start_worker(struct session *session)
{
	struct worker *worker = worker_start(&session->settings);

	if (!worker) {
		/* Too few threads: those that run do the work. */
		session->jobs = session->started;
		return session->started > 0 ? 0 : -1;
	}
	thread_lock(&session->lock);
	session->workers[session->started++] = worker;
	if (session->cancelled)
		worker_cancel(worker);
	thread_unlock(&session->lock);
	return 0;
}

/* No more workers than sources: a run of one file starts one thread. */
static int ahead(void *context, size_t sources)
{
	struct session *session = context;

	session->sources += sources;
	while (session->started < session->jobs && session->started < session->sources)
		if (start_worker(session) != 0)
			return -1;
	return 0;
}

static struct worker_level resolve_level(int level)
{
	struct worker_level resolved;

	resolved.level = environment_resolve_level(level, resolved.optimization);
	return resolved;
}

static bool has_level(const struct session *session, const struct worker_level *level)
{
	for (size_t i = 0; i < session->settings.level_count; i++)
		if (strcmp(session->levels[i].optimization, level->optimization) == 0)
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
static void add_levels(struct session *session, const int *levels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct worker_level level = resolve_level(levels[i]);

		if (!has_level(session, &level))
			session->levels[session->settings.level_count++] = level;
		if (levels[i] > 2)
			break;
	}
}

/* The levels asked for; the interpreter's own if none was. */
static int set_levels(struct session *session)
{
	static const int own = -1;
	const struct options *options = session->options;
	int *sorted;

	if (options->level_count == 0) {
		add_levels(session, &own, 1);
		return 0;
	}
	sorted = calloc(options->level_count, sizeof(*sorted));
	if (!sorted)
		return -1;
	memcpy(sorted, options->levels, options->level_count * sizeof(*sorted));
	qsort(sorted, options->level_count, sizeof(*sorted), compare_integers);
	add_levels(session, sorted, options->level_count);
	free(sorted);
	return 0;
}

/* What the options say of where and under which names byte-code is written. */
static void set_places(struct worker_settings *settings, const struct options *options)
{
	settings->cache.cache_tag = settings->demand.interpreter->cache_tag;
	settings->cache.prefix = environment_pycache_prefix();
	settings->cache.legacy = options->legacy;
	settings->cache.explicit = options->cfile;
	settings->names.destination = options->destination;
	settings->names.strip = options->strip;
	settings->names.prepend = options->prepend;
	settings->names.explicit = options->dfile;
}

static void set_settings(struct session *session)
{
	const struct options *options = session->options;
	struct worker_settings *settings = &session->settings;
	bool py_compile = options->action == OPTIONS_PY_COMPILE;

	settings->demand.interpreter = interpreter_embedded();
	settings->demand.any_mode = !options->mode_given;
	settings->demand.mode = options_mode(options);
	settings->mode = settings->demand.mode;
	settings->levels = session->levels;
	settings->force = options->force || py_compile;
	settings->hardlink_dupes = options->hardlink_dupes;
	settings->style.py_compile = py_compile;
	settings->style.quiet = options->quiet;
	settings->style.verbose = options->verbose;
	settings->give_up = give_up;
	settings->context = session;
	set_places(settings, options);
}

/* What the settings need to be found or made first. 0, or -1 with errno. */
static int find_all(struct session *session)
{
	struct worker_settings *settings = &session->settings;

	if (set_levels(session) != 0)
		return -1;
	settings->filter = session->filter;
	settings->server = session->server = compiler_find_server();
	if (!session->server)
		return -1;
	if (settings->cache.prefix)
		settings->cache.cwd = session->cwd = getcwd(NULL, 0);
	return settings->cache.prefix && !session->cwd ? -1 : 0;
}

/* -x and -e. An expression that is wrong is a usage error. */
static enum session_status set_filter(struct session *session)
{
	const struct options *options = session->options;
	const char *limit =
		options->link_limit && *options->link_limit ? options->link_limit : NULL;
	struct buffer problem = BUFFER_INIT;
	enum session_status status = SESSION_OK;

	session->filter = filter_create(options->exclude, limit, &problem);
	if (!session->filter) {
		status = errno == EINVAL ? SESSION_USAGE : SESSION_IMPOSSIBLE;
		if (status == SESSION_USAGE)
			options_complain(stderr, "argument -x: %s", buffer_string(&problem));
	}
	buffer_fini(&problem);
	return status;
}

static enum list_format list_format(const struct options *options)
{
	if (options->nuls)
		return LIST_NULS;
	return options->action == OPTIONS_PY_COMPILE ? LIST_WHOLE_LINES : LIST_LINES;
}

/* The names in a list. Source: main in compileall, which also gives up on a list it cannot read. */
static enum session_status add_list(struct session *session, const char *path)
{
	const struct options *options = session->options;

	if (list_add_file(&session->operands, path, list_format(options)) == 0)
		return SESSION_OK;
	switch (errno) {
	case ENOMEM:
		return SESSION_IMPOSSIBLE;
	case EILSEQ:
		options_complain(stderr, "list %s: not UTF-8", path);
		return SESSION_USAGE;
	case EINVAL:
		options_complain(stderr, "list %s: a NUL byte; such lists need -0", path);
		return SESSION_USAGE;
	default:
		if (options->quiet < 2)
			(void)printf("Error reading file list %s\n", path);
		return SESSION_FAILED;
	}
}

/* py_compile's "-" alone stands for a list on standard input. */
static bool is_list_on_input(const struct options *options)
{
	return options->action == OPTIONS_PY_COMPILE && options->operand_count == 1 &&
	       strcmp(options->operands[0], "-") == 0;
}

/* Everything that is to be compiled, in its order. */
static enum session_status set_operands(struct session *session)
{
	const struct options *options = session->options;

	if (is_list_on_input(options))
		return add_list(session, "-");
	for (size_t i = 0; i < options->operand_count; i++)
		if (list_add(&session->operands, options->operands[i],
			     strlen(options->operands[i])) != 0)
			return SESSION_IMPOSSIBLE;
	if (options->list && *options->list)
		return add_list(session, options->list);
	if (session->operands.count > 0)
		return SESSION_OK;
	session->whole_path = true;
	if (sys_path_add(&session->operands, PYTHON_EXECUTABLE) == 0)
		return SESSION_OK;
	session->impossible = strdup(PYTHON_EXECUTABLE " does not tell its sys.path");
	return SESSION_IMPOSSIBLE;
}

static int set_up_threads(struct session *session)
{
	const struct options *options = session->options;

	session->jobs = options->jobs > 0 ? (size_t)options->jobs : cpu_usable();
	session->workers = calloc(session->jobs, sizeof(struct worker *));
	if (!session->workers)
		return -1;
	session->settings.queue = session->queue = queue_create(session->jobs * BATCHES_A_WORKER);
	if (!session->queue)
		return -1;
	session->settings.report = session->report = report_create(session->operands.count);
	return session->report ? 0 : -1;
}

static enum session_status set_up(struct session *session)
{
	enum session_status status = set_filter(session);

	if (status == SESSION_OK)
		status = set_operands(session);
	if (status != SESSION_OK)
		return status;
	set_settings(session);
	if (find_all(session) != 0 || set_up_threads(session) != 0)
		return SESSION_IMPOSSIBLE;
	return SESSION_OK;
}

static void take_down(struct session *session)
{
	report_destroy(session->report);
	queue_destroy(session->queue);
	filter_destroy(session->filter);
	list_fini(&session->operands);
	free(session->workers);
	free(session->server);
	free(session->cwd);
	free(session->impossible);
	thread_lock_fini(&session->lock);
}

/* Feeds everything and waits until it is done. */
static void work(struct session *session)
{
	const struct options *options = session->options;
	struct feed_settings feed = {
		.queue = session->queue,
		.report = session->report,
		.depth = session->whole_path && !options->depth_given ? 0 : options_depth(options),
		.style = session->settings.style,
		.only_files = options->action == OPTIONS_PY_COMPILE,
		.sys_path = session->whole_path,
		.ahead = ahead,
		.context = session,
	};

	/* EPIPE is the answer to a cancel, whose reason is known. */
	if (feed_operands(&feed, session->operands.names, session->operands.count) != 0 &&
	    errno != EPIPE)
		give_up(session, strerror(errno));
	queue_close(session->queue);
}

/* Waits for the workers' threads. They stay in place: a cancel may still reach for them. */
static void join_workers(struct session *session)
{
	for (size_t i = 0; i < session->started; i++)
		worker_join(session->workers[i]);
}

static void destroy_workers(struct session *session)
{
	for (size_t i = 0; i < session->started; i++)
		report_add_servers(session->report, worker_destroy(session->workers[i]));
}

static enum session_status finish(struct session *session)
{
	struct report_counts counts = report_counts(session->report);
	char summary[200] = "";

	if (session->options->verbose && session->options->action == OPTIONS_COMPILE &&
	    !session->impossible)
		(void)snprintf(summary, sizeof(summary),
			       "Checked %zu files: %zu fresh, %zu compiled, %zu failed; "
			       "%zu compile servers started\n",
			       counts.checked, counts.fresh, counts.compiled, counts.failed,
			       counts.servers);
	if (report_end(session->report, summary) != 0) {
		(void)fprintf(stderr, PACKAGE_NAME ": standard output: %s\n", strerror(errno));
		counts.trouble++;
	}
	if (!session->impossible && report_failed(session->report))
		session->impossible = strdup(strerror(ENOMEM));
	if (session->impossible)
		return SESSION_IMPOSSIBLE;
	return counts.failed + counts.trouble > 0 ? SESSION_FAILED : SESSION_OK;
}

/* What a signal ended: says so, and dies as if nobody had caught it. */
_Noreturn static void die(struct session *session, int signal)
{
	const char *last = session->options->quiet < 2 ? "\n[interrupted]\n" : NULL;

	/* There is nobody left to tell of a failing write. */
	(void)report_end(session->report, last);
	take_down(session);
	interrupt_die(signal);
}

/* The run itself, between set_up and take_down. */
static enum session_status run(struct session *session)
{
	struct interrupt *interrupt = interrupt_create(cancel, session);
	int signal;

	/* Threads that are started from here on have the signals blocked. */
	if (!interrupt)
		return SESSION_IMPOSSIBLE;
	if (session->options->quiet == 0 && isatty(STDERR_FILENO) == 1)
		report_show_progress(session->report);
	work(session);
	join_workers(session);
	signal = interrupt_destroy(interrupt);
	destroy_workers(session);
	if (signal)
		die(session, signal);
	return finish(session);
}

enum session_status session_run(const struct options *options)
{
	struct session session = {.options = options};
	enum session_status status;

	if (thread_lock_init(&session.lock) != 0)
		return SESSION_IMPOSSIBLE;
	errno = 0;
	status = set_up(&session);
	if (status == SESSION_OK)
		status = run(&session);
	if (status == SESSION_IMPOSSIBLE)
		(void)fprintf(stderr, PACKAGE_NAME ": %s\n",
			      session.impossible ? session.impossible : strerror(errno));
	take_down(&session);
	return status;
}
