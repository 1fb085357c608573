// SPDX-License-Identifier: GPL-2.0-only
/* nosnoop-bench clean: the primitives side by side. */
#include <jansson.h>
#include <stdio.h>

#include "bench/cleans.h"
#include "bench/options.h"
#include "bench/results.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

int clean_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Times the clean primitives of this machine on dirty lines, ns per 64-byte "
		       "line: "
		       "issue is the loop alone, complete ends with a full fence.",
	};
	struct clean_times times[CLEANS_MAX];
	bool json = false;
	json_t *root;
	u32 nr;

	option_parse(&argp, argc, argv, &json);
	if (cleans_time(times, &nr, 1)) {
		fprintf(stderr, "nosnoop-bench: %s\n", strerror(ENOMEM));
		return 1;
	}
	if (!json) {
		cleans_print(stdout, times, nr);
		return 0;
	}
	root = json_pack("{so}", "clean", cleans_json(times, nr));
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
	return 0;
}
