/*
 * storage/jsonsqlpath_accessor.c - reads the steps of a SQL/JSON path: members, subscripts, levels,
 * methods and filters.
 */
#include "storage/jsonsqlpath_parse.h"

#include <string.h>

#include "common/datetime_template.h"
#include "common/floattext.h"

/* Behind .datetime: (), or a template. */
static MrStatus parse_datetime(MrPathParser *p, MrPathNode **out)
{
    MrString template = { 0 };
    MR_TRY(mr_path_advance(p));
    if (mr_path_is_token(p, MR_PATH_QUOTED)) {
        template = p->scanner.text;
        template.data = template.data != NULL ? template.data : "";
        MR_TRY(mr_path_advance(p));
    }
    MR_TRY(mr_path_expect(p, ')'));
    MR_TRY(mr_path_node_new(p, MR_PATH_DATETIME, NULL, NULL, out));
    (*out)->text = template;
    if (template.data == NULL) {
        return MR_OK;
    }
    MrDatetimeTemplate *compiled;
    MR_TRY(mr_datetime_template_create(p->arena, template, &compiled, p->err));
    (*out)->template = compiled;
    return MR_OK;
}

/* The method of a name that an opening parenthesis follows. */
static MrStatus parse_method(MrPathParser *p, MrString name, MrPathNode **out)
{
    static const struct {
        const char *word;
        MrPathKind kind;
    } methods[] = { { "type", MR_PATH_TYPE },        { "size", MR_PATH_SIZE },
                    { "abs", MR_PATH_ABS },          { "floor", MR_PATH_FLOOR },
                    { "double", MR_PATH_DOUBLE },    { "ceiling", MR_PATH_CEILING },
                    { "keyvalue", MR_PATH_KEYVALUE } };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (mr_string_equal_nocase(name, mr_string(methods[i].word))) {
            MR_TRY(mr_path_advance(p));
            MR_TRY(mr_path_expect(p, ')'));
            return mr_path_node_new(p, methods[i].kind, NULL, NULL, out);
        }
    }
    return mr_string_equal_nocase(name, MR_STRING("datetime")) ? parse_datetime(p, out)
                                                               : mr_path_unexpected(p);
}

static MrStatus parse_level(MrPathParser *p, uint32_t *out)
{
    if (mr_path_is_word(p, "last")) {
        *out = MR_PATH_LEVEL_LAST;
        return mr_path_advance(p);
    }
    int64_t level = 0;
    if (!mr_path_is_token(p, MR_PATH_DIGITS)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_int64_parse(p->scanner.raw, -INT32_MAX, INT32_MAX, "integer", &level, p->err));
    *out = (uint32_t)level;
    return mr_path_advance(p);
}

/* Behind **: all levels, or {n}, {n to m}. */
static MrStatus parse_descendants(MrPathParser *p, MrPathNode **out)
{
    MR_TRY(mr_path_node_new(p, MR_PATH_DESCENDANTS, NULL, NULL, out));
    (*out)->last = MR_PATH_LEVEL_LAST;
    if (!mr_path_is_token(p, '{')) {
        return MR_OK;
    }
    MR_TRY(mr_path_advance(p));
    MR_TRY(parse_level(p, &(*out)->first));
    (*out)->last = (*out)->first;
    if (mr_path_is_word(p, "to")) {
        MR_TRY(mr_path_advance(p));
        MR_TRY(parse_level(p, &(*out)->last));
    }
    return mr_path_expect(p, '}');
}

/* Behind a dot. */
static MrStatus parse_member(MrPathParser *p, MrPathNode **out)
{
    const MrString name = p->scanner.text;
    const bool is_bare = mr_path_is_token(p, MR_PATH_WORD);
    if (mr_path_is_token(p, '*')) {
        MR_TRY(mr_path_node_new(p, MR_PATH_ANY_KEY, NULL, NULL, out));
        return mr_path_advance(p);
    }
    if (mr_path_is_token(p, MR_PATH_STARS)) {
        MR_TRY(mr_path_advance(p));
        return parse_descendants(p, out);
    }
    if (!is_bare && !mr_path_is_token(p, MR_PATH_QUOTED)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_advance(p));
    if (is_bare && mr_path_is_token(p, '(')) {
        return parse_method(p, name, out);
    }
    MR_TRY(mr_path_node_new(p, MR_PATH_KEY, NULL, NULL, out));
    (*out)->text = name;
    return MR_OK;
}

static MrStatus parse_subscript(MrPathParser *p, MrPathSubscript *out)
{
    MrPathNode *bound;
    MR_TRY(mr_path_parse_additive(p, &bound));
    *out = (MrPathSubscript){ .from = bound };
    if (mr_path_is_word(p, "to")) {
        MR_TRY(mr_path_advance(p));
        MR_TRY(mr_path_parse_additive(p, &bound));
        out->to = bound;
    }
    return MR_OK;
}

/* Behind [: * or a list. */
static MrStatus parse_subscripts(MrPathParser *p, MrPathNode **out)
{
    enum { SUBSCRIPTS_MAX = 64 };
    MrPathSubscript list[SUBSCRIPTS_MAX], *copy;
    uint32_t count = 0;
    if (mr_path_is_token(p, '*')) {
        MR_TRY(mr_path_advance(p));
        MR_TRY(mr_path_expect(p, ']'));
        return mr_path_node_new(p, MR_PATH_ANY_ELEMENT, NULL, NULL, out);
    }
    MR_TRY(mr_path_enter(p));
    p->subscripts++;
    for (;;) {
        if (count == SUBSCRIPTS_MAX) {
            return mr_error_set(p->err, MR_ERR_PROGRAM_LIMIT,
                                "a jsonpath has more than %d subscripts in one place",
                                SUBSCRIPTS_MAX);
        }
        MR_TRY(parse_subscript(p, &list[count++]));
        if (!mr_path_is_token(p, ',')) {
            break;
        }
        MR_TRY(mr_path_advance(p));
    }
    p->subscripts--;
    p->depth--;
    MR_TRY(mr_path_expect(p, ']'));
    MR_NEW_ARRAY(p->arena, copy, count, p->err);
    memcpy(copy, list, count * sizeof *copy);
    MR_TRY(mr_path_node_new(p, MR_PATH_SUBSCRIPTS, NULL, NULL, out));
    (*out)->subscripts = copy;
    (*out)->subscript_count = count;
    return MR_OK;
}

/* Behind ?: a predicate in parentheses. */
static MrStatus parse_filter(MrPathParser *p, MrPathNode **out)
{
    MrPathNode *predicate;
    MR_TRY(mr_path_enter(p));
    MR_TRY(mr_path_expect(p, '('));
    p->filters++;
    MR_TRY(mr_path_parse_or(p, &predicate));
    p->filters--;
    p->depth--;
    if (mr_path_is_value(predicate)) {
        return mr_path_unexpected(p);
    }
    MR_TRY(mr_path_expect(p, ')'));
    return mr_path_node_new(p, MR_PATH_FILTER, predicate, NULL, out);
}

static MrStatus parse_accessor(MrPathParser *p, MrPathNode **out)
{
    const int token = p->scanner.token;
    MR_TRY(mr_path_advance(p));
    return token == '.'   ? parse_member(p, out)
           : token == '[' ? parse_subscripts(p, out)
                          : parse_filter(p, out);
}

MrStatus mr_path_parse_accessors(MrPathParser *p, MrPathNode **out)
{
    MR_TRY(mr_path_parse_primary(p, out));
    MrPathNode *end = *out;
    while (mr_path_is_token(p, '.') || mr_path_is_token(p, '[') || mr_path_is_token(p, '?')) {
        MrPathNode *accessor;
        while (end->next != NULL) { /* (a.b).c goes on behind b */
            end = (MrPathNode *)(uintptr_t)end->next;
        }
        if (mr_path_is_predicate(end) && !p->is_delimited) {
            return mr_path_unexpected(p);
        }
        MR_TRY(parse_accessor(p, &accessor));
        end->next = accessor;
        end = accessor;
        p->is_delimited = false;
    }
    return MR_OK;
}
