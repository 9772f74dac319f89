/*
 * storage/jsonb.c - jsonb as text: the one spelling that equal documents share.
 * Must not know columns or SQL.
 */
#include "common/decimal.h"
#include "storage/jsontext.h"

#include <stdlib.h>
#include <string.h>

typedef struct JsonNode JsonNode;
struct JsonNode {
    JsonNode *next; /* in its array or object, in the order of the text */
    JsonNode *children;
    uint32_t child_count;
    uint32_t position; /* in its object: the last of equal keys wins */
    MrJsonKind kind;
    MrString key;
    MrString text; /* of a scalar, as it will be printed; of a string, unescaped */
};

static MrStatus node_unescape(MrArena *arena, MrString raw, bool escaped, MrString *out,
                              MrError *err)
{
    *out = raw;
    if (!escaped) {
        return MR_OK;
    }
    char *text = mr_arena_alloc(arena, raw.length);
    if (text == NULL) {
        return mr_error_no_memory(err);
    }
    out->data = text;
    return mr_json_unescape(raw, text, &out->length, err);
}

/* As numeric prints it; a number that numeric cannot hold stays as it was written. */
static MrStatus node_number(MrArena *arena, MrString raw, MrString *out, MrError *err)
{
    MrDecimal value;
    *out = raw;
    if (mr_decimal_parse(raw, &value, NULL) != MR_OK) {
        return MR_OK;
    }
    char text[MR_DECIMAL_TEXT_MAX];
    size_t length = mr_decimal_format(&value, text);
    out->length = length;
    out->data = mr_arena_strndup(arena, text, length);
    return out->data == NULL ? mr_error_no_memory(err) : MR_OK;
}

static MrStatus node_read(MrArena *arena, MrJsonReader *reader, JsonNode *node, MrError *err);

/* Elements or members up to the closing bracket. */
static MrStatus node_read_children(MrArena *arena, MrJsonReader *reader, JsonNode *node,
                                   MrError *err)
{
    bool object = node->kind == MR_JSON_OBJECT;
    char close = object ? '}' : ']';
    JsonNode **link = &node->children;
    reader->next++;
    MR_TRY(mr_json_enter(reader, err));
    bool more = mr_json_peek(reader) != close;
    while (more) {
        JsonNode *child;
        MR_NEW(arena, child, err);
        if (object) {
            MrString raw;
            bool escaped;
            if (mr_json_peek(reader) != '"') {
                return mr_json_expect(reader, '"', node->children ? "string" : "string or \"}\"",
                                      err);
            }
            MR_TRY(mr_json_string(reader, &raw, &escaped, err));
            MR_TRY(node_unescape(arena, raw, escaped, &child->key, err));
            MR_TRY(mr_json_expect(reader, ':', "\":\"", err));
        }
        MR_TRY(node_read(arena, reader, child, err));
        child->position = node->child_count++;
        *link = child;
        link = &child->next;
        more = mr_json_peek(reader) == ',';
        reader->next += more;
    }
    mr_json_leave(reader);
    return mr_json_expect(reader, close, object ? "\",\" or \"}\"" : "\",\" or \"]\"", err);
}

static MrStatus node_read(MrArena *arena, MrJsonReader *reader, JsonNode *node, MrError *err)
{
    MrString raw;
    char first = mr_json_peek(reader);
    if (first == '{' || first == '[') {
        node->kind = first == '{' ? MR_JSON_OBJECT : MR_JSON_ARRAY;
        return node_read_children(arena, reader, node, err);
    }
    if (first == '"') {
        bool escaped;
        node->kind = MR_JSON_STRING;
        MR_TRY(mr_json_string(reader, &raw, &escaped, err));
        return node_unescape(arena, raw, escaped, &node->text, err);
    }
    MR_TRY(mr_json_value(reader, &node->kind, &raw, err));
    if (node->kind == MR_JSON_NUMBER) {
        return node_number(arena, raw, &node->text, err);
    }
    node->text = raw;
    return MR_OK;
}

static int member_order(const void *a, const void *b)
{
    const JsonNode *left = *(const JsonNode *const *)a;
    const JsonNode *right = *(const JsonNode *const *)b;
    if (left->key.length != right->key.length) {
        return left->key.length < right->key.length ? -1 : 1;
    }
    int order = memcmp(left->key.data, right->key.data, left->key.length);
    if (order != 0) {
        return order;
    }
    return left->position < right->position ? -1 : 1;
}

static MrStatus node_write(MrArena *arena, const JsonNode *node, MrBuilder *out, MrError *err);

static MrStatus object_write(MrArena *arena, const JsonNode *node, MrBuilder *out, MrError *err)
{
    JsonNode **members;
    uint32_t count = 0;
    MR_NEW_ARRAY(arena, members, node->child_count, err);
    for (JsonNode *child = node->children; child != NULL; child = child->next) {
        members[count++] = child;
    }
    if (count > 1) {
        qsort(members, count, sizeof *members, member_order);
    }
    mr_builder_append_char(out, '{');
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && mr_string_equal(members[i]->key, members[i + 1]->key)) {
            continue;
        }
        if (!first) {
            mr_builder_append(out, ", ", 2);
        }
        first = false;
        mr_json_quote(out, members[i]->key.data, members[i]->key.length);
        mr_builder_append(out, ": ", 2);
        MR_TRY(node_write(arena, members[i], out, err));
    }
    mr_builder_append_char(out, '}');
    return MR_OK;
}

/* Recursion is bounded: node_read refused what is deeper than MR_JSON_DEPTH_MAX. */
static MrStatus node_write(MrArena *arena, const JsonNode *node, MrBuilder *out, MrError *err)
{
    switch (node->kind) {
    case MR_JSON_OBJECT: return object_write(arena, node, out, err);
    case MR_JSON_ARRAY:
        mr_builder_append_char(out, '[');
        for (const JsonNode *child = node->children; child != NULL; child = child->next) {
            MR_TRY(node_write(arena, child, out, err));
            if (child->next != NULL) {
                mr_builder_append(out, ", ", 2);
            }
        }
        mr_builder_append_char(out, ']');
        return MR_OK;
    case MR_JSON_STRING: mr_json_quote(out, node->text.data, node->text.length); return MR_OK;
    default: mr_builder_append(out, node->text.data, node->text.length); return MR_OK;
    }
}

MrStatus mr_json_normalise(MrArena *arena, MrString text, MrString *out, MrError *err)
{
    MrJsonReader reader = mr_json_reader(text);
    JsonNode root = { 0 };
    MrBuilder written;
    MR_TRY(node_read(arena, &reader, &root, err));
    MR_TRY(mr_json_end(&reader, err));
    mr_builder_init(&written, 0);
    MrStatus status = node_write(arena, &root, &written, err);
    if (status == MR_OK) {
        out->length = written.length;
        out->data = written.failed ? NULL : mr_arena_strndup(arena, written.data, written.length);
        if (out->data == NULL) {
            status = mr_error_no_memory(err);
        }
    }
    mr_builder_fini(&written);
    return status;
}
