/*
 * floor_check: the least that proves the byte-code of a tree up to date. The floor for a run that
 * finds nothing to do.
 *
 *     floor_check [--hash] THREADS TREE
 *
 * For each source: fstatat, openat of its cache file, read 16 bytes, close; with --hash also
 * openat, read and close of the source, and its source hash. For each folder: openat, getdents64,
 * close. All names are relative to open folders. Nothing is sorted, filtered or reported; prints
 * how many sources there are and how many of them are fresh, so that a bench can tell that the
 * floor proved what the program proves.
 *
 * Threads: each takes a folder from one stack, pushes the folders it finds there and checks the
 * sources itself. Nothing bounds the stack but the tree; last in, first out keeps it short. A
 * folder's descriptor stays open until the folders below it are opened: `holders` counts them and
 * whoever lists it, and the last one to let go closes and frees. `unfinished` counts the folders
 * pushed and not yet listed to the end; at zero every thread returns. The first error ends the
 * process.
 */
#include "config.h"

#include "interpreter.h"
#include "pyc_header.h"
#include "source_hash.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTING_SIZE (64 * 1024) /* bytes that one getdents64 may fill */

struct folder {
	struct folder *parent; /* NULL for the tree itself */
	struct folder *below;  /* the next one down the stack */
	atomic_uint holders;   /* who still needs `fd`, or the memory */
	int fd;                /* open while there are holders that open names in it */
	char name[];           /* relative to the parent */
};

struct worker {
	pthread_t thread;
	char *source;       /* --hash: the bytes of one source */
	size_t source_room; /* bytes allocated at `source` */
	size_t sources;     /* sources seen */
	size_t fresh;       /* those of them whose byte-code is up to date */
};

/* Constant once there are threads. */
static struct {
	bool hash; /* check the source hash and not mtime and size */
	const struct interpreter *interpreter;
	char suffix[64];    /* of a cache file: ".TAG.pyc" */
	size_t suffix_size; /* bytes of it */
} setting;

/* What the threads share, guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a folder was pushed, or `unfinished` became zero */
	struct folder *top;
	size_t unfinished;
	unsigned idle; /* threads that wait for `changed` */
} stack = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct folder *create_folder(struct folder *parent, const char *name)
{
	size_t size = strlen(name) + 1;
	struct folder *folder = malloc(sizeof *folder + size);

	if (!folder)
		err(1, "malloc");
	folder->parent = parent;
	atomic_init(&folder->holders, 1);
	folder->fd = -1;
	memcpy(folder->name, name, size);
	if (parent)
		atomic_fetch_add_explicit(&parent->holders, 1, memory_order_relaxed);
	return folder;
}

static void let_go(struct folder *folder)
{
	if (folder && atomic_fetch_sub(&folder->holders, 1) == 1) {
		close(folder->fd);
		free(folder);
	}
}

/* Pushes a chain of `count` folders, `first` to `last`. */
static void push(struct folder *first, struct folder *last, size_t count)
{
	pthread_mutex_lock(&stack.lock);
	last->below = stack.top;
	stack.top = first;
	stack.unfinished += count;
	if (stack.idle)
		pthread_cond_broadcast(&stack.changed);
	pthread_mutex_unlock(&stack.lock);
}

/* Counts `done` folders as finished and takes another. NULL: all are finished. */
static struct folder *pop(size_t done)
{
	struct folder *folder;

	pthread_mutex_lock(&stack.lock);
	stack.unfinished -= done;
	if (!stack.unfinished)
		pthread_cond_broadcast(&stack.changed);
	while (!stack.top && stack.unfinished) {
		stack.idle++;
		pthread_cond_wait(&stack.changed, &stack.lock);
		stack.idle--;
	}
	folder = stack.top;
	if (folder)
		stack.top = folder->below;
	pthread_mutex_unlock(&stack.lock);
	return folder;
}

static uint64_t hash_source(struct worker *worker, int dir, const char *name, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", name);
	if (size > worker->source_room) {
		free(worker->source);
		worker->source = malloc(size);
		if (!worker->source)
			err(1, "malloc");
		worker->source_room = size;
	}
	if (read(fd, worker->source, size) != (ssize_t)size)
		err(1, "%s", name);
	close(fd);
	return source_hash(setting.interpreter->hash_kind, setting.interpreter->magic,
			   worker->source, size);
}

static bool is_fresh(struct worker *worker, int dir, const char *name,
		     const unsigned char bytes[PYC_HEADER_SIZE], const struct stat *source)
{
	struct pyc_header header;

	pyc_header_parse(&header, bytes);
	if (memcmp(header.magic, setting.interpreter->magic, sizeof header.magic) != 0)
		return false;
	if (setting.hash)
		return header.flags & PYC_FLAG_HASH &&
		       header.hash == hash_source(worker, dir, name, (size_t)source->st_size);
	return header.flags == 0 && header.mtime == pyc_header_mtime(source->st_mtim) &&
	       header.size == (uint32_t)source->st_size;
}

/* Checks the source called `name`, whose first `stem` bytes come before its last dot. */
static void check(struct worker *worker, int dir, const char *name, size_t stem)
{
	static const char cache_folder[] = "__pycache__/";
	const size_t folder_size = sizeof cache_folder - 1;
	char cache[sizeof cache_folder + NAME_MAX + sizeof setting.suffix];
	unsigned char header[PYC_HEADER_SIZE];
	struct stat status;
	int fd;

	worker->sources++;
	memcpy(cache, cache_folder, folder_size);
	memcpy(cache + folder_size, name, stem);
	memcpy(cache + folder_size + stem, setting.suffix, setting.suffix_size + 1);
	if (fstatat(dir, name, &status, 0) < 0)
		err(1, "%s", name);
	fd = openat(dir, cache, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, header, sizeof header) == (ssize_t)sizeof header)
		worker->fresh += is_fresh(worker, dir, name, header, &status);
	close(fd);
}

static bool is_subfolder(const struct dirent64 *entry)
{
	const char *name = entry->d_name;

	if (entry->d_type == DT_UNKNOWN)
		errx(1, "this file system's listings do not tell folders from files");
	return entry->d_type == DT_DIR && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcmp(name, "__pycache__") != 0;
}

/* Takes one filled listing: pushes its folders first, so that other threads can begin. */
static void take_listing(struct worker *worker, struct folder *folder, char *listing, size_t size)
{
	struct folder *first = NULL, *last = NULL;
	const struct dirent64 *entry;
	size_t count = 0, length;

	for (size_t at = 0; at < size; at += entry->d_reclen) {
		entry = (const struct dirent64 *)(void *)(listing + at);
		if (!is_subfolder(entry))
			continue;
		struct folder *below = create_folder(folder, entry->d_name);
		below->below = first;
		first = below;
		last = last ? last : below;
		count++;
	}
	if (count)
		push(first, last, count);
	for (size_t at = 0; at < size; at += entry->d_reclen) {
		entry = (const struct dirent64 *)(void *)(listing + at);
		length = strlen(entry->d_name);
		if (entry->d_type != DT_DIR && length >= 3 &&
		    memcmp(entry->d_name + length - 3, ".py", 3) == 0)
			check(worker, folder->fd, entry->d_name, length - 3);
	}
}

static void list(struct worker *worker, struct folder *folder)
{
	_Alignas(struct dirent64) char listing[LISTING_SIZE];
	ssize_t size;

	folder->fd = openat(folder->parent ? folder->parent->fd : AT_FDCWD, folder->name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		err(1, "%s", folder->name);
	let_go(folder->parent);
	while ((size = getdents64(folder->fd, listing, sizeof listing)) > 0)
		take_listing(worker, folder, listing, (size_t)size);
	if (size < 0)
		err(1, "%s", folder->name);
	let_go(folder);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct folder *folder;

	for (size_t done = 0; (folder = pop(done)); done = 1)
		list(worker, folder);
	free(worker->source);
	return NULL;
}

/* Runs `threads` workers, the calling thread among them, and prints their sums. */
static void run(unsigned threads, const char *tree)
{
	struct worker *workers = calloc(threads, sizeof *workers);
	struct folder *root = create_folder(NULL, tree);
	size_t sources = 0, fresh = 0;

	if (!workers)
		err(1, "calloc");
	push(root, root, 1);
	for (unsigned i = 1; i < threads; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			errx(1, "cannot start a thread");
	}
	work(&workers[0]);
	for (unsigned i = 0; i < threads; i++) {
		if (i > 0)
			pthread_join(workers[i].thread, NULL);
		sources += workers[i].sources;
		fresh += workers[i].fresh;
	}
	free(workers);
	printf("%zu sources, %zu fresh\n", sources, fresh);
}

int main(int argc, char **argv)
{
	unsigned long threads;
	int length;

	if (argc > 1 && strcmp(argv[1], "--hash") == 0) {
		setting.hash = true;
		argv++;
		argc--;
	}
	threads = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	if (threads < 1 || threads > 1024)
		errx(2, "usage: floor_check [--hash] THREADS TREE");
	setting.interpreter = interpreter_embedded();
	length = snprintf(setting.suffix, sizeof setting.suffix, ".%s.pyc",
			  setting.interpreter->cache_tag);
	if (length >= (int)sizeof setting.suffix)
		errx(1, "the cache tag is too long");
	setting.suffix_size = (size_t)length;
	run((unsigned)threads, argv[2]);
	return fflush(stdout) == 0 ? 0 : 1;
}
