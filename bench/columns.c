// SPDX-License-Identifier: GPL-2.0-only
#include "bench/columns.h"

#include <stdio.h>

char *contract_letters(u32 mask, char buf[SHADOW_CONTRACTS + 1])
{
	static const char letters[] = "LI01EOU";
	u32 n = 0;

	for (u32 c = 0; c < SHADOW_CONTRACTS; c++)
		if (mask >> c & 1)
			buf[n++] = letters[c];
	if (!n)
		buf[n++] = '-';
	buf[n] = '\0';
	return buf;
}

const char *column_ratio(char buf[COLUMN_CELL], u64 flushes, u64 bound)
{
	if (bound)
		snprintf(buf, COLUMN_CELL, "%.2f", (double)flushes / bound);
	else
		strcpy(buf, "-");
	return buf;
}

const char *column_count(char buf[COLUMN_CELL], u64 n)
{
	if (n < 1000000)
		snprintf(buf, COLUMN_CELL, "%llu", (unsigned long long)n);
	else if (n < 100000000)
		snprintf(buf, COLUMN_CELL, "%lluk", (unsigned long long)n / 1000);
	else
		snprintf(buf, COLUMN_CELL, "%lluM", (unsigned long long)n / 1000000);
	return buf;
}

const char *column_page(char buf[COLUMN_CELL], const struct phase_result *r)
{
	double ns = r->pages ? r->ns / r->pages : 0;

	if (!r->pages)
		strcpy(buf, "n/a");
	else if (ns < 9999)
		snprintf(buf, COLUMN_CELL, "%.1f", ns);
	else
		column_count(buf, ns + 0.5);
	return buf;
}

const char *column_delta(char buf[COLUMN_CELL], const struct phase_result *r)
{
	double ns = r->pages ? r->ns / r->pages : 0, delta = r->pages ? r->delta_ns / r->pages : 0;

	/* Long figures lose their decimal, or the row would be wider than a mail. */
	if (r->pages)
		snprintf(buf, COLUMN_CELL, "%.*f (%+.*f)", ns < 1000, ns, delta < 1000, delta);
	else
		strcpy(buf, "n/a");
	return buf;
}

const char *column_spread(char buf[COLUMN_CELL], const struct cell *c, enum phase phase, int width)
{
	struct phase_result r = cell_phase(c, phase);

	return column_share(buf, &r, cell_spread_share(c, phase), width);
}

const char *column_share(char buf[COLUMN_CELL], const struct phase_result *r, double share,
			 int width)
{
	double ns, delta;

	if (!r->pages) {
		strcpy(buf, "n/a");
		return buf;
	}
	ns = r->ns / r->pages;
	delta = r->delta_ns / r->pages;
	if (share >= 0 && snprintf(buf, COLUMN_CELL, "%.*f (%+.0f) %.0f%%", ns < 1000, ns, delta,
				   share * 100) <= width)
		return buf;
	column_delta(buf, r);
	/* A round that lost the CPU for milliseconds may be wider than any column. */
	if (strlen(buf) > (size_t)width)
		snprintf(buf, COLUMN_CELL, "%.2g (%+.2g)", ns, delta);
	return buf;
}

void columns_wrap(u32 column, u32 indent, const char *text)
{
	u32 at = column, n;

	for (bool first = true; *text; text += n) {
		n = strcspn(text, " \n");
		if (n) {
			if (!first && at + 1 + n > COLUMNS && at > indent) {
				printf("\n%*s", (int)indent, "");
				at = indent;
				first = true;
			}
			printf("%s%.*s", first ? "" : " ", (int)n, text);
			at += n + !first;
			first = false;
			continue;
		}
		n = 1;
		if (*text == '\n') {
			printf("\n%*s", text[1] && text[1] != '\n' ? (int)indent : 0, "");
			at = indent;
			first = true;
		}
	}
}
