// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz/museum/museum.h"

static struct museum_counts nobody;

u32 museum_mutant;
struct museum_counts *museum_counted = &nobody;
