/*
 * common/builder.c - the growing buffer of text.h.
 * A failure (limit, memory) sticks, so that writers check once at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define BUILDER_CAPACITY_MIN 64

void mr_builder_init(MrBuilder *builder, size_t bytes_max)
{
    *builder = (MrBuilder){ .bytes_max = bytes_max };
}

void mr_builder_fini(MrBuilder *builder)
{
    free(builder->data);
    *builder = (MrBuilder){ .bytes_max = builder->bytes_max };
}

void mr_builder_clear(MrBuilder *builder)
{
    builder->length = 0;
    builder->failed = false;
}

/* Makes room for `more` bytes and one NUL behind them (which no limit counts). */
static bool builder_grow(MrBuilder *builder, size_t more)
{
    if (builder->failed) {
        return false;
    }
    size_t limit = builder->bytes_max != 0 ? builder->bytes_max : SIZE_MAX / 4;
    if (builder->length > limit || more > limit - builder->length) {
        builder->failed = true;
        return false;
    }
    size_t need = builder->length + more;
    if (need < builder->capacity) {
        return true;
    }
    size_t capacity = builder->capacity * 2;
    if (capacity <= need) {
        capacity = need + 1;
    }
    if (capacity < BUILDER_CAPACITY_MIN) {
        capacity = BUILDER_CAPACITY_MIN;
    }
    if (capacity > limit) {
        capacity = limit + 1; /* what fits into it needs no look at the limit */
    }
    char *data = realloc(builder->data, capacity);
    if (data == NULL) {
        builder->failed = true;
        return false;
    }
    builder->data = data;
    builder->capacity = capacity;
    return true;
}

char *mr_builder_reserve_slow(MrBuilder *builder, size_t length)
{
    if (!builder_grow(builder, length)) {
        return NULL;
    }
    char *start = builder->data + builder->length;
    builder->length += length;
    return start;
}

void mr_builder_append(MrBuilder *builder, const void *data, size_t length)
{
    char *start = mr_builder_reserve(builder, length);
    if (start != NULL && length > 0) {
        memcpy(start, data, length);
    }
}

void mr_builder_append_string(MrBuilder *builder, const char *text)
{
    mr_builder_append(builder, text, strlen(text));
}

void mr_builder_append_char(MrBuilder *builder, char c)
{
    char *start = mr_builder_reserve(builder, 1);
    if (start != NULL) {
        *start = c;
    }
}

void mr_builder_append_format(MrBuilder *builder, const char *format, ...)
{
    char text[256]; /* most pieces are short: one pass, no growth beyond need */
    va_list args;

    va_start(args, format);
    int wanted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (wanted < 0) {
        builder->failed = true;
        return;
    }
    if ((size_t)wanted < sizeof text) {
        mr_builder_append(builder, text, (size_t)wanted);
        return;
    }
    if (!builder_grow(builder, (size_t)wanted)) {
        return;
    }
    va_start(args, format);
    vsnprintf(builder->data + builder->length, (size_t)wanted + 1, format, args);
    va_end(args);
    builder->length += (size_t)wanted;
}

void mr_builder_append_u16(MrBuilder *builder, uint16_t value)
{
    value = __builtin_bswap16(value);
    mr_builder_append(builder, &value, sizeof value);
}

void mr_builder_append_u32(MrBuilder *builder, uint32_t value)
{
    value = __builtin_bswap32(value);
    mr_builder_append(builder, &value, sizeof value);
}

void mr_builder_append_u64(MrBuilder *builder, uint64_t value)
{
    value = __builtin_bswap64(value);
    mr_builder_append(builder, &value, sizeof value);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's integers are swapped above");

const char *mr_builder_text(MrBuilder *builder)
{
    if (!builder_grow(builder, 0)) {
        return NULL;
    }
    builder->data[builder->length] = '\0';
    return builder->data;
}

static bool identifier_is_bare(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || *name == '_')) {
        return false;
    }
    for (const char *c = name + 1; *c != '\0'; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '$')) {
            return false;
        }
    }
    return true;
}

void mr_builder_append_identifier(MrBuilder *builder, const char *name)
{
    if (identifier_is_bare(name)) {
        mr_builder_append_string(builder, name);
    } else {
        mr_builder_append_quoted_identifier(builder, name);
    }
}

/* Appends the bytes with every `quote` doubled. */
static void builder_append_doubled(MrBuilder *builder, const char *data, size_t length, char quote)
{
    while (length > 0) {
        const char *found = memchr(data, quote, length);
        if (found == NULL) {
            mr_builder_append(builder, data, length);
            return;
        }
        size_t part = (size_t)(found - data) + 1;
        mr_builder_append(builder, data, part);
        mr_builder_append_char(builder, quote);
        data += part;
        length -= part;
    }
}

void mr_builder_append_quoted_identifier(MrBuilder *builder, const char *name)
{
    mr_builder_append_char(builder, '"');
    builder_append_doubled(builder, name, strlen(name), '"');
    mr_builder_append_char(builder, '"');
}

void mr_builder_append_literal(MrBuilder *builder, const char *data, size_t length)
{
    bool escape = length > 0 && memchr(data, '\\', length) != NULL;

    mr_builder_append_string(builder, escape ? "E'" : "'");
    if (!escape) {
        builder_append_doubled(builder, data, length, '\'');
    } else {
        for (size_t i = 0; i < length; i++) {
            if (data[i] == '\'' || data[i] == '\\') {
                mr_builder_append_char(builder, data[i]);
            }
            mr_builder_append_char(builder, data[i]);
        }
    }
    mr_builder_append_char(builder, '\'');
}
