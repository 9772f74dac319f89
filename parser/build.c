/*
 * parser/build.c - nodes, lists, names and errors for the grammar's actions.
 * Must not know what any name means.
 */
#include "parser/build.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "parser/lexer_string.h"

/* ---- Failures ---------------------------------------------------------------------------- */

void mr_build_fail(MrParse *parse, MrStatus status, int32_t position, const char *format, ...)
{
    if (parse->status != MR_OK) {
        return;
    }
    va_list args;
    va_start(args, format);
    mr_error_vset(parse->err, status, format, args);
    va_end(args);
    if (parse->err != NULL) {
        mr_error_at(parse->err, position);
    }
    parse->status = status;
}

void mr_build_no_memory(MrParse *parse)
{
    if (parse->status == MR_OK) {
        parse->status = mr_error_no_memory(parse->err);
    }
}

void mr_build_unsupported(MrParse *parse, int32_t position, const char *what, const char *hint)
{
    if (parse->status != MR_OK) {
        return;
    }
    char words[128];
    size_t length = 0;
    for (; what[length] != '\0' && length < sizeof words - 1; length++) {
        /* Keywords come in lower case from the lexer; phrases of our own keep theirs. */
        bool phrase = what[0] >= 'a' && what[0] <= 'z' && strchr(what, ' ') != NULL &&
                      strncmp(what, "this ", 5) == 0;
        char c = what[length];
        words[length] = (char)(!phrase && c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    words[length] = '\0';
    mr_build_fail(parse, MR_ERR_UNSUPPORTED, position, "%s is not supported", words);
    if (hint != NULL && parse->err != NULL) {
        mr_error_hint(parse->err, "%s", hint);
    }
}

/* What serves instead of what begins with a word. */
typedef struct Hint {
    const char *word, *hint;
} Hint;

static const char *hint_for(const Hint *hints, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, hints[i].word) == 0) {
            return hints[i].hint;
        }
    }
    return NULL;
}

void mr_build_unsupported_create(MrParse *parse, const MrToken *kind)
{
    static const Hint hints[] = {
        { "trigger", "CREATE MATERIALIZED VIEW follows the rows; CREATE ALERT notifies." },
        { "rule", "CREATE MATERIALIZED VIEW follows the rows; CREATE ALERT notifies." },
        { "type", "Use a built-in type: text and CHECK for an enumeration, jsonb for a record." },
        { "domain", "Use the type itself, with CHECK." },
        { "sequence", "Rows of a stream have numbers: _seq." },
        { "database", "A data directory is one database: start another server for another." },
        { "extension", "What there is is built in: SHOW FUNCTIONS lists it." },
        { "procedure", "CREATE FUNCTION … LANGUAGE SQL, or a program that is a client." },
        { "aggregate", "CREATE FUNCTION … LANGUAGE SQL over the built-in ones." },
    };
    mr_build_unsupported(parse, kind->position, mr_build_join(parse, "CREATE", " ", kind->text),
                         hint_for(hints, sizeof hints / sizeof *hints, kind->text));
}

void mr_build_unsupported_statement(MrParse *parse, const MrToken *first)
{
    static const Hint hints[] = {
        { "analyze", "What the planner knows of tables is kept up to date by itself." },
        { "analyse", "What the planner knows of tables is kept up to date by itself." },
        { "vacuum", "Space is given back by itself." },
        { "grant", "There are no privileges yet: hba_file says who may log in." },
        { "revoke", "There are no privileges yet: hba_file says who may log in." },
        { "merge", "INSERT … ON CONFLICT, UPDATE … FROM or DELETE … USING." },
        { "do", "CREATE FUNCTION … LANGUAGE SQL, or a program that is a client." },
        { "reindex", "Indexes are kept up to date by themselves." },
        { "cluster", "Rows are read in any order: CREATE INDEX makes look-ups fast." },
        { "lock", "Statements that change tables run one at a time." },
    };
    mr_build_unsupported(parse, first->position, first->text,
                         hint_for(hints, sizeof hints / sizeof *hints, first->text));
}

void mr_build_syntax_error(MrParse *parse, const MrToken *token)
{
    if (parse->status != MR_OK) {
        return;
    }
    if (token->length == 0) {
        mr_build_fail(parse, MR_ERR_SYNTAX, token->position, "syntax error at end of input");
        return;
    }
    size_t length = mr_utf8_truncate(parse->text + token->position, (size_t)token->length, 200);
    mr_build_fail(parse, MR_ERR_SYNTAX, token->position, "syntax error at or near \"%.*s\"",
                  (int)length, parse->text + token->position);
}

/* ---- Nodes and lists --------------------------------------------------------------------- */

void *mr_build_node(MrParse *parse, size_t size, MrNodeKind kind, int32_t position)
{
    MrNode *node = mr_arena_calloc(parse->arena, 1, size);
    if (node == NULL) {
        mr_build_no_memory(parse);
        memset(parse->scratch, 0, sizeof parse->scratch);
        node = (MrNode *)(void *)parse->scratch;
    }
    node->kind = kind;
    node->position = position;
    return node;
}

/* Room for one more of `size` bytes each; false when memory ran out. */
static bool grow(MrParse *parse, void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    uint32_t more = *capacity == 0 ? 4 : *capacity * 2;
    void *grown = mr_arena_calloc(parse->arena, more, size);
    if (grown == NULL) {
        mr_build_no_memory(parse);
        return false;
    }
    if (count > 0) {
        memcpy(grown, *items, count * size);
    }
    *items = grown;
    *capacity = more;
    return true;
}

MrNodeList mr_list_add(MrParse *parse, MrNodeList list, MrNode *item)
{
    void *items = list.items;
    if (item != NULL && grow(parse, &items, list.count, &list.capacity, sizeof(MrNode *))) {
        list.items = items;
        list.items[list.count++] = item;
    }
    return list;
}

MrNodeList mr_list(MrParse *parse, MrNode *first)
{
    return mr_list_add(parse, (MrNodeList){ 0 }, first);
}

MrNodeList mr_list_join(MrParse *parse, MrNodeList list, MrNodeList more)
{
    for (uint32_t i = 0; i < more.count; i++) {
        list = mr_list_add(parse, list, more.items[i]);
    }
    return list;
}

MrNameList mr_names_add(MrParse *parse, MrNameList list, const char *item)
{
    void *items = list.items;
    if (item != NULL && grow(parse, &items, list.count, &list.capacity, sizeof(char *))) {
        list.items = items;
        list.items[list.count++] = item;
    }
    return list;
}

MrNameList mr_names(MrParse *parse, const char *first)
{
    return mr_names_add(parse, (MrNameList){ 0 }, first);
}

const char *mr_build_join(MrParse *parse, const char *left, const char *separator,
                          const char *right)
{
    if (left == NULL || right == NULL) {
        return left == NULL ? right : left;
    }
    const char *joined = mr_arena_printf(parse->arena, "%s%s%s", left, separator, right);
    if (joined == NULL) {
        mr_build_no_memory(parse);
        return "";
    }
    return joined;
}

/* ---- Names ------------------------------------------------------------------------------- */

MrName mr_build_name(MrParse *parse, MrToken first, MrNodeList indirection)
{
    const char *parts[3] = { first.text, NULL, NULL };
    uint32_t count = 1;
    for (uint32_t i = 0; i < indirection.count; i++) {
        const MrNode *item = indirection.items[i];
        const MrAstField *field = MR_AST_AS(const MrAstField, item);
        if (item->kind != MR_AST_FIELD || field->name == NULL) {
            MrToken token = { "", item->position, 1 };
            mr_build_syntax_error(parse, &token);
            break;
        }
        if (count == 3) {
            mr_build_fail(parse, MR_ERR_SYNTAX, first.position,
                          "improper qualified name (too many dotted names)");
            break;
        }
        parts[count++] = field->name;
    }
    MrName name = { .name = parts[count - 1], .position = first.position };
    if (count >= 2) {
        name.schema = parts[count - 2];
    }
    if (count == 3) {
        name.connection = parts[0];
    }
    return name;
}

MrNode *mr_build_name_node(MrParse *parse, MrName name)
{
    MrAstNameNode *node = MK(parse, MrAstNameNode, NAME_NODE, name.position);
    node->name = name;
    return &node->base;
}

int32_t mr_build_int(MrParse *parse, MrToken token)
{
    errno = 0;
    long value = strtol(token.text, NULL, 10);
    if (errno != 0 || value > INT32_MAX || value < INT32_MIN) {
        mr_build_syntax_error(parse, &token);
        return 0;
    }
    return (int32_t)value;
}

int32_t mr_build_skip_space(const MrParse *parse, int32_t offset)
{
    while (offset < parse->text_length && mr_is_space(parse->text[offset])) {
        offset++;
    }
    return offset;
}
