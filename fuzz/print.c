// SPDX-License-Identifier: GPL-2.0-only
/* Events, ops and running text on the terminal. */
#include "fuzz/print.h"

typedef unsigned long long ull;

void print_wrapped(FILE *out, const char *lead, const char *text)
{
	size_t indent = strlen(lead), room = PRINT_COLUMNS - indent, n;

	for (bool first = true; first || *text; first = false) {
		n = strlen(text);
		if (n > room) {
			n = room;
			while (n > room / 2 && text[n] != ' ')
				n--;
			n = n > room / 2 ? n : room;
		}
		fprintf(out, "%*s%.*s\n", (int)indent, first ? lead : "", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

static const char *const event_name[] = {
	[EV_REQUEST_BEGIN] = "begin",
	[EV_NESTED] = "nested",
	[EV_REQUEST_END] = "end",
	[EV_DOMAIN_CREATE] = "domain",
	[EV_DOMAIN_FREE] = "domain free",
	[EV_MAP] = "map",
	[EV_UNMAP_CALL] = "unmap call",
	[EV_UNMAP] = "unmap",
	[EV_SYNC] = "iotlb sync",
	[EV_PIN] = "pin",
	[EV_UNPIN] = "unpin",
	[EV_CLEAN] = "clean",
	[EV_DRAIN] = "drain",
	[EV_CPU_STORE] = "store",
	[EV_CPU_LOAD] = "load",
	[EV_DMA_WRITE] = "no-snoop write",
	[EV_DMA_READ] = "no-snoop read",
	[EV_EVICT] = "evict",
	[EV_NOTIFY] = "notify",
	[EV_FAULT] = "fault",
	[EV_STRICT] = "STRICT",
};

static void print_request(FILE *out, const struct machine_event *ev)
{
	const struct request *req = ev->req;

	fprintf(out, " %s", request_name(req->kind));
	if (ev->kind == EV_REQUEST_BEGIN)
		return;
	if (req->rc && expect_errno_name(-req->rc))
		fprintf(out, " %s", expect_errno_name(-req->rc));
	else if (req->rc)
		fprintf(out, " %d", req->rc);
}

static void print_domain(FILE *out, const struct machine_event *ev)
{
	fprintf(out, " %s%u", ev->nc ? "NC" : "C", ev->domain);
}

static void print_translation(FILE *out, const struct machine_event *ev)
{
	print_domain(out, ev);
	fprintf(out, " 0x%llx", (ull)ev->iova);
	if (ev->kind == EV_MAP || ev->kind == EV_UNMAP)
		fprintf(out, " -> 0x%llx", (ull)ev->pa);
	fprintf(out, " len 0x%llx", (ull)ev->len);
	if (ev->kind == EV_MAP)
		fprintf(out, " %s%s", ev->prot & DOMAIN_READ ? "r" : "",
			ev->prot & DOMAIN_WRITE ? "w" : "");
	if (ev->rc)
		fprintf(out, " rc %d", ev->rc);
}

static const char *const state_name[LINE_STATES] = {"DS", "I", "C", "X", "D", "DH"};

static void print_line(FILE *out, const struct machine_event *ev)
{
	if (ev->kind == EV_DMA_READ || ev->kind == EV_DMA_WRITE)
		print_domain(out, ev);
	fprintf(out, " 0x%llx len %llu, was %s%s", (ull)ev->pa, (ull)ev->len,
		ev->state < LINE_STATES ? state_name[ev->state] : "?",
		ev->secret ? ", OLD DATA" : "");
}

void print_event(FILE *out, u32 op, const struct machine_event *ev)
{
	fprintf(out, "%6u  %s", op, event_name[ev->kind]);
	switch (ev->kind) {
	case EV_REQUEST_BEGIN:
	case EV_NESTED:
	case EV_REQUEST_END:
		print_request(out, ev);
		break;
	case EV_DOMAIN_CREATE:
	case EV_DOMAIN_FREE:
	case EV_SYNC:
		print_domain(out, ev);
		break;
	case EV_MAP:
	case EV_UNMAP_CALL:
	case EV_UNMAP:
		print_translation(out, ev);
		break;
	case EV_PIN:
	case EV_UNPIN:
		fprintf(out, " frame 0x%llx, %llu pages", (ull)ev->pfn, (ull)ev->len);
		break;
	case EV_CLEAN:
		fprintf(out, " 0x%llx len 0x%llx%s", (ull)ev->pa, (ull)ev->len,
			ev->invalidates ? "" : " (write back only)");
		break;
	case EV_NOTIFY:
		fprintf(out, " access %llu 0x%llx len 0x%llx", (ull)ev->a, (ull)ev->iova,
			(ull)ev->len);
		break;
	case EV_FAULT:
		fprintf(out, " %s", fault_name(ev->fault_point));
		break;
	case EV_STRICT:
		fprintf(out, " %s: %s (0x%llx, 0x%llx)", ev->rule, ev->what, (ull)ev->a,
			(ull)ev->b);
		break;
	case EV_DRAIN:
		break;
	default:
		print_line(out, ev);
		break;
	}
	fputc('\n', out);
}

void print_op(FILE *out, const struct trace *t, u32 op, const struct run_result *res)
{
	const char *word = "";
	char text[160], number[32];

	trace_op_text(t, op, text, sizeof(text));
	if (res->noop)
		word = "  (does nothing)";
	else if (res->rc)
		word = expect_errno_name(-res->rc);
	if (!word) {
		snprintf(number, sizeof(number), "error %d", -res->rc);
		word = number;
	}
	fprintf(out, "%6u  %s%s%s\n", op, text, *word && !res->noop ? "  -> " : "", word);
}
