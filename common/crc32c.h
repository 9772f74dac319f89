/*
 * common/crc32c.h - CRC-32C (Castagnoli), the checksum of log frames, checkpoints and input ranges.
 * Uses the processor's instruction where there is one.
 */
#ifndef MR_COMMON_CRC32C_H
#define MR_COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (start with a salt or 0) over the bytes; crc32c(crc32c(s, a), b) = crc32c(s,
 * ab). */
uint32_t mr_crc32c(uint32_t crc, const void *data, size_t length);
/* The same without the processor's instruction; for machines that lack it, and for the test. */
uint32_t mr_crc32c_portable(uint32_t crc, const void *data, size_t length);

#endif
