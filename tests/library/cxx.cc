/*
 * pycompile.h in a C++ program: every declaration is used once, as C++ would use it, and the
 * library is linked. Prints nothing; the exit status is 1 if something is not as it should be.
 */
#include <pycompile.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

namespace
{

struct deleter {
	void operator()(struct pycompile *context) const
	{
		pycompile_destroy(context);
	}
	void operator()(struct pycompile_result *result) const
	{
		pycompile_result_destroy(result);
	}
	void operator()(char *string) const
	{
		std::free(string);
	}
};

using string_pointer = std::unique_ptr<char, deleter>;
using result_pointer = std::unique_ptr<struct pycompile_result, deleter>;
using context_pointer = std::unique_ptr<struct pycompile, deleter>;

int failures;

void expect(bool is_so, const char *what)
{
	if (is_so)
		return;
	(void)std::fprintf(stderr, "cxx: %s\n", what);
	failures++;
}

void try_paths(const std::string &source)
{
	string_pointer cache(pycompile_cache_from_source(source.c_str(), "1", nullptr));
	enum pycompile_path_error error = PYCOMPILE_PATH_DOTS;
	string_pointer back(pycompile_source_from_cache(cache.get(), nullptr, &error));

	expect(std::strstr(cache.get(), pycompile_cache_tag()), "cache_from_source");
	expect(error == PYCOMPILE_PATH_OK && source == back.get(), "source_from_cache");
	expect(pycompile_python_version()[0] == '3', "python_version");
}

void try_headers()
{
	struct pycompile_header header = {}, again = {};
	unsigned char bytes[PYCOMPILE_HEADER_SIZE];

	std::memcpy(header.magic, pycompile_magic_number(), sizeof(header.magic));
	header.flags = PYCOMPILE_FLAG_HASH | PYCOMPILE_FLAG_CHECKED;
	header.hash = pycompile_source_hash("x", 1);
	pycompile_header_build(bytes, &header);
	pycompile_header_read(&again, bytes);
	expect(again.hash == header.hash && again.flags == header.flags, "header");
	expect(pycompile_header_mtime({5, 0}) == 5, "header_mtime");
}

void try_compiling(const std::string &source)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;
	const std::string cfile = source + "c";
	context_pointer context(pycompile_create(std::getenv("COMPILE_SERVER")));

	options.cfile = cfile.c_str();
	options.optimize = 2;
	options.mode = PYCOMPILE_MODE_UNCHECKED_HASH;
	expect(pycompile_check(source.c_str(), &options) == PYCOMPILE_STALE_MISSING, "missing");
	result_pointer result(pycompile_compile(context.get(), source.c_str(), &options));
	expect(pycompile_result_outcome(result.get()) == PYCOMPILE_WRITTEN, "compile");
	expect(cfile == pycompile_result_path(result.get()), "path");
	expect(!*pycompile_result_error_type(result.get()), "error_type");
	expect(!*pycompile_result_message(result.get()), "message");
	expect(!*pycompile_result_warnings(result.get()), "warnings");
	expect(pycompile_result_errno(result.get()) == 0, "errno");
	expect(pycompile_check(source.c_str(), &options) == PYCOMPILE_FRESH, "fresh");
	expect(pycompile_staleness_name(PYCOMPILE_FRESH) == std::string("fresh"), "name");
	(void)std::remove(cfile.c_str());
}

} // namespace

int main()
{
	const char *folder = std::getenv("TMPDIR");
	std::string path = std::string(folder ? folder : "/tmp") + "/cxx.XXXXXX";
	int descriptor = mkstemp(&path[0]);

	if (descriptor < 0) {
		std::perror("cxx");
		return 1;
	}
	std::ofstream(path) << "x = 1\n";
	try_paths("folder/module.py");
	try_headers();
	try_compiling(path);
	(void)std::remove(path.c_str());
	return failures > 0;
}
