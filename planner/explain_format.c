/*
 * planner/explain_format.c - the described plan as text for people, JSON for programs, DOT for
 * pictures.  Must not know what operators do.
 */
#include "planner/explain.h"

#include <string.h>

/* ---- Text -------------------------------------------------------------------------------- */

static void append_indent(MrBuilder *out, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++) {
        mr_builder_append_char(out, ' ');
    }
}

static void append_title(MrBuilder *out, const MrExplainNode *node)
{
    mr_builder_append_string(out, node->title);
    if (node->subject.length > 0) {
        mr_builder_append_string(out, " on ");
        mr_builder_append(out, node->subject.data, node->subject.length);
    }
}

static void format_text(const MrExplainNode *nodes, uint32_t count, MrBuilder *out)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t depth = nodes[i].depth;
        append_indent(out, depth == 0 ? 0 : depth * 6 - 4);
        mr_builder_append_string(out, depth > 0 ? "->  " : "");
        append_title(out, &nodes[i]);
        mr_builder_append_char(out, '\n');
        for (uint32_t j = 0; j < nodes[i].property_count; j++) {
            const MrExplainProperty *property = &nodes[i].properties[j];
            append_indent(out, depth * 6 + 2);
            mr_builder_append_format(out, "%s: ", property->label);
            mr_builder_append(out, property->value.data, property->value.length);
            mr_builder_append_char(out, '\n');
        }
    }
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void append_json(MrBuilder *out, const char *data, size_t length)
{
    mr_builder_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\') {
            mr_builder_append_char(out, '\\');
            mr_builder_append_char(out, (char)c);
        } else if (c < 0x20) {
            mr_builder_append_format(out, "\\u%04x", c);
        } else {
            mr_builder_append_char(out, (char)c);
        }
    }
    mr_builder_append_char(out, '"');
}

static void json_member(MrBuilder *out, uint32_t indent, const char *label, const char *data,
                        size_t length)
{
    append_indent(out, indent);
    append_json(out, label, strlen(label));
    mr_builder_append_string(out, ": ");
    append_json(out, data, length);
}

/* The members of one node; its inputs, which follow it one deeper, are its "Plans".  Gives the
 * index of the first node that is not below it. */
static uint32_t format_json_node(const MrExplainNode *nodes, uint32_t count, uint32_t at,
                                 MrBuilder *out)
{
    const MrExplainNode *node = &nodes[at];
    uint32_t indent = 6 + node->depth * 4, next = at + 1;
    json_member(out, indent, "Node Type", node->title, strlen(node->title));
    if (node->subject.length > 0) {
        mr_builder_append_string(out, ",\n");
        json_member(out, indent, "Relation", node->subject.data, node->subject.length);
    }
    for (uint32_t j = 0; j < node->property_count; j++) {
        const MrExplainProperty *property = &node->properties[j];
        mr_builder_append_string(out, ",\n");
        json_member(out, indent, property->label, property->value.data, property->value.length);
    }
    if (next < count && nodes[next].depth > node->depth) {
        mr_builder_append_string(out, ",\n");
        append_indent(out, indent);
        mr_builder_append_string(out, "\"Plans\": [\n");
        while (next < count && nodes[next].depth > node->depth) {
            append_indent(out, indent + 2);
            mr_builder_append_string(out, "{\n");
            next = format_json_node(nodes, count, next, out);
            append_indent(out, indent + 2);
            bool is_last = next == count || nodes[next].depth <= node->depth;
            mr_builder_append_string(out, is_last ? "}\n" : "},\n");
        }
        append_indent(out, indent);
        mr_builder_append_string(out, "]");
    }
    mr_builder_append_char(out, '\n');
    return next;
}

/* PostgreSQL's shape: [{"Plan": {…, "Plans": [{…}]}, "Execution Time": …}]. */
static void format_json(const MrExplainNode *nodes, uint32_t count, const MrExplainRun *run,
                        MrBuilder *out)
{
    mr_builder_append_string(out, "[\n  {\n    \"Plan\": {\n");
    (void)format_json_node(nodes, count, 0, out);
    mr_builder_append_string(out, "    }");
    if (run != NULL) {
        mr_builder_append_format(out, ",\n    \"Rows\": %llu,\n    \"Execution Time\": %.3f",
                                 (unsigned long long)run->rows, run->ms);
    }
    mr_builder_append_string(out, "\n  }\n]\n");
}

/* ---- DOT --------------------------------------------------------------------------------- */

static void append_dot(MrBuilder *out, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '"' || data[i] == '\\') {
            mr_builder_append_char(out, '\\');
        }
        mr_builder_append_char(out, data[i] == '\n' ? ' ' : data[i]);
    }
}

static void format_dot(const MrExplainNode *nodes, uint32_t count, const MrExplainRun *run,
                       MrBuilder *out)
{
    mr_builder_append_string(
        out, "digraph plan {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n");
    for (uint32_t i = 0; i < count; i++) {
        mr_builder_append_format(out, "  n%u [label=\"%s", i, nodes[i].title);
        if (nodes[i].subject.length > 0) {
            mr_builder_append_string(out, " on ");
            append_dot(out, nodes[i].subject.data, nodes[i].subject.length);
        }
        for (uint32_t j = 0; j < nodes[i].property_count; j++) {
            const MrExplainProperty *property = &nodes[i].properties[j];
            mr_builder_append_format(out, "\\l%s: ", property->label);
            append_dot(out, property->value.data, property->value.length);
        }
        mr_builder_append_string(out, "\\l\"];\n");
    }
    if (run != NULL) {
        mr_builder_append_format(out, "  label=\"Rows: %llu\\lExecution Time: %.3f ms\\l\";\n",
                                 (unsigned long long)run->rows, run->ms);
    }
    for (uint32_t i = 1; i < count; i++) {
        mr_builder_append_format(out, "  n%u -> n%u;\n", i, nodes[i].parent);
    }
    mr_builder_append_string(out, "}\n");
}

MrStatus mr_planner_explain(const MrPlan *plan, MrExplainFormat format, bool verbose,
                            MrBuilder *out, MrError *err)
{
    return mr_planner_explain_run(plan, format, verbose, NULL, out, err);
}

MrStatus mr_planner_explain_run(const MrPlan *plan, MrExplainFormat format, bool verbose,
                                const MrExplainRun *run, MrBuilder *out, MrError *err)
{
    MrArena arena;
    MrExplainNode *nodes;
    uint32_t count;
    mr_arena_init(&arena, 0);
    MrStatus status = mr_explain_nodes(plan, verbose, &arena, &nodes, &count, err);
    if (status == MR_OK) {
        switch (format) {
        case MR_EXPLAIN_TEXT:
            format_text(nodes, count, out);
            if (run != NULL) {
                mr_builder_append_format(out, "Rows: %llu\nExecution Time: %.3f ms\n",
                                         (unsigned long long)run->rows, run->ms);
            }
            break;
        case MR_EXPLAIN_JSON: format_json(nodes, count, run, out); break;
        case MR_EXPLAIN_DOT: format_dot(nodes, count, run, out); break;
        }
        status = out->failed ? mr_error_no_memory(err) : MR_OK;
    }
    mr_arena_fini(&arena);
    return status;
}
