// SPDX-License-Identifier: GPL-2.0-only
#include "bench/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/flush/clean.h"

static bool parse_number(const char *arg, bool units, u64 *out)
{
	static const char letters[] = "KMGT";
	const char *unit;
	char *end;

	errno = 0;
	*out = strtoull(arg, &end, 0);
	if (!isdigit((unsigned char)*arg) || errno)
		return false;
	if (!*end)
		return true;
	unit = units && !end[1] ? strchr(letters, toupper((unsigned char)*end)) : NULL;
	return unit && !check_mul_overflow(*out, 1ULL << (10 * (unit - letters + 1)), out);
}

/* In the largest unit that divides it. */
static const char *size_text(u64 bytes, char out[32])
{
	static const char units[] = "KMGT";
	int unit = -1;

	while (bytes && !(bytes & 1023) && unit < 3) {
		bytes >>= 10;
		unit++;
	}
	snprintf(out, 32, "%llu%.*s", (unsigned long long)bytes, unit >= 0,
		 unit < 0 ? "" : &units[unit]);
	return out;
}

u64 option_size(struct argp_state *state, const char *name, const char *arg, u64 least, u64 most)
{
	char from[32], to[32];
	u64 v;

	if (!parse_number(arg, true, &v) || v < least || v > most)
		argp_error(state, "--%s %s: expected bytes as 2G or 256M, from %s to %s", name, arg,
			   size_text(least, from), size_text(most, to));
	return v;
}

u64 option_number(struct argp_state *state, const char *name, const char *arg, u64 least, u64 most)
{
	u64 v;

	if (!parse_number(arg, false, &v) || v < least || v > most)
		argp_error(state, "--%s %s: expected a number from %llu to %llu", name, arg,
			   (unsigned long long)least, (unsigned long long)most);
	return v;
}

const struct clean_ops *option_clean(const char *name)
{
	const struct clean_ops *ops;
	char err[256];

	if (!name)
		return clean_best();
	ops = clean_find(name, err, sizeof(err));
	if (!ops)
		exit(option_bad(err));
	return ops;
}

enum memory_lines option_lines(struct argp_state *state, const char *arg)
{
	for (u32 i = 0; i < MEMORY_LINES_NR; i++)
		if (!strcmp(arg, memory_lines_name[i]))
			return i;
	argp_error(state, "--lines %s: expected dirty, clean or uncached", arg);
	return MEMORY_DIRTY;
}

void option_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	argp_err_exit_status = 2;
	argp_parse(argp, argc, argv, 0, NULL, input);
}

char *option_line(int argc, char **argv)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (int i = 1; f && i < argc; i++)
		fprintf(f, "%s%s", i > 1 ? " " : "", argv[i]);
	if (f)
		fclose(f);
	return text;
}

int option_bad(const char *what)
{
	fprintf(stderr, "nosnoop-bench: %s\n", what);
	return 2;
}
