#include "config.h"

#include "branches.h"

#include "buffer.h"
#include "feed.h"
#include "walk_entries.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct feed_settings settings;
static struct queue *queue;
static struct folder *root;

static void seed(size_t operand, const char *path, const char *const *names)
{
	struct walk_rest *rest = walk_rest_create(path, strlen(path), 8);
	struct branches *branches;

	cr_assert_not_null(rest);
	for (; *names; names++)
		cr_assert_eq(walk_rest_add(rest, *names, NULL, false), 0);
	branches = branches_create(&settings, root, "t", rest);
	cr_assert_not_null(branches);
	branches->number = operand;
	cr_assert_eq(branches_seed(branches, queue), 0);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Takes `count` parts and writes down what they are. */
static void take(struct queue_ticket *ticket, struct buffer *taken, size_t count)
{
	for (; count > 0; count--) {
		const struct branches *branches;
		char *path;

		cr_assert(queue_next(queue, ticket));
		branches = branches_of(ticket->job);
		path = walk_rest_path(branches->rest, ticket->part);
		buffer_append_string(taken, path);
		buffer_append_byte(taken, ' ');
		free(path);
	}
}

Test(branches, are_taken_in_the_order_of_one_walk)
{
	struct buffer taken = BUFFER_INIT;
	struct queue_ticket ticket;

	settings.report = report_create(1);
	queue = queue_create(1);
	root = folder_open(".");
	queue_join(queue, &ticket);
	seed(1, "s", NAMES("a"));
	seed(0, "t", NAMES("b", "c", "d"));
	take(&ticket, &taken, 1);
	seed(0, "t/b.c", NAMES("k"));
	seed(0, "t/b", NAMES("x", "y"));
	seed(0, "t/a/z/", NAMES("q"));
	take(&ticket, &taken, 2);
	seed(0, "t/b/x", NAMES("\xc3\xa4", "\xff"));
	take(&ticket, &taken, 7);
	cr_assert_str_eq(buffer_string(&taken), "t/b t/a/z/q t/b/x t/b/x/\xc3\xa4 t/b/x/\xff t/b/y "
						"t/b.c/k t/c t/d s/a ");
	queue_leave(queue, &ticket);
	queue_destroy(queue);
	folder_release(root);
	report_destroy(settings.report);
	buffer_fini(&taken);
}
