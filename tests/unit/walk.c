#include "config.h"

#include "walk.h"

#include "buffer.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a walk showed, as text: a line a folder with its entries behind it, "/" behind folders. */
struct record {
	struct buffer text;
	const char *shut;  /* the path of a folder to be shut */
	size_t stop_after; /* folders; 0: never */
	size_t folders;
	char (*places)[4]; /* given to folders, in the order in which they are shown; NULL: none */
};

static int visit(void *context, struct walk_folder *folder)
{
	struct record *record = context;
	const char *name;
	bool is_folder;

	if (record->shut && strcmp(folder->path, record->shut) == 0)
		walk_shut(folder);
	buffer_printf(&record->text, "%s[%s]", folder->path, folder->relative);
	if (folder->place)
		buffer_printf(&record->text, "<%s>", (const char *)folder->place);
	if (folder->error)
		buffer_printf(&record->text, "!%d", folder->error);
	for (size_t left = folder->count; (name = walk_next(folder, &is_folder)); left--) {
		cr_assert_gt(left, 0, "more entries than were counted");
		buffer_printf(&record->text, " %s%s", name, is_folder ? "/" : "");
		if (is_folder && record->places)
			walk_set_place(folder, record->places++);
	}
	buffer_append_byte(&record->text, '\n');
	errno = ECANCELED;
	return ++record->folders == record->stop_after ? -1 : 0;
}

static void assert_walk(const char *root, long depth, const char *shut, const char *expected)
{
	struct record record = {.text = BUFFER_INIT, .shut = shut};

	cr_assert_eq(walk_tree(root, depth, NULL, visit, &record), 0);
	cr_assert_str_eq(buffer_string(&record.text), expected);
	buffer_fini(&record.text);
}

SCRATCH_TEST(walk, depth_first_sorted_sources_and_folders_only)
{
	scratch_file("t/b.py", "");
	scratch_file("t/a/z.py", "");
	scratch_file("t/a/sub/q.py", "");
	scratch_file("t/c.txt", "");
	scratch_file("t/c/d.py", "");
	scratch_file("t/.hidden/h.py", "");
	scratch_file("t/__pycache__/n.py", "");
	scratch_folder("t/empty");
	scratch_folder("t/x.py");
	assert_walk("t", -1, NULL,
		    "t[] .hidden/ a/ b.py c/ empty/ x.py/\n"
		    "t/.hidden[.hidden] h.py\n"
		    "t/a[a] sub/ z.py\n"
		    "t/a/sub[a/sub] q.py\n"
		    "t/c[c] d.py\n"
		    "t/empty[empty]\n"
		    "t/x.py[x.py]\n");
}

SCRATCH_TEST(walk, skips_the_cache_folder_where_it_comes_first)
{
	scratch_file("t/__pycache__/n.py", "");
	scratch_file("t/sub/__pycache__/n.py", "");
	assert_walk("t", -1, NULL, "t[] sub/\nt/sub[sub]\n");
}

SCRATCH_TEST(walk, operand_that_is_called_like_a_cache_is_walked)
{
	scratch_file("__pycache__/n.py", "");
	assert_walk("__pycache__", -1, NULL, "__pycache__[] n.py\n");
}

SCRATCH_TEST(walk, depth_is_kept)
{
	scratch_file("t/a/b/c.py", "");
	scratch_file("t/d.py", "");
	assert_walk("t", 0, NULL, "t[] d.py\n");
	assert_walk("t", 1, NULL, "t[] a/ d.py\nt/a[a]\n");
	assert_walk("t", 2, NULL, "t[] a/ d.py\nt/a[a] b/\nt/a/b[a/b] c.py\n");
}

SCRATCH_TEST(walk, folder_that_was_shut_is_as_good_as_empty)
{
	scratch_file("t/a/sub/x.py", "");
	scratch_file("t/a/x.py", "");
	scratch_file("t/b/x.py", "");
	assert_walk("t", -1, "t", "t[]\n");
	assert_walk("t", -1, "t/a", "t[] a/ b/\nt/a[a]\nt/b[b] x.py\n");
	assert_walk("t", -1, "t/b", "t[] a/ b/\nt/a[a] sub/ x.py\nt/a/sub[a/sub] x.py\nt/b[b]\n");
}

/* Whatever the order is in which the disk has them, and whatever else lies there. */
SCRATCH_TEST(walk, many_entries_are_all_shown_in_their_order)
{
	enum {
		MANY = 1000,
		STEP = 367 /* coprime to it */
	};
	struct buffer expected = BUFFER_INIT, below = BUFFER_INIT;
	char name[32];

	for (size_t i = 0, number = 0; i < MANY; i++, number = (number + STEP) % MANY) {
		static const char *const forms[] = {"t/%03zu.py", "t/%03zu.txt", "t/%03zu/x.py"};

		(void)snprintf(name, sizeof(name), forms[number % 3], number);
		scratch_file(name, "");
	}
	buffer_append_string(&expected, "t[]");
	for (size_t number = 0; number < MANY; number++) {
		if (number % 3 == 0)
			buffer_printf(&expected, " %03zu.py", number);
		if (number % 3 != 2)
			continue;
		buffer_printf(&expected, " %03zu/", number);
		buffer_printf(&below, "t/%03zu[%03zu] x.py\n", number, number);
	}
	buffer_append_byte(&expected, '\n');
	buffer_append_buffer(&expected, &below);
	assert_walk("t", -1, NULL, buffer_string(&expected));
	buffer_fini(&expected);
	buffer_fini(&below);
}

SCRATCH_TEST(walk, links_are_shown_as_sources_and_never_entered)
{
	scratch_file("real/x.py", "");
	scratch_symlink("../real", "t/link");
	scratch_symlink("../real", "t/link.py");
	scratch_symlink("../real/x.py", "t/y.py");
	scratch_symlink(".", "t/loop");
	assert_walk("t", -1, NULL, "t[] link.py y.py\n");
}

SCRATCH_TEST(walk, operand_that_is_a_link_is_followed)
{
	scratch_file("real/x.py", "");
	scratch_symlink("real", "link");
	assert_walk("link", -1, NULL, "link[] x.py\n");
}

SCRATCH_TEST(walk, slashes_of_the_operand_stay)
{
	scratch_file("t/a/x.py", "");
	assert_walk("t/", -1, NULL, "t/[] a/\nt/a[a] x.py\n");
	assert_walk("./t//", -1, NULL, "./t//[] a/\n./t//a[a] x.py\n");
}

SCRATCH_TEST(walk, visitor_ends_the_walk_with_its_errno)
{
	struct record record = {.text = BUFFER_INIT, .stop_after = 2};

	scratch_file("t/a/x.py", "");
	scratch_file("t/b/x.py", "");
	cr_assert_eq(walk_tree("t", -1, NULL, visit, &record), -1);
	cr_assert_eq(errno, ECANCELED);
	cr_assert_str_eq(buffer_string(&record.text), "t[] a/ b/\nt/a[a] x.py\n");
	buffer_fini(&record.text);
}

SCRATCH_TEST(walk, place_comes_back_with_the_folder)
{
	char top[] = "top", places[2][4] = {"one", "two"};
	struct record record = {.text = BUFFER_INIT, .places = places};

	scratch_folder("t/a");
	scratch_file("t/aa.py", "");
	scratch_folder("t/b");
	cr_assert_eq(walk_tree("t", -1, top, visit, &record), 0);
	cr_assert_str_eq(buffer_string(&record.text),
			 "t[]<top> a/ aa.py b/\nt/a[a]<one>\nt/b[b]<two>\n");
	buffer_fini(&record.text);
}

SCRATCH_TEST(walk, operand_that_is_gone_is_shown_with_its_error)
{
	struct record record = {.text = BUFFER_INIT};

	cr_assert_eq(walk_tree("none", -1, NULL, visit, &record), 0);
	cr_assert_str_eq(buffer_string(&record.text), "none[]!2\n");
	buffer_fini(&record.text);
}

#ifndef USE_NFTW
/* A walk that gives something away at one folder, which is walked behind it. */
struct sharing {
	struct record record;
	size_t at; /* the folder at which that is: 1 is the first */
	bool all;  /* everything, and not only the nearest */
	struct walk_rest *rests[20];
	size_t count;
};

static int visit_and_share(void *context, struct walk_folder *folder)
{
	struct sharing *sharing = context;
	struct walk_rest *rest;

	(void)visit(&sharing->record, folder);
	if (sharing->record.folders != sharing->at)
		return 0;
	while ((rest = walk_take_rest(folder, sharing->all))) {
		sharing->rests[sharing->count++] = rest;
		if (!sharing->all)
			break;
	}
	return 0;
}

static void walk_rests(struct sharing *sharing)
{
	for (size_t i = 0; i < sharing->count; i++) {
		struct walk_rest *rest = sharing->rests[i];

		for (size_t k = 0; k < rest->count; k++)
			cr_assert_eq(walk_branch(rest, k, visit, &sharing->record), 0);
		walk_rest_destroy(rest);
	}
}

static void make_wide_tree(void)
{
	scratch_file("t/a/b/c/x.py", "");
	scratch_file("t/a/b/d/x.py", "");
	scratch_file("t/a/e/f/x.py", "");
	scratch_file("t/a/e/x.py", "");
	scratch_folder("t/a/e/__pycache__");
	scratch_file("t/g/h/x.py", "");
	scratch_file("t/i/x.py", "");
	scratch_symlink("a", "t/link");
	scratch_file("t/x.py", "");
}

/* Whatever is given away, and walked in its order, is what the walk would have shown. */
static void assert_nothing_is_lost(const char *root, long depth)
{
	struct record whole = {.text = BUFFER_INIT};

	cr_assert_eq(walk_tree(root, depth, NULL, visit, &whole), 0);
	for (size_t at = 1; at <= whole.folders; at++) {
		struct sharing sharing = {.record.text = BUFFER_INIT, .at = at, .all = true};

		cr_assert_eq(walk_tree(root, depth, NULL, visit_and_share, &sharing), 0);
		cr_assert_eq(sharing.record.folders, at, "the walk went on with what it gave away");
		walk_rests(&sharing);
		cr_assert_str_eq(buffer_string(&sharing.record.text), buffer_string(&whole.text));
		buffer_fini(&sharing.record.text);
	}
	buffer_fini(&whole.text);
}

SCRATCH_TEST(walk, all_that_is_left_can_be_taken_at_any_folder)
{
	make_wide_tree();
	assert_nothing_is_lost("t", -1);
	assert_nothing_is_lost("./t//", -1);
	assert_nothing_is_lost("t", 1);
	assert_nothing_is_lost("t", 2);
}

SCRATCH_TEST(walk, nearest_siblings_are_taken_first)
{
	struct sharing sharing = {.record.text = BUFFER_INIT, .at = 4};

	make_wide_tree();
	cr_assert_eq(walk_tree("t", -1, NULL, visit_and_share, &sharing), 0);
	cr_assert_str_eq(buffer_string(&sharing.record.text), "t[] a/ g/ i/ x.py\n"
							      "t/a[a] b/ e/\n"
							      "t/a/b[a/b] c/ d/\n"
							      "t/a/b/c[a/b/c] x.py\n"
							      "t/a/e[a/e] f/ x.py\n"
							      "t/a/e/f[a/e/f] x.py\n"
							      "t/g[g] h/\n"
							      "t/g/h[g/h] x.py\n"
							      "t/i[i] x.py\n");
	cr_assert_eq(sharing.count, 1);
	buffer_clear(&sharing.record.text);
	walk_rests(&sharing);
	cr_assert_str_eq(buffer_string(&sharing.record.text), "t/a/b/d[a/b/d] x.py\n");
	buffer_fini(&sharing.record.text);
}

static int take_nothing(void *context, struct walk_folder *folder)
{
	(void)context;
	cr_assert_null(walk_take_rest(folder, false), "%s has no siblings", folder->path);
	return 0;
}

static int shut_and_take(void *context, struct walk_folder *folder)
{
	(void)context;
	walk_shut(folder);
	cr_assert_null(walk_take_rest(folder, true), "%s has nothing any more", folder->path);
	return 0;
}

SCRATCH_TEST(walk, where_nothing_is_left_nothing_is_taken)
{
	scratch_file("t/a/b/x.py", "");
	cr_assert_eq(walk_tree("t", -1, NULL, take_nothing, NULL), 0);
	cr_assert_eq(walk_tree("t", -1, NULL, shut_and_take, NULL), 0);
}

SCRATCH_TEST(walk, branch_that_is_gone_is_shown_with_its_error)
{
	struct sharing sharing = {.record.text = BUFFER_INIT, .at = 1, .all = true};

	scratch_file("t/a/x.py", "");
	scratch_file("t/b/x.py", "");
	scratch_file("outside/x.py", "");
	cr_assert_eq(walk_tree("t", -1, NULL, visit_and_share, &sharing), 0);
	scratch_delete("t/a");
	scratch_delete("t/b");
	scratch_symlink("../outside", "t/b");
	walk_rests(&sharing);
	cr_assert_str_eq(buffer_string(&sharing.record.text), "t[] a/ b/\nt/a[a]!2\nt/b[b]!20\n");
	buffer_fini(&sharing.record.text);
}
#endif

Test(walk, source_is_what_ends_in_py)
{
	cr_assert(walk_is_source("a.py"));
	cr_assert(walk_is_source(".py"));
	cr_assert(walk_is_source("a.b.py"));
	cr_assert_not(walk_is_source("a.PY"));
	cr_assert_not(walk_is_source("a.pyc"));
	cr_assert_not(walk_is_source("py"));
	cr_assert_not(walk_is_source(""));
}
