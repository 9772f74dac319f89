/*
 * storage/bpchar.h - char(n): text padded with blanks up to n characters, which count for nothing
 * where values are compared.
 */
#ifndef MR_STORAGE_BPCHAR_H
#define MR_STORAGE_BPCHAR_H

#include "storage/types.h"

/* The value without the blanks at its end; borrowed. */
MrText mr_bpchar_trim(const MrText *value);
/* By bytes without them, as PostgreSQL compares in the collation "C". */
int mr_bpchar_compare(const MrText *a, const MrText *b);
uint64_t mr_bpchar_hash(const MrText *value);
/* `text` as a value of char(n) (typmod n + 4; below 4: as it is): padded, in the arena, or without
 * what is beyond n characters, which may only be blanks (22001) unless it `cuts`.  Text that is not
 * padded stays where it is. */
MrStatus mr_bpchar_fit(MrArena *arena, MrString text, int32_t typmod, bool cuts, MrText *out,
                       MrError *err);

#endif
