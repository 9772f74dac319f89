/*
 * common/timezone_file.c - reads TZif files (RFC 8536), versions 1 to 4.
 */
#include <stdlib.h>
#include <string.h>

#include "common/timezone_rules.h"

#define HEADER_BYTES 44

typedef struct ZoneHeader {
    uint32_t utc_flags, standard_flags, leaps, changes, periods, abbreviation_bytes;
} ZoneHeader;

static uint32_t read_u32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static int64_t read_time(const uint8_t *data, size_t bytes)
{
    if (bytes == 4) {
        return (int32_t)read_u32(data);
    }
    return (int64_t)((uint64_t)read_u32(data) << 32 | read_u32(data + 4));
}

/* A header is accepted with counts that a sound file can have, so that sizes cannot overflow. */
static bool header_parse(const uint8_t *data, size_t length, ZoneHeader *out)
{
    if (length < HEADER_BYTES || memcmp(data, "TZif", 4) != 0) {
        return false;
    }
    out->utc_flags = read_u32(data + 20);
    out->standard_flags = read_u32(data + 24);
    out->leaps = read_u32(data + 28);
    out->changes = read_u32(data + 32);
    out->periods = read_u32(data + 36);
    out->abbreviation_bytes = read_u32(data + 40);
    return out->utc_flags <= 256 && out->standard_flags <= 256 && out->leaps <= 1000 &&
           out->changes <= 20000 && out->periods >= 1 && out->periods <= 256 &&
           out->abbreviation_bytes <= 2048;
}

static size_t body_bytes(const ZoneHeader *header, size_t time_bytes)
{
    return header->changes * (time_bytes + 1) + header->periods * 6 + header->abbreviation_bytes +
           header->leaps * (time_bytes + 4) + header->standard_flags + header->utc_flags;
}

static bool period_parse(const uint8_t *data, const char *names, size_t name_bytes,
                         MrZonePeriod *out)
{
    size_t start = data[5];

    out->offset = (int32_t)read_u32(data);
    out->is_dst = data[4] != 0;
    if (start >= name_bytes || out->offset < -86400 * 2 || out->offset > 86400 * 2) {
        return false;
    }
    size_t length = strnlen(names + start, name_bytes - start);
    if (length > MR_ZONE_ABBREVIATION_MAX) {
        length = MR_ZONE_ABBREVIATION_MAX;
    }
    memcpy(out->abbreviation, names + start, length);
    out->abbreviation[length] = '\0';
    return true;
}

static bool body_parse(const uint8_t *data, const ZoneHeader *header, size_t time_bytes,
                       MrTimezone *zone)
{
    const uint8_t *after = data + header->changes * time_bytes;
    const uint8_t *periods = after + header->changes;
    const char *names = (const char *)periods + header->periods * 6;

    zone->changes = calloc(header->changes + 1, sizeof *zone->changes);
    zone->period_after = calloc(header->changes + 1, 1);
    zone->periods = calloc(header->periods, sizeof *zone->periods);
    if (zone->changes == NULL || zone->period_after == NULL || zone->periods == NULL) {
        return false;
    }
    zone->change_count = (int)header->changes;
    zone->period_count = (int)header->periods;
    for (uint32_t i = 0; i < header->changes; i++) {
        zone->changes[i] = read_time(data + i * time_bytes, time_bytes);
        zone->period_after[i] = after[i];
        if (after[i] >= header->periods || (i > 0 && zone->changes[i] <= zone->changes[i - 1])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < header->periods; i++) {
        if (!period_parse(periods + i * 6, names, header->abbreviation_bytes, &zone->periods[i])) {
            return false;
        }
    }
    return true;
}

/* Between two newlines; empty when no rule holds after the last change. */
static bool footer_parse(const uint8_t *data, size_t length, MrTimezone *zone)
{
    if (length < 2 || data[0] != '\n') {
        return false;
    }
    const uint8_t *end = memchr(data + 1, '\n', length - 1);
    if (end == NULL) {
        return false;
    }
    MrString text = { (const char *)data + 1, (size_t)(end - data) - 1 };
    if (text.length == 0) {
        return true;
    }
    zone->has_rule = mr_zone_rule_parse(text, false, &zone->rule);
    return zone->has_rule;
}

bool mr_zone_file_parse(const uint8_t *data, size_t length, MrTimezone *zone)
{
    ZoneHeader header;
    if (!header_parse(data, length, &header)) {
        return false;
    }
    bool has_second = data[4] >= '2';
    size_t size = HEADER_BYTES + body_bytes(&header, 4);
    if (size > length) {
        return false;
    }
    if (!has_second) {
        return header.leaps == 0 && body_parse(data + HEADER_BYTES, &header, 4, zone);
    }
    /* The 32-bit data are there for old readers; the same with 64 bits follows. */
    data += size;
    length -= size;
    if (!header_parse(data, length, &header) || header.leaps != 0) {
        return false; /* no zone that counts leap seconds: neither does the calendar */
    }
    size = HEADER_BYTES + body_bytes(&header, 8);
    return size <= length && body_parse(data + HEADER_BYTES, &header, 8, zone) &&
           footer_parse(data + size, length - size, zone);
}
