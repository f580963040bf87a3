/*
 * report: every line that is printed, in the order of the walk, and the counts.
 *
 * The order must not depend on which thread is done first, and there is no sequence number to hold
 * on to, since several threads may walk different subtrees. So the lines form a tree of slots that
 * has the shape of what was walked: an operand's slot, in a folder's slot one slot for each source
 * and subfolder, in sorted order. A slot is filled once, with its lines and, for a folder, with the
 * slots of its children. The tree is printed depth first, as far as it is filled.
 *
 * Who produces: whoever walks fills folders, workers fill sources; each slot is filled by one
 * thread. Who consumes: whoever fills or flushes while all before it is filled prints under the
 * lock. Who frees: a block of slots is freed when its last one was printed. What throttles:
 * report_is_full, when too many slots wait. Then no folder is to be opened but the one that is
 * printed next. A thread that only walks blocks in report_wait; a worker must not, and gives its
 * folders back instead, to be taken up again when report_listen's function says so. The first
 * unfilled slot is always one that somebody has or can get, so printing goes on. What is cut: the
 * text of a common cause (see cause.h) that was printed before; it is counted instead. That is
 * found out when a slot is printed, so that it does not depend on threads. How it stops:
 * report_cancel lets report_wait return at once; report_end prints what is complete up to there,
 * and what comes after a hole is dropped.
 */
#ifndef PYCOMPILEALL_REPORT_H
#define PYCOMPILEALL_REPORT_H

#include "report_lines.h"

#include <stdbool.h>
#include <stddef.h>

struct report;

/* A place in the order of output. Opaque; lives in a block that the report owns. */
struct report_slot;

/* What is counted. Everything but `servers` counts sources. */
struct report_counts {
	size_t checked;  /* looked at */
	size_t fresh;    /* nothing to do at any level */
	size_t compiled; /* at least one level written, and no error */
	size_t failed;   /* an error at some level */
	size_t trouble;  /* errors that are no source's: an operand or folder that cannot be listed
			  */
	size_t servers;  /* compile servers started */
};

/* A report with `operands` slots at its top. NULL with errno ENOMEM or that of pthreads. */
struct report *report_create(size_t operands);

/*
 * Keeps a progress line on standard error until report_end, by a thread of its own. Where that
 * cannot be had there is no line.
 */
void report_show_progress(struct report *report);

/* Frees it and what it has not printed. NULL is legal. */
void report_destroy(struct report *report);

/* The slot of operand number `index`. */
struct report_slot *report_operand(struct report *report, size_t index);

/*
 * Fills a slot with lines (NULL: none) and `children` slots. Returns the first of the children; the
 * others follow by report_child. NULL if `children` is 0, or with errno ENOMEM; then the slot
 * counts as filled without them.
 */
struct report_slot *report_open(struct report *report, struct report_slot *slot,
				struct report_lines *lines, size_t children);

/* The slot `index` places after `first` in the same block. */
struct report_slot *report_child(struct report_slot *first, size_t index);

/* Fills a slot that has nothing to say: no lock. It is printed past at the next flush or fill. */
void report_fill_silent(struct report_slot *slot);

/* Fills a source's slot with lines, which are cleared. Lost for want of memory: report_failed. */
void report_fill(struct report *report, struct report_slot *slot, struct report_lines *lines);

/* Prints what can be printed. To be called after the last of some silent fills. */
void report_flush(struct report *report);

/* Whether too many slots wait to be printed for the folder at `slot` to be opened now; never of the
 * one that is printed next. Takes no lock. */
bool report_is_full(const struct report *report, const struct report_slot *slot);

/* Blocks as long as that. Only for a walker that is no worker. */
void report_wait(struct report *report, const struct report_slot *slot);

/* `moved(context)` is called by any thread, without a lock, when report_is_full may give another
 * answer than before. To be called before slots are filled. */
void report_listen(struct report *report, void (*moved)(void *context), void *context);

/* Ends the waiting for good, nothing is full any more; what is filled from now on is a hole in the
 * output. */
void report_cancel(struct report *report);

/* Count one more. Safe from any thread. */
enum report_count {
	REPORT_FRESH,
	REPORT_COMPILED,
	REPORT_FAILED,
	REPORT_TROUBLE
};
void report_add(struct report *report, enum report_count what);
void report_add_servers(struct report *report, size_t servers);

/* The counts so far. */
struct report_counts report_counts(const struct report *report);

/*
 * Prints what is left, the lines that tell how often a common cause was met again, and then `last`
 * (NULL: nothing), removes the progress line. Returns 0, or -1
 * with errno of the first write to standard output that failed. Call it once, when nobody fills any
 * more.
 */
int report_end(struct report *report, const char *last);

/* Whether lines were lost for want of memory. */
bool report_failed(const struct report *report);

#endif
