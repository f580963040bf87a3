#include "config.h"

#include "session.h"

#include "cpu.h"
#include "descriptors.h"
#include "feed.h"
#include "filter.h"
#include "interrupt.h"
#include "list.h"
#include "options.h"
#include "sys_path.h"
#include "target.h"
#include "thread.h"
#include "worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Batches that wait for each worker: enough that none runs dry while folders are read. */
#define BATCHES_A_WORKER 8

/* So many sources and folders are looked at in less time than a thread takes to start. */
#define ALONE_MAX 8

/* Files that may be open at once: by the walk and for the batches that wait; and by each worker,
 * for folders, byte-code and starting a server, beside a socket for each target. */
#define DESCRIPTORS          160
#define DESCRIPTORS_A_WORKER 12

struct session {
	const struct options *options;
	struct targets targets;
	struct worker_settings settings;
	struct queue *queue;
	struct report *report;
	struct group_course course;
	struct feed_settings feed;
	struct list operands; /* what is to be compiled */
	struct filter *filter;
	bool whole_path;           /* nothing was named: sys.path, not recursive */
	uint32_t *operand_targets; /* then, a bit for each target whose sys.path has the operand */

	/* The workers, started as there is work for them. While there is little, the main thread
	 * is the only one, works when all is fed, and asks for signals in between. */
	struct worker **workers;
	struct interrupt *interrupt;
	atomic_bool many;         /* it is not alone */
	bool working;             /* it is the first worker */
	atomic_size_t jobs;       /* how many workers there may be, if many */
	atomic_size_t started;    /* how many there are; grows under both locks */
	atomic_size_t found;      /* how many sources and folders were found */
	pthread_mutex_t starting; /* taken before `lock` */

	pthread_mutex_t lock; /* for what follows, and `started` */
	bool cancelled;       /* no worker is started any more */
	bool impossible;      /* the run cannot go on */
	char *reason;         /* why; NULL: for want of memory, even for this */
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

/* The first reason stands; the others follow from the same cause. "" is a text that was lost. */
static void set_impossible(struct session *session, const char *why)
{
	if (session->impossible)
		return;
	session->impossible = true;
	session->reason = *why ? strdup(why) : NULL;
}

/* Ends the run early for a reason. */
static void give_up(void *context, const char *why)
{
	struct session *session = context;

	thread_lock(&session->lock);
	if (!session->cancelled)
		set_impossible(session, why);
	thread_unlock(&session->lock);
	cancel(session);
}

static void add_worker(struct session *session, struct worker *worker)
{
	thread_lock(&session->lock);
	session->workers[session->started] = worker;
	session->started++;
	if (session->cancelled)
		worker_cancel(worker);
	thread_unlock(&session->lock);
}

/* Makes the first worker, which nobody runs yet. 0, or -1 with errno. */
static int set_first_worker(struct session *session)
{
	struct worker *worker = worker_create(&session->settings);

	if (!worker)
		return -1;
	add_worker(session, worker);
	return 0;
}

/* Starts one more worker. Without memory or a thread for it, those that run do the work.
 * `starting` is held. */
static void start_worker(struct session *session)
{
	struct worker *worker = worker_create(&session->settings);

	if (worker && worker_start(worker) == 0) {
		add_worker(session, worker);
		return;
	}
	if (worker)
		(void)worker_destroy(worker);
	session->jobs = session->started;
}

static bool needs_worker(const struct session *session)
{
	return session->started < session->jobs && session->started < session->found;
}

/* Starts as many workers as there are things to do: a run of two files starts two threads. */
static void start_workers(struct session *session)
{
	if (!needs_worker(session))
		return;
	thread_lock(&session->starting);
	while (needs_worker(session))
		start_worker(session);
	thread_unlock(&session->starting);
}

/* Makes room for all workers that there may be. 0, or -1 with errno. */
static int set_jobs(struct session *session)
{
	const struct options *options = session->options;
	size_t jobs = options->jobs > 0 ? (size_t)options->jobs : cpu_usable();
	struct worker **grown = reallocarray(session->workers, jobs, sizeof(*grown));

	if (!grown)
		return -1;
	session->workers = grown;
	session->jobs = jobs;
	descriptors_allow(DESCRIPTORS +
			  jobs * (DESCRIPTORS_A_WORKER + session->settings.targets->count));
	queue_widen(session->queue, jobs * BATCHES_A_WORKER);
	return 0;
}

/* Gets ready for other threads, one of which waits for signals. The first worker gets a thread,
 * unless it is the main thread. 0, or -1 with errno. */
static int become_many(struct session *session)
{
	if (set_jobs(session) != 0)
		return -1;
	if (interrupt_watch(session->interrupt, cancel, session) != 0)
		return -1;
	if (session->options->quiet == 0 && isatty(STDERR_FILENO) == 1)
		report_show_progress(session->report);
	session->many = true;
	if (session->working)
		return 0;
	if (session->started == 0 && set_first_worker(session) != 0)
		return -1;
	return worker_start(session->workers[0]);
}

/* For feed: so much more was found; or nothing, but what was is to be done by now. */
static int ahead(void *context, size_t found)
{
	struct session *session = context;

	session->found += found;
	if (session->found == 0)
		return 0;
	if (!session->many && session->found <= ALONE_MAX && found > 0)
		return session->started > 0 ? 0 : set_first_worker(session);
	if (!session->many && become_many(session) != 0)
		return -1;
	start_workers(session);
	return 0;
}

/* For workers: something begins, and nobody else may be there to see a signal. */
static void begin(void *context)
{
	struct session *session = context;

	if (!session->many && interrupt_came(session->interrupt))
		cancel(session);
}

/* For workers: there is something that takes long. */
static void stale(void *context)
{
	struct session *session = context;

	if (session->many)
		return;
	if (become_many(session) == 0)
		start_workers(session);
	else
		give_up(session, strerror(errno));
}

static void set_settings(struct session *session)
{
	const struct options *options = session->options;
	struct worker_settings *settings = &session->settings;
	bool py_compile = options->action == OPTIONS_PY_COMPILE;

	settings->targets = &session->targets;
	settings->force = options->force || py_compile;
	settings->hardlink_dupes = options->hardlink_dupes;
	settings->style.py_compile = py_compile;
	settings->style.quiet = options->quiet;
	settings->style.verbose = options->verbose;
	settings->names.destination = options->destination;
	settings->names.strip = options->strip;
	settings->names.prepend = options->prepend;
	settings->names.explicit = options->dfile;
	settings->filter = session->filter;
	settings->course = &session->course;
	settings->give_up = give_up;
	settings->begin = begin;
	settings->stale = stale;
	settings->context = session;
}

/* The interpreters. */
static enum session_status find_targets(struct session *session)
{
	struct buffer problem = BUFFER_INIT;
	enum session_status status = SESSION_OK;

	if (targets_find(&session->targets, session->options, &problem) != 0) {
		status = errno == EINVAL ? SESSION_USAGE : SESSION_IMPOSSIBLE;
		if (status == SESSION_USAGE)
			options_complain(stderr, "%s", buffer_string(&problem));
		else if (problem.size > 0)
			set_impossible(session, buffer_string(&problem));
	}
	buffer_fini(&problem);
	return status;
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

/* Adds an operand that is for no target yet. */
static int add_for_none(struct session *session, const char *name)
{
	size_t count = session->operands.count;
	uint32_t *grown = reallocarray(session->operand_targets, count + 1, sizeof(*grown));

	if (!grown)
		return -1;
	session->operand_targets = grown;
	grown[count] = 0;
	return list_add(&session->operands, name, strlen(name));
}

/* Adds what one interpreter's sys.path has; a folder that another's has too stays one operand. */
static int add_sys_path(struct session *session, const struct target_python *python)
{
	size_t others = session->operands.count;
	struct list folders = {0};
	int result = sys_path_add(&folders, python->path);

	for (size_t i = 0; i < folders.count && result == 0; i++) {
		size_t at = list_find(&session->operands, folders.names[i]);

		if (at >= others) {
			at = session->operands.count;
			result = add_for_none(session, folders.names[i]);
		}
		if (result == 0)
			session->operand_targets[at] |= UINT32_C(1) << python->index;
	}
	list_fini(&folders);
	return result;
}

/* Nothing was named: each interpreter's sys.path, for it alone. */
static enum session_status set_sys_path(struct session *session)
{
	struct buffer text = BUFFER_INIT;

	session->whole_path = true;
	for (size_t i = 0; i < session->targets.python_count; i++) {
		const char *path = session->targets.pythons[i].path;

		if (add_sys_path(session, &session->targets.pythons[i]) == 0)
			continue;
		buffer_printf(&text, "%s does not tell its sys.path", path);
		set_impossible(session, buffer_string(&text));
		buffer_fini(&text);
		return SESSION_IMPOSSIBLE;
	}
	return SESSION_OK;
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
	return set_sys_path(session);
}

/* Lines were printed: folders that were not to be opened for now may be. */
static void look_again(void *context)
{
	queue_signal(context);
}

static int set_up_threads(struct session *session)
{
	session->workers = calloc(1, sizeof(struct worker *));
	if (!session->workers)
		return -1;
	session->settings.queue = session->queue = queue_create(BATCHES_A_WORKER);
	if (!session->queue)
		return -1;
	session->settings.report = session->report = report_create(session->operands.count);
	if (!session->report)
		return -1;
	report_listen(session->report, look_again, session->queue);
	return 0;
}

static enum session_status set_up(struct session *session)
{
	enum session_status status = set_filter(session);

	if (status == SESSION_OK)
		status = find_targets(session);
	if (status == SESSION_OK)
		status = set_operands(session);
	if (status != SESSION_OK)
		return status;
	set_settings(session);
	return set_up_threads(session) == 0 ? SESSION_OK : SESSION_IMPOSSIBLE;
}

static void take_down(struct session *session)
{
	report_destroy(session->report);
	queue_destroy(session->queue);
	filter_destroy(session->filter);
	list_fini(&session->operands);
	targets_fini(&session->targets);
	free(session->workers);
	free(session->operand_targets);
	free(session->reason);
	thread_lock_fini(&session->starting);
	thread_lock_fini(&session->lock);
}

static void set_feed(struct session *session)
{
	const struct options *options = session->options;

	session->feed = (struct feed_settings){
		.queue = session->queue,
		.report = session->report,
		.depth = session->whole_path && !options->depth_given ? 0 : options_depth(options),
		.style = session->settings.style,
		.only_files = options->action == OPTIONS_PY_COMPILE,
		.sys_path = session->whole_path,
		.targets = session->operand_targets,
		.ahead = ahead,
		.context = session,
	};
}

/* Feeds everything, and does it where that is the main thread's. */
static void work(struct session *session)
{
	set_feed(session);
	/* EPIPE is the answer to a cancel, whose reason is known. */
	if (feed_operands(&session->feed, session->operands.names, session->operands.count) != 0 &&
	    errno != EPIPE)
		give_up(session, strerror(errno));
	queue_close(session->queue);
	session->working = !session->many && session->started > 0;
	if (session->working)
		worker_run(session->workers[0]);
}

/* Waits for the workers' threads. A worker may start others until it ends, but those come behind
 * it. All stay in place: a cancel may still reach for them. */
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
	if (!session->impossible && targets_sync(&session->targets) != 0) {
		(void)fprintf(stderr, PACKAGE_NAME ": --sync: %s\n", strerror(errno));
		counts.trouble++;
	}
	if (report_end(session->report, summary) != 0) {
		(void)fprintf(stderr, PACKAGE_NAME ": standard output: %s\n", strerror(errno));
		counts.trouble++;
	}
	if (report_failed(session->report))
		set_impossible(session, strerror(ENOMEM));
	if (session->impossible) {
		targets_forget(&session->targets);
		return SESSION_IMPOSSIBLE;
	}
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
	int signal;

	session->interrupt = interrupt_create();
	if (!session->interrupt)
		return SESSION_IMPOSSIBLE;
	work(session);
	join_workers(session);
	signal = interrupt_destroy(session->interrupt);
	destroy_workers(session);
	if (signal)
		die(session, signal);
	return finish(session);
}

/* Why the run could not be done; without a reason it is the errno. */
static void complain(const struct session *session, int error)
{
	if (session->impossible)
		error = ENOMEM;
	(void)fprintf(stderr, PACKAGE_NAME ": %s\n",
		      session->reason ? session->reason : strerror(error));
}

static int init_locks(struct session *session)
{
	if (thread_lock_init(&session->lock) != 0)
		return -1;
	if (thread_lock_init(&session->starting) == 0)
		return 0;
	thread_lock_fini(&session->lock);
	return -1;
}

enum session_status session_run(const struct options *options)
{
	struct session session = {.options = options};
	enum session_status status;

	if (init_locks(&session) != 0)
		return SESSION_IMPOSSIBLE;
	errno = 0;
	status = set_up(&session);
	if (status == SESSION_OK)
		status = run(&session);
	if (status == SESSION_IMPOSSIBLE)
		complain(&session, errno);
	take_down(&session);
	return status;
}
