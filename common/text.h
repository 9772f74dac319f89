/*
 * common/text.h - counted strings, a growing buffer, UTF-8.
 * Must not know SQL or types.
 */
#ifndef MR_COMMON_TEXT_H
#define MR_COMMON_TEXT_H

#include "common/arena.h"

/* Borrowed bytes, not NUL-terminated. */
typedef struct MrString {
    const char *data;
    size_t length;
} MrString;

#define MR_STRING(literal) ((MrString){ (literal), sizeof(literal) - 1 })
MrString mr_string(const char *text); /* strlen; NULL gives the empty string */
bool mr_string_equal(MrString a, MrString b);
/* ASCII case folding only, as SQL keywords and option names need it. */
bool mr_string_equal_nocase(MrString a, MrString b);

/* A buffer that grows by what is appended, up to bytes_max (0: no limit).  A failed growth makes
 * the builder `failed` and every later append a no-op, so that a writer checks once at the end. */
typedef struct MrBuilder {
    char *data;
    size_t length;
    size_t capacity;
    size_t bytes_max;
    bool failed;
} MrBuilder;

/* Empty, without memory yet; appending beyond `bytes_max` or without memory sets `failed`, which is
 * looked at once, at the end. */
void mr_builder_init(MrBuilder *builder, size_t bytes_max);
void mr_builder_fini(MrBuilder *builder);
void mr_builder_clear(MrBuilder *builder); /* length 0, memory kept */
void mr_builder_append(MrBuilder *builder, const void *data, size_t length);
void mr_builder_append_string(MrBuilder *builder, const char *text);
void mr_builder_append_char(MrBuilder *builder, char c);
void mr_builder_append_format(MrBuilder *builder, const char *format, ...) MR_PRINTF(2, 3);
/* Big-endian integers, as the wire wants them. */
void mr_builder_append_u16(MrBuilder *builder, uint16_t value);
void mr_builder_append_u32(MrBuilder *builder, uint32_t value);
void mr_builder_append_u64(MrBuilder *builder, uint64_t value);
/* `length` bytes to be filled by the caller, or NULL when failed. */
char *mr_builder_reserve_slow(MrBuilder *builder, size_t length);
static inline char *mr_builder_reserve(MrBuilder *builder, size_t length)
{
    if (builder->failed || length >= builder->capacity - builder->length) {
        return mr_builder_reserve_slow(builder, length); /* no capacity is beyond the limit */
    }
    char *start = builder->data + builder->length;
    builder->length += length;
    return start;
}
/* NUL-terminated (the NUL is not counted); "" when nothing was appended; NULL when failed. */
const char *mr_builder_text(MrBuilder *builder);
/* A double-quoted SQL identifier, or bare where that is the same (lower case, no keyword check). */
void mr_builder_append_identifier(MrBuilder *builder, const char *name);
/* Always double-quoted: for SQL sent to targets. */
void mr_builder_append_quoted_identifier(MrBuilder *builder, const char *name);
/* A SQL string literal in single quotes, E'' where a backslash needs it. */
void mr_builder_append_literal(MrBuilder *builder, const char *data, size_t length);

/* Offset of the first byte that is not well-formed UTF-8 (overlong, surrogate, above U+10FFFF or
 * NUL count as malformed), or `length` when all is well. */
size_t mr_utf8_check(const char *data, size_t length);
/* Characters (code points) in well-formed UTF-8. */
size_t mr_utf8_length(const char *data, size_t length);
/* The longest prefix of at most `bytes_max` bytes that does not cut a character. */
size_t mr_utf8_truncate(const char *data, size_t length, size_t bytes_max);

#endif
