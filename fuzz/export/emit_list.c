// SPDX-License-Identifier: GPL-2.0-only
/* Ops on what a table has beside its areas: reserved and allowed ranges, options. */
#include "fuzz/export/emit.h"

#include <inttypes.h>

static void table_field(struct exporter *ex, const char *name)
{
	field(ex, name, "%s", op_flag(ex, OPF_BAD_ID) ? "BAD_ID" : use(ex, VAR_IOAS, ref(ex, 0)).s);
}

/* The selftest looks at the length before the core sees it, and has a word of its own for a wrap. */
static int reserve_errno(const struct exporter *ex, u64 first, u64 length)
{
	if (!length)
		return -EINVAL;
	if (first + length - 1 < first)
		return -EOVERFLOW;
	return ex->res.rc;
}

static void emit_reserve(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_RESERVE);
	u64 length = req->last - req->iova + 1;

	if (!ex->step->number)
		remark(ex, EXPORT_WHOLE,
		       "as if a mock domain were there already: nothing is to be "
		       "mapped where it does not reach");
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_ADD_RESERVED");
	table_field(ex, "id");
	field(ex, "add_reserved.start", "%s", iova_text(ex, ex->op, req->iova).s);
	field(ex, "add_reserved.length", "%s", bytes_text(length).s);
	cmd_end(ex);
	ask_expecting(ex, CMD_TEST, NULL, reserve_errno(ex, req->iova, length));
}

static void allowed_ranges(struct exporter *ex, const struct request *req)
{
	bool cut = op_flag(ex, OPF_BAD_IN);

	if (!req->nr_ranges)
		return;
	if (cut)
		need(ex, HELPER_CUT_OFF);
	code(ex, "\t.allowed_iovas = (uintptr_t)%s(struct iommu_iova_range[]){",
	     cut ? "cut_off(" : "");
	for (u32 i = 0; i < req->nr_ranges; i++) {
		const struct op *op = i ? &ex->more[i - 1] : ex->op;
		u64 first = op_addr_mode(op) == OP_ADDR_END ? ~op->addr : op->addr;
		u64 last = first + op_length(op) - 1;

		code(ex, "\t\t{ %s, %s },", iova_absolute(first).s, iova_absolute(last).s);
	}
	if (cut)
		code(ex, "\t}, %u),", req->nr_ranges);
	else
		code(ex, "\t},");
}

static void emit_allow(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_ALLOW);

	if (!ex->step->number)
		remark(ex, EXPORT_WHOLE,
		       "what is mapped before a mock domain comes has to lie where it reaches");
	cmd_begin(ex, CMD_ALLOW);
	table_field(ex, "ioas_id");
	field(ex, "num_iovas", "%u", req->nr_ranges);
	field(ex, "__reserved", "%d", op_flag(ex, OPF_RESERVED));
	allowed_ranges(ex, req);
	cmd_end(ex);
	ask(ex, CMD_ALLOW, NULL);
}

static void check_ranges(struct exporter *ex, const struct request *req)
{
	u32 nr = min(min(req->out_nr, req->nr_ranges), (u32)EX_RANGES);

	code(ex, "ASSERT_EQ(%u, ranges_cmd.num_iovas);", req->out_nr);
	code(ex, "ASSERT_EQ(%" PRIu64 ", ranges_cmd.out_iova_alignment);", req->out_alignment);
	for (u32 i = 0; i < nr; i++) {
		code(ex, "ASSERT_EQ(%s, ranges[%u].start);", iova_absolute(ex->got[i].start).s, i);
		code(ex, "ASSERT_EQ(%s, ranges[%u].last);", iova_absolute(ex->got[i].last).s, i);
	}
}

static void emit_ranges(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_RANGES);

	ex->ranges = max(ex->ranges, max(req->nr_ranges, 1u));
	cmd_begin(ex, CMD_RANGES);
	table_field(ex, "ioas_id");
	field(ex, "num_iovas", "%u", req->nr_ranges);
	field(ex, "__reserved", "%d", op_flag(ex, OPF_RESERVED));
	field(ex, "allowed_iovas", "(uintptr_t)ranges");
	cmd_end(ex);
	ask(ex, CMD_RANGES, "");
	if (!ex->res.rc || ex->res.rc == -EMSGSIZE)
		check_ranges(ex, req);
}

static void emit_option(struct exporter *ex, const char *option)
{
	const char *op = "IOMMU_OPTION_OP_SET";
	bool get = op_flag(ex, OPF_GET);

	if (get)
		op = "IOMMU_OPTION_OP_GET";
	if (op_flag(ex, OPF_BAD_OP))
		op = "BAD_OP";
	cmd_begin(ex, CMD_OPTION);
	field(ex, "option_id", "%s", option);
	field(ex, "op", "%s", op);
	field(ex, "__reserved", "%d", op_flag(ex, OPF_RESERVED));
	if (ex->op->code == OP_HUGE_PAGES)
		table_field(ex, "object_id");
	else
		field(ex, "object_id", "%d", op_flag(ex, OPF_BAD_ID));
	if (!get)
		field(ex, "val64", "%u", ex->op->arg);
	cmd_end(ex);
	ask(ex, CMD_OPTION, get ? "" : NULL);
	if (get && !ex->res.rc)
		code(ex, "ASSERT_EQ(%" PRIu64 ", option_cmd.val64);", ex->res.out);
}

static void emit_temp_limit(struct exporter *ex)
{
	ex->limit_used = true;
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT");
	field(ex, "memory_limit.limit", "%u", ex->op->arg);
	cmd_end(ex);
	ask(ex, CMD_TEST, NULL);
}

bool emit_list_op(struct exporter *ex)
{
	switch (ex->op->code) {
	case OP_RESERVE:
		emit_reserve(ex);
		return true;
	case OP_ALLOW:
		emit_allow(ex);
		return true;
	case OP_RANGES:
		emit_ranges(ex);
		return true;
	case OP_HUGE_PAGES:
		emit_option(ex, "IOMMU_OPTION_HUGE_PAGES");
		return true;
	case OP_RLIMIT_MODE:
		as(ex, ex->op->thread);
		emit_option(ex, "IOMMU_OPTION_RLIMIT_MODE");
		return true;
	case OP_TEMP_LIMIT:
		emit_temp_limit(ex);
		return true;
	default:
		return false;
	}
}
