#include "config.h"

#include "heavy.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>

#define FUNCTIONS 800 /* in each source */

void heavy_build(void)
{
	char path[32];
	char *text = NULL;
	size_t size = 0;

	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	for (int i = 0; i < FUNCTIONS; i++)
		(void)fprintf(stream, "def f%d(a, b=%d): return [a + b * c for c in range(b)]\n", i,
			      i);
	cr_assert_eq(fclose(stream), 0);
	for (int i = 0; i < HEAVY_SOURCES; i++) {
		(void)snprintf(path, sizeof(path), "t/m%02d.py", i);
		scratch_bytes(path, text, size);
	}
	free(text);
}
