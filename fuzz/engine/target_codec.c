// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/engine/target.h"

#include "core/op/text.h"

#include <stdlib.h>

const struct target fuzz_target = {
	.name = "codec",
	.doc = "Any bytes are a program: written and read again, in binary form and as text, it "
	       "must be the same one.",
};

static void must_be_same(const struct program *a, const struct program *b, const char *form)
{
	if (!program_equal(a, b))
		target_found("ROUND", NULL, a, "not the same after its %s form", form);
}

static void *memory(void *p)
{
	if (!p)
		exit(2);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program first, again;
	struct text_error err;
	char *text, why[1024];
	size_t len;

	if (program_decode(&first, data, size))
		exit(2);
	len = program_encoded_size(&first);
	text = memory(malloc(len));
	program_encode(&first, text);
	for (size_t i = 0; i < len; i++)
		target_note((u8)text[i]);
	if (program_decode(&again, text, len))
		exit(2);
	free(text);
	must_be_same(&first, &again, "binary");

	text = memory(text_print(&first, &len));
	program_clear(&again);
	if (text_parse(&again, text, len, "printed", &err)) {
		text_error_format(&err, why, sizeof(why));
		target_found("ROUND", NULL, &first, "what was printed is refused: %s", why);
	}
	free(text);
	must_be_same(&first, &again, "text");
	return 0;
}
