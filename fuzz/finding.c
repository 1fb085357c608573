// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/finding.h"

#include "core/op/judge.h"
#include "core/op/text.h"

#include <stdio.h>
#include <stdlib.h>

/* --- what replay is told to expect -------------------------------------------- */

static void drop_expects(struct program *p)
{
	struct op_group g;
	size_t at = 0;

	while (at < p->nr) {
		program_group(p, at, &g);
		if (p->ops[at].code == OP_EXPECT)
			program_remove(p, at, g.next - at);
		else
			at = g.next;
	}
}

static int add_expect(struct program *p, const struct expect *e)
{
	struct op ops[2];
	unsigned int nr = expect_pack(e, ops);
	int rc = 0;

	for (unsigned int i = 0; !rc && i < nr; i++)
		rc = program_add(p, &ops[i]);
	return rc;
}

static int expect_contract_broken(struct program *p, const struct run *r, enum contract c)
{
	struct expect e = {.kind = EXPECT_BROKEN, .detail = c};

	e.at = shadow_violation(run_shadow(r), c)->op;
	snprintf(e.name, sizeof(e.name), "%s", run_config(r)->policy->name);
	return add_expect(p, &e);
}

static int expect_finding(struct program *p, const char *name, u32 op)
{
	struct expect e = {.kind = EXPECT_FINDING, .at = op};

	snprintf(e.name, sizeof(e.name), "%s", name);
	return add_expect(p, &e);
}

static int expect_rule(struct program *p, const struct run *r, const struct rule *rule)
{
	int c = rule_contract(rule);

	if (c >= 0)
		return expect_contract_broken(p, r, c);
	return expect_finding(p, rule_finding(rule), rule_op(r, rule));
}

static bool found_before(const struct run *r, u32 i)
{
	struct run_finding f = run_finding(r, i);

	for (u32 k = 0; k < i; k++)
		if (!strcmp(run_finding(r, k).rule, f.rule))
			return true;
	return false;
}

/* What else would make the verdict bad: claims that are broken, findings of other rules. */
static int expect_others(struct program *p, const struct run *r, const struct rule *rule)
{
	u32 broken = shadow_broken(run_shadow(r)) & run_config(r)->policy->claims;
	const char *finding = rule_finding(rule);
	int rc = 0;

	for (int c = 0; !rc && c < SHADOW_CONTRACTS; c++)
		if (broken >> c & 1 && c != rule_contract(rule))
			rc = expect_contract_broken(p, r, c);
	for (u32 i = 0; !rc && i < run_findings(r); i++) {
		struct run_finding f = run_finding(r, i);

		if (!found_before(r, i) && !(finding && !strcmp(f.rule, finding)))
			rc = expect_finding(p, f.rule, 0);
	}
	return rc;
}

int finding_expect(struct program *p, struct run *r, const struct flush_policy *policy,
		   const struct rule *rule)
{
	struct run_config cfg;
	int rc;

	drop_expects(p);
	judge_config(&cfg, run_config(r)->backend, policy);
	cfg.twin = run_config(r)->twin;
	rc = run_reset(r, &cfg);
	if (!rc)
		rc = run_program(r, p);
	if (!rc && !rule_fired(r, rule))
		rc = -ENOENT;
	if (!rc)
		rc = expect_rule(p, r, rule);
	return rc ? rc : expect_others(p, r, rule);
}

/* --- text -------------------------------------------------------------------- */

static void print_head(FILE *out, const struct finding *f, const char *file)
{
	const char *name = strrchr(file, '/');
	/* What a kernel tree does is chosen by --backend. */
	bool backend_rule = f->command && strstr(f->command, "--backend");

	fprintf(out, "# %s under %s%s%s\n", f->rule.name, f->policy->name, f->how ? ": " : "",
		f->how ? f->how : "");
	fprintf(out, "# rule:   %s\n# policy: %s\n", f->rule.name, f->policy->name);
	if (f->origin)
		fprintf(out, "# from:   %s\n", f->origin);
	if (f->has_seed)
		fprintf(out, "# seed:   %llu\n", (unsigned long long)f->seed);
	if (f->commit)
		fprintf(out, "# commit: %s\n", f->commit);
	if (f->ops_before)
		fprintf(out, "# ops:    %u, %u before shrinking\n", f->ops_after, f->ops_before);
	else
		fprintf(out, "# ops:    %u\n", f->ops_after);
	fprintf(out, "# replay: %s%s%s %s\n", f->command ? f->command : "nosnoop-replay",
		backend_rule ? "" : " --policy ",
		backend_rule	? ""
		: f->policy_arg ? f->policy_arg
				: f->policy->name,
		name ? name + 1 : file);
}

static char *print_all(const struct finding *f, const struct program *p, const char *file,
		       size_t *len)
{
	char *body = text_print(p, NULL), *text = NULL;
	size_t size = 0;
	FILE *out = body ? open_memstream(&text, &size) : NULL;

	if (out) {
		print_head(out, f, file);
		fputs(body, out);
		if (fclose(out)) {
			free(text);
			text = NULL;
		}
	}
	free(body);
	if (len)
		*len = size;
	if (!text)
		errno = ENOMEM;
	return text;
}

char *finding_text(const struct finding *f, struct run *r, const char *file, size_t *len)
{
	struct program p;
	char *text = NULL;
	int rc;

	program_init(&p);
	rc = program_copy(&p, f->program);
	if (!rc)
		rc = finding_expect(&p, r, f->policy, &f->rule);
	if (rc)
		errno = -rc;
	else
		text = print_all(f, &p, file, len);
	program_free(&p);
	return text;
}

char *finding_bare_text(const struct finding *f, const char *file, size_t *len)
{
	struct program p;
	char *text = NULL;

	program_init(&p);
	if (program_copy(&p, f->program)) {
		errno = ENOMEM;
	} else {
		drop_expects(&p);
		text = print_all(f, &p, file, len);
	}
	program_free(&p);
	return text;
}

int finding_write(const struct finding *f, struct run *r, const char *path, char *err,
		  size_t errlen)
{
	size_t len;
	char *text = finding_text(f, r, path, &len);
	int rc;

	if (!text) {
		rc = -errno;
		snprintf(err, errlen, "%s: %s", path,
			 rc == -ENOENT ? "the rule does not fire when the trace is replayed"
				       : strerror(-rc));
		return rc;
	}
	rc = save_file(path, text, len, err, errlen);
	free(text);
	return rc;
}

/* --- shape ------------------------------------------------------------------- */

/* Flags that say what kind of op it is. Lengths are no part of it, so neither is their unit. */
#define SHAPE_FLAGS                                                                               \
	(OPF_WRITE | OPF_NC | OPF_KTHREAD | OPF_PIN | OPF_BAD_FLAG | OPF_RESERVED | OPF_BAD_OUT | \
	 OPF_BAD_ID | OPF_GET | OPF_BAD_OP)

static u64 shape_slots(u64 h, const struct op *op)
{
	const struct op_info *info = op_info(op->code);

	for (unsigned int i = 0; i < 3; i++) {
		if (info->slot[i] == OBJ_NONE || info->slot[i] == OBJ_NUM)
			continue;
		/* Slot 2 of a map without an area holds an offset. */
		if (info->slot[i] == OBJ_AREA && op_addr_mode(op) != OP_ADDR_AREA &&
		    op->code != OP_COPY)
			continue;
		h = hash_add(h, op_slot(op, i) * 2 + op_by_id(op, i));
	}
	return h;
}

u64 finding_shape(const struct program *p)
{
	u64 h = 0;

	for (size_t i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];

		if (op->code == OP_NAME || op->code == OP_EXPECT)
			continue;
		h = hash_add(h, op->code);
		h = hash_add(h, op->flags & SHAPE_FLAGS);
		h = hash_add(h, op_addr_mode(op));
		h = hash_add(h, op_fail_nth(op) ? 1 + op_fail_point(op) : 0);
		h = shape_slots(h, op);
	}
	return h;
}
