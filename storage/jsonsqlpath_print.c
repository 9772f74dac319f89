/*
 * storage/jsonsqlpath_print.c - a SQL/JSON path as PostgreSQL's type jsonpath prints it.
 */
#include "storage/jsonsqlpath.h"
#include "storage/jsonwalk.h"

static const char *const words[] = {
    [MR_PATH_NULL] = "null",
    [MR_PATH_TRUE] = "true",
    [MR_PATH_FALSE] = "false",
    [MR_PATH_ROOT] = "$",
    [MR_PATH_CURRENT] = "@",
    [MR_PATH_LAST] = "last",
    [MR_PATH_ANY_ELEMENT] = "[*]",
    [MR_PATH_TYPE] = "type",
    [MR_PATH_SIZE] = "size",
    [MR_PATH_ABS] = "abs",
    [MR_PATH_FLOOR] = "floor",
    [MR_PATH_CEILING] = "ceiling",
    [MR_PATH_DOUBLE] = "double",
    [MR_PATH_KEYVALUE] = "keyvalue",
    [MR_PATH_DATETIME] = "datetime",
    [MR_PATH_ADD] = "+",
    [MR_PATH_SUBTRACT] = "-",
    [MR_PATH_MULTIPLY] = "*",
    [MR_PATH_DIVIDE] = "/",
    [MR_PATH_MODULO] = "%",
    [MR_PATH_PLUS] = "+",
    [MR_PATH_MINUS] = "-",
    [MR_PATH_AND] = "&&",
    [MR_PATH_OR] = "||",
    [MR_PATH_EQUAL] = "==",
    [MR_PATH_NOT_EQUAL] = "!=",
    [MR_PATH_LESS] = "<",
    [MR_PATH_GREATER] = ">",
    [MR_PATH_LESS_EQUAL] = "<=",
    [MR_PATH_GREATER_EQUAL] = ">=",
    [MR_PATH_STARTS_WITH] = "starts with",
    [MR_PATH_LIKE_REGEX] = "like_regex",
};

const char *mr_path_word(MrPathKind kind)
{
    return words[kind];
}

/* A child binds no tighter than its parent: it needs parentheses. */
static int priority(MrPathKind kind)
{
    switch (kind) {
    case MR_PATH_OR: return 0;
    case MR_PATH_AND: return 1;
    case MR_PATH_EQUAL:
    case MR_PATH_NOT_EQUAL:
    case MR_PATH_LESS:
    case MR_PATH_GREATER:
    case MR_PATH_LESS_EQUAL:
    case MR_PATH_GREATER_EQUAL:
    case MR_PATH_STARTS_WITH: return 2;
    case MR_PATH_ADD:
    case MR_PATH_SUBTRACT: return 3;
    case MR_PATH_MULTIPLY:
    case MR_PATH_DIVIDE:
    case MR_PATH_MODULO: return 4;
    case MR_PATH_PLUS:
    case MR_PATH_MINUS: return 5;
    default: return 6;
    }
}

static void print_node(const MrPathNode *node, bool in_key, bool in_brackets, MrBuilder *out);

static void print_child(const MrPathNode *parent, const MrPathNode *child, MrBuilder *out)
{
    print_node(child, false, priority(child->kind) <= priority(parent->kind), out);
}

static void print_text(const char *before, MrString text, MrBuilder *out)
{
    mr_builder_append_string(out, before);
    mr_builder_append(out, text.data, text.length);
}

static void print_level(uint32_t level, MrBuilder *out)
{
    if (level == MR_PATH_LEVEL_LAST) {
        mr_builder_append_string(out, "last");
    } else {
        mr_builder_append_format(out, "%u", level);
    }
}

static void print_descendants(const MrPathNode *node, MrBuilder *out)
{
    mr_builder_append_string(out, "**");
    if (node->first == 0 && node->last == MR_PATH_LEVEL_LAST) {
        return;
    }
    mr_builder_append_char(out, '{');
    print_level(node->first, out);
    if (node->last != node->first) {
        mr_builder_append_string(out, " to ");
        print_level(node->last, out);
    }
    mr_builder_append_char(out, '}');
}

static void print_subscripts(const MrPathNode *node, MrBuilder *out)
{
    mr_builder_append_char(out, '[');
    for (uint32_t i = 0; i < node->subscript_count; i++) {
        mr_builder_append_string(out, i > 0 ? "," : "");
        print_node(node->subscripts[i].from, false, false, out);
        if (node->subscripts[i].to != NULL) {
            mr_builder_append_string(out, " to ");
            print_node(node->subscripts[i].to, false, false, out);
        }
    }
    mr_builder_append_char(out, ']');
}

static void print_regex(const MrPathNode *node, MrBuilder *out)
{
    static const char letters[] = { 'i', 's', 'm', 'x', 'q' }; /* from the lowest bit */
    print_child(node, node->a, out);
    mr_builder_append_string(out, " like_regex ");
    mr_json_append_string(out, node->text);
    if (node->regex_flags != 0) {
        mr_builder_append_string(out, " flag \"");
        for (uint32_t i = 0; i < sizeof letters; i++) {
            if ((node->regex_flags & UINT32_C(1) << i) != 0) {
                mr_builder_append_char(out, letters[i]);
            }
        }
        mr_builder_append_char(out, '"');
    }
}

/* Operators, which may need parentheses; false: it is none. */
static bool print_operator(const MrPathNode *node, MrBuilder *out)
{
    switch (node->kind) {
    case MR_PATH_LIKE_REGEX: print_regex(node, out); return true;
    case MR_PATH_PLUS:
    case MR_PATH_MINUS:
        mr_builder_append_string(out, words[node->kind]);
        print_child(node, node->a, out);
        return true;
    default:
        if (priority(node->kind) > 5) {
            return false;
        }
        print_child(node, node->a, out);
        mr_builder_append_format(out, " %s ", words[node->kind]);
        print_child(node, node->b, out);
        return true;
    }
}

static void print_around(const char *before, const MrPathNode *inner, const char *after,
                         MrBuilder *out)
{
    mr_builder_append_string(out, before);
    print_node(inner, false, false, out);
    mr_builder_append_string(out, after);
}

static void print_other(const MrPathNode *node, bool in_key, MrBuilder *out)
{
    const char *dot = in_key ? "." : "";
    switch (node->kind) {
    case MR_PATH_KEY:
        mr_builder_append_string(out, dot);
        mr_json_append_string(out, node->text);
        return;
    case MR_PATH_VARIABLE:
        mr_builder_append_char(out, '$');
        mr_json_append_string(out, node->text);
        return;
    case MR_PATH_STRING: print_text("", node->text, out); return;
    case MR_PATH_NUMBER: /* (1).type(): else the point would be the number's */
        print_text(node->next != NULL ? "(" : "", node->text, out);
        mr_builder_append_string(out, node->next != NULL ? ")" : "");
        return;
    case MR_PATH_FILTER: print_around("?(", node->a, ")", out); return;
    case MR_PATH_NOT: print_around("!(", node->a, ")", out); return;
    case MR_PATH_IS_UNKNOWN: print_around("(", node->a, ") is unknown", out); return;
    case MR_PATH_EXISTS: print_around("exists (", node->a, ")", out); return;
    case MR_PATH_SUBSCRIPTS: print_subscripts(node, out); return;
    case MR_PATH_ANY_KEY: mr_builder_append_format(out, "%s*", dot); return;
    case MR_PATH_DESCENDANTS:
        mr_builder_append_string(out, dot);
        print_descendants(node, out);
        return;
    case MR_PATH_TYPE:
    case MR_PATH_SIZE:
    case MR_PATH_ABS:
    case MR_PATH_FLOOR:
    case MR_PATH_CEILING:
    case MR_PATH_KEYVALUE:
    case MR_PATH_DOUBLE: mr_builder_append_format(out, ".%s()", words[node->kind]); return;
    case MR_PATH_DATETIME:
        mr_builder_append_string(out, ".datetime(");
        if (node->text.data != NULL) {
            mr_json_append_string(out, node->text);
        }
        mr_builder_append_char(out, ')');
        return;
    default: mr_builder_append_string(out, words[node->kind]); return;
    }
}

/* A node and all accessors behind it.  Depth is the parser's limit. */
static void print_node(const MrPathNode *node, bool in_key, bool in_brackets, MrBuilder *out)
{
    for (; node != NULL; node = node->next, in_key = true, in_brackets = true) {
        const bool is_operator = priority(node->kind) <= 5 || node->kind == MR_PATH_LIKE_REGEX;
        mr_builder_append_string(out, is_operator && in_brackets ? "(" : "");
        if (!print_operator(node, out)) {
            print_other(node, in_key, out);
        }
        mr_builder_append_string(out, is_operator && in_brackets ? ")" : "");
    }
}

void mr_path_print(const MrPath *path, MrBuilder *out)
{
    mr_builder_append_string(out, path->is_strict ? "strict " : "");
    print_node(path->root, false, true, out);
}
