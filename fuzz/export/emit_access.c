// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ops of in-kernel accesses. The selftest's access is a file that is attached to a table as long as
 * it is open: one that is not attached is no file, and to detach is to close.
 */
#include "fuzz/export/emit.h"

#include <inttypes.h>

/* @table: what it is attached to, as text. */
static void open_access(struct exporter *ex, u32 id, const char *table)
{
	struct ex_access *a = &ex->accesses[id];

	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_CREATE_ACCESS");
	field(ex, "id", "%s", table);
	if (a->pages)
		field(ex, "create_access.flags", "MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES");
	cmd_end(ex);
	ask(ex, CMD_TEST, "close(test_cmd.create_access.out_access_fd)");
	a->open = !ex->res.rc;
	if (a->open)
		a->table = table_identity(request_of(ex, REQ_ACCESS_ATTACH)->table);
	if (a->open)
		assign(ex, VAR_ACCESS, id, "test_cmd.create_access.out_access_fd");
}

static void emit_create(struct exporter *ex)
{
	u32 id = created(ex);

	ex->accesses[id].pages = op_flag(ex, OPF_PIN);
	if (request_of(ex, REQ_ACCESS_CREATE))
		ex->accesses[id].id = request_of(ex, REQ_ACCESS_CREATE)->access;
	if (ex->op->arg & OP_ACCESS_NONE)
		remark(ex, EXPORT_PARTLY, "it is made when it is attached");
	else if (!request_of(ex, REQ_ACCESS_ATTACH))
		remark(ex, EXPORT_LEFT, "it was not made: %s", errno_text(ex->res.rc).s);
	else
		open_access(ex, id, use(ex, VAR_IOAS, ref(ex, 0)).s);
}

static void emit_attach(struct exporter *ex)
{
	u32 id = ref(ex, 0);

	if (ex->accesses[id].open)
		remark(ex, EXPORT_LEFT,
		       "%s in the core: the selftest cannot attach what is attached",
		       errno_text(ex->res.rc).s);
	else
		open_access(ex, id,
			    op_flag(ex, OPF_BAD_ID) ? "BAD_ID" : use(ex, VAR_IOAS, ref(ex, 1)).s);
}

static void emit_replace(struct exporter *ex)
{
	u32 id = ref(ex, 0);

	if (!ex->accesses[id].open) {
		remark(ex, EXPORT_LEFT,
		       "%s in the core: the selftest has no access that is detached",
		       errno_text(ex->res.rc).s);
		return;
	}
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_ACCESS_REPLACE_IOAS");
	field(ex, "id", "%s", use(ex, VAR_ACCESS, id).s);
	field(ex, "access_replace_ioas.ioas_id", "%s",
	      op_flag(ex, OPF_BAD_ID) ? "BAD_ID" : use(ex, VAR_IOAS, ref(ex, 1)).s);
	cmd_end(ex);
	ask(ex, CMD_TEST, NULL);
	if (!ex->res.rc)
		ex->accesses[id].table = table_identity(request_of(ex, REQ_ACCESS_REPLACE)->table);
}

static void emit_close(struct exporter *ex, bool detach)
{
	struct ex_access *a = &ex->accesses[ref(ex, 0)];

	if (!a->open) {
		remark(ex, EXPORT_LEFT, "the selftest has no access that is detached");
		return;
	}
	if (ex->res.rc) {
		remark(ex, EXPORT_LEFT, "%s in the core: closing does not fail",
		       errno_text(ex->res.rc).s);
		return;
	}
	if (detach)
		remark(ex, EXPORT_PARTLY,
		       "closed: the selftest cannot detach an access and keep it");
	code(ex, "ASSERT_EQ(0, close(%s));", use(ex, VAR_ACCESS, ref(ex, 0)).s);
	a->open = false;
}

/* --- pins -------------------------------------------------------------------- */

static bool is_open(struct exporter *ex)
{
	if (ex->accesses[ref(ex, 0)].open)
		return true;
	remark(ex, EXPORT_LEFT, "%s in the core: the selftest has no access that is detached",
	       errno_text(ex->res.rc).s);
	return false;
}

static struct words flags_text(struct exporter *ex, const char *write)
{
	bool bad = op_flag(ex, OPF_BAD_FLAG);

	if (!op_flag(ex, OPF_WRITE))
		return words(bad ? "BAD_FLAG" : "0");
	return words("%s%s", bad ? "BAD_FLAG | " : "", write);
}

static void emit_pin(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_PIN);
	struct words access, undo;

	if (!is_open(ex))
		return;
	need_to_undo(ex, HELPER_UNPIN);
	access = use(ex, VAR_ACCESS, ref(ex, 0));
	undo = words("unpin(self->fd, %s, test_cmd.access_pages.out_access_pages_id)", access.s);
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_ACCESS_PAGES");
	field(ex, "id", "%s", access.s);
	field(ex, "access_pages.flags", "%s", flags_text(ex, "MOCK_FLAGS_ACCESS_WRITE").s);
	field(ex, "access_pages.iova", "%s", iova_text(ex, ex->op, req->iova).s);
	field(ex, "access_pages.length", "%s", bytes_text(req->length).s);
	cmd_end(ex);
	ask(ex, CMD_TEST, undo.s);
	if (!ex->res.rc)
		assign(ex, VAR_PIN, created(ex), "test_cmd.access_pages.out_access_pages_id");
}

static void emit_unpin(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_UNPIN);
	u32 access = 0;

	while (ex->accesses[access].id != req->access)
		access++;
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_DESTROY_ACCESS_PAGES");
	field(ex, "id", "%s", use(ex, VAR_ACCESS, access).s);
	field(ex, "destroy_access_pages.access_pages_id", "%s", use(ex, VAR_PIN, ref(ex, 0)).s);
	cmd_end(ex);
	ask(ex, CMD_TEST, NULL);
}

/* --- read and write ---------------------------------------------------------- */

/* What the kernel moved is what the user sees, if he sees the pages that the table has. */
static void compare(struct exporter *ex, const struct request *req)
{
	const struct ex_buffer *b;
	struct seen seen;

	if (ex->res.rc ||
	    !seen_by_user(ex, ex->accesses[ref(ex, 0)].table, req->iova, req->length, &seen))
		return;
	b = &ex->buffers[seen.buffer];
	as(ex, b->task);
	need(ex, HELPER_SAME);
	code(ex, "ASSERT_EQ(0, same(%s, scratch, %s));",
	     place_text(use(ex, VAR_BUF, seen.buffer).s, seen.offset).s, bytes_text(req->length).s);
}

static void emit_rw(struct exporter *ex)
{
	const struct request *req = request_of(ex, REQ_RW);
	bool write = op_flag(ex, OPF_WRITE);

	if (!is_open(ex))
		return;
	/* What is longer is refused unseen. */
	ex->scratch = max(ex->scratch, req->length <= RUN_BYTES ? max(req->length, 1ULL) : 1ULL);
	if (write && !ex->res.rc)
		code(ex, "memset(scratch, %u, %s);", ex->step->number & 0xff,
		     bytes_text(req->length).s);
	as(ex, ex->op->thread);
	cmd_begin(ex, CMD_TEST);
	field(ex, "op", "IOMMU_TEST_OP_ACCESS_RW");
	field(ex, "id", "%s", use(ex, VAR_ACCESS, ref(ex, 0)).s);
	field(ex, "access_rw.iova", "%s", iova_text(ex, ex->op, req->iova).s);
	field(ex, "access_rw.length", "%s", bytes_text(req->length).s);
	field(ex, "access_rw.uptr", "(uintptr_t)scratch");
	field(ex, "access_rw.flags", "%s", flags_text(ex, "MOCK_ACCESS_RW_WRITE").s);
	cmd_end(ex);
	ask(ex, CMD_TEST, "");
	compare(ex, req);
}

bool emit_access_op(struct exporter *ex)
{
	switch (ex->op->code) {
	case OP_ACCESS:
		emit_create(ex);
		return true;
	case OP_ACCESS_ATTACH:
		emit_attach(ex);
		return true;
	case OP_ACCESS_REPLACE:
		emit_replace(ex);
		return true;
	case OP_ACCESS_DETACH:
	case OP_ACCESS_DESTROY:
		emit_close(ex, ex->op->code == OP_ACCESS_DETACH);
		return true;
	case OP_PIN:
		emit_pin(ex);
		return true;
	case OP_UNPIN:
		emit_unpin(ex);
		return true;
	case OP_RW:
		emit_rw(ex);
		return true;
	default:
		return false;
	}
}
