// SPDX-License-Identifier: GPL-2.0-only
/* What stands around the ops: the head comment, includes, functions, the fixture, locals. */
#include "core/op/text.h"
#include "fuzz/export/emit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define WIDTH 90 /* of a line of declarations */

/* --- the head ---------------------------------------------------------------- */

/*
 * A line of somebody else's inside a comment: what would end it, nest in it or be told about by a
 * compiler is taken apart.
 */
static void quote(FILE *out, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = at[i], next = i + 1 < len ? at[i + 1] : '\0';

		if ((c & 0xc0) == 0x80)
			continue; /* the rest of a character that is not ASCII */
		fputc(isprint(c) || c == '\t' ? c : '?', out);
		if ((c == '*' && next == '/') || (c == '/' && next == '*') ||
		    (c == '?' && next == '?'))
			fputc(' ', out);
	}
}

static void put_trace(struct exporter *ex, FILE *out)
{
	char *printed = ex->trace->text ? NULL : text_print(&ex->trace->program, NULL);
	const char *at = ex->trace->text ? ex->trace->text : printed;

	while (at && *at) {
		size_t len = strcspn(at, "\n");

		fputs(len ? " *\t" : " *", out);
		quote(out, at, len);
		fputc('\n', out);
		at += len + (at[len] == '\n');
	}
	free(printed);
}

static void put_losses(struct exporter *ex, FILE *out)
{
	const struct export_stats *s = &ex->stats;

	if (!s->nr_losses)
		return;
	fprintf(out, " *\n * Not as in the trace, see there: op");
	for (u32 i = 0, last = 0; i < s->nr_losses; last = s->losses[i++].op)
		if (s->losses[i].op != last)
			fprintf(out, "%s %u", last ? "," : "", s->losses[i].op);
	fprintf(out, ".\n");
}

static void put_moves(struct exporter *ex, FILE *out)
{
	const struct moves *m = &ex->adapted.moves;

	if (m->too_many)
		fprintf(out,
			" *\n * IOVAs are those of the trace, though a mock domain does not reach "
			"all of them.\n");
	if (!m->nr)
		return;
	fprintf(out, " *\n * IOVAs are moved to where a mock domain reaches:\n");
	for (u32 i = 0; i < m->nr; i++)
		fprintf(out, " *\t0x%" PRIx64 " is %s\n", m->move[i].first,
			iova_absolute(m->move[i].to).s);
}

static void put_name(FILE *out, const char *file)
{
	quote(out, file, strlen(file));
}

static void put_head(struct exporter *ex, FILE *out)
{
	int stem = ex->stem_len;

	fprintf(out,
		"// SPDX-License-Identifier: GPL-2.0-only\n/*\n * A test of iommufd, written by "
		"nosnoop-export of ");
	put_name(out, ex->trace->path);
	fprintf(out,
		":\n"
		" * the ops of the trace below, and what must come of each. To run it as root on a "
		"kernel\n"
		" * with CONFIG_IOMMUFD_TEST, put it into tools/testing/selftests/iommu of its "
		"tree, then\n"
		" * from the top of that tree:\n *\n"
		" *\tmake headers\n"
		" *\tgcc -Wall -O2 -isystem usr/include -o %.*s "
		"tools/testing/selftests/iommu/%.*s.c\n"
		" *\t./%.*s\n",
		stem, ex->stem, stem, ex->stem, stem, ex->stem);
	put_moves(ex, out);
	put_losses(ex, out);
	fprintf(out, " *\n * The trace:\n *\n");
	put_trace(ex, out);
	fprintf(out, " */\n");
}

#define NEEDS(helper) (1u << HELPER_##helper)
#define MEMORY_USED \
	(NEEDS(MAPPING) | NEEDS(READONLY) | NEEDS(CUT_OFF) | NEEDS(MEMORY) | NEEDS(CHILDREN))

static void put_includes(FILE *out, u32 helpers)
{
	static const struct {
		u32 needed; /* by one of these; 0: always */
		const char *file;
	} files[] = {
		{0, "assert.h"},
		{0, "errno.h"},
		{0, "fcntl.h"},
		{NEEDS(CAPS), "linux/capability.h"},
		{NEEDS(CHILDREN), "sched.h"},
		{NEEDS(CHILDREN), "signal.h"},
		{0, "stdint.h"},
		{NEEDS(NTH), "stdio.h"},
		{0, "string.h"},
		{0, "sys/ioctl.h"},
		{MEMORY_USED, "sys/mman.h"},
		{NEEDS(CHILDREN), "sys/prctl.h"},
		{NEEDS(MEMLOCK), "sys/resource.h"},
		{NEEDS(CHILDREN) | NEEDS(CAPS), "sys/syscall.h"},
		{NEEDS(CHILDREN), "sys/uio.h"},
		{NEEDS(CHILDREN), "sys/wait.h"},
		{0, "unistd.h"},
	};

	fprintf(out, "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n");
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		if (!files[i].needed || files[i].needed & helpers)
			fprintf(out, "#include <%s>\n", files[i].file);
	fprintf(out, "\n#include \"../kselftest_harness.h\"\n"
		     "#include \"../../../../drivers/iommu/iommufd/iommufd_test.h\"\n\n");
}

/* Of what the body speaks. */
static void put_defines(struct exporter *ex, FILE *out)
{
	static const struct {
		const char *word, *line;
	} defines[] = {
		{"BAD_ID", "#define BAD_ID 0x7fffffff /* an id that is never given out */"},
		{"BAD_FLAG", "#define BAD_FLAG (1 << 30)"},
		{"BAD_OP", "#define BAD_OP 2"},
	};

	fprintf(out, "#define PAGE 0x1000UL\n");
	for (u32 i = 0; i < ARRAY_SIZE(defines); i++)
		if (strstr(ex->body.data, defines[i].word))
			fprintf(out, "%s\n", defines[i].line);
	fputc('\n', out);
}

/* --- the fixture ------------------------------------------------------------- */

static void put_fixture(struct exporter *ex, FILE *out)
{
	fprintf(out, "FIXTURE(trace)\n{\n\tint fd;\n};\n\n"
		     "FIXTURE_SETUP(trace)\n{\n"
		     "\tself->fd = open(\"/dev/iommu\", O_RDWR);\n"
		     "\tASSERT_NE(-1, self->fd);\n}\n\n"
		     "FIXTURE_TEARDOWN(trace)\n{\n");
	if (ex->limit_used)
		fprintf(out, "\t/* Not of this file alone. */\n"
			     "\tstruct iommu_test_cmd cmd = {\n"
			     "\t\t.size = sizeof(cmd),\n"
			     "\t\t.op = IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,\n"
			     "\t\t.memory_limit.limit = 65536,\n\t};\n\n"
			     "\tEXPECT_EQ(0, request(self->fd, IOMMU_TEST_CMD, &cmd));\n");
	fprintf(out, "\tEXPECT_EQ(0, close(self->fd));\n}\n\n");
}

/* --- locals ------------------------------------------------------------------ */

static const struct {
	enum obj_kind kind;
	const char *type;
} vars[VAR_NR] = {
#define X(id, kind, prefix, type) [VAR_##id] = {kind, type},
	VARS(X)
#undef X
};

/* "__u32 ioas_A, ioas_B;", as many as fit on a line. */
static void put_vars(struct exporter *ex, FILE *out, enum var var)
{
	bool pointer = vars[var].type[strlen(vars[var].type) - 1] == '*';
	int column = 0;

	for (u32 i = 0; i < ex->nr_names[vars[var].kind]; i++) {
		struct words name = var_name(ex, var, i);
		const char *init = ex->var[var][i] & VAR_SET ? "" : " = 0";

		if (!(ex->var[var][i] & VAR_USED))
			continue;
		if (column + (int)strlen(name.s) > WIDTH) {
			fputs(";\n", out);
			column = 0;
		}
		if (column)
			column += fprintf(out, ", %s%s%s", pointer ? "*" : "", name.s, init);
		else
			column = fprintf(out, "\t%s%s%s", vars[var].type, name.s, init);
	}
	if (column)
		fputs(";\n", out);
}

static void put_locals(struct exporter *ex, FILE *out)
{
#define X(id, var, type, ioctl)       \
	if (ex->cmds >> CMD_##id & 1) \
		fprintf(out, "\tstruct " type " " var ";\n");
	CMDS(X)
#undef X
	for (u32 v = 0; v < VAR_NR; v++)
		put_vars(ex, out, v);
	if (ex->ranges)
		fprintf(out, "\tstruct iommu_iova_range ranges[%u];\n", ex->ranges);
	if (ex->scratch && ex->adapted.children)
		fprintf(out, "\tunsigned char *scratch;\n");
	else if (ex->scratch)
		fprintf(out, "\tstatic unsigned char scratch[%" PRIu64 "];\n", ex->scratch);
	fputc('\n', out);
}

static void put_begin(struct exporter *ex, FILE *out)
{
	fprintf(out, "\tif (sysconf(_SC_PAGESIZE) != PAGE)\n"
		     "\t\tSKIP(return, \"pages are not of 4 KiB\");\n");
	if (ex->helpers >> HELPER_NTH & 1)
		fprintf(out, "\tif (!have_fault_injection())\n"
			     "\t\tSKIP(return, \"no fault injection in this kernel\");\n");
	if (ex->scratch && ex->adapted.children)
		fprintf(out,
			"\tscratch = mmap(NULL, %" PRIu64 ", PROT_READ | PROT_WRITE,\n"
			"\t\t       MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
			"\tASSERT_NE(MAP_FAILED, scratch);\n",
			ex->scratch);
	fputc('\n', out);
}

static void put_test_name(struct exporter *ex, FILE *out)
{
	fprintf(out, "TEST_F(trace, ");
	if (isdigit((unsigned char)*ex->stem) || !ex->stem_len)
		fputs("t_", out);
	for (int i = 0; i < ex->stem_len; i++)
		fputc(isalnum((unsigned char)ex->stem[i]) ? ex->stem[i] : '_', out);
	fprintf(out, ")\n");
}

void emit_program(struct exporter *ex, FILE *out)
{
	u32 helpers = helpers_needed(ex->helpers | (ex->limit_used ? NEEDS(REQUEST) : 0));

	put_head(ex, out);
	put_includes(out, helpers);
	put_defines(ex, out);
	emit_helpers(out, helpers);
	put_fixture(ex, out);
	put_test_name(ex, out);
	fprintf(out, "{\n");
	put_locals(ex, out);
	put_begin(ex, out);
	/* But for the blank line behind the last. */
	fwrite(ex->body.data, 1, ex->body.len ? ex->body.len - 1 : 0, out);
	fprintf(out, "}\n\nTEST_HARNESS_MAIN\n");
}
