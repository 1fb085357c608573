/* SPDX-License-Identifier: GPL-2.0-only */
/* The contracts, as bits: what a policy claims and what the shadow judges. */
#ifndef NOSNOOP_CONTRACT_H
#define NOSNOOP_CONTRACT_H

#include "core/compat/compat.h"

#define CONTRACT_L	0x01u /* leak */
#define CONTRACT_I	0x02u /* integrity at the last unpin */
#define CONTRACT_S0	0x04u /* visibility at the first exposure */
#define CONTRACT_S1	0x08u /* visibility at every NC mapping */
#define CONTRACT_E	0x10u /* integrity at un-exposure */
#define CONTRACT_O	0x20u /* order of closing cleans */
#define CONTRACT_U	0x40u /* no unpin while mapped */
#define CONTRACT_NR	7
#define CONTRACTS_ALL	((1u << CONTRACT_NR) - 1)
#define CONTRACTS_SOUND (CONTRACT_L | CONTRACT_I | CONTRACT_S0 | CONTRACT_O | CONTRACT_U)

#define CONTRACTS_TEXT 32 /* room for any mask as text */

/* "L", "I", "S0" ... for bit number @bit; NULL: no such contract. */
const char *contract_name(unsigned int bit);
/* "L,I,S0,O,U", in the order of the bits; "-" for none. Returns @buf. */
char *contracts_print(u32 mask, char buf[CONTRACTS_TEXT]);
/* The inverse. -EINVAL: an unknown or empty name; *mask is then unchanged. */
int contracts_parse(const char *text, u32 *mask);

#endif
