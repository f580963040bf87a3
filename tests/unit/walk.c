#include "config.h"

#include "walk.h"

#include "buffer.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* What a walk showed, as text: a line a folder with its entries behind it, "/" behind folders. */
struct record {
	struct buffer text;
	const char *refuse; /* a folder not to be entered */
	size_t stop_after;  /* folders; 0: never */
	size_t folders;
};

static int visit(void *context, struct walk_folder *folder)
{
	struct record *record = context;

	buffer_printf(&record->text, "%s[%s]", folder->path, folder->relative);
	if (folder->place)
		buffer_printf(&record->text, "<%s>", (const char *)folder->place);
	if (folder->error)
		buffer_printf(&record->text, "!%d", folder->error);
	for (size_t i = 0; i < folder->count; i++) {
		struct walk_entry *entry = &folder->entries[i];

		buffer_printf(&record->text, " %s%s", entry->name, entry->folder ? "/" : "");
		if (entry->folder && record->refuse && strcmp(entry->name, record->refuse) == 0)
			entry->folder = false;
	}
	buffer_append_byte(&record->text, '\n');
	errno = ECANCELED;
	return ++record->folders == record->stop_after ? -1 : 0;
}

static void assert_walk(const char *root, long depth, const char *refuse, const char *expected)
{
	struct record record = {.text = BUFFER_INIT, .refuse = refuse};

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

SCRATCH_TEST(walk, visitor_keeps_the_walk_out_of_a_folder)
{
	scratch_file("t/a/x.py", "");
	scratch_file("t/b/x.py", "");
	assert_walk("t", -1, "a", "t[] a/ b/\nt/b[b] x.py\n");
	assert_walk("t", -1, "b", "t[] a/ b/\nt/a[a] x.py\n");
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

static int give_places(void *context, struct walk_folder *folder)
{
	static char names[2][4] = {"one", "two"};

	for (size_t i = 0; i < folder->count; i++)
		folder->entries[i].place = names[i % 2];
	return visit(context, folder);
}

SCRATCH_TEST(walk, place_comes_back_with_the_folder)
{
	struct record record = {.text = BUFFER_INIT};
	char top[] = "top";

	scratch_folder("t/a");
	scratch_folder("t/b");
	cr_assert_eq(walk_tree("t", -1, top, give_places, &record), 0);
	cr_assert_str_eq(buffer_string(&record.text), "t[]<top> a/ b/\nt/a[a]<one>\nt/b[b]<two>\n");
	buffer_fini(&record.text);
}

SCRATCH_TEST(walk, operand_that_is_gone_is_shown_with_its_error)
{
	struct record record = {.text = BUFFER_INIT};

	cr_assert_eq(walk_tree("none", -1, NULL, visit, &record), 0);
	cr_assert_str_eq(buffer_string(&record.text), "none[]!2\n");
	buffer_fini(&record.text);
}

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
