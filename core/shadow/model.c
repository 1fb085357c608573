// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference model of the page core: what every request must yield, and what everything must
 * look like after it. Rules are named as in core/README.md (I1.., S1.., P1.., D1.., A1.., R1..).
 *
 * Verified after each request: the result (R1 errno, R3 bytes unmapped, R4 IOVA, R9 ranges, A5
 * pages handed out), the sum of all pins; from events D6, D9, D10 and whatever the machine itself
 * finds (strict events). Verified by model_check(): translations and permissions of every byte in
 * every domain (D1, D2, D7), pins of every frame (P1, P4, P9), charges (P6, P7), and from a view
 * all of I1-I11, S1-S6, P2, P3, P5, A2-A4. R2 (a failed request changes nothing) follows: the
 * model's own state did not change. Not verified: contents moved by rw (A6), D9 for a frame that
 * another object still pins (the shadow's rule U covers the frame), which domain of a table is
 * storage when a policy chooses (only that it is one, S2).
 *
 * Results that the request alone does not decide (a hole and a full page table in one fill) are
 * accepted in all their forms. After a success where a failure was due, or the reverse, the model
 * no longer knows the state: it reports R1 and stays silent from then on.
 */
#include <stdarg.h>
#include <stdio.h>
#include "core/shadow/model_priv.h"

struct model *model_create(struct arena *arena, struct machine *m)
{
	struct model *md = arena_alloc(arena, sizeof(*md));

	if (!md)
		return NULL;
	md->arena = arena;
	md->m = m;
	md->tables.size = sizeof(struct mtable *);
	md->domains.size = sizeof(struct mdomain *);
	md->accesses.size = sizeof(struct maccess *);
	md->pages.size = sizeof(struct mpages *);
	md->frames.rows.size = sizeof(struct mchunk *);
	md->pin_log.size = sizeof(struct mrun);
	md->scratch.size = sizeof(struct mnode);
	md->scratch_ranges.size = sizeof(struct mrange);
	return md;
}

void model_report(struct model *md, const char *rule, const char *fmt, ...)
{
	struct model_finding *f;
	va_list ap;

	if (md->nr_findings == MODEL_FINDINGS)
		return;
	f = &md->findings[md->nr_findings++];
	f->op = md->op;
	snprintf(f->rule, sizeof(f->rule), "%s", rule);
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void model_forget(struct model *md)
{
	md->nr_findings = 0;
}

u32 model_findings(const struct model *md)
{
	return md->nr_findings;
}

const struct model_finding *model_finding(const struct model *md, u32 i)
{
	return i < md->nr_findings ? &md->findings[i] : NULL;
}

/* --- judging results --------------------------------------------------------------------- */

static const char *errno_word(int rc)
{
	static const struct {
		int rc;
		const char *word;
	} words[] = {{0, "success"},
		     {-ENOENT, "ENOENT"},
		     {-EINVAL, "EINVAL"},
		     {-ENOMEM, "ENOMEM"},
		     {-EFAULT, "EFAULT"},
		     {-EOVERFLOW, "EOVERFLOW"},
		     {-EOPNOTSUPP, "EOPNOTSUPP"},
		     {-EADDRINUSE, "EADDRINUSE"},
		     {-EEXIST, "EEXIST"},
		     {-EBUSY, "EBUSY"},
		     {-EPERM, "EPERM"},
		     {-ENOSPC, "ENOSPC"},
		     {-EMSGSIZE, "EMSGSIZE"},
		     {-EDEADLOCK, "EDEADLOCK"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].rc == rc)
			return words[i].word;
	return "another errno";
}

bool model_injected(const struct model *md, const struct request *req)
{
	return req->injected || md->fault_point != FAULT_ANY;
}

bool model_judge(struct model *md, const struct request *req, int a, int b)
{
	const char *because = md->because;

	md->because = NULL;
	if (req->rc == a || req->rc == b)
		return !req->rc;
	if (req->rc && model_injected(md, req))
		return false;
	model_report(md, "R1", "%s%s: expected %s%s%s, found %s (%d)%s%s",
		     md->nested ? "nested " : "", request_name(req->kind), errno_word(a),
		     b != a ? " or " : "", b != a ? errno_word(b) : "", errno_word(req->rc),
		     req->rc, because ? ": " : "", because ?: "");
	if (!req->rc || !a)
		md->lost = true;
	return false;
}

/* All went well but for the copy-out, unless the model knows another reason for it. */
bool model_copyout_fault(const struct request *req)
{
	return req->flags & REQF_BAD_OUT && req->rc == -EFAULT;
}

/* The effect stays when only the copy-out of the results faulted. */
bool model_success(struct model *md, const struct request *req)
{
	if (!(req->flags & REQF_BAD_OUT))
		return model_judge(md, req, 0, 0);
	if (model_copyout_fault(req) && md->fault_point != FAULT_GUP)
		return true;
	model_judge(md, req, -EFAULT, -EFAULT);
	return false;
}

/* Flags for which this kind's ioctl has a field to carry them. */
static u32 envelope(enum request_kind kind)
{
	switch (kind) {
	case REQ_MAP:
		return REQF_BAD_FLAG | REQF_RESERVED;
	case REQ_COPY:
	case REQ_PIN:
	case REQ_RW:
		return REQF_BAD_FLAG;
	case REQ_ALLOW:
	case REQ_RANGES:
	case REQ_HUGE_PAGES:
	case REQ_RLIMIT_MODE:
		return REQF_RESERVED;
	default:
		return 0;
	}
}

/* True: the request ended at its envelope. Pin and rw look at the length before the flags. */
static bool bad_envelope(struct model *md, const struct request *req)
{
	u32 bad = req->flags & (REQF_BAD_FLAG | REQF_RESERVED);

	if (!bad || ((req->kind == REQ_PIN || req->kind == REQ_RW) && req->length > MODEL_PIN_MAX))
		return false;
	if (bad & envelope(req->kind)) {
		model_judge(md, req, -EOPNOTSUPP, -EOPNOTSUPP);
		return true;
	}
	/* No field carries it: a backend that refuses nevertheless must have done nothing. */
	return req->rc == -EOPNOTSUPP;
}

/* The kinds are grouped as enum request_kind lists them. */
static void dispatch(struct model *md, struct request *req)
{
	switch (req->kind) {
	case REQ_NONE:
		break;
	case REQ_TABLE_CREATE ... REQ_DETACH:
	case REQ_RESERVE ... REQ_RANGES:
		model_table_request(md, req);
		break;
	case REQ_MAP ... REQ_UNMAP:
		model_map_request(md, req);
		break;
	case REQ_ACCESS_CREATE ... REQ_RW:
		model_access_request(md, req);
		break;
	case REQ_HUGE_PAGES ... REQ_TEMP_LIMIT:
		model_option_request(md, req);
		break;
	}
}

/* Judge one request, now that its result is there and the machine shows its effect. */
static void settle(struct model *md, struct request *req)
{
	md->cursor.buffer = NULL;
	if (!bad_envelope(md, req))
		dispatch(md, req);
	md->cursor.buffer = NULL;
	md->pin_log.nr = 0;
	md->fresh = 0;
}

static void request_begin(struct model *md, struct request *req)
{
	md->outer = req;
	md->op = req->op;
	md->fault_point = FAULT_ANY;
	md->begin_max = machine_max_pfn(md->m);
	md->pin_log.nr = 0;
	md->fresh = 0;
	md->unmap_begun = false;
	md->requests++;
}

/* A callback's request: the outer one has come as far as it needs to have called back. */
static void request_nested(struct model *md, struct request *req)
{
	if (md->outer && md->outer->kind == REQ_UNMAP)
		model_unmap_begin(md, md->outer);
	md->nested = true;
	settle(md, req);
	md->nested = false;
}

/*
 * A7: an unmap asks accesses to let go of the area that is in its way, no more and no less; an
 * access that leaves its table is asked for everything.
 */
static void notified(struct model *md, const struct machine_event *ev)
{
	bool all = !ev->iova && ev->len == UINT64_MAX;
	struct maccess *x = md_find_access(md, ev->a);
	const struct mtable *t;
	struct marea *a;

	if (x)
		x->asked = md->requests;
	if (!md->outer || (md->outer->kind != REQ_UNMAP && all))
		return;
	t = md->outer->kind == REQ_UNMAP ? md_find_table(md, md->outer->table) : NULL;
	a = t ? md_area_at(t, ev->iova) : NULL;
	if (!a || a->iova != ev->iova || a->last - a->iova != ev->len - 1)
		model_report(md, "A7",
			     "access %llu is to let go of %#llx, length %#llx: expected %s",
			     (unsigned long long)ev->a, (unsigned long long)ev->iova,
			     (unsigned long long)ev->len, t ? "an area" : "everything");
}

/* An unmap may give up only when it has asked all accesses of its table. */
static void check_asked(struct model *md, const struct request *req)
{
	for (u32 i = 0; i < md->accesses.nr; i++) {
		const struct maccess *x = *vec_at(&md->accesses, struct maccess *, i);

		if (x && x->table == req->table && x->asked != md->requests)
			model_report(md, "A7",
				     "the unmap gives up: expected access %u asked, found not",
				     x->id);
	}
}

static void request_end(struct model *md, struct request *req)
{
	if (req->kind == REQ_UNMAP && req->rc == -EDEADLOCK)
		check_asked(md, req);
	settle(md, req);
	md->outer = NULL;
	if (md->lost || md->event_pins == md->npinned)
		return;
	/* No request changes pins: a whole backend went, and with it what there was to judge. */
	if (req->kind == REQ_NONE)
		md->lost = true;
	else
		model_report(md, "P1", "after %s: expected %llu pins in all, found %llu",
			     request_name(req->kind), (unsigned long long)md->npinned,
			     (unsigned long long)md->event_pins);
}

/* --- what the machine tells -------------------------------------------------------------- */

static void domain_created(struct model *md, u32 id)
{
	md_ids_new(md, &md->domains, id, sizeof(struct mdomain));
}

static void domain_freed(struct model *md, u32 id)
{
	const struct mdomain *d = md_find_domain(md, id);

	if (!d)
		return;
	/* Only when a whole backend is torn down, which is no request: there is nothing left to
	 * judge. */
	if (d->table)
		md->lost = true;
	else
		md_ids_del(md, &md->domains, id, sizeof(*d));
}

/* D6. In an attach the domain is not in the table yet: the request says which. */
static void check_map_size(struct model *md, const struct machine_event *ev)
{
	const struct mdomain *d = md_find_domain(md, ev->domain);
	u32 table = d && d->table ? d->table : md->outer ? md->outer->table : 0;
	const struct mtable *t = md_find_table(md, table);

	if (t && t->no_large && (ev->pa & PAGE_MASK) + ev->len > PAGE_SIZE)
		model_report(md, "D6",
			     "large pages off: expected one page a map, found %#llx+%#llx",
			     (unsigned long long)ev->iova, (unsigned long long)ev->len);
}

/* Bytes, not calls: after a cut mid page one map call is unmapped by two. */
static void frames_mapped(struct model *md, const struct machine_event *ev)
{
	u64 pa = ev->pa, left = ev->len;

	while (left && !md->lost) {
		u64 n = min(left, PAGE_SIZE - (pa & PAGE_MASK));
		struct mframe *f = md_frame_get(md, pa >> PAGE_SHIFT, true);

		if (ev->kind == EV_UNMAP) {
			f->mapped -= min(f->mapped, n);
		} else {
			f->mapped += n;
			f->owes_mark |= ev->prot & DOMAIN_WRITE ? 1 : 0;
			if (!f->pins)
				model_report(md, "D10",
					     "map of pfn %llu: expected it pinned, found not",
					     (unsigned long long)pa >> PAGE_SHIFT);
		}
		pa += n;
		left -= n;
	}
}

/* In order, neighbours joined. */
static void log_pins(struct model *md, u64 pfn, u64 n)
{
	struct vec *log = &md->pin_log;
	struct mrun *last = log->nr ? vec_at(log, struct mrun, log->nr - 1) : NULL;
	u64 at = last ? last->at + last->n : 0;

	if (last && last->pfn + last->n == pfn) {
		last->n += n;
		return;
	}
	last = md_vec_push(md, log);
	last->pfn = pfn;
	last->n = n;
	last->at = at;
}

static void frame_pinned(struct mframe *f, bool write)
{
	f->pins++;
	f->for_write |= write;
}

static void frames_pinned(struct model *md, const struct machine_event *ev)
{
	for (u64 pfn = ev->pfn; pfn < ev->pfn + ev->len && !md->lost; pfn++)
		frame_pinned(md_frame_get(md, pfn, true), ev->prot & DOMAIN_WRITE);
	md->event_pins += ev->len;
	if (md->outer)
		log_pins(md, ev->pfn, ev->len);
}

/*
 * P10, as far as frames alone tell: what a device could write is marked dirty by the end, what
 * nobody pinned for writing never is.
 */
static void frame_marked(struct model *md, u64 pfn, struct mframe *f, bool dirty)
{
	if (dirty && !f->for_write)
		model_report(md, "P10",
			     "unpin of pfn %llu, not pinned for writing: expected clean, found"
			     " marked dirty",
			     (unsigned long long)pfn);
	if (dirty)
		f->owes_mark = false;
	if (f->pins != 1)
		return;
	if (f->owes_mark)
		model_report(md, "P10",
			     "last unpin of pfn %llu, which a device could write: expected marked"
			     " dirty, found clean",
			     (unsigned long long)pfn);
	f->for_write = f->owes_mark = false;
}

/* D9, as far as the frame alone tells: its last pin goes while something maps it. */
static void frames_unpinned(struct model *md, const struct machine_event *ev)
{
	for (u64 pfn = ev->pfn; pfn < ev->pfn + ev->len && !md->lost; pfn++) {
		struct mframe *f = md_frame_get(md, pfn, true);

		frame_marked(md, pfn, f, ev->prot & DOMAIN_WRITE);
		if (f->pins && !--f->pins && f->mapped)
			model_report(md, "D9",
				     "last unpin of pfn %llu: expected unmapped, found %llu"
				     " bytes mapped",
				     (unsigned long long)pfn, (unsigned long long)f->mapped);
	}
	md->event_pins -= ev->len;
}

void model_event(struct model *md, const struct machine_event *ev)
{
	if (md->lost && ev->kind != EV_STRICT)
		return;
	switch (ev->kind) {
	case EV_REQUEST_BEGIN:
		request_begin(md, ev->req);
		break;
	case EV_NESTED:
		request_nested(md, ev->req);
		break;
	case EV_REQUEST_END:
		request_end(md, ev->req);
		break;
	case EV_DOMAIN_CREATE:
		domain_created(md, ev->domain);
		break;
	case EV_DOMAIN_FREE:
		domain_freed(md, ev->domain);
		break;
	case EV_MAP:
		if (ev->rc)
			break;
		check_map_size(md, ev);
		fallthrough;
	case EV_UNMAP:
		frames_mapped(md, ev);
		break;
	case EV_PIN:
		frames_pinned(md, ev);
		break;
	case EV_UNPIN:
		frames_unpinned(md, ev);
		break;
	case EV_NOTIFY:
		notified(md, ev);
		break;
	case EV_FAULT:
		md->fault_point = ev->fault_point;
		break;
	case EV_STRICT:
		model_report(md, ev->rule, "%s: %#llx %#llx", ev->what, (unsigned long long)ev->a,
			     (unsigned long long)ev->b);
		break;
	default:
		break;
	}
}
