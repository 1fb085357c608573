// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/expected.h"

#include "core/op/op_info.h"
#include "core/op/trace.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* --- signatures ------------------------------------------------------------------------------- */

/* The text of the earliest finding of this rule; "" for a contract. */
static void text_of(const struct run *r, const struct rule *rule, char *to, size_t len)
{
	const char *name = rule_finding(rule);
	u32 op = rule_op(r, rule);

	*to = 0;
	for (u32 i = 0; name && i < run_findings(r); i++) {
		struct run_finding f = run_finding(r, i);

		if (strcmp(f.rule, name) || f.op != op)
			continue;
		snprintf(to, len, ": %s", f.what);
		return;
	}
}

/* Every occurrence of @word becomes @as, which is no longer. */
static void rename_word(char *text, const char *word, const char *as)
{
	size_t len = strlen(word), to = strlen(as);
	char *at = text;

	while (to <= len && (at = strstr(at, word))) {
		memcpy(at, as, to);
		memmove(at + to, at + len, strlen(at + len) + 1);
		at += to;
	}
}

static bool is_digit(char c, bool hex)
{
	return hex ? isxdigit((unsigned char)c) : isdigit((unsigned char)c);
}

/* A number, hexadecimal or not, is one '#'; a digit inside a word (D10) stays. */
static void drop_numbers(char *text)
{
	char *to = text, before = ' ';

	for (const char *from = text; *from;) {
		bool hex = from[0] == '0' && from[1] == 'x';

		if (!isdigit((unsigned char)*from) || isalnum((unsigned char)before)) {
			before = *to++ = *from++;
			continue;
		}
		for (from += hex ? 2 : 0; is_digit(*from, hex); from++)
			;
		before = *to++ = '#';
	}
	*to = 0;
}

void expected_signature(const struct run *r, const struct rule *rule, char text[EXPECTED_TEXT])
{
	const struct run_config *cfg = run_config(r);
	u32 op = rule_op(r, rule);
	u8 code = op && op <= run_ops(r) ? run_result(r, op)->code : OP_NR;
	char what[sizeof(((struct run_finding *)0)->what) + 2];

	text_of(r, rule, what, sizeof(what));
	rename_word(what, cfg->backend->name, "here");
	if (cfg->twin)
		rename_word(what, cfg->twin->name, "twin");
	drop_numbers(what);
	snprintf(text, EXPECTED_TEXT, "%s %s%s", rule->name,
		 code < OP_NR ? op_word(code) : "teardown", what);
}

int expected_find(const struct expected *e, const struct run *r, const struct rule *rule)
{
	char text[EXPECTED_TEXT];

	if (!e->nr)
		return -1;
	expected_signature(r, rule, text);
	for (u32 i = 0; i < e->nr; i++)
		if (!strcmp(e->entry[i].signature, text))
			return i;
	return -1;
}

/* --- loading ---------------------------------------------------------------------------------- */

static int is_trace(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 4 && !strcmp(d->d_name + len - 4, ".ops");
}

/*
 * What the trace is kept for: a rule that it expects, the one that fired first if there are several. A tree
 * that does something else wrong on it, above all a rule that leaks, makes nothing of that known.
 */
static bool rule_shown(const struct run *r, const struct program *p, u32 held, struct rule *out)
{
	struct rule first, rule;
	struct run_expect e;
	bool any = false, found = false;

	if (!rule_first(r, held, &first))
		return false;
	for (size_t at = 0; at < p->nr; at++) {
		if (!run_expect(r, p, at, 0, &e) || !e.concerns ||
		    !rule_of_expect(&e.expect, &rule))
			continue;
		any = true;
		if (!rule_fired(r, &rule) ||
		    (rule_contract(&rule) >= 0 && !(held >> rule_contract(&rule) & 1)))
			continue;
		if (!found || rule_equal(&rule, &first))
			*out = rule;
		found = true;
	}
	/* Without such lines it is kept for a difference between trees. */
	return found || (!any && rule_first(r, 0, out));
}

static int load_one(struct expected_entry *e, struct run *r, const char *folder, const char *name,
		    u32 held, char *err, size_t errlen)
{
	char path[PATH_MAX];
	struct rule rule;
	struct trace t;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(e->name, sizeof(e->name), "%.*s", (int)min(strlen(name) - 4, sizeof(e->name) - 1),
		 name);
	if (trace_load(&t, path, err, errlen)) {
		trace_free(&t);
		return -EINVAL;
	}
	if (!run_reset(r, run_config(r)) && !run_program(r, &t.program) &&
	    rule_shown(r, &t.program, held, &rule))
		expected_signature(r, &rule, e->signature);
	trace_free(&t);
	return 0;
}

int expected_load(struct expected *e, const char *folder, const struct run_config *cfg, u32 held,
		  char *err, size_t errlen)
{
	struct dirent **names;
	struct run *r;
	int rc = 0, nr;

	*e = (struct expected){0};
	nr = scandir(folder, &names, is_trace, alphasort);
	if (nr < 0) {
		snprintf(err, errlen, "%s: %s, expected a folder of traces", folder,
			 strerror(errno));
		return -EINVAL;
	}
	r = run_create(cfg);
	if (!r)
		snprintf(err, errlen, "cannot start a run: %s", strerror(errno));
	else if (nr > EXPECTED_MAX)
		snprintf(err, errlen, "%s: %d traces, expected at most %d", folder, nr,
			 EXPECTED_MAX);
	rc = !r || nr > EXPECTED_MAX ? -EINVAL : 0;
	for (int i = 0; i < nr; i++) {
		if (!rc)
			rc = load_one(&e->entry[e->nr++], r, folder, names[i]->d_name, held, err,
				      errlen);
		free(names[i]);
	}
	free(names);
	run_destroy(r);
	return rc;
}
