#include "config.h"

#include "report.h"

#include "progress.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITING_MAX  8192  /* folders and slots with lines that wait; some MiB at most */
#define OUTPUT_CHUNK 32768 /* bytes gathered for one write */
#define TICK         100   /* milliseconds between two looks of the progress line */

/* What a slot was filled with: lines, packed, and slots below it. */
struct filling {
	struct block *children; /* NULL: none */
	bool dropped;           /* the slot stays a hole, and only keeps the children */
	size_t output_size;     /* bytes for standard output */
	size_t errors_size;     /* bytes for standard error, behind them */
	size_t marks_size;      /* bytes of marks, behind those */
	char bytes[];
};

/* What all slots share that have nothing to say. */
static struct filling silence;

/* One word, since a folder has one for each of its sources at once, and most are never more than
 * silent. */
struct report_slot {
	_Atomic(struct filling *) filling; /* NULL: it is not filled */
};

/* The slots of one folder. */
struct block {
	struct block *above;
	size_t index; /* the first slot that is not printed */
	size_t count;
	struct report_slot slots[];
};

struct report {
	pthread_mutex_t lock;
	pthread_cond_t room;          /* report_wait waits: fewer slots wait, or it is cancelled */
	struct block *top;            /* the operands */
	struct block *cursor;         /* the block of the first slot that is not printed */
	void (*moved)(void *context); /* NULL: nobody listens */
	void *moved_context;
	atomic_bool full;                          /* too many slots wait */
	_Atomic(const struct report_slot *) first; /* the first slot that is not printed */
	size_t waiting;             /* filled folders and slots with lines, not printed */
	bool cancelled;             /* nobody waits any more */
	struct buffer output;       /* gathered for standard output */
	struct report_lines marked; /* marked lines while they are printed */
	struct cause_tally causes;  /* what was told, and is only counted from then on */
	bool direct;                /* standard output is a terminal: gather nothing */
	int output_error;           /* errno of the first write that failed; 0: none */
	atomic_bool lost;           /* lines were lost for want of memory */
	atomic_size_t counts[4];
	atomic_size_t servers;

	struct progress *progress; /* NULL: no line */
	pthread_t ticker;          /* the thread that keeps the line up to date */
	pthread_cond_t tick;       /* it waits: for the next look, or for the end */
	bool ended;                /* it is to end */
};

static struct block *create_block(size_t count)
{
	struct block *block = calloc(1, sizeof(*block) + count * sizeof(block->slots[0]));

	if (block)
		block->count = count;
	return block;
}

/* Frees what a slot was filled with, but for its children. */
static void destroy_filling(struct filling *filling)
{
	if (filling != &silence)
		free(filling);
}

/* Frees a block with all that hangs below it. The depth is that of the tree that was walked. */
static void destroy_block(struct block *block)
{
	if (!block)
		return;
	for (size_t i = block->index; i < block->count; i++) {
		struct filling *filling = atomic_load(&block->slots[i].filling);

		if (filling)
			destroy_block(filling->children);
		destroy_filling(filling);
	}
	free(block);
}

static struct progress_state progress_state(const struct report *report)
{
	struct report_counts counts = report_counts(report);

	return (struct progress_state){
		.done = counts.checked,
		.compiled = counts.compiled,
		.failed = counts.failed,
	};
}

static void *tick(void *argument)
{
	struct report *report = argument;

	thread_lock(&report->lock);
	while (!report->ended) {
		struct progress_state state = progress_state(report);

		progress_show(report->progress, &state);
		(void)thread_wait_for(&report->tick, &report->lock, TICK);
	}
	thread_unlock(&report->lock);
	return NULL;
}

static void stop_progress(struct report *report)
{
	if (!report->progress)
		return;
	thread_lock(&report->lock);
	report->ended = true;
	thread_wake_all(&report->tick);
	thread_unlock(&report->lock);
	(void)thread_join(report->ticker);
	thread_condition_fini(&report->tick);
	progress_destroy(report->progress);
	report->progress = NULL;
}

struct report *report_create(size_t operands)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->top = report->cursor = create_block(operands);
	report->direct = isatty(STDOUT_FILENO) == 1;
	if (!report->top)
		goto fail;
	if (thread_lock_init(&report->lock) != 0)
		goto fail;
	if (thread_condition_init(&report->room) != 0)
		goto fail_lock;
	return report;

fail_lock:
	thread_lock_fini(&report->lock);
fail:
	free(report->top);
	free(report);
	return NULL;
}

void report_destroy(struct report *report)
{
	if (!report)
		return;
	stop_progress(report);
	destroy_block(report->top);
	buffer_fini(&report->output);
	report_lines_fini(&report->marked);
	thread_condition_fini(&report->room);
	thread_lock_fini(&report->lock);
	free(report);
}

void report_show_progress(struct report *report)
{
	report->progress = progress_create(STDERR_FILENO);
	if (!report->progress)
		return;
	if (thread_condition_init(&report->tick) == 0) {
		if (thread_create(&report->ticker, tick, report) == 0)
			return;
		thread_condition_fini(&report->tick);
	}
	progress_destroy(report->progress);
	report->progress = NULL;
}

struct report_slot *report_operand(struct report *report, size_t index)
{
	return &report->top->slots[index];
}

struct report_slot *report_child(struct report_slot *first, size_t index)
{
	return first + index;
}

/* Writes everything; remembers the first error, after which nothing is written any more. */
static void write_out(struct report *report, int descriptor, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(descriptor, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			if (descriptor == STDOUT_FILENO && !report->output_error)
				report->output_error = errno;
			return;
		}
		bytes += done;
		size -= (size_t)done;
	}
}

static void flush_output(struct report *report)
{
	if (!report->output_error)
		write_out(report, STDOUT_FILENO, report->output.data, report->output.size);
	if (buffer_failed(&report->output))
		atomic_store(&report->lost, true);
	buffer_clear(&report->output);
}

static void print_streams(struct report *report, const char *output, size_t output_size,
			  const char *errors, size_t errors_size)
{
	if (report->progress)
		progress_hide(report->progress);
	buffer_append(&report->output, output, output_size);
	if (report->direct || errors_size > 0 || report->output.size >= OUTPUT_CHUNK)
		flush_output(report);
	write_out(report, STDERR_FILENO, errors, errors_size);
}

/* Prints what of marked lines was not told before. */
static void print_marked(struct report *report, const char *output, const char *errors,
			 const struct filling *lines)
{
	struct report_lines *marked = &report->marked;

	report_lines_clear(marked);
	buffer_append(&marked->output, output, lines->output_size);
	buffer_append(&marked->errors, errors, lines->errors_size);
	buffer_append(&marked->marks, errors + lines->errors_size, lines->marks_size);
	if (report_lines_failed(marked)) {
		atomic_store(&report->lost, true);
		return;
	}
	report_lines_cut(marked, &report->causes);
	print_streams(report, marked->output.data, marked->output.size, marked->errors.data,
		      marked->errors.size);
}

static void print_lines(struct report *report, const struct filling *lines)
{
	const char *output = lines->bytes, *errors = output + lines->output_size;

	if (lines->output_size + lines->errors_size == 0)
		return;
	if (lines->marks_size > 0)
		print_marked(report, output, errors, lines);
	else
		print_streams(report, output, lines->output_size, errors, lines->errors_size);
}

/* Steps behind a slot that is printed, with all below it. */
static void step(struct block *block)
{
	destroy_filling(atomic_load(&block->slots[block->index].filling));
	block->index++;
}

/* Prints a slot and steps behind it, or into its children. False: it is not filled yet. */
static bool print_slot(struct report *report)
{
	struct block *block = report->cursor;
	struct report_slot *slot = &block->slots[block->index];
	struct filling *filling = atomic_load_explicit(&slot->filling, memory_order_acquire);

	if (!filling || filling->dropped)
		return false;
	if (filling != &silence) {
		report->waiting--;
		print_lines(report, filling);
	}
	if (filling->children) {
		filling->children->above = block;
		report->cursor = filling->children;
	} else {
		step(block);
	}
	return true;
}

/* Steps out of a block that is printed to its end. False: it was the outermost. */
static bool leave_block(struct report *report)
{
	struct block *block = report->cursor, *above = block->above;

	if (!above)
		return false;
	step(above);
	report->cursor = above;
	free(block);
	return true;
}

/* Prints as far as the tree is filled; the lock is held. */
static void advance(struct report *report)
{
	const struct block *cursor;
	bool more = true;

	while (more) {
		if (report->cursor->index < report->cursor->count)
			more = print_slot(report);
		else
			more = leave_block(report);
	}
	cursor = report->cursor;
	atomic_store(&report->first,
		     cursor->index < cursor->count ? &cursor->slots[cursor->index] : NULL);
	atomic_store(&report->full, report->waiting >= WAITING_MAX && !report->cancelled);
	thread_wake_all(&report->room);
}

/* The same, and unlocks. While it was full, somebody may wait for what has changed. */
static void advance_and_unlock(struct report *report)
{
	const struct report_slot *before = atomic_load(&report->first);
	bool was_full = atomic_load(&report->full), moved;

	advance(report);
	moved = was_full && (atomic_load(&report->first) != before || !atomic_load(&report->full));
	thread_unlock(&report->lock);
	if (moved && report->moved)
		report->moved(report->moved_context);
}

static char *pack_buffer(char *place, const struct buffer *buffer)
{
	if (buffer->size == 0)
		return place;
	memcpy(place, buffer->data, buffer->size);
	return place + buffer->size;
}

/* NULL: no memory. */
static struct filling *pack_buffers(const struct report_lines *from, struct block *children)
{
	size_t size = from->output.size + from->errors.size;
	struct filling *filling;
	char *place;

	if (size == 0 && !children)
		return &silence;
	filling = malloc(sizeof(*filling) + size + from->marks.size);
	if (!filling)
		return NULL;
	filling->children = children;
	filling->dropped = false;
	filling->output_size = from->output.size;
	filling->errors_size = from->errors.size;
	filling->marks_size = from->marks.size;
	place = pack_buffer(filling->bytes, &from->output);
	place = pack_buffer(place, &from->errors);
	(void)pack_buffer(place, &from->marks);
	return filling;
}

/* Packs what the buffers hold, and clears them, with the children. For want of memory, which is
 * noted, it is silence, and the children are freed. */
static struct filling *pack(struct report *report, struct report_lines *from,
			    struct block *children)
{
	static const struct report_lines nothing;
	struct filling *filling = pack_buffers(from ? from : &nothing, children);

	if (!filling || (from && report_lines_failed(from)))
		atomic_store(&report->lost, true);
	if (from)
		report_lines_clear(from);
	if (filling)
		return filling;
	destroy_block(children);
	errno = ENOMEM;
	return &silence;
}

/* Publishes a slot and prints what has become printable. After a cancel the slot stays a hole: what
 * was being done then has failed for no reason of its own. */
static void publish(struct report *report, struct report_slot *slot, struct filling *filling)
{
	thread_lock(&report->lock);
	if (filling != &silence) {
		filling->dropped = report->cancelled;
		report->waiting += !filling->dropped;
	}
	if (filling != &silence || !report->cancelled)
		atomic_store_explicit(&slot->filling, filling, memory_order_release);
	advance_and_unlock(report);
}

struct report_slot *report_open(struct report *report, struct report_slot *slot,
				struct report_lines *lines, size_t children)
{
	struct block *block = children > 0 ? create_block(children) : NULL;
	struct filling *filling = pack(report, lines, block);
	int error = errno;

	if (filling == &silence)
		block = NULL;
	publish(report, slot, filling);
	errno = error;
	return block ? &block->slots[0] : NULL;
}

void report_fill_silent(struct report_slot *slot)
{
	atomic_store_explicit(&slot->filling, &silence, memory_order_release);
}

void report_fill(struct report *report, struct report_slot *slot, struct report_lines *lines)
{
	struct filling *filling = pack(report, lines, NULL);

	if (filling == &silence)
		report_fill_silent(slot);
	else
		publish(report, slot, filling);
}

void report_flush(struct report *report)
{
	thread_lock(&report->lock);
	advance_and_unlock(report);
}

bool report_is_full(const struct report *report, const struct report_slot *slot)
{
	return atomic_load(&report->full) && atomic_load(&report->first) != slot;
}

void report_wait(struct report *report, const struct report_slot *slot)
{
	if (!report_is_full(report, slot))
		return;
	thread_lock(&report->lock);
	while (report_is_full(report, slot))
		thread_wait(&report->room, &report->lock);
	thread_unlock(&report->lock);
}

void report_listen(struct report *report, void (*moved)(void *context), void *context)
{
	report->moved = moved;
	report->moved_context = context;
}

void report_cancel(struct report *report)
{
	thread_lock(&report->lock);
	report->cancelled = true;
	atomic_store(&report->full, false);
	thread_wake_all(&report->room);
	thread_unlock(&report->lock);
}

void report_add(struct report *report, enum report_count what)
{
	atomic_fetch_add_explicit(&report->counts[what], 1, memory_order_relaxed);
}

void report_add_servers(struct report *report, size_t servers)
{
	atomic_fetch_add_explicit(&report->servers, servers, memory_order_relaxed);
}

struct report_counts report_counts(const struct report *report)
{
	struct report_counts counts = {
		.fresh = atomic_load(&report->counts[REPORT_FRESH]),
		.compiled = atomic_load(&report->counts[REPORT_COMPILED]),
		.failed = atomic_load(&report->counts[REPORT_FAILED]),
		.trouble = atomic_load(&report->counts[REPORT_TROUBLE]),
		.servers = atomic_load(&report->servers),
	};

	counts.checked = counts.fresh + counts.compiled + counts.failed;
	return counts;
}

/* Prints how often what was told once was met again, and `last`. */
static void print_end(struct report *report, const char *last)
{
	struct report_lines *rest = &report->marked;

	report_lines_clear(rest);
	cause_append_counts(&report->causes, &rest->output, &rest->errors);
	if (report_lines_failed(rest))
		atomic_store(&report->lost, true);
	buffer_append(&report->output, rest->output.data, rest->output.size);
	if (last)
		buffer_append_string(&report->output, last);
	flush_output(report);
	write_out(report, STDERR_FILENO, rest->errors.data, rest->errors.size);
}

int report_end(struct report *report, const char *last)
{
	stop_progress(report);
	thread_lock(&report->lock);
	advance(report);
	print_end(report, last);
	thread_unlock(&report->lock);
	if (report->output_error) {
		errno = report->output_error;
		return -1;
	}
	return 0;
}

bool report_failed(const struct report *report)
{
	return atomic_load(&report->lost);
}
