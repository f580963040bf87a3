/*
 * driver: runs a fuzz target where there is no fuzzing engine.
 *
 * Without arguments it gives the target every seed of its corpus, and then a fixed number of
 * mutations of them, the same ones in each run. With arguments it gives it these files and no
 * other. Each input is made in memory shared with a parent process, so that whatever ends the
 * target (an abort, a signal, a sanitizer, the alarm), the input that did it can be kept: in
 * NAME.crash in the folder of the program.
 *
 *     PYCOMPILEALL_FUZZ_SEED    where the pseudo-random numbers begin; default 1
 *     PYCOMPILEALL_FUZZ_ROUNDS  how many mutations; default ROUNDS, or QUICK_ROUNDS
 */
#include "config.h"

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS       40000 /* a second at most, without sanitizers */
#define QUICK_ROUNDS 4000
#define SECONDS      120  /* until a target counts as hanging */
#define INPUT_MAX    4096 /* bytes */
#define EDITS_MAX    6    /* in one mutation */

struct input {
	size_t size;
	uint8_t bytes[INPUT_MAX];
};

struct corpus {
	struct input *seeds;
	size_t count;
};

static uint64_t random_state;

static void fail(const char *what, const char *path)
{
	(void)fprintf(stderr, "%s: %s: %s: %s\n", fuzz_target, what, path, strerror(errno));
	exit(1);
}

/* splitmix64. */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to limit - 1; 0 for a limit of 0. */
static size_t random_below(size_t limit)
{
	return limit ? (size_t)(next_random() % limit) : 0;
}

/* --- Mutations ------------------------------------------------------------------------------- */

/* Bytes that mean something somewhere. */
static uint8_t random_byte(void)
{
	static const uint8_t telling[] =
		"\0\n\r\t ./:,-\\()[]{}?*+|^$#\"'09azAZ_\x7f\x80\xc2\xed\xff";

	if (random_below(2) == 0)
		return telling[random_below(sizeof(telling) - 1)];
	return (uint8_t)next_random();
}

/* Makes room for `size` bytes at `at`, or for fewer; returns for how many. */
static size_t open_gap(struct input *input, size_t at, size_t size)
{
	if (size > INPUT_MAX - input->size)
		size = INPUT_MAX - input->size;
	memmove(input->bytes + at + size, input->bytes + at, input->size - at);
	input->size += size;
	return size;
}

static void insert_bytes(struct input *input)
{
	size_t at = random_below(input->size + 1);
	size_t size = open_gap(input, at, 1 + random_below(8));

	for (size_t i = 0; i < size; i++)
		input->bytes[at + i] = random_byte();
}

static void remove_bytes(struct input *input)
{
	size_t at = random_below(input->size);
	size_t size = 1 + random_below(16);

	if (size > input->size - at)
		size = input->size - at;
	memmove(input->bytes + at, input->bytes + at + size, input->size - at - size);
	input->size -= size;
}

/* Puts a piece of one input into another, which may be the same. */
static void splice(struct input *input, const struct input *from)
{
	size_t begin = random_below(from->size);
	size_t size = 1 + random_below(32);
	size_t at = random_below(input->size + 1);
	uint8_t piece[32];

	if (size > from->size - begin)
		size = from->size - begin;
	memcpy(piece, from->bytes + begin, size);
	size = open_gap(input, at, size);
	memcpy(input->bytes + at, piece, size);
}

/* A number at which lengths and counts turn, in 4 or 8 little-endian bytes. */
static void set_number(struct input *input)
{
	static const uint64_t telling[] = {
		0,
		1,
		255,
		256,
		1 << 20,
		(1 << 20) + 1,
		INT32_MAX,
		UINT32_MAX,
		(uint64_t)1 << 32,
		((uint64_t)1 << 32) + 1,
		INT64_MAX,
		UINT64_MAX,
	};
	uint64_t number = telling[random_below(sizeof(telling) / sizeof(*telling))];
	size_t size = random_below(2) ? 4 : 8;

	if (input->size < size)
		return;
	for (size_t i = 0, at = random_below(input->size - size + 1); i < size; i++)
		input->bytes[at + i] = (uint8_t)(number >> (8 * i));
}

static void edit(struct input *input, const struct corpus *corpus)
{
	switch (input->size ? random_below(6) : 2) {
	case 0:
		input->bytes[random_below(input->size)] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		input->bytes[random_below(input->size)] = random_byte();
		break;
	case 2:
		insert_bytes(input);
		break;
	case 3:
		remove_bytes(input);
		break;
	case 4:
		splice(input, &corpus->seeds[random_below(corpus->count)]);
		break;
	default:
		set_number(input);
	}
}

static void mutate(struct input *input, const struct corpus *corpus)
{
	const struct input *seed = &corpus->seeds[random_below(corpus->count)];

	input->size = seed->size;
	memcpy(input->bytes, seed->bytes, seed->size);
	for (size_t edits = 1 + random_below(EDITS_MAX); edits > 0; edits--)
		edit(input, corpus);
}

/* --- The corpus ------------------------------------------------------------------------------ */

static void read_input(struct input *input, const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		fail("cannot open", path);
	input->size = fread(input->bytes, 1, INPUT_MAX, file);
	if (ferror(file))
		fail("cannot read", path);
	(void)fclose(file);
}

static void add_seed(struct corpus *corpus, const char *path)
{
	size_t size = (corpus->count + 1) * sizeof(*corpus->seeds);
	struct input *seeds = realloc(corpus->seeds, size);

	if (!seeds)
		fail("no memory", path);
	corpus->seeds = seeds;
	read_input(&seeds[corpus->count++], path);
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Sorted by name, so that the same number always means the same seed. */
static void read_corpus(struct corpus *corpus)
{
	const char *top = getenv("top_srcdir");
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int count;

	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top ? top : ".",
		       fuzz_target);
	count = scandir(folder, &entries, is_seed, alphasort);
	if (count < 1)
		fail("no corpus", folder);
	for (int i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		add_seed(corpus, path);
		free(entries[i]);
	}
	free(entries);
}

/* --- The runs -------------------------------------------------------------------------------- */

static void run_target(const struct input *input)
{
	uint8_t *copy = fuzz_copy(input->bytes, input->size);

	(void)LLVMFuzzerTestOneInput(copy, input->size);
	free(copy);
}

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

static bool is_quick(void)
{
	const char *quick = getenv("PYCOMPILEALL_TESTS_QUICK");

	return quick && *quick && strcmp(quick, "0") != 0;
}

static void run_all(struct input *input, const struct corpus *corpus, unsigned long rounds)
{
	for (size_t i = 0; i < corpus->count; i++) {
		*input = corpus->seeds[i];
		run_target(input);
	}
	for (unsigned long round = 0; round < rounds; round++) {
		mutate(input, corpus);
		run_target(input);
	}
}

static void keep_input(const struct input *input, const char *program)
{
	char path[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s.crash", program);
	file = fopen(path, "wb");
	if (!file || fwrite(input->bytes, 1, input->size, file) != input->size || fclose(file) != 0)
		fail("cannot write", path);
	(void)fprintf(stderr, "%s: the input is kept in %s\n", fuzz_target, path);
}

/* Runs them in a process of their own; exits if that fails. */
static void run_watched(struct input *input, const struct corpus *corpus, unsigned long rounds,
			const char *program)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("cannot fork", program);
	if (child == 0) {
		(void)alarm(SECONDS);
		run_all(input, corpus, rounds);
		exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		fail("cannot wait", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (WIFSIGNALED(status))
		(void)fprintf(stderr, "%s: %s\n", fuzz_target, strsignal(WTERMSIG(status)));
	keep_input(input, program);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct input *input = mmap(NULL, sizeof(*input), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long seed = number_of("PYCOMPILEALL_FUZZ_SEED", 1);
	unsigned long rounds =
		number_of("PYCOMPILEALL_FUZZ_ROUNDS", is_quick() ? QUICK_ROUNDS : ROUNDS);
	struct corpus corpus = {NULL, 0};

	if (input == MAP_FAILED)
		fail("cannot map", "memory");
	for (int i = 1; i < argc; i++)
		add_seed(&corpus, argv[i]);
	if (argc > 1)
		rounds = 0;
	else
		read_corpus(&corpus);
	random_state = seed;
	run_watched(input, &corpus, rounds, argv[0]);
	(void)printf("%s: %zu seeds, %lu mutations from %lu on: ok\n", fuzz_target, corpus.count,
		     rounds, seed);
	free(corpus.seeds);
	return 0;
}
