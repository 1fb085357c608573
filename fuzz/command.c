// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/command.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void command_stop(int status, const char *fmt, ...)
{
	int name = strcspn(argp_program_version, " ");
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%.*s: ", name, argp_program_version);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

void command_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input)
{
	argp_err_exit_status = EXIT_INPUT;
	argp_parse(argp, argc, argv, flags, NULL, input);
}

const struct backend_ops *command_backend(const char *arg)
{
	char err[4096];
	const struct backend_ops *backend = backends_open(arg, err, sizeof(err));

	if (!backend)
		bad_input("%s", err);
	return backend;
}

const char *command_replay(const char *backend_arg, const struct backend_ops *twin, char *buf,
			   size_t len)
{
	bool core = !backend_arg || !strcmp(backend_arg, backend_core.name);

	snprintf(buf, len, "nosnoop-replay%s%s%s%s", core ? "" : " --backend ",
		 core ? "" : backend_arg, twin ? " --diff=" : "", twin ? twin->name : "");
	return buf;
}

u64 command_number(const char *option, const char *arg, u64 least, u64 most)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 0);
	if (!isdigit((unsigned char)*arg) || *end || errno || n < least || n > most)
		bad_input("--%s %s: expected a number from %llu to %llu", option, arg,
			  (unsigned long long)least, (unsigned long long)most);
	return n;
}

double command_seconds(const char *option, const char *arg, double most)
{
	char *end;
	double s = strtod(arg, &end);

	if (!(isdigit((unsigned char)*arg) || *arg == '.') || *end || end == arg ||
	    !(s > 0 && s <= most))
		bad_input("--%s %s: expected seconds, more than 0, at most %.0f", option, arg,
			  most);
	return s;
}

static const char units[] = "KMGT";

/* In the largest unit that it is a multiple of. */
static void say_size(u64 bytes, char out[24])
{
	int unit = 0;

	for (; bytes && !(bytes & 1023) && units[unit]; unit++)
		bytes >>= 10;
	snprintf(out, 24, "%llu%.*s", (unsigned long long)bytes, unit > 0,
		 &units[unit - (unit > 0)]);
}

u64 command_size(const char *option, const char *arg, u64 least, u64 most)
{
	char from[24], to[24], *end;
	double n = strtod(arg, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (unit && end != arg) {
		n *= 1ULL << 10 * (unit - units + 1);
		end++;
	}
	if (end != arg && !*end && n >= least && n <= most)
		return n;
	say_size(least, from);
	say_size(most, to);
	bad_input("--%s %s: expected from %s to %s, as in 512M or 1.5G", option, arg, from, to);
}

void command_folder(const char *path)
{
	struct stat st;

	if (!mkdir(path, 0777))
		return;
	if (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode))
		return;
	if (errno != ENOSPC && errno != EDQUOT)
		bad_input("--out %s: %s, expected a folder that is there or can be made", path,
			  strerror(errno));
}
