// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a trace to a program: references are bound on a run of the trace as it is, then what the
 * mock cannot have is changed, then that is run, an op at a time, and each op is written with what
 * came of it. Twice: the second time it is known what later ops use.
 */
#include "core/flush/registry.h"
#include "core/op/bind.h"
#include "core/op/text.h"
#include "fuzz/export/emit.h"

#include <stdlib.h>

/* --- the trace's words ------------------------------------------------------- */

static char *word_of(const char *line, unsigned int n)
{
	for (; n && *line; n--) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return strndup(line, strcspn(line, " \n"));
}

/* An op's own name is its first word, or the second, behind what it belongs to. */
static int take_name(struct exporter *ex, const struct op *op, const char *line)
{
	enum obj_kind kind = op_info(op->code)->creates;
	bool second = op_info(op->code)->slot[0] != OBJ_NONE && op->code != OP_ACCESS;
	char **more;

	if (kind == OBJ_NONE)
		return 0;
	more = realloc(ex->names[kind], (ex->nr_names[kind] + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	ex->names[kind] = more;
	more[ex->nr_names[kind]] = word_of(line, second ? 2 : 1);
	return more[ex->nr_names[kind]++] ? 0 : -ENOMEM;
}

static int append(char **to, const char *line)
{
	char *more = NULL;

	if (asprintf(&more, "%s%s\n", *to ? *to : "", line) < 0)
		return -ENOMEM;
	free(*to);
	*to = more;
	return 0;
}

static int take_group(struct exporter *ex, const struct op_group *g, const char *line, u32 *op)
{
	char *one = strndup(line, strcspn(line, "\n"));
	int rc = one ? 0 : -ENOMEM;

	if (g->op) {
		ex->lines[++*op] = one;
		return rc ?: take_name(ex, g->op, line);
	}
	if (!rc)
		rc = append(&ex->expects[*op], one);
	free(one);
	return rc;
}

static int take_words(struct exporter *ex)
{
	const struct program *p = &ex->trace->program;
	size_t *starts = calloc(p->nr + 1, sizeof(*starts));
	char *text = starts ? text_print_groups(p, starts, NULL) : NULL;
	int rc = text ? 0 : -ENOMEM;
	struct op_group g;
	u32 op = 0;

	ex->lines = calloc(ex->trace->nr_ops + 1, sizeof(*ex->lines));
	ex->expects = calloc(ex->trace->nr_ops + 1, sizeof(*ex->expects));
	if (!ex->lines || !ex->expects)
		rc = -ENOMEM;
	for (size_t at = 0; !rc && at < p->nr; at = g.next) {
		program_group(p, at, &g);
		if (g.op || p->ops[at].code == OP_EXPECT)
			rc = take_group(ex, &g, text + starts[at], &op);
	}
	free(starts);
	free(text);
	return rc;
}

/* What the trace as it is comes to, by the run that has just bound it. */
static int take_answers(struct exporter *ex)
{
	ex->answers = calloc(ex->trace->nr_ops + 1, sizeof(*ex->answers));
	if (!ex->answers || run_full(ex->run))
		return -ENOMEM;
	for (u32 op = 1; op <= ex->trace->nr_ops; op++)
		ex->answers[op] = (struct answer){run_result(ex->run, op)->rc,
						  run_result(ex->run, op)->fired};
	return 0;
}

/* --- one op ------------------------------------------------------------------ */

static void on_request(void *ctx, const struct request *req)
{
	struct exporter *ex = ctx;

	ex->req[req->kind] = *req;
	ex->have |= 1u << req->kind;
	if (req->kind == REQ_RANGES)
		memcpy(ex->got, req->ranges,
		       min(req->nr_ranges, (u32)EX_RANGES) * sizeof(*req->ranges));
}

static int on_buffer(void *ctx, struct machine *m, struct buffer *b)
{
	struct exporter *ex = ctx;

	ex->made = b;
	return 0;
}

#define WIDTH 88 /* of a comment's text */

/* @text, broken at blanks; lines after the first are indented by @indent more. */
static void put_wrapped(FILE *out, const char *text, size_t len, const char *indent)
{
	bool first = true;

	while (len) {
		size_t part = len;

		if (part > WIDTH)
			for (part = WIDTH; part && text[part] != ' '; part--)
				;
		if (!part)
			part = len;
		fprintf(out, "\t * %s%.*s\n", first ? "" : indent, (int)part, text);
		first = false;
		part += part < len;
		text += part;
		len -= part;
	}
}

/* One line, or several; @line: the op's own, or NULL. */
static void put_comment(FILE *out, const char *line, const char *rest)
{
	size_t len = strcspn(rest, "\n");
	bool one = line ? !*rest : !rest[len + (rest[len] == '\n')];

	if (!line && !*rest)
		return;
	if (one && strlen(line ? line : rest) <= WIDTH) {
		fprintf(out, "\t/* %.*s */\n", line ? (int)strlen(line) : (int)len,
			line ? line : rest);
		return;
	}
	fprintf(out, "\t/*\n");
	if (line)
		put_wrapped(out, line, strlen(line), "\t");
	for (; *rest; rest += len + (rest[len] == '\n')) {
		len = strcspn(rest, "\n");
		put_wrapped(out, rest, len, "");
	}
	fprintf(out, "\t */\n");
}

static void put_expects(struct exporter *ex, u32 op)
{
	if (ex->expects[op])
		put_comment(ex->body.file, NULL, ex->expects[op]);
	if (ex->expects[op])
		fputc('\n', ex->body.file);
}

static void put_step(struct exporter *ex)
{
	char line[512] = "";
	u32 n = ex->step ? ex->step->number : 0;

	as(ex, ex->adapted.here);
	text_close(&ex->comment);
	text_close(&ex->code);
	if (n)
		snprintf(line, sizeof(line), "%u: %s", n, ex->lines[n]);
	put_comment(ex->body.file, n ? line : NULL, ex->comment.data);
	fwrite(ex->code.data, 1, ex->code.len, ex->body.file);
	if (ex->comment.len || ex->code.len || n)
		fputc('\n', ex->body.file);
	if (n)
		put_expects(ex, n);
	text_free(&ex->comment);
	text_free(&ex->code);
}

/* Where the mock makes a difference. */
static void remark_answer(struct exporter *ex)
{
	const struct answer *a = &ex->answers[ex->step->number];

	if (!ex->step->number)
		return;
	if (a->fired && a->rc >= 0)
		remark(ex, EXPORT_WHOLE, "the failure that the core met made no difference");
	if (ex->res.rc != a->rc && !ex->res.fired)
		remark(ex, EXPORT_PARTLY, "(%s in the trace as it is)", errno_text(a->rc).s);
}

static void emit_op(struct exporter *ex)
{
	bool left = false;

	for (u32 n = 0; n < NOTE_NR; n++) {
		if (!(ex->step->notes >> n & 1))
			continue;
		remark(ex, note_fate(n), "%s", note_text(n));
		left |= note_fate(n) == EXPORT_LEFT;
	}
	if (left)
		return;
	remark_answer(ex);
	if (ex->res.noop)
		remark(ex, EXPORT_WHOLE,
		       "there is nothing that it could refer to: it does nothing");
	else if (ex->op->code == OP_CHECK)
		emit_check(ex);
	else if (!emit_table_op(ex) && !emit_access_op(ex))
		emit_user_op(ex);
}

static bool begin_step(struct exporter *ex)
{
	ex->caller = ex->adapted.here;
	ex->fate = EXPORT_WHOLE;
	return text_open(&ex->comment) && text_open(&ex->code);
}

static int do_step(struct exporter *ex, const struct step *step, size_t *at)
{
	struct op_group g;

	program_group(&ex->adapted.program, *at, &g);
	ex->step = step;
	ex->op = g.op;
	ex->more = g.more;
	ex->nr_more = g.nr_more;
	ex->have = 0;
	emit_user_before(ex);
	run_step(ex->run, &ex->adapted.program, at);
	if (run_full(ex->run) || !begin_step(ex))
		return -ENOMEM;
	ex->res = *run_result(ex->run, run_ops(ex->run));
	ex->met[op_info(g.op->code)->creates]++;
	emit_op(ex);
	put_step(ex);
	if (ex->second && step->number)
		ex->stats.fate[ex->fate]++;
	return ex->no_memory ? -ENOMEM : 0;
}

/* What stands before the first op and behind the last is a step that is no op's. */
static int do_frame(struct exporter *ex, void (*emit)(struct exporter *ex), const char *comment)
{
	ex->step = NULL;
	if (!begin_step(ex))
		return -ENOMEM;
	emit(ex);
	if (comment)
		fprintf(ex->comment.file, "%s\n", comment);
	put_step(ex);
	return 0;
}

/* --- a pass ------------------------------------------------------------------ */

static void forget_objects(struct exporter *ex)
{
	for (u32 i = 0; ex->buffers && i < ex->nr_names[OBJ_BUFFER]; i++)
		free(ex->buffers[i].pages);
	free(ex->domains);
	free(ex->areas);
	free(ex->accesses);
	free(ex->buffers);
	free(ex->flags_before);
	ex->flags_before = NULL;
	memset(ex->met, 0, sizeof(ex->met));
	ex->gone = 0;
}

static int begin_pass(struct exporter *ex)
{
	forget_objects(ex);
	text_free(&ex->body);
	ex->domains = calloc(ex->nr_names[OBJ_DOMAIN] + 1, sizeof(*ex->domains));
	ex->areas = calloc(ex->nr_names[OBJ_AREA] + 1, sizeof(*ex->areas));
	ex->accesses = calloc(ex->nr_names[OBJ_ACCESS] + 1, sizeof(*ex->accesses));
	ex->buffers = calloc(ex->nr_names[OBJ_BUFFER] + 1, sizeof(*ex->buffers));
	if (!ex->domains || !ex->areas || !ex->accesses || !ex->buffers || !text_open(&ex->body))
		return -ENOMEM;
	return run_reset(ex->run, &ex->cfg);
}

static int pass(struct exporter *ex)
{
	int rc = begin_pass(ex);
	size_t at = 0;

	rc = rc ?: do_frame(ex, emit_user_start, NULL);
	if (!rc)
		put_expects(ex, 0);
	for (u32 i = 0; !rc && i < ex->adapted.nr; i++)
		rc = do_step(ex, &ex->adapted.steps[i], &at);
	rc = rc ?: do_frame(ex, emit_end, "The end: nothing may stay pinned.");
	text_close(&ex->body);
	return rc;
}

static int open_vars(struct exporter *ex)
{
	static const u8 kinds[VAR_NR] = {
#define X(id, kind, prefix, type) kind,
		VARS(X)
#undef X
	};

	for (u32 v = 0; v < VAR_NR; v++) {
		ex->var[v] = calloc(ex->nr_names[kinds[v]] + 1, 1);
		if (!ex->var[v])
			return -ENOMEM;
	}
	return 0;
}

/* --- all --------------------------------------------------------------------- */

static void take_stem(struct exporter *ex, const char *file)
{
	const char *slash = strrchr(file, '/'), *dot;

	ex->stem = slash ? slash + 1 : file;
	dot = strrchr(ex->stem, '.');
	ex->stem_len = dot && dot != ex->stem ? dot - ex->stem : (int)strlen(ex->stem);
}

static int write_all(struct exporter *ex)
{
	struct run_config *cfg = &ex->cfg;
	int rc;

	*cfg = (struct run_config){
		.backend = &backend_core,
		.policy = flush_policy_find("none"),
		.max_pages = RUN_PAGES_TRACE,
		.ctx = ex,
		.buffer = on_buffer,
		.after = on_request,
	};
	ex->run = run_create(cfg);
	if (!ex->run)
		return -errno;
	rc = take_words(ex);
	rc = rc ?: program_bind(ex->run, &ex->trace->program, &ex->bound);
	rc = rc ?: take_answers(ex);
	rc = rc ?: adapt(&ex->bound, ex->answers, &ex->adapted);
	rc = rc ?: open_vars(ex);
	rc = rc ?: emit_user_prepare(ex);
	rc = rc ?: pass(ex);
	ex->second = true;
	return rc ?: pass(ex);
}

static void close_all(struct exporter *ex)
{
	forget_objects(ex);
	for (u32 v = 0; v < VAR_NR; v++)
		free(ex->var[v]);
	for (u32 k = 0; k < OBJ_NR; k++) {
		for (u32 i = 0; i < ex->nr_names[k]; i++)
			free(ex->names[k][i]);
		free(ex->names[k]);
	}
	for (u32 i = 0; i <= ex->trace->nr_ops; i++) {
		free(ex->lines ? ex->lines[i] : NULL);
		free(ex->expects ? ex->expects[i] : NULL);
	}
	free(ex->lines);
	free(ex->expects);
	free(ex->answers);
	free(ex->filed);
	free(ex->mem_total);
	text_free(&ex->comment);
	text_free(&ex->code);
	text_free(&ex->body);
	adapt_free(&ex->adapted);
	program_free(&ex->bound);
	run_destroy(ex->run);
}

char *export_program(const struct trace *t, const char *file, struct export_stats *stats,
		     size_t *len)
{
	struct exporter ex = {.trace = t};
	struct text out = {0};
	int rc;

	take_stem(&ex, file);
	rc = write_all(&ex);
	if (!rc && !text_open(&out))
		rc = -ENOMEM;
	if (!rc)
		emit_program(&ex, out.file);
	text_close(&out);
	*stats = ex.stats;
	close_all(&ex);
	if (len)
		*len = out.len;
	errno = -rc;
	return out.data;
}
