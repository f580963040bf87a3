#include "config.h"

#include "durability.h"

#include "support/descriptors.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

SCRATCH_TEST(durability, keeps_one_descriptor_a_file_system)
{
	struct durability *durability = durability_create();
	size_t before = descriptors_count();
	int one, two;

	scratch_folder("a");
	scratch_folder("b");
	one = open("a", O_PATH | O_DIRECTORY);
	two = open("b", O_PATH | O_DIRECTORY);
	cr_assert_eq(durability_note(durability, one), 0);
	cr_assert_eq(durability_note(durability, two), 0);
	cr_assert_eq(durability_note(durability, one), 0);
	close(one);
	close(two);
	cr_assert_eq(descriptors_count(), before + 1);
	cr_assert_eq(durability_sync(durability), 0);
	durability_destroy(durability);
	cr_assert_eq(descriptors_count(), before);
}

Test(durability, wrong_descriptor)
{
	struct durability *durability = durability_create();

	cr_assert_eq(durability_note(durability, -1), -1);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(durability_sync(durability), 0, "there is nothing to sync");
	durability_destroy(durability);
}

Test(durability, of_nobody)
{
	cr_assert_eq(durability_note(NULL, -1), 0);
	cr_assert_eq(durability_sync(NULL), 0);
	durability_destroy(NULL);
}
