// SPDX-License-Identifier: GPL-2.0-only
/* What the shadow says: violations, findings, totals, a page's history, digest and form. It
 * decides nothing. */
#include "core/shadow/state.h"

#include <inttypes.h>
#include <stdio.h>

const char *const shadow_contract_name[SHADOW_CONTRACTS] = {"L", "I", "S0", "S1", "E", "O", "U"};

/* A page, and an op that should have flushed it: counted once, whatever broke. */
struct missing {
	struct node node;
	u64 pfn;
	u32 op;
};

struct log_line {
	struct log_line *next;
	struct note note;
	u32 op;
	u8 kind;
	u8 set;
};

struct page_log {
	struct node node; /* the key is the pfn */
	struct log_line *first, **end;
};

void reports_init(struct shadow *s)
{
	pool_init(&s->missing_pool, sizeof(struct missing));
	pool_init(&s->log_pool, sizeof(struct page_log));
	pool_init(&s->note_pool, sizeof(struct log_line));
}

u32 costed(u32 claims)
{
	u32 all = 1u << SHADOW_L | 1u << SHADOW_I | 1u << SHADOW_S0 | 1u << SHADOW_S1 |
		  1u << SHADOW_E;

	if (claims & 1u << SHADOW_S1)
		claims |= 1u << SHADOW_S0;
	return claims & all;
}

/* --- findings and violations ----------------------------------------------------- */

void finding_add(struct shadow *s, const char *rule, const char *what, u64 a, u64 b)
{
	if (s->nr_findings < FINDINGS_KEPT)
		s->finding[s->nr_findings] = (struct shadow_finding){s->op, rule, what, a, b};
	s->nr_findings++;
}

void out_of_memory(struct shadow *s)
{
	if (!s->full)
		finding_add(s, "MEM", "the shadow's arena is full: nothing is judged from here on",
			    0, 0);
	s->full = true;
}

u32 shadow_findings(const struct shadow *s)
{
	return s->nr_findings;
}

const struct shadow_finding *shadow_finding(const struct shadow *s, u32 i)
{
	return i < min(s->nr_findings, FINDINGS_KEPT) ? &s->finding[i] : NULL;
}

static void missing_add(struct shadow *s, u64 pfn, u32 op)
{
	u64 key = hash_add(pfn, op);
	struct node *n = index_find(&s->missing, key);
	struct missing *m;

	for (; n; n = index_next(n)) {
		m = container_of(n, struct missing, node);
		if (m->pfn == pfn && m->op == op)
			return;
	}
	m = pool_get(&s->missing_pool, s->arena);
	if (!m) {
		out_of_memory(s);
		return;
	}
	m->node.key = key;
	m->pfn = pfn;
	m->op = op;
	index_add(&s->missing, s->arena, &m->node);
	s->nr_missing++;
}

void violation_add(struct shadow *s, enum contract c, const struct turn *t, u32 should)
{
	struct shadow_violation *v = &s->violation[c];

	if (!v->count++) {
		s->broken |= 1u << c;
		v->op = s->op;
		v->should = should;
		v->pfn = t->pfn;
		v->object_page = t->object_page;
	}
	if (c == SHADOW_L || c == SHADOW_I || c == SHADOW_S0)
		missing_add(s, t->pfn, should);
	history_add(s, t->pfn, NOTE_VIOLATION, .value = c);
}

const struct shadow_violation *shadow_violation(const struct shadow *s, enum contract c)
{
	return &s->violation[c];
}

u32 shadow_broken(const struct shadow *s)
{
	return s->broken;
}

/* --- totals ---------------------------------------------------------------------- */

static void add_open_epochs(const struct shadow *s, u32 track, struct shadow_totals *out)
{
	for (u64 i = 0; i <= s->frames.mask; i++) {
		for (struct node *n = s->frames.bucket[i]; n; n = n->next) {
			struct frame *f = container_of(n, struct frame, node);
			u32 least = f->bound[track].cost;

			if (!f->pins)
				continue;
			out->bound += least;
			out->redundant += f->flushes > least ? f->flushes - least : 0;
		}
	}
}

struct shadow_totals shadow_totals(const struct shadow *s, u32 claims)
{
	struct shadow_totals out = {.flushes = s->flushes,
				    .redundant = s->flushes_unpinned,
				    .missing = s->nr_missing,
				    .exposures = s->exposures,
				    .epochs = s->epochs};

	claims = costed(claims);
	if (!claims)
		out.redundant = s->flushes;
	for (u32 k = 0; k < TRACKS; k++) {
		if (!s->bound[k] || bound_claims(s->bound[k]) != claims)
			continue;
		out.bound = s->bound_closed[k];
		out.redundant += s->redundant_closed[k];
		add_open_epochs(s, k, &out);
		break;
	}
	return out;
}

/* --- history --------------------------------------------------------------------- */

static struct page_log *log_get(struct shadow *s, u64 pfn)
{
	struct node *n = index_find(&s->logs, pfn);
	struct page_log *log;

	if (n)
		return container_of(n, struct page_log, node);
	log = pool_get(&s->log_pool, s->arena);
	if (!log)
		return NULL;
	log->node.key = pfn;
	log->end = &log->first;
	index_add(&s->logs, s->arena, &log->node);
	return log;
}

/* A history that ends early is still one: a full arena is no trouble here. */
void history_record(struct shadow *s, u64 pfn, enum note_kind kind, const struct note *n)
{
	const struct frame *f;
	struct page_log *log;
	struct log_line *line;

	log = log_get(s, pfn);
	line = log ? pool_get(&s->note_pool, s->arena) : NULL;
	if (!line)
		return;
	f = shadow_frame_find(s, pfn);
	line->note = *n;
	line->op = s->op;
	line->kind = kind;
	line->set = f ? lines_pack(&f->set) : 0;
	*log->end = line;
	log->end = &line->next;
}

static const char *const note_name[NOTES] = {
	[NOTE_PIN] = "pin",
	[NOTE_UNPIN] = "unpin",
	[NOTE_MAP] = "map",
	[NOTE_UNMAP] = "unmap",
	[NOTE_GONE] = "invalidated",
	[NOTE_CLEAN] = "clean",
	[NOTE_WRITE_BACK] = "write back",
	[NOTE_DRAIN] = "drain",
	[NOTE_STORE] = "store",
	[NOTE_LOAD] = "load",
	[NOTE_DMA_WRITE] = "no-snoop write",
	[NOTE_DMA_READ] = "no-snoop read",
	[NOTE_EVICT] = "evict",
	[NOTE_VIOLATION] = "BROKEN",
};

static void detail_text(char *out, size_t size, const struct log_line *l)
{
	const struct note *n = &l->note;

	out[0] = 0;
	switch ((enum note_kind)l->kind) {
	case NOTE_PIN:
	case NOTE_UNPIN:
		snprintf(out, size, "pins now %" PRIu64, n->value);
		break;
	case NOTE_MAP:
	case NOTE_GONE:
		snprintf(out, size, "%s domain %u, iova 0x%" PRIx64 ", %s", n->nc ? "NC" : "C",
			 n->domain, n->value, n->write ? "rw" : "r");
		break;
	case NOTE_UNMAP:
		snprintf(out, size, "%s domain %u, iova 0x%" PRIx64, n->nc ? "NC" : "C", n->domain,
			 n->value);
		break;
	case NOTE_VIOLATION:
		snprintf(out, size, "%s", shadow_contract_name[n->value]);
		break;
	case NOTE_DRAIN:
		break;
	default:
		if (n->value == LINES_ALL)
			snprintf(out, size, "all lines");
		else
			snprintf(out, size, "lines 0x%" PRIx64, n->value);
	}
}

static void set_text(char *out, u32 set)
{
	static const char *const name[LINE_STATES] = {"DS", "I", "C", "X", "D", "DH"};

	*out = 0;
	for (u32 i = 0; i < LINE_STATES; i++) {
		if (!(set >> i & 1))
			continue;
		strcat(out, *out ? " " : "");
		strcat(out, name[i]);
	}
}

void shadow_history(const struct shadow *s, u64 pfn, void (*line)(void *ctx, const char *text),
		    void *ctx)
{
	struct node *n = index_find(&s->logs, pfn);
	char text[160], detail[64], set[32];
	struct log_line *l;

	for (l = n ? container_of(n, struct page_log, node)->first : NULL; l; l = l->next) {
		detail_text(detail, sizeof(detail), l);
		set_text(set, l->set);
		snprintf(text, sizeof(text), "op %u: %s%s%s {%s}", l->op, note_name[l->kind],
			 *detail ? " " : "", detail, set);
		line(ctx, text);
	}
}

/* --- digest ---------------------------------------------------------------------- */

static u64 digest_lines(u64 h, const struct shadow *s, const struct frame *f, struct lines l)
{
	frame_between(s, f, &l);
	for (u32 i = 0; i < LINE_STATES; i++)
		h = hash_add(h, l.in[i]);
	return h;
}

static u64 digest_mapping(const struct mapping *r)
{
	u64 h = hash_add(r->tlb->rank, r->iova);

	h = hash_add(h, (u64)r->len << 32 | r->live);
	return hash_add(h, r->nc | r->write << 1 | r->stale << 2);
}

static u64 digest_frame(const struct shadow *s, const struct frame *f)
{
	u64 h = hash_add(f->node.key, (u64)f->pins << 1 | f->leaked), maps = 0;

	if (f->pins)
		h = digest_lines(h, s, f, f->set);
	for (const struct mapping *r = f->maps; r; r = r->next)
		maps += digest_mapping(r);
	h = hash_add(h, maps);
	if (f->pending)
		h = digest_lines(hash_add(h, f->pending->mask), s, f, f->pending->image);
	return h;
}

/* Sums, where the order of a list says nothing about the future. */
u64 shadow_digest(const struct shadow *s)
{
	u64 sum = 0;

	for (u64 i = 0; i <= s->frames.mask; i++)
		for (struct node *n = s->frames.bucket[i]; n; n = n->next)
			sum += digest_frame(s, container_of(n, struct frame, node));
	return hash_add(sum, s->full);
}

/* --- forms ----------------------------------------------------------------------- */

static u32 form_number(u8 *out, u32 v)
{
	u32 n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = v | 0x80;
	out[n++] = v;
	return n;
}

/* Lines of one kind, as always where whole pages are cleaned: the set; else all the words. */
static u32 form_lines(u8 *out, const struct lines *l)
{
	bool uniform = true;

	for (u32 i = 0; i < LINE_STATES; i++)
		uniform &= !l->in[i] || l->in[i] == LINES_ALL;
	out[0] = lines_pack(l) << 1 | !uniform;
	if (uniform)
		return 1;
	memcpy(out + 1, l->in, sizeof(l->in));
	return 1 + sizeof(l->in);
}

u32 shadow_frame_form(const struct shadow *s, u64 pfn, u8 *out)
{
	const struct frame *f = shadow_frame_find(s, pfn);
	struct lines l;
	u32 n, maps = 0;

	n = form_number(out, f ? f->pins << 1 | !!f->pending : 0);
	for (const struct mapping *r = f ? f->maps : NULL; r; r = r->next)
		maps++;
	n += form_number(out + n, maps);
	if (!f || (!f->pins && !f->maps && !f->pending))
		return n;
	n += form_number(out + n, f->nc);
	n += form_number(out + n, f->nc_write);
	l = f->set;
	if (f->pins)
		frame_between(s, f, &l);
	n += form_lines(out + n, &l);
	if (!f->pending)
		return n;
	memcpy(out + n, &f->pending->mask, sizeof(f->pending->mask));
	n += sizeof(f->pending->mask);
	l = f->pending->image;
	frame_between(s, f, &l);
	return n + form_lines(out + n, &l);
}

void shadow_forget(struct shadow *s)
{
	memset(s->violation, 0, sizeof(s->violation));
	s->broken = 0;
	s->nr_findings = 0;
}
