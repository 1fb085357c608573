// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/test_rig.h"

#include "core/op/text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

/* --- the corpus -------------------------------------------------------------- */

static void load_file(struct corpus *c, const char *path)
{
	size_t n = strlen(path);
	char err[1024];

	if (n < 4 || strcmp(path + n - 4, ".ops"))
		return;
	c->traces = realloc(c->traces, (c->nr + 1) * sizeof(*c->traces));
	assert_non_null(c->traces);
	if (trace_load(&c->traces[c->nr++], path, err, sizeof(err)))
		fail_msg("%s", err);
}

void corpus_load(struct corpus *c, const char *folder)
{
	struct dirent **names;
	char path[PATH_MAX];
	struct stat st;
	int nr = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		/* What a kernel tree deviates in is about that tree; test_linux.c names the folder. */
		if (names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "linux") &&
		    !stat(path, &st)) {
			if (S_ISDIR(st.st_mode))
				corpus_load(c, path);
			else
				load_file(c, path);
		}
		free(names[i]);
	}
	if (nr >= 0)
		free(names);
}

void corpus_free(struct corpus *c)
{
	for (u32 i = 0; i < c->nr; i++)
		trace_free(&c->traces[i]);
	free(c->traces);
	*c = (struct corpus){0};
}

/* --- counts and policies ----------------------------------------------------- */

u32 test_count(u32 count)
{
	const char *scale = getenv("NOSNOOP_TEST_SCALE");
	double n = count * (scale && *scale ? strtod(scale, NULL) : 1.0);

	return n < 1 ? 1 : n;
}

u32 sound_policies(void)
{
	u32 nr = 0;

	for (u32 i = 0; i < flush_policy_count(); i++)
		nr += flush_policy_sound(flush_policy_nth(i));
	return nr;
}

const struct flush_policy *sound_policy(u32 i)
{
	u32 left = i % sound_policies();

	for (u32 k = 0;; k++)
		if (flush_policy_sound(flush_policy_nth(k)) && !left--)
			return flush_policy_nth(k);
}

/* --- runs -------------------------------------------------------------------- */

struct run *test_run_of(struct run **r, const struct run_config *cfg)
{
	if (*r)
		assert_int_equal(run_reset(*r, cfg), 0);
	else
		*r = run_create(cfg);
	assert_non_null(*r);
	return *r;
}

void test_run_program(struct run **r, const struct run_config *cfg, const struct program *p)
{
	run_program(test_run_of(r, cfg), p);
}

void test_fail_on(const struct program *p, const char *fmt, ...)
{
	char *text = text_print(p, NULL), what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/* Not by cmocka, which cuts long texts. */
	fprintf(stderr, "%s\n%s", what, text ? text : "");
	free(text);
	fail_msg("%s", what);
	abort();
}

void test_as_claimed(const struct run *r, const struct program *p, const char *what)
{
	const struct flush_policy *policy = run_config(r)->policy;
	u32 broken = shadow_broken(run_shadow(r)) & policy->claims;
	struct run_finding f;

	if (run_full(r))
		test_fail_on(p, "%s, %s: an arena is full", what, policy->name);
	if (broken)
		test_fail_on(p, "%s, %s: contract %s broken at op %u", what, policy->name,
			     shadow_contract_name[__builtin_ctz(broken)],
			     shadow_violation(run_shadow(r), __builtin_ctz(broken))->op);
	if (!run_findings(r))
		return;
	f = run_finding(r, 0);
	test_fail_on(p, "%s, %s: %s at op %u: %s", what, policy->name, f.rule, f.op, f.what);
}

/* --- round trips ------------------------------------------------------------- */

static void through_text(const struct program *p, const char *what)
{
	struct program again = PROGRAM_EMPTY;
	struct text_error te;
	char err[512] = "";
	size_t len;
	char *text = text_print(p, &len);

	assert_non_null(text);
	if (text_parse(&again, text, len, what, &te))
		text_error_format(&te, err, sizeof(err));
	if (*err || !program_equal(p, &again))
		test_fail_on(p, "%s: text gives another program %s", what, err);
	free(text);
	program_free(&again);
}

static void through_binary(const struct program *p, const char *what)
{
	struct program again = PROGRAM_EMPTY;
	size_t size = program_encoded_size(p);
	void *bytes = malloc(size);

	assert_non_null(bytes);
	program_encode(p, bytes);
	assert_int_equal(program_decode(&again, bytes, size), 0);
	if (!program_equal(p, &again))
		test_fail_on(p, "%s: binary gives another program", what);
	free(bytes);
	program_free(&again);
}

void test_round_trips(const struct program *p, const char *what)
{
	through_text(p, what);
	through_binary(p, what);
}
