// SPDX-License-Identifier: GPL-2.0-only
/* What each op looks like: one row a code, read by the parser and by the printer. */
#include "core/op/text_priv.h"

#define RW (OPF_READ | OPF_WRITE)

static const struct syntax rows[OP_NR] = {
	[OP_TABLE] = {.args = {ARG_NEW}},
	[OP_TABLE_DESTROY] = {.args = {ARG_REF0}, .opts = OPT_BADID},
	[OP_BUFFER] = {.args = {ARG_NEW, ARG_NPAGES}, .opts = OPT_AT | OPT_TASK},
	[OP_BUFFER_DESTROY] = {.args = {ARG_REF0}},
	[OP_LAYOUT] = {.args = {ARG_PAGES, ARG_RUN}},
	[OP_ALIAS] = {.args = {ARG_ALIAS}},
	[OP_PAGE_FLAGS] = {.args = {ARG_PAGES, ARG_PAGE_FLAGS}},
	[OP_REMAP] = {.args = {ARG_PAGES}},
	[OP_ATTACH] = {.args = {ARG_REF0, ARG_NEW, ARG_NC},
		       .opts = OPT_PGSIZE | OPT_APERTURE | OPT_LEAVES},
	[OP_REATTACH] = {.args = {ARG_REF0, ARG_REF1}},
	[OP_DETACH] = {.args = {ARG_REF0, ARG_REF1}},
	[OP_MAP] = {.args = {ARG_REF0, ARG_NEW, ARG_SOURCE},
		    .opts = OPT_PROT | OPT_AT | OPT_BADFLAG | OPT_RESERVED | OPT_BADOUT | OPT_BADID,
		    .flags = RW},
	[OP_COPY] = {.args = {ARG_REF0, ARG_NEW, ARG_SLICE},
		     .opts = OPT_PROT | OPT_AT | OPT_BADFLAG | OPT_BADOUT | OPT_BADID | OPT_BADSRC,
		     .flags = RW},
	[OP_CUT] = {.args = {ARG_REF0, ARG_ADDR}, .opts = OPT_BADID},
	[OP_UNMAP] = {.args = {ARG_REF0, ARG_SPAN}, .opts = OPT_BADID | OPT_BADOUT},
	[OP_UNMAP_ALL] = {.args = {ARG_REF0}, .opts = OPT_BADID | OPT_BADOUT},
	[OP_ACCESS] = {.args = {ARG_NEW, ARG_HOME}, .opts = OPT_PAGES | OPT_REFUSE},
	[OP_ACCESS_ATTACH] = {.args = {ARG_REF0, ARG_REF1}, .opts = OPT_BADID},
	[OP_ACCESS_REPLACE] = {.args = {ARG_REF0, ARG_REF1}, .opts = OPT_BADID},
	[OP_ACCESS_DETACH] = {.args = {ARG_REF0}},
	[OP_ACCESS_DESTROY] = {.args = {ARG_REF0}},
	[OP_PIN] = {.args = {ARG_REF0, ARG_NEW, ARG_SPAN},
		    .opts = OPT_PIN_PROT | OPT_BADFLAG,
		    .flags = OPF_WRITE},
	[OP_UNPIN] = {.args = {ARG_REF0}},
	[OP_RW] = {.args = {ARG_REF0, ARG_SPAN}, .opts = OPT_DIR | OPT_KTHREAD | OPT_BADFLAG},
	[OP_RESERVE] = {.args = {ARG_REF0, ARG_SPAN}, .opts = OPT_BADID},
	[OP_UNRESERVE] = {.args = {ARG_REF0}, .opts = OPT_BADID},
	[OP_ALLOW] = {.args = {ARG_REF0, ARG_RANGES}, .opts = OPT_RESERVED | OPT_BADID | OPT_BADIN},
	[OP_RANGES] = {.args = {ARG_REF0},
		       .opts = OPT_ROOM | OPT_RESERVED | OPT_BADID | OPT_BADOUT},
	[OP_HUGE_PAGES] = {.args = {ARG_REF0, ARG_SWITCH},
			   .opts = OPT_RESERVED | OPT_BADID | OPT_BADOP},
	[OP_RLIMIT_MODE] = {.args = {ARG_SWITCH}, .opts = OPT_RESERVED | OPT_BADID | OPT_BADOP},
	[OP_TEMP_LIMIT] = {.args = {ARG_NUMBER}},
	[OP_GUP_LIMIT] = {.args = {ARG_NUMBER}},
	[OP_RLIMIT] = {.args = {ARG_TASK, ARG_LIMIT}},
	[OP_CAP] = {.args = {ARG_TASK, ARG_CAPS}},
	[OP_EXIT] = {.args = {ARG_TASK}},
	[OP_STORE] = {.args = {ARG_BYTES}, .opts = OPT_VALUE},
	[OP_LOAD] = {.args = {ARG_BYTES}},
	[OP_DMA_READ] = {.args = {ARG_REF0, ARG_SPAN}, .opts = OPT_NOSNOOP},
	[OP_DMA_WRITE] = {.args = {ARG_REF0, ARG_SPAN}, .opts = OPT_NOSNOOP | OPT_VALUE},
	[OP_EVICT] = {.args = {ARG_PAGES}},
	[OP_MORE] = {.args = {ARG_SPAN}},
};

const struct flag_word flag_words[] = {
	{"kthread", OPT_KTHREAD, OPF_KTHREAD},	  {"pages", OPT_PAGES, OPF_PIN},
	{"nosnoop", OPT_NOSNOOP, OPF_NC},	  {"badflag", OPT_BADFLAG, OPF_BAD_FLAG},
	{"reserved", OPT_RESERVED, OPF_RESERVED}, {"badout", OPT_BADOUT, OPF_BAD_OUT},
	{"badin", OPT_BADIN, OPF_BAD_IN},	  {"badid", OPT_BADID, OPF_BAD_ID},
	{"badop", OPT_BADOP, OPF_BAD_OP},	  {"badsrc", OPT_BADSRC, OPF_BAD_SRC},
};
const unsigned int nr_flag_words = ARRAY_SIZE(flag_words);

const struct syntax *op_syntax(unsigned int code)
{
	return &rows[code % OP_NR];
}

u32 op_opts(unsigned int code)
{
	const struct op_info *info = op_info(code);
	const struct syntax *row = op_syntax(code);
	u32 opts = row->opts;

	if (!(info->fields & OPX_CONT) && !(opts & OPT_TASK) && row->args[0] != ARG_TASK)
		opts |= OPT_BY;
	if (info->fields & OPX_REQ)
		opts |= OPT_FAIL;
	return opts;
}
