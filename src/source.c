#include "config.h"

#include "source.h"

#include "file_io.h"

#include <errno.h>
#include <stdlib.h>

struct source *source_create(size_t targets)
{
	struct source *source = calloc(1, sizeof(*source) + targets * sizeof(source->results[0]));

	if (!source)
		return NULL;
	source->targets = targets;
	return source;
}

void source_destroy(struct source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->targets; i++)
		report_lines_fini(&source->results[i].lines);
	report_lines_fini(&source->lines);
	buffer_fini(&source->path);
	buffer_fini(&source->coname);
	buffer_fini(&source->bytes);
	free(source);
}

int source_set(struct source *source, struct batch *batch, size_t index)
{
	source->loaded = false;
	source->batch = batch;
	source->slot = batch->sources[index].slot;
	source->name = batch_name(batch, index);
	buffer_clear(&source->path);
	buffer_append_string(&source->path, batch_prefix(batch));
	buffer_append_string(&source->path, source->name);
	(void)buffer_string(&source->path);
	source->folder = batch_folder(batch);
	return source->folder < 0 ? -1 : 0;
}

/* buffer_string puts a NUL behind the content, which only one thread at a time may do. */
int source_settle(struct source *source)
{
	(void)buffer_string(&source->coname);
	if (!buffer_failed(&source->path) && !buffer_failed(&source->coname))
		return 0;
	errno = ENOMEM;
	return -1;
}

const char *source_path(const struct source *source)
{
	return buffer_failed(&source->path) ? "" : source->path.data;
}

const char *source_coname(const struct source *source)
{
	return buffer_failed(&source->coname) ? "" : source->coname.data;
}

int source_load(struct source *source)
{
	if (source->loaded)
		return 0;
	if (file_io_read_source(source->folder, source->name, &source->bytes, &source->status) != 0)
		return -1;
	source->loaded = true;
	return 0;
}

enum report_count source_outcome(const struct source *source)
{
	for (size_t i = 0; i < source->targets; i++)
		if (source->results[i].failed)
			return REPORT_FAILED;
	return REPORT_COMPILED;
}

void source_report(struct source *source, struct report *report, int what)
{
	for (size_t i = 0; i < source->targets; i++)
		report_lines_move(&source->lines, &source->results[i].lines);
	if (what >= 0)
		report_add(report, (enum report_count)what);
	report_fill(report, source->slot, &source->lines);
}
