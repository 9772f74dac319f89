/*
 * engine/functions/regex_program.c - translates, compiles, keeps and runs regular expressions.
 * Must not know vectors or SQL functions (regex.c).
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/functions/regex_program.h"

#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    CACHE_SIZE = 16,
    MATCH_STEPS_MAX = 2000000, /* tens of milliseconds */
    MATCH_DEPTH_MAX = 10000,
    MATCH_HEAP_KIB_MAX = 20480,
    PATTERN_BYTES_MAX = 1 << 20,
};

struct MrRegex {
    char *pattern;
    size_t length;
    uint32_t options;
    uint64_t used_at;
    pcre2_code *code;
    pcre2_match_data *match;
    uint32_t group_count;
    bool is_checked; /* a search since it was handed out: the text behind `from` is UTF-8 */
};

typedef struct Cache {
    MrRegex entries[CACHE_SIZE];
    uint64_t clock;
    pcre2_match_context *limits;
} Cache;

static pthread_key_t cache_key;
static bool cache_key_made;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void regex_fini(MrRegex *regex)
{
    free(regex->pattern);
    pcre2_code_free(regex->code);
    pcre2_match_data_free(regex->match);
    *regex = (MrRegex){ 0 };
}
static void cache_destroy(void *memory)
{
    Cache *cache = memory;
    for (int i = 0; i < CACHE_SIZE; i++) {
        regex_fini(&cache->entries[i]);
    }
    pcre2_match_context_free(cache->limits);
    free(cache);
}
static void cache_key_make(void)
{
    cache_key_made = pthread_key_create(&cache_key, cache_destroy) == 0;
}

static Cache *cache_of_thread(void)
{
    pthread_once(&cache_once, cache_key_make);
    Cache *cache = cache_key_made ? pthread_getspecific(cache_key) : NULL;
    if (cache != NULL || !cache_key_made) {
        return cache;
    }
    cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    cache->limits = pcre2_match_context_create(NULL);
    if (cache->limits == NULL || pthread_setspecific(cache_key, cache) != 0) {
        cache_destroy(cache);
        return NULL;
    }
    pcre2_set_match_limit(cache->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(cache->limits, MATCH_DEPTH_MAX);
    pcre2_set_heap_limit(cache->limits, MATCH_HEAP_KIB_MAX);
    return cache;
}

static size_t character_bytes(MrString text, size_t at)
{
    size_t end = at + 1;
    while (end < text.length && ((unsigned char)text.data[end] & 0xc0) == 0x80) {
        end++;
    }
    return end - at;
}

MrStatus mr_regex_flags_read(MrString text, MrRegexFlags *out, MrError *err)
{
    *out = (MrRegexFlags){ 0 };
    for (size_t i = 0; i < text.length; i++) {
        switch (text.data[i]) {
        case 'g': out->global = true; break;
        case 'i': out->ignore_case = true; break;
        case 'c': out->ignore_case = false; break;
        case 'm':
        case 'n':
            out->newlines = true;
            out->anchors = out->stops = false;
            break;
        case 'p':
            out->stops = true;
            out->newlines = out->anchors = false;
            break;
        case 'w':
            out->anchors = true;
            out->newlines = out->stops = false;
            break;
        case 's': out->newlines = out->anchors = out->stops = false; break;
        case 'x': out->extended = true; break;
        case 't': out->extended = false; break;
        case 'q': out->literal = true; break;
        case 'e': break;
        default:
            return mr_error_set(err, MR_ERR_INVALID_PARAMETER,
                                "invalid regular expression option: \"%.*s\"",
                                (int)character_bytes(text, i), text.data + i);
        }
    }
    return MR_OK;
}

/* Escapes that mean something else in PCRE2. */
static const char *escape_translate(char c)
{
    switch (c) {
    case 'y': return "\\b";
    case 'Y': return "\\B";
    case 'm': return "\\b(?=\\w)";
    case 'M': return "\\b(?<=\\w)";
    case 'Z': return "\\z";
    case 'b': return "\\x08";
    case 'B': return "\\\\";
    default: return NULL;
    }
}

static void pattern_translate(MrString pattern, MrBuilder *out)
{
    bool bracket = false;
    size_t bracket_start = 0;
    for (size_t i = 0; i < pattern.length; i++) {
        const char c = pattern.data[i];
        if (c == '\\' && i + 1 < pattern.length) {
            const char *other = bracket ? NULL : escape_translate(pattern.data[i + 1]);
            if (other != NULL) {
                mr_builder_append_string(out, other);
            } else {
                mr_builder_append(out, pattern.data + i, 2);
            }
            i++;
            continue;
        }
        if (!bracket && c == '[') {
            bracket = true;
            bracket_start = i + 1;
            if (i + 1 < pattern.length && pattern.data[i + 1] == '^') {
                bracket_start++;
            }
        } else if (bracket && c == '[' && i + 1 < pattern.length &&
                   strchr(":.=", pattern.data[i + 1]) != NULL && pattern.data[i + 1] != '\0') {
            /* [:alpha:] inside: copied up to its end. */
            const char kind = pattern.data[i + 1];
            size_t end = i + 2;
            while (end + 1 < pattern.length &&
                   !(pattern.data[end] == kind && pattern.data[end + 1] == ']')) {
                end++;
            }
            if (end + 1 < pattern.length) {
                mr_builder_append(out, pattern.data + i, end + 2 - i);
                i = end + 1;
                continue;
            }
        } else if (bracket && c == '[') {
            mr_builder_append_string(out, "\\[");
            continue;
        } else if (bracket && c == ']' && i > bracket_start) {
            bracket = false;
        }
        mr_builder_append_char(out, c);
    }
}

static uint32_t options_of(const MrRegexFlags *flags)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    options |= flags->ignore_case ? PCRE2_CASELESS : 0;
    options |= flags->newlines || flags->anchors ? PCRE2_MULTILINE : 0;
    options |= flags->newlines || flags->stops ? 0 : PCRE2_DOTALL;
    options |= flags->extended ? PCRE2_EXTENDED : 0;
    if (flags->literal) {
        options = PCRE2_UTF | PCRE2_LITERAL | (flags->ignore_case ? PCRE2_CASELESS : 0);
    }
    return options;
}

/* PostgreSQL's words for the commonest faults; others keep PCRE2's. */
static void regex_complain(int code, MrError *err)
{
    static const struct {
        int code;
        const char *message;
    } known[] = {
        { PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS, "parentheses () not balanced" },
        { PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, "parentheses () not balanced" },
        { PCRE2_ERROR_MISSING_SQUARE_BRACKET, "brackets [] not balanced" },
        { PCRE2_ERROR_QUANTIFIER_INVALID, "quantifier operand invalid" },
        { PCRE2_ERROR_QUANTIFIER_OUT_OF_ORDER, "invalid repetition count(s)" },
        { PCRE2_ERROR_QUANTIFIER_TOO_BIG, "invalid repetition count(s)" },
        { PCRE2_ERROR_CLASS_RANGE_ORDER, "invalid character range" },
        { PCRE2_ERROR_UNKNOWN_POSIX_CLASS, "invalid character class" },
        { PCRE2_ERROR_END_BACKSLASH, "invalid escape \\ sequence" },
    };
    PCRE2_UCHAR text[128];
    pcre2_get_error_message(code, text, sizeof text);
    const char *message = (const char *)text;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        message = known[i].code == code ? known[i].message : message;
    }
    mr_error_set(err, MR_ERR_INVALID_REGEX, "invalid regular expression: %s", message);
}

static MrStatus regex_make(MrRegex *regex, MrString pattern, uint32_t options, MrError *err)
{
    MrBuilder translated;
    int code = 0;
    size_t offset = 0;
    mr_builder_init(&translated, 0);
    if ((options & PCRE2_LITERAL) != 0) {
        mr_builder_append(&translated, pattern.data, pattern.length);
    } else {
        pattern_translate(pattern, &translated);
    }
    regex->pattern = malloc(pattern.length + 1);
    if (translated.failed || regex->pattern == NULL) {
        mr_builder_fini(&translated);
        regex_fini(regex);
        return mr_error_no_memory(err);
    }
    memcpy(regex->pattern, pattern.data, pattern.length);
    regex->length = pattern.length;
    regex->options = options;
    regex->code = pcre2_compile((PCRE2_SPTR)(translated.data != NULL ? translated.data : ""),
                                translated.length, options, &code, &offset, NULL);
    mr_builder_fini(&translated);
    if (regex->code == NULL) {
        regex_fini(regex);
        regex_complain(code, err);
        return MR_ERR_INVALID_REGEX;
    }
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* where it can't, the interpreter runs */
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    if (regex->match == NULL) {
        regex_fini(regex);
        return mr_error_no_memory(err);
    }
    return MR_OK;
}

MrStatus mr_regex_compile(MrString pattern, const MrRegexFlags *flags, MrRegex **out, MrError *err)
{
    Cache *cache = cache_of_thread();
    const uint32_t options = options_of(flags);
    if (cache == NULL) {
        return mr_error_no_memory(err);
    }
    if (pattern.length > PATTERN_BYTES_MAX) {
        return mr_error_set(err, MR_ERR_INVALID_REGEX,
                            "invalid regular expression: regular expression is too long");
    }
    MrRegex *oldest = &cache->entries[0];
    cache->clock++;
    for (int i = 0; i < CACHE_SIZE; i++) {
        MrRegex *entry = &cache->entries[i];
        if (entry->code != NULL && entry->options == options && entry->length == pattern.length &&
            memcmp(entry->pattern, pattern.data, pattern.length) == 0) {
            entry->used_at = cache->clock;
            entry->is_checked = false;
            *out = entry;
            return MR_OK;
        }
        oldest = entry->used_at < oldest->used_at ? entry : oldest;
    }
    regex_fini(oldest);
    MR_TRY(regex_make(oldest, pattern, options, err));
    oldest->used_at = cache->clock;
    *out = oldest;
    return MR_OK;
}

uint32_t mr_regex_group_count(const MrRegex *regex)
{
    return regex->group_count;
}

MrStatus mr_regex_match(MrRegex *regex, MrString text, size_t from, bool *found, MrError *err)
{
    Cache *cache = cache_of_thread();
    /* Once is enough for one text: checked at every match, a long one with many takes a time that
     * is quadratic.  Our check goes by words, PCRE2's by bytes; what is wrong with a bad text that
     * one tells. */
    const bool is_good =
        (from > 0 && regex->is_checked) || mr_utf8_check(text.data, text.length) == text.length;
    const uint32_t options = is_good ? PCRE2_NO_UTF_CHECK : 0;
    int result = pcre2_match(regex->code, (PCRE2_SPTR)text.data, text.length, from, options,
                             regex->match, cache->limits);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
        result = pcre2_match(regex->code, (PCRE2_SPTR)text.data, text.length, from,
                             options | PCRE2_NO_JIT, regex->match, cache->limits);
    }
    regex->is_checked = true;
    *found = result > 0;
    if (result > 0 || result == PCRE2_ERROR_NOMATCH) {
        return MR_OK;
    }
    if (result == PCRE2_ERROR_NOMEMORY) {
        return mr_error_no_memory(err);
    }
    PCRE2_UCHAR message[128];
    pcre2_get_error_message(result, message, sizeof message);
    mr_error_set(err, MR_ERR_INVALID_REGEX, "regular expression failed: %s", (const char *)message);
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
        result == PCRE2_ERROR_HEAPLIMIT) {
        mr_error_hint(err, "The expression needs too many steps for this text; "
                           "nested repetitions such as (a+)+ do that.");
    }
    return MR_ERR_INVALID_REGEX;
}

bool mr_regex_group(const MrRegex *regex, uint32_t group, size_t *start, size_t *end)
{
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(regex->match);
    if (group > regex->group_count || places[2 * group] == PCRE2_UNSET) {
        return false;
    }
    *start = places[2 * group];
    *end = places[2 * group + 1];
    return *end >= *start;
}
