// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/museum.h"

static struct museum_counts nobody;

#ifndef MUSEUM_MUTANT
#define MUSEUM_MUTANT 0 /* CMake: NOSNOOP_MUTANT */
#endif
u32 museum_mutant = MUSEUM_MUTANT;
struct museum_counts *museum_counted = &nobody;
