#include "config.h"

#include "progress.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct progress_state state = {.done = 1200, .compiled = 34, .failed = 5};

static void pass(long milliseconds)
{
	struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* What came out of the pipe so far. */
static size_t drain(int descriptor, char text[200])
{
	ssize_t size = read(descriptor, text, 199);

	text[size > 0 ? size : 0] = '\0';
	return size > 0 ? (size_t)size : 0;
}

Test(progress, line_has_all_figures)
{
	char text[100];

	(void)progress_format(text, sizeof(text), &state, 2.0);
	cr_assert_str_eq(text, "1200 done, 34 compiled, 5 failed, 600 files/s");
	(void)progress_format(text, sizeof(text), &state, 0.0);
	cr_assert_str_eq(text, "1200 done, 34 compiled, 5 failed, 0 files/s");
}

Test(progress, shows_after_a_while_and_hides)
{
	struct progress *progress;
	char text[200];
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	progress = progress_create(ends[1]);
	progress_show(progress, &state);
	cr_assert_eq(drain(ends[0], text), 0, "a short run shows nothing");
	progress_hide(progress);
	cr_assert_eq(drain(ends[0], text), 0, "there is nothing to hide");
	pass(600);
	progress_show(progress, &state);
	drain(ends[0], text);
	cr_assert_not_null(strstr(text, "\r\033[K1200 done, 34 compiled, 5 failed, "));
	progress_show(progress, &state);
	cr_assert_eq(drain(ends[0], text), 0, "not more often than it can be read");
	progress_hide(progress);
	drain(ends[0], text);
	cr_assert_str_eq(text, "\r\033[K");
	progress_destroy(progress);
}

Test(progress, destroy_removes_the_line)
{
	struct progress *progress;
	char text[200];
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	progress = progress_create(ends[1]);
	pass(600);
	progress_show(progress, &state);
	drain(ends[0], text);
	progress_destroy(progress);
	drain(ends[0], text);
	cr_assert_str_eq(text, "\r\033[K");
}
