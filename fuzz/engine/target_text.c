// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

#include "core/op/text.h"

#include <stdlib.h>
#include <string.h>

const struct target fuzz_target = {
	.name = "text",
	.doc = "Any bytes as the text of a trace: refused with a place and what would be right, or "
	       "read, and then what is printed of it is read as the same program.",
	.text = true,
};

static void check_refusal(const struct text_error *err, size_t size)
{
	if (!err->line || !err->col || err->line > size + 1 || err->col > size + 1 || !*err->what ||
	    !*err->expected)
		target_found("ROUND", NULL, NULL, "refused at %u:%u: \"%s\", expected \"%s\"",
			     err->line, err->col, err->what, err->expected);
	target_note(err->line);
	target_note(err->col);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program first, again;
	struct text_error err = {0};
	char *text;
	size_t len;
	int rc;

	program_clear(&first);
	program_clear(&again);
	rc = text_parse(&first, (const char *)data, size, "input", &err);
	if (rc == -EINVAL)
		check_refusal(&err, size);
	if (rc)
		return 0;
	text = text_print(&first, &len);
	if (!text)
		exit(2);
	rc = text_parse(&again, text, len, "printed", &err);
	free(text);
	if (rc || !program_equal(&first, &again))
		target_found("ROUND", NULL, &first, "not the same when it is printed and read");
	target_note(first.nr);
	return 0;
}
