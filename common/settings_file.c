/*
 * common/settings_file.c - reads `name = value` lines in the form of postgresql.conf.
 */
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/setting_value.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 20)

typedef struct LineReader {
    const char *next; /* within the line */
    const char *end;
    const char *path;
    unsigned number;
} LineReader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static void skip_blanks(LineReader *line)
{
    while (line->next < line->end && is_blank(*line->next)) {
        line->next++;
    }
}

static bool at_end(const LineReader *line)
{
    return line->next == line->end || *line->next == '#';
}

static MrStatus line_malformed(const LineReader *line, MrError *err)
{
    size_t left = (size_t)(line->end - line->next);
    return mr_error_set(err, MR_ERR_SYNTAX,
                        "syntax error in file \"%.200s\" line %u, near \"%.*s\"", line->path,
                        line->number, (int)(left < 40 ? left : 40), line->next);
}

static MrString read_name(LineReader *line)
{
    const char *start = line->next;
    while (line->next < line->end && is_name_char(*line->next)) {
        line->next++;
    }
    return (MrString){ start, (size_t)(line->next - start) };
}

/* A bare word, or quoted text in which '' and \' stand for a quote. */
static MrStatus read_value(LineReader *line, MrBuilder *value, MrError *err)
{
    if (line->next < line->end && *line->next == '\'') {
        for (line->next++; line->next < line->end; line->next++) {
            bool more = line->end - line->next > 1;
            if (*line->next == '\\' && more) {
                line->next++;
            } else if (*line->next == '\'') {
                if (!more || line->next[1] != '\'') {
                    line->next++;
                    return MR_OK;
                }
                line->next++;
            }
            mr_builder_append_char(value, *line->next);
        }
        return line_malformed(line, err);
    }
    const char *start = line->next;
    while (line->next < line->end && !is_blank(*line->next) && *line->next != '#' &&
           *line->next != '\'') {
        line->next++;
    }
    mr_builder_append(value, start, (size_t)(line->next - start));
    return line->next == start ? line_malformed(line, err) : MR_OK;
}

static MrStatus unknown_name(const LineReader *line, MrString name, MrError *err)
{
    const char *nearest = mr_setting_nearest(name);

    mr_error_set(err, MR_ERR_UNDEFINED_OBJECT,
                 "unrecognized configuration parameter \"%.*s\" in file \"%.200s\" line %u",
                 (int)(name.length < 100 ? name.length : 100), name.data, line->path, line->number);
    if (nearest != NULL) {
        mr_error_hint(err, "Perhaps you meant \"%s\".", nearest);
    }
    return MR_ERR_UNDEFINED_OBJECT;
}

static MrStatus apply_line(MrSettings *settings, LineReader *line, MrSettingScope allowed,
                           MrBuilder *value, MrError *err)
{
    MrSettingId id;

    skip_blanks(line);
    if (at_end(line)) {
        return MR_OK;
    }
    MrString name = read_name(line);
    if (name.length == 0) {
        return line_malformed(line, err);
    }
    skip_blanks(line);
    if (line->next < line->end && *line->next == '=') {
        line->next++;
        skip_blanks(line);
    }
    mr_builder_clear(value);
    MR_TRY(read_value(line, value, err));
    skip_blanks(line);
    if (!at_end(line)) {
        return line_malformed(line, err);
    }
    if (!mr_setting_find(name, &id)) {
        return unknown_name(line, name, err);
    }
    const char *text = mr_builder_text(value);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    MrStatus status =
        mr_settings_set_line(settings, id, (MrString){ text, value->length }, allowed, err);
    if (status != MR_OK) {
        mr_error_detail(err, "File \"%.200s\", line %u.", line->path, line->number);
    }
    return status;
}

static MrStatus apply_text(MrSettings *settings, const char *path, MrString text,
                           MrSettingScope allowed, MrError *err)
{
    LineReader line = { .path = path };
    const char *next = text.data;
    const char *end = text.data + text.length;
    MrStatus status = MR_OK;
    MrBuilder value;

    mr_builder_init(&value, 0);
    while (status == MR_OK && next < end) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        line.next = next;
        line.end = newline != NULL ? newline : end;
        line.number++;
        next = newline != NULL ? newline + 1 : end;
        status = apply_line(settings, &line, allowed, &value, err);
    }
    mr_builder_fini(&value);
    return status;
}

MrStatus mr_settings_read_file(MrSettings *settings, const char *path, MrSettingScope allowed,
                               MrError *err)
{
    MrBuilder text;
    mr_builder_init(&text, 0);
    MrStatus status = mr_file_read_text(path, FILE_BYTES_MAX, &text, err);
    if (status == MR_OK) {
        status = apply_text(settings, path, (MrString){ text.data, text.length }, allowed, err);
    }
    mr_builder_fini(&text);
    return status;
}
