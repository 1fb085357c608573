// SPDX-License-Identifier: GPL-2.0-only
#include "core/op/trace.h"

#include "core/op/run.h"
#include "core/op/text.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_AT	   4096		 /* bytes that tell text from binary */
#define TRACE_MOST (256UL << 20) /* bytes of a file; a device may have no end */

/* All of it, malloc'ed; NULL with errno set. */
static char *read_all(FILE *f, size_t *len)
{
	size_t cap = 1 << 16, n;
	char *buf = malloc(cap), *more;

	*len = 0;
	while (buf) {
		n = fread(buf + *len, 1, cap - *len, f);
		*len += n;
		if (!n)
			break;
		if (*len > TRACE_MOST) {
			free(buf);
			errno = EFBIG;
			return NULL;
		}
		if (*len < cap)
			continue;
		cap *= 2;
		more = realloc(buf, cap);
		if (!more)
			free(buf);
		buf = more;
	}
	if (buf && ferror(f)) {
		free(buf);
		return NULL;
	}
	return buf;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	char *buf;
	int rc;

	if (!f)
		return NULL;
	buf = read_all(f, len);
	rc = errno;
	if (f != stdin)
		fclose(f);
	errno = rc;
	return buf;
}

static bool ends_in(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && !strcmp(path + n - m, end);
}

/* No text has control characters, and every binary form of more than no ops has the byte 0. */
static bool looks_binary(const char *path, const char *buf, size_t len)
{
	if (ends_in(path, ".bin") || ends_in(path, ".ops"))
		return ends_in(path, ".bin");
	for (size_t i = 0; i < min(len, (size_t)LOOK_AT); i++)
		if ((u8)buf[i] < '\t')
			return true;
	return false;
}

static int parse(struct trace *t, const char *buf, size_t len, char *err, size_t errlen)
{
	const char *name = strcmp(t->path, "-") ? t->path : "standard input";
	bool binary = looks_binary(t->path, buf, len);
	struct text_error te;
	int rc;

	if (binary)
		rc = program_decode(&t->program, buf, len);
	else
		rc = text_parse(&t->program, buf, len, name, &te);
	if (!rc && !binary)
		t->text = strndup(buf, len);
	/* Bytes are not to ask for terabytes: as in the fuzz target. */
	if (binary)
		run_reduce(&t->program, RUN_PAGES_FUZZ);
	if (rc == -EINVAL)
		text_error_format(&te, err, errlen);
	else if (rc)
		snprintf(err, errlen, "%s: out of memory", name);
	return rc;
}

int trace_load(struct trace *t, const char *path, char *err, size_t errlen)
{
	size_t len;
	char *buf;
	int rc;

	*t = (struct trace){.path = strdup(path)};
	program_init(&t->program);
	buf = t->path ? read_file(path, &len) : NULL;
	if (!buf) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s, expected a trace%s", path, strerror(errno),
			 errno == EFBIG ? " of at most 256 MiB" : "");
		return rc;
	}
	rc = parse(t, buf, len, err, errlen);
	free(buf);
	t->nr_ops = program_nr_ops(&t->program);
	return rc;
}

void trace_free(struct trace *t)
{
	program_free(&t->program);
	free(t->path);
	free(t->text);
	t->path = t->text = NULL;
}

void trace_op_text(const struct trace *t, u32 op, char *out, size_t size)
{
	char *text = op && op <= t->nr_ops ? text_print_nth(&t->program, op) : NULL;
	char *end = text ? strchr(text, '\n') : NULL;

	if (end)
		*end = '\0';
	if (text)
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, "%s", op > t->nr_ops ? "(teardown)" : "(before the first op)");
	free(text);
}

void trace_buffer_name(const struct trace *t, u32 identity, char *out, size_t size)
{
	char *text = NULL, word[32];
	u32 seen = 0;

	for (size_t at = 0; at < t->program.nr && !text; at++)
		if (t->program.ops[at].code == OP_BUFFER && seen++ == identity)
			text = text_print_op(&t->program, at);
	if (text && sscanf(text, "buffer %31s", word) == 1)
		snprintf(out, size, "%s", word);
	else
		snprintf(out, size, "buffer:%u", identity);
	free(text);
}
