// SPDX-License-Identifier: GPL-2.0-only
#include "core/flush/contract.h"

static const char *const names[CONTRACT_NR] = {"L", "I", "S0", "S1", "E", "O", "U"};

const char *contract_name(unsigned int bit)
{
	return bit < CONTRACT_NR ? names[bit] : NULL;
}

char *contracts_print(u32 mask, char buf[CONTRACTS_TEXT])
{
	char *at = buf;

	for (unsigned int bit = 0; bit < CONTRACT_NR; bit++) {
		if (!(mask & 1u << bit))
			continue;
		if (at != buf)
			*at++ = ',';
		at = stpcpy(at, names[bit]);
	}
	if (at == buf)
		*at++ = '-';
	*at = '\0';
	return buf;
}

static u32 parse_one(const char *text, size_t len)
{
	for (unsigned int bit = 0; bit < CONTRACT_NR; bit++)
		if (strlen(names[bit]) == len && !memcmp(names[bit], text, len))
			return 1u << bit;
	return 0;
}

int contracts_parse(const char *text, u32 *mask)
{
	u32 found = 0, bit;
	size_t len;

	if (!strcmp(text, "-")) {
		*mask = 0;
		return 0;
	}
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		bit = parse_one(text, len);
		if (!bit)
			return -EINVAL;
		found |= bit;
		if (!text[len])
			break;
	}
	*mask = found;
	return 0;
}
