// SPDX-License-Identifier: GPL-2.0-only
/* Ops on tables: domains, areas, reserved and allowed ranges, options. */
#include "fuzz/export/emit.h"

#include <inttypes.h>

static struct words table_text(struct exporter *ex, u32 table)
{
	return op_flag(ex, OPF_BAD_ID) ? words("BAD_ID") : use(ex, VAR_IOAS, table);
}

static void emit_table(struct exporter *ex)
{
	need_to_undo(ex, HELPER_DESTROY);
	cmd_begin(ex, CMD_ALLOC);
	cmd_end(ex);
	ask(ex, CMD_ALLOC, "destroy(self->fd, alloc_cmd.out_ioas_id)");
	if (!ex->res.rc)
		assign(ex, VAR_IOAS, created(ex), "alloc_cmd.out_ioas_id");
}

static void emit_destroy(struct exporter *ex)
{
	if (failure_left_out(ex))
		return;
	cmd_begin(ex, CMD_DESTROY);
	field(ex, "id", "%s", table_text(ex, ref(ex, 0)).s);
	cmd_end(ex);
	ask(ex, CMD_DESTROY, NULL);
}

/* --- domains ----------------------------------------------------------------- */

/* The device whose domain is the table's automatic one: another device would get the same. */
static s64 automatic_domain(struct exporter *ex, u32 table)
{
	for (u32 i = 0; i < ex->met[OBJ_DOMAIN]; i++)
		if (ex->domains[i].how == DOMAIN_MOCK && ex->domains[i].table == table)
			return i;
	return -1;
}

static void attach_device(struct exporter *ex, u32 id)
{
	need_to_undo(ex, HELPER_DESTROY);
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_MOCK_DOMAIN");
	field(ex, "id", "%s", use(ex, VAR_IOAS, ref(ex, 0)).s);
	cmd_end(ex);
	ask(ex, CMD_TEST, "destroy(self->fd, test_cmd.mock_domain.out_stdev_id)");
	if (ex->res.rc)
		return;
	ex->domains[id].how = DOMAIN_MOCK;
	assign(ex, VAR_STDEV, id, "test_cmd.mock_domain.out_stdev_id");
	assign(ex, VAR_HWPT, id, "test_cmd.mock_domain.out_hwpt_id");
	assign(ex, VAR_IDEV, id, "test_cmd.mock_domain.out_idev_id");
}

static void attach_domain(struct exporter *ex, u32 id, u32 device)
{
	remark(ex, EXPORT_WHOLE, "(a second mock device would share the first one's domain)");
	need_to_undo(ex, HELPER_DESTROY);
	cmd_begin(ex, CMD_HWPT);
	field(ex, "dev_id", "%s", use(ex, VAR_IDEV, device).s);
	field(ex, "pt_id", "%s", use(ex, VAR_IOAS, ref(ex, 0)).s);
	cmd_end(ex);
	ask(ex, CMD_HWPT, "destroy(self->fd, hwpt_cmd.out_hwpt_id)");
	if (ex->res.rc)
		return;
	ex->domains[id].how = DOMAIN_HWPT;
	assign(ex, VAR_HWPT, id, "hwpt_cmd.out_hwpt_id");
}

static void emit_attach(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_ATTACH);
	u32 id = created(ex);
	s64 device = automatic_domain(ex, ref(ex, 0));

	if (!req) { /* no domain came to be: page sizes that do not exist cannot be meant here */
		remark(ex, EXPORT_LEFT, "the domain itself could not be made");
		return;
	}
	ex->domains[id].table = ref(ex, 0);
	ex->domains[id].machine = req->domain;
	if (device < 0)
		attach_device(ex, id);
	else
		attach_domain(ex, id, device);
}

static void emit_detach(struct exporter *ex)
{
	struct ex_domain *d = &ex->domains[ref(ex, 1)];

	if (ex->res.rc == -ENOENT && !ex->res.fired) {
		remark(ex, EXPORT_LEFT,
		       "ENOENT in the core: iommufd knows where a device is attached");
		return;
	}
	if (failure_left_out(ex))
		return;
	cmd_begin(ex, CMD_DESTROY);
	if (d->how == DOMAIN_MOCK)
		field(ex, "id", "%s", use(ex, VAR_STDEV, ref(ex, 1)).s);
	else
		field(ex, "id", "%s", use(ex, VAR_HWPT, ref(ex, 1)).s);
	cmd_end(ex);
	ask(ex, CMD_DESTROY, NULL);
	if (!ex->res.rc)
		d->how = DOMAIN_NONE;
}

/* --- areas ------------------------------------------------------------------- */

static struct words map_flags(struct exporter *ex, const struct request *req)
{
	const struct {
		bool set;
		const char *word;
	} flags[] = {
		{req->flags & REQF_FIXED, "IOMMU_IOAS_MAP_FIXED_IOVA"},
		{req->prot & REQ_PROT_READ, "IOMMU_IOAS_MAP_READABLE"},
		{req->prot & REQ_PROT_WRITE, "IOMMU_IOAS_MAP_WRITEABLE"},
		{op_flag(ex, OPF_BAD_FLAG), "BAD_FLAG"},
	};
	static const char *const before[] = {"", " | ", " |\n\t\t\t ", " | "};
	struct words w = {"0"};
	size_t len = 0;
	u32 nr = 0;

	for (u32 i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].set)
			len += snprintf(w.s + len, sizeof(w.s) - len, "%s%s", before[nr++],
					flags[i].word);
	return w;
}

static void area_made(struct exporter *ex, const struct request *req, const char *iova)
{
	u32 id = created(ex);

	if (ex->res.rc)
		return;
	ex->areas[id] =
		(struct ex_area){true, table_identity(req->table), req->out_iova, req->length};
	assign(ex, VAR_IOVA, id, "%s", iova);
}

static void emit_map(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_MAP);
	struct ex_buffer *b = &ex->buffers[ref(ex, 1)];
	struct words user = use(ex, VAR_BUF, ref(ex, 1)), table = table_text(ex, ref(ex, 0));
	struct words undo;

	need_to_undo(ex, HELPER_UNMAP);
	undo = words("unmap(self->fd, %s, map_cmd.iova, map_cmd.length)", table.s);
	as(ex, b->task);
	b->touched = true;
	cmd_begin(ex, CMD_MAP);
	field(ex, "flags", "%s", map_flags(ex, req).s);
	field(ex, "ioas_id", "%s", table.s);
	field(ex, "__reserved", "%d", op_flag(ex, OPF_RESERVED));
	field(ex, "user_va", "(uintptr_t)%s",
	      place_text(user.s, req->uptr - buffer_va(b->buffer)).s);
	field(ex, "length", "%s", bytes_text(req->length).s);
	if (req->flags & REQF_FIXED)
		field(ex, "iova", "%s", iova_text(ex, ex->op, req->iova).s);
	cmd_end(ex);
	ask(ex, CMD_MAP, undo.s);
	area_made(ex, req, "map_cmd.iova");
}

static struct words copy_source(struct exporter *ex, const struct request *req)
{
	u32 area = ref(ex, 2);

	if (ex->op->flags & OPF_SOURCE || !op_by_id(ex->op, 2) || !ex->areas[area].made)
		return iova_absolute(req->src_iova);
	return place_text(use(ex, VAR_IOVA, area).s, req->src_iova - ex->areas[area].iova);
}

static void emit_copy(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_COPY);
	const struct op *to = ex->op->flags & OPF_SOURCE ? ex->more : ex->op;
	struct words table = table_text(ex, ref(ex, 0)), source = words("BAD_ID"), undo;

	if (!op_flag(ex, OPF_BAD_SRC))
		source = use(ex, VAR_IOAS, table_identity(req->src_table));
	need_to_undo(ex, HELPER_UNMAP);
	undo = words("unmap(self->fd, %s, copy_cmd.dst_iova, copy_cmd.length)", table.s);
	cmd_begin(ex, CMD_COPY);
	field(ex, "flags", "%s", map_flags(ex, req).s);
	field(ex, "dst_ioas_id", "%s", table.s);
	field(ex, "src_ioas_id", "%s", source.s);
	field(ex, "length", "%s", bytes_text(req->length).s);
	if (req->flags & REQF_FIXED)
		field(ex, "dst_iova", "%s", iova_text(ex, to, req->iova).s);
	field(ex, "src_iova", "%s", copy_source(ex, req).s);
	cmd_end(ex);
	ask(ex, CMD_COPY, undo.s);
	area_made(ex, req, "copy_cmd.dst_iova");
}

static void emit_unmap(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_UNMAP);

	cmd_begin(ex, CMD_UNMAP);
	field(ex, "ioas_id", "%s", table_text(ex, ref(ex, 0)).s);
	if (ex->op->code == OP_UNMAP_ALL) {
		field(ex, "length", "UINT64_MAX");
	} else {
		field(ex, "iova", "%s", iova_text(ex, ex->op, req->iova).s);
		field(ex, "length", "%s", bytes_text(req->length).s);
	}
	cmd_end(ex);
	ask(ex, CMD_UNMAP, NULL);
	if (!ex->res.rc)
		code(ex, "ASSERT_EQ(%s, unmap_cmd.length);", bytes_text(ex->res.out).s);
}

bool emit_table_op(struct exporter *ex)
{
	switch (ex->op->code) {
	case OP_TABLE:
		emit_table(ex);
		return true;
	case OP_TABLE_DESTROY:
		emit_destroy(ex);
		return true;
	case OP_ATTACH:
		emit_attach(ex);
		return true;
	case OP_DETACH:
		emit_detach(ex);
		return true;
	case OP_MAP:
		emit_map(ex);
		return true;
	case OP_COPY:
		emit_copy(ex);
		return true;
	case OP_UNMAP:
	case OP_UNMAP_ALL:
		emit_unmap(ex);
		return true;
	default:
		return emit_list_op(ex);
	}
}
