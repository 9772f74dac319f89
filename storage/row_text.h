/*
 * storage/row_text.h - a row as a person reads it, for details of errors and for late_rows.
 */
#ifndef MR_STORAGE_ROW_TEXT_H
#define MR_STORAGE_ROW_TEXT_H

#include "storage/block.h"

/* Appends `(2026-01-01 00:00:00, Oslo, null)`; long values and long rows are cut with "...". */
void mr_row_text(const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out);
/* The same, whole. */
void mr_row_text_whole(const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out);
/* Appends `Key (a, b)=(1, 2)`, as messages about unique keys have it. */
void mr_row_key_text(const MrSchema *schema, const uint32_t *columns, uint32_t count,
                     const MrBlock *block, uint32_t row, const MrTimezone *zone, MrBuilder *out);

#endif
