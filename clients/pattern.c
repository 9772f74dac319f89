/*
 * clients/pattern.c - names and patterns as they are typed behind \d.
 */
#include "clients/pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clients/shell.h"

/* Our own objects have names of their own whatever schema or connection stands before them. */
static const char *without_schema(const char *pattern)
{
    const char *name = pattern;
    bool quoted = false;
    for (const char *c = pattern; *c != '\0'; c++) {
        quoted ^= *c == '"';
        name = *c == '.' && !quoted ? c + 1 : name;
    }
    return name;
}

/* One character of the pattern as a regular expression; returns what stands behind it.  `plain`:
 * the signs of regular expressions stand for themselves. */
static const char *put_regex(const char *c, bool plain, bool *quoted, MrBuffer *out)
{
    if (*c == '"') {
        if (*quoted && c[1] == '"') {
            mr_buffer_append_char(out, '"');
            return c + 2;
        }
        *quoted = !*quoted;
    } else if (!*quoted && *c == '*') {
        mr_buffer_append(out, ".*");
    } else if (!*quoted && *c == '?') {
        mr_buffer_append_char(out, '.');
    } else if (*c == '$' || *c == '.' ||
               ((*quoted || plain) && strchr("|*+?()[]{}^\\", *c) != NULL)) {
        mr_buffer_append_char(out, '\\');
        mr_buffer_append_char(out, *c);
    } else {
        mr_buffer_append_char(out, *quoted ? *c : (char)tolower((unsigned char)*c));
    }
    return c + 1;
}

char *mr_pattern_condition(const char *pattern, const char *column)
{
    MrBuffer regex;
    bool quoted = false;
    if (pattern == NULL) {
        return mr_text_copy("true");
    }
    mr_buffer_init(&regex);
    mr_buffer_append(&regex, "^(");
    for (const char *c = without_schema(pattern); *c != '\0';) {
        c = put_regex(c, false, &quoted, &regex);
    }
    mr_buffer_append(&regex, ")$");
    char *literal = mr_shell_quote(regex.data, '\'');
    char *condition = mr_text_format("%s ~ %s", column, literal);
    free(literal);
    mr_buffer_fini(&regex);
    return condition;
}

/* Up to the dot that ends a part of the pattern, or its end. */
static const char *put_part(const char *c, bool plain, MrBuffer *regex)
{
    bool quoted = false;
    mr_buffer_append(regex, "^(");
    while (*c != '\0' && (quoted || *c != '.')) {
        c = put_regex(c, plain, &quoted, regex);
    }
    mr_buffer_append(regex, ")$");
    return c;
}

/* " AND (column ~ regex OR ...)"; a pattern that fits every name needs no condition. */
static void put_condition(MrBuffer *out, const char *const *columns, int count, const char *regex)
{
    if (strcmp(regex, "^(.*)$") == 0) {
        return;
    }
    char *literal = mr_shell_quote(regex, '\'');
    for (int i = 0; i < count && columns[i] != NULL; i++) {
        mr_buffer_append_format(out, "%s%s ~ %s", i == 0 ? " AND (" : " OR ", columns[i], literal);
    }
    mr_buffer_append(out, ")");
    free(literal);
}

char *mr_pattern_where(const char *pattern, const MrPatternColumns *columns)
{
    MrBuffer parts[3];
    MrBuffer out;
    int count = 0;
    bool ends = pattern == NULL;
    mr_buffer_init(&out);
    while (!ends && count < 3) {
        mr_buffer_init(&parts[count]);
        pattern = put_part(pattern, columns->is_operator, &parts[count++]);
        ends = *pattern++ == '\0';
    }
    /* What stands before the schema is the database: always the connection's. */
    if (count > 0) {
        put_condition(&out, columns->names, 4, parts[count - 1].data);
    }
    if (count > 1 && columns->schema != NULL) {
        put_condition(&out, &columns->schema, 1, parts[count - 2].data);
    } else if (columns->visible != NULL) {
        mr_buffer_append_format(&out, " AND %s", columns->visible);
    }
    while (count > 0) {
        mr_buffer_fini(&parts[--count]);
    }
    return out.data;
}

/* One part of a name, up to its dot: folded, without quotes. */
static const char *part_read(const char *c, MrBuffer *out)
{
    bool quoted = false;
    for (; *c != '\0' && (quoted || *c != '.'); c++) {
        if (*c == '"' && quoted && c[1] == '"') {
            mr_buffer_append_char(out, '"');
            c++;
        } else if (*c == '"') {
            quoted = !quoted;
        } else {
            mr_buffer_append_char(out, quoted ? *c : (char)tolower((unsigned char)*c));
        }
    }
    return c;
}

char *mr_pattern_name(const char *name)
{
    MrBuffer out;
    mr_buffer_init(&out);
    for (;;) {
        MrBuffer part;
        mr_buffer_init(&part);
        name = part_read(name, &part);
        char *quoted = mr_shell_quote(part.data, '"');
        mr_buffer_append(&out, quoted);
        free(quoted);
        mr_buffer_fini(&part);
        if (*name == '\0') {
            return out.data;
        }
        mr_buffer_append_char(&out, '.');
        name++;
    }
}

char *mr_pattern_object(const char *name)
{
    MrBuffer part;
    mr_buffer_init(&part);
    for (;;) {
        name = part_read(name, &part);
        if (*name == '\0') {
            return part.data;
        }
        mr_buffer_clear(&part);
        name++;
    }
}
