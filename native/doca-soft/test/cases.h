// A program of several cases: `PROGRAM CASE` runs one of them, each in a process of its own, because EAL starts once.
// test/support/soft-program.ts runs them, and knows the words that a case ends with.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>

struct Case {
	const char *name;
	void (*run)();
};

// For `main`: runs the case that is asked for, by `run` where something comes before and after each. Returns the exit status.
template <size_t COUNT, typename Run>
int run_case(const char *program, const Case (&cases)[COUNT], int argc, char **argv, Run run)
{
	for (const Case &one : cases) {
		if (argc != 2 || strcmp(argv[1], one.name) != 0)
			continue;
		run(one);
		puts("all is as it should be");
		return 0;
	}
	fprintf(stderr, "usage: %s CASE\n", program);
	return 2;
}

template <size_t COUNT> int run_case(const char *program, const Case (&cases)[COUNT], int argc, char **argv)
{
	return run_case(program, cases, argc, argv, [](const Case &one) { one.run(); });
}
