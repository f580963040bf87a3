#include "config.h"

#include "combination.h"

static struct combination all[] = {
	{1, COMBINATION_TIMESTAMP, "-j1", "--invalidation-mode=timestamp"},
	{2, COMBINATION_CHECKED_HASH, "-j2", "--invalidation-mode=checked-hash"},
	{8, COMBINATION_UNCHECKED_HASH, "-j8", "--invalidation-mode=unchecked-hash"},
	{8, COMBINATION_TIMESTAMP, "-j8", "--invalidation-mode=timestamp"},
	{2, COMBINATION_TIMESTAMP, "-j2", "--invalidation-mode=timestamp"},
	{1, COMBINATION_CHECKED_HASH, "-j1", "--invalidation-mode=checked-hash"},
	{8, COMBINATION_CHECKED_HASH, "-j8", "--invalidation-mode=checked-hash"},
	{1, COMBINATION_UNCHECKED_HASH, "-j1", "--invalidation-mode=unchecked-hash"},
	{2, COMBINATION_UNCHECKED_HASH, "-j2", "--invalidation-mode=unchecked-hash"},
};

#define QUICK 4 /* the first ones have every mode and every number of workers */

struct criterion_test_params combination_parameters(void)
{
	size_t count = run_quick() ? QUICK : sizeof(all) / sizeof(*all);

	return cr_make_param_array(struct combination, all, count);
}

const char *combination_mode_option(enum combination_mode mode)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].mode == mode)
			return all[i].mode_option;
	return NULL;
}

void combination_run(struct run_result *result, const struct combination *combination,
		     struct run_request request)
{
	request.options = RUN_LIST(combination->jobs_option, combination->mode_option);
	run_ours(result, request);
}

void combination_start(struct run *run, const struct combination *combination,
		       struct run_request request)
{
	request.options = RUN_LIST(combination->jobs_option, combination->mode_option);
	run_start_ours(run, request);
}
