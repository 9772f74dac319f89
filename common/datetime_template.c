/*
 * common/datetime_template.c - cuts a template into fields and text.
 */
#include "common/datetime_template.h"

#include <string.h>

#include "common/datetime_pattern.h"

const char *const mr_month_names[12] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};
const char *const mr_day_names[7] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};
const char *const mr_roman_months[12] = {
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
};

/* Every pattern in upper case; a longer one stands before what it starts with.  `all` when lower
 * case, `title` when "Month" is a pattern, too. */
typedef struct Pattern {
    const char *name;
    MrPatternKey key;
    bool reads_digits;
    uint8_t digits;
    bool title;
} Pattern;

static const Pattern patterns[] = {
    { "A.D.", MR_PATTERN_A_D, false, 0, false },   { "A.M.", MR_PATTERN_A_M, false, 0, false },
    { "AD", MR_PATTERN_AD, false, 0, false },      { "AM", MR_PATTERN_AM, false, 0, false },
    { "B.C.", MR_PATTERN_A_D, false, 0, false },   { "BC", MR_PATTERN_AD, false, 0, false },
    { "CC", MR_PATTERN_CC, true, 0, false },       { "DAY", MR_PATTERN_DAY, false, 0, true },
    { "DDD", MR_PATTERN_DDD, true, 0, false },     { "DD", MR_PATTERN_DD, true, 0, false },
    { "DY", MR_PATTERN_DY, false, 0, true },       { "D", MR_PATTERN_D, true, 0, false },
    { "FF1", MR_PATTERN_FF, true, 1, false },      { "FF2", MR_PATTERN_FF, true, 2, false },
    { "FF3", MR_PATTERN_FF, true, 3, false },      { "FF4", MR_PATTERN_FF, true, 4, false },
    { "FF5", MR_PATTERN_FF, true, 5, false },      { "FF6", MR_PATTERN_FF, true, 6, false },
    { "FX", MR_PATTERN_FX, false, 0, false },      { "HH24", MR_PATTERN_HH24, true, 0, false },
    { "HH12", MR_PATTERN_HH12, true, 0, false },   { "HH", MR_PATTERN_HH12, true, 0, false },
    { "IDDD", MR_PATTERN_IDDD, true, 0, false },   { "ID", MR_PATTERN_ID, true, 0, false },
    { "IW", MR_PATTERN_IW, true, 0, false },       { "IYYY", MR_PATTERN_IYYY, true, 0, false },
    { "IYY", MR_PATTERN_IYY, true, 0, false },     { "IY", MR_PATTERN_IY, true, 0, false },
    { "I", MR_PATTERN_I, true, 0, false },         { "J", MR_PATTERN_J, true, 0, false },
    { "MI", MR_PATTERN_MI, true, 0, false },       { "MM", MR_PATTERN_MM, true, 0, false },
    { "MONTH", MR_PATTERN_MONTH, false, 0, true }, { "MON", MR_PATTERN_MON, false, 0, true },
    { "MS", MR_PATTERN_MS, true, 0, false },       { "OF", MR_PATTERN_OF, false, 0, false },
    { "P.M.", MR_PATTERN_A_M, false, 0, false },   { "PM", MR_PATTERN_AM, false, 0, false },
    { "Q", MR_PATTERN_Q, true, 0, false },         { "RM", MR_PATTERN_RM, false, 0, false },
    { "SSSSS", MR_PATTERN_SSSS, true, 0, false },  { "SSSS", MR_PATTERN_SSSS, true, 0, false },
    { "SS", MR_PATTERN_SS, true, 0, false },       { "TZH", MR_PATTERN_TZH, false, 0, false },
    { "TZM", MR_PATTERN_TZM, true, 0, false },     { "TZ", MR_PATTERN_TZ, false, 0, false },
    { "US", MR_PATTERN_US, true, 0, false },       { "WW", MR_PATTERN_WW, true, 0, false },
    { "W", MR_PATTERN_W, true, 0, false },         { "Y,YYY", MR_PATTERN_Y_YYY, true, 0, false },
    { "YYYY", MR_PATTERN_YYYY, true, 0, false },   { "YYY", MR_PATTERN_YYY, true, 0, false },
    { "YY", MR_PATTERN_YY, true, 0, false },       { "Y", MR_PATTERN_Y, true, 0, false },
};

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool starts_with(MrString text, const char *name, MrLetterCase letters)
{
    size_t length = strlen(name);

    if (text.length < length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool big = letters == MR_CASE_UPPER || (letters == MR_CASE_TITLE && i == 0);
        if (text.data[i] != (big ? upper(name[i]) : lower(name[i]))) {
            return false;
        }
    }
    return true;
}

static const Pattern *pattern_find(MrString text, MrLetterCase *letters)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const Pattern *pattern = &patterns[i];
        if (starts_with(text, pattern->name, MR_CASE_UPPER)) {
            *letters = MR_CASE_UPPER;
            return pattern;
        }
        if (starts_with(text, pattern->name, MR_CASE_LOWER)) {
            *letters = MR_CASE_LOWER;
            return pattern;
        }
        if (pattern->title && starts_with(text, pattern->name, MR_CASE_TITLE)) {
            *letters = MR_CASE_TITLE;
            return pattern;
        }
    }
    return NULL;
}

static bool is_separator(char c)
{
    return c > 0x20 && c < 0x7F && !(c >= '0' && c <= '9') && !(upper(c) >= 'A' && upper(c) <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t character_length(const char *data, size_t left)
{
    unsigned char lead = (unsigned char)data[0];
    size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return length < left ? length : left;
}

typedef struct TemplateReader {
    const char *next;
    const char *end;
    MrArena *arena;
    bool no_memory;
    MrDatetimeTemplate *out;
} TemplateReader;

static MrString reader_rest(const TemplateReader *reader)
{
    return (MrString){ reader->next, (size_t)(reader->end - reader->next) };
}

static bool reader_take(TemplateReader *reader, const char *word)
{
    if (starts_with(reader_rest(reader), word, MR_CASE_UPPER) ||
        starts_with(reader_rest(reader), word, MR_CASE_LOWER)) {
        reader->next += strlen(word);
        return true;
    }
    return false;
}

static void add_text(TemplateReader *reader, MrNodeKind kind)
{
    size_t length = character_length(reader->next, (size_t)(reader->end - reader->next));
    reader->out->nodes[reader->out->node_count++] = (MrTemplateNode){
        .kind = kind,
        .text = reader->next,
        .length = length,
    };
    reader->next += length;
}

/* FM, TM before a pattern; TH, th, SP behind it.  False when no pattern stands here. */
static bool take_field(TemplateReader *reader)
{
    const char *start = reader->next;
    MrTemplateNode node = { .kind = MR_NODE_FIELD };
    bool translated = false;

    while (true) {
        if (reader_take(reader, "FM")) {
            node.fill = true;
        } else if (reader_take(reader, "TM")) {
            translated = true;
        } else {
            break;
        }
    }
    const Pattern *pattern = pattern_find(reader_rest(reader), &node.letters);
    if (pattern == NULL) {
        /* PostgreSQL forgets prefixes before plain text. */
        return reader->next != start;
    }
    node.name = mr_arena_strndup(reader->arena, reader->next, strlen(pattern->name));
    reader->no_memory = reader->no_memory || node.name == NULL;
    reader->next += strlen(pattern->name);
    node.key = pattern->key;
    /* TM wants the locale's names, which are never padded; our locale is C. */
    node.fill = node.fill || (translated && pattern->title);
    node.digits = pattern->digits;
    node.reads_digits = pattern->reads_digits;
    if (starts_with(reader_rest(reader), "TH", MR_CASE_UPPER)) {
        node.ordinal = true;
        node.ordinal_upper = true;
        reader->next += 2;
    } else if (starts_with(reader_rest(reader), "TH", MR_CASE_LOWER)) {
        node.ordinal = true;
        reader->next += 2;
    }
    reader_take(reader, "SP"); /* spelling is not done by PostgreSQL either */
    reader->out->nodes[reader->out->node_count++] = node;
    return true;
}

static void take_quoted(TemplateReader *reader)
{
    reader->next++;
    while (reader->next < reader->end && *reader->next != '"') {
        if (*reader->next == '\\' && reader->end - reader->next > 1) {
            reader->next++;
        }
        add_text(reader, MR_NODE_TEXT);
        reader->out->nodes[reader->out->node_count - 1].is_quoted = true;
    }
    if (reader->next < reader->end) {
        reader->next++;
    }
}

MrStatus mr_datetime_template_create(MrArena *arena, MrString text, MrDatetimeTemplate **out,
                                     MrError *err)
{
    MrDatetimeTemplate *template;
    char *copy = mr_arena_strndup(arena, text.data, text.length);

    if (copy == NULL) {
        return mr_error_no_memory(err);
    }
    MR_NEW(arena, template, err);
    /* Every node takes one byte of text at least. */
    MR_NEW_ARRAY(arena, template->nodes, text.length + 1, err);
    TemplateReader reader = {
        .next = copy,
        .end = copy + text.length,
        .arena = arena,
        .out = template,
    };
    while (reader.next < reader.end) {
        if (take_field(&reader)) {
            continue;
        }
        if (*reader.next == '"') {
            take_quoted(&reader);
            continue;
        }
        if (*reader.next == '\\' && reader.end - reader.next > 1 && reader.next[1] == '"') {
            reader.next++;
        }
        add_text(&reader, is_blank(*reader.next)       ? MR_NODE_BLANK
                          : is_separator(*reader.next) ? MR_NODE_SEPARATOR
                                                       : MR_NODE_TEXT);
    }
    if (reader.no_memory) {
        return mr_error_no_memory(err);
    }
    *out = template;
    return MR_OK;
}
