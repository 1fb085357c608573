// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "bench/options.h"

const char *argp_program_version = "nosnoop-bench " NOSNOOP_VERSION;

static const struct bench_command commands[] = {
	{"report", "judge and time every policy on every workload", report_main},
	{"compare", "policies, workloads and clean primitives side by side", compare_main},
	{"run", "time the page core alone, nothing cleaned", run_main},
	{"clean", "time the clean primitives alone", clean_main},
	{"fuzz", "time generated programs under the judges: ops a second", fuzz_main},
	{"gate", "has one build, commit or policy become worse than another?", gate_main},
	{"list", "name the workloads, or print one as a trace", list_main},
};

static int usage(FILE *f)
{
	fprintf(f, "Usage: nosnoop-bench COMMAND [OPTION...]\n\n");
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].what);
	fprintf(f,
		"\n  --help, --version; `nosnoop-bench COMMAND --help` for a command's options.\n"
		"Exit status: 0 done, 1 failed, 2 bad input.\n");
	return f == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	char name[64];
	int rc;

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))
		return usage(stdout);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return 0;
	}
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "nosnoop-bench %s", commands[i].name);
		argv[1] = name;
		rc = commands[i].main(argc - 1, argv + 1);
		if (fflush(stdout) || ferror(stdout)) {
			fprintf(stderr, "nosnoop-bench: standard output: the results cannot be"
					" written\n");
			return rc ? rc : 1;
		}
		return rc;
	}
	fprintf(stderr, "nosnoop-bench: no command %s, expected one of:", argv[1]);
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	return 2;
}
