/*
 * engine/functions/jsonpath_run.c - the accessors, methods and arithmetic of SQL/JSON paths.
 */
#include "engine/functions/jsonpath_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/decimal.h"
#include "common/floattext.h"
#include "storage/jsontext.h"
#include "storage/jsonwalk.h"

/* Of one value: what a path can do before it is given up, as ** may take time without end. */
enum { RUN_DEPTH_MAX = 2000, RUN_STEPS_MAX = 20 * 1000 * 1000, RUN_BYTES_MAX = 256 << 20 };

/* ---- Failing, finding -------------------------------------------------------------------- */

MrPathResult mr_path_fail(MrPathRun *run, MrStatus status, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mr_error_set(run->err, status, "%s", text);
    return MR_PATH_FAILED;
}

MrPathResult mr_path_give_up(MrPathRun *run)
{
    run->is_fatal = true;
    return MR_PATH_FAILED;
}

MrPathResult mr_path_no_memory(MrPathRun *run)
{
    mr_error_no_memory(run->err);
    return mr_path_give_up(run);
}

const char *mr_path_keep(MrPathRun *run, const void *bytes, size_t length)
{
    run->kept_bytes += length;
    if (run->kept_bytes > RUN_BYTES_MAX) {
        mr_path_fail(run, MR_ERR_TOO_COMPLEX, "a jsonpath makes too many values");
        mr_path_give_up(run);
        return NULL;
    }
    const char *copy = mr_arena_strndup(run->arena, bytes, length);
    if (copy == NULL) {
        mr_path_no_memory(run);
    }
    return copy;
}

static MrPathResult add(MrPathRun *run, MrPathItems *found, MrString value)
{
    if (found->count == found->capacity) {
        const uint32_t capacity = found->capacity == 0 ? 8 : found->capacity * 2;
        MrString *items = mr_arena_alloc(run->arena, capacity * sizeof *items);
        if (items == NULL) {
            return mr_path_no_memory(run);
        }
        if (found->count > 0) {
            memcpy(items, found->items, found->count * sizeof *items);
        }
        found->items = items;
        found->capacity = capacity;
    }
    found->items[found->count++] = value;
    return MR_PATH_FOUND;
}

MrPathResult mr_path_go_on(MrPathRun *run, const MrPathNode *node, MrString value,
                           MrPathItems *found)
{
    if (node->next != NULL) {
        return mr_path_items(run, node->next, value, !run->is_strict, found);
    }
    return found != NULL ? add(run, found, value) : MR_PATH_FOUND;
}

/* ---- Kinds of values --------------------------------------------------------------------- */

static MrString type_name(MrString value)
{
    return mr_path_is_moment(value)                   ? mr_path_moment_type(value)
           : mr_path_is_array(value)                  ? MR_STRING("\"array\"")
           : mr_path_is_object(value)                 ? MR_STRING("\"object\"")
           : mr_path_is_string(value)                 ? MR_STRING("\"string\"")
           : mr_path_is_number(value)                 ? MR_STRING("\"number\"")
           : value.length > 0 && value.data[0] == 'n' ? MR_STRING("\"null\"")
                                                      : MR_STRING("\"boolean\"");
}

/* ---- Elements, members, descendants ------------------------------------------------------- */

/* What of an array or object is handed to which node. */
typedef struct Descent {
    const MrPathNode *node; /* NULL: the values themselves are found */
    uint32_t first, last;   /* levels that count, from 1 */
    bool unwrap;            /* what is handed on, where it is an array */
    bool forgives;          /* absent members are none there */
} Descent;

static MrPathResult descend_to(MrPathRun *run, const Descent *descent, MrString value,
                               MrPathItems *found)
{
    if (descent->node == NULL) {
        return found != NULL ? add(run, found, value) : MR_PATH_FOUND;
    }
    const bool forgave = run->forgives;
    run->forgives |= descent->forgives;
    const MrPathResult result = mr_path_items(run, descent->node, value, descent->unwrap, found);
    run->forgives = forgave;
    return result;
}

static MrPathResult descend(MrPathRun *run, const Descent *descent, MrString container,
                            uint32_t level, MrPathItems *found)
{
    MrPathResult result = MR_PATH_NOT_FOUND;
    MrJsonItems items = mr_json_items(container);
    MrString name, value;
    while (level <= descent->last && mr_json_next(&items, &name, &value)) {
        value = mr_json_trim(value);
        const bool has_parts = mr_path_is_array(value) || mr_path_is_object(value);
        const bool leaves_only = descent->first == MR_PATH_LEVEL_LAST;
        if (leaves_only ? !has_parts : level >= descent->first) {
            result = descend_to(run, descent, value, found);
            if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
                return result;
            }
        }
        if (level < descent->last && has_parts) {
            result = descend(run, descent, value, level + 1, found);
            if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
                return result;
            }
        }
    }
    return result;
}

/* The elements of an array, each handed to `node`. */
static MrPathResult each_element(MrPathRun *run, const MrPathNode *node, MrString array,
                                 bool unwrap, MrPathItems *found)
{
    const Descent descent = { .node = node, .first = 1, .last = 1, .unwrap = unwrap };
    return descend(run, &descent, array, 1, found);
}

static MrPathResult run_descendants(MrPathRun *run, const MrPathNode *node, MrString value,
                                    MrPathItems *found)
{
    const Descent descent = { node->next, node->first, node->last, !run->is_strict, true };
    MrPathResult result = MR_PATH_NOT_FOUND;
    if (node->first == 0) { /* the value itself is level 0 */
        result = descend_to(run, &descent, value, found);
        if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
            return result;
        }
    }
    return mr_path_is_array(value) || mr_path_is_object(value)
               ? descend(run, &descent, value, 1, found)
               : result;
}

static MrPathResult run_any_element(MrPathRun *run, const MrPathNode *node, MrString value,
                                    MrPathItems *found)
{
    if (mr_path_is_array(value)) {
        return each_element(run, node->next, value, !run->is_strict, found);
    }
    if (!run->is_strict) {
        return mr_path_go_on(run, node, value, found);
    }
    return run->forgives
               ? MR_PATH_NOT_FOUND
               : mr_path_fail(run, MR_ERR_JSON_ARRAY_NOT_FOUND,
                              "jsonpath wildcard array accessor can only be applied to an array");
}

static MrPathResult run_any_key(MrPathRun *run, const MrPathNode *node, MrString value, bool unwrap,
                                MrPathItems *found)
{
    if (mr_path_is_object(value)) {
        return each_element(run, node->next, value, !run->is_strict, found);
    }
    if (unwrap && mr_path_is_array(value)) {
        return each_element(run, node, value, false, found);
    }
    return run->forgives
               ? MR_PATH_NOT_FOUND
               : mr_path_fail(run, MR_ERR_JSON_OBJECT_NOT_FOUND,
                              "jsonpath wildcard member accessor can only be applied to an object");
}

static MrPathResult run_key(MrPathRun *run, const MrPathNode *node, MrString value, bool unwrap,
                            MrPathItems *found)
{
    MrString member;
    if (mr_path_is_object(value)) {
        if (mr_json_member(value, node->text, &member)) {
            return mr_path_go_on(run, node, mr_json_trim(member), found);
        }
        return run->forgives
                   ? MR_PATH_NOT_FOUND
                   : mr_path_fail(run, MR_ERR_JSON_MEMBER_NOT_FOUND,
                                  "JSON object does not contain key \"%.*s\"",
                                  (int)mr_utf8_truncate(node->text.data, node->text.length, 200),
                                  node->text.data);
    }
    if (unwrap && mr_path_is_array(value)) {
        return each_element(run, node, value, false, found);
    }
    return run->forgives
               ? MR_PATH_NOT_FOUND
               : mr_path_fail(run, MR_ERR_JSON_MEMBER_NOT_FOUND,
                              "jsonpath member accessor can only be applied to an object");
}

/* ---- Subscripts -------------------------------------------------------------------------- */

static MrPathResult subscript(MrPathRun *run, const MrPathNode *node, MrString value, int64_t *out)
{
    MrPathItems found = { 0 };
    MrDecimal number, whole;
    const MrPathResult result = mr_path_items(run, node, value, !run->is_strict, &found);
    if (result == MR_PATH_FAILED) {
        return result;
    }
    if (found.count != 1 || !mr_path_is_number(found.items[0])) {
        return mr_path_fail(run, MR_ERR_JSON_SUBSCRIPT,
                            "jsonpath array subscript is not a single numeric value");
    }
    if (mr_decimal_parse(found.items[0], &number, run->err) != MR_OK ||
        mr_decimal_truncate(&number, 0, &whole, run->err) != MR_OK ||
        mr_decimal_to_int64(&whole, out, run->err) != MR_OK || *out < INT32_MIN ||
        *out > INT32_MAX) {
        return mr_path_fail(run, MR_ERR_JSON_SUBSCRIPT,
                            "jsonpath array subscript is out of integer range");
    }
    return MR_PATH_FOUND;
}

/* The elements of one subscript or range. */
static MrPathResult run_range(MrPathRun *run, const MrPathNode *node, const MrPathSubscript *range,
                              MrString value, int64_t size, MrPathItems *found)
{
    int64_t from, to;
    MrPathResult result = subscript(run, range->from, value, &from);
    to = from;
    if (result != MR_PATH_FAILED && range->to != NULL) {
        result = subscript(run, range->to, value, &to);
    }
    if (result == MR_PATH_FAILED) {
        return result;
    }
    if (!run->forgives && (from < 0 || from > to || to >= size)) {
        return mr_path_fail(run, MR_ERR_JSON_SUBSCRIPT,
                            "jsonpath array subscript is out of bounds");
    }
    result = MR_PATH_NOT_FOUND;
    for (int64_t i = from < 0 ? 0 : from; i <= to && i < size; i++) {
        MrString element = value;
        if (mr_path_is_array(value) && !mr_json_element(value, i, &element)) {
            break;
        }
        result = mr_path_go_on(run, node, mr_json_trim(element), found);
        if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
            return result;
        }
    }
    return result;
}

static MrPathResult run_subscripts(MrPathRun *run, const MrPathNode *node, MrString value,
                                   MrPathItems *found)
{
    MrPathResult result = MR_PATH_NOT_FOUND;
    if (!mr_path_is_array(value) && run->is_strict) {
        return run->forgives
                   ? MR_PATH_NOT_FOUND
                   : mr_path_fail(run, MR_ERR_JSON_ARRAY_NOT_FOUND,
                                  "jsonpath array accessor can only be applied to an array");
    }
    const int64_t outer_size = run->array_size,
                  size = mr_path_is_array(value) ? mr_json_array_length(value) : 1;
    for (uint32_t i = 0; i < node->subscript_count; i++) {
        run->array_size = size;
        result = run_range(run, node, &node->subscripts[i], value, size, found);
        if (result == MR_PATH_FAILED || (result == MR_PATH_FOUND && found == NULL)) {
            break;
        }
    }
    run->array_size = outer_size;
    return result;
}

/* ---- All nodes --------------------------------------------------------------------------- */

static MrPathResult run_variable(MrPathRun *run, const MrPathNode *node, MrString *out)
{
    if (mr_json_member(run->variables, node->text, out)) {
        *out = mr_json_trim(*out);
        return MR_PATH_FOUND;
    }
    mr_path_fail(run, MR_ERR_UNDEFINED_OBJECT, "could not find jsonpath variable \"%.*s\"",
                 (int)mr_utf8_truncate(node->text.data, node->text.length, 200), node->text.data);
    return mr_path_give_up(run); /* a mistake in the call, whatever the value is */
}

/* $, @, literals, last and predicates: they give one value, whatever comes in. */
static MrPathResult run_value(MrPathRun *run, const MrPathNode *node, MrString value,
                              MrPathItems *found)
{
    static const char *const truths[] = { "false", "true", "null" };
    MrString result = node->text;
    switch (node->kind) {
    case MR_PATH_NULL: result = MR_STRING("null"); break;
    case MR_PATH_TRUE: result = MR_STRING("true"); break;
    case MR_PATH_FALSE: result = MR_STRING("false"); break;
    case MR_PATH_ROOT: result = run->root; break;
    case MR_PATH_CURRENT: result = run->current; break;
    case MR_PATH_VARIABLE:
        if (run_variable(run, node, &result) == MR_PATH_FAILED) {
            return MR_PATH_FAILED;
        }
        break;
    case MR_PATH_LAST: {
        const MrDecimal last = mr_decimal_from_int64(run->array_size - 1);
        return mr_path_go_on_number(run, node, &last, found);
    }
    case MR_PATH_NUMBER:
    case MR_PATH_STRING: break;
    default:
        result = mr_string(truths[mr_path_test(run, node, value)]);
        if (run->is_fatal) {
            return MR_PATH_FAILED;
        }
        break;
    }
    return mr_path_go_on(run, node, result, found);
}

static MrPathResult run_filter(MrPathRun *run, const MrPathNode *node, MrString value,
                               MrPathItems *found)
{
    const MrString around = run->current;
    run->current = value;
    const MrPathTruth truth = mr_path_test(run, node->a, value);
    run->current = around;
    if (run->is_fatal) {
        return MR_PATH_FAILED;
    }
    return truth == MR_PATH_IS_TRUE ? mr_path_go_on(run, node, value, found) : MR_PATH_NOT_FOUND;
}

/* Filters and methods that take arrays apart. */
static MrPathResult run_method(MrPathRun *run, const MrPathNode *node, MrString value,
                               MrPathItems *found)
{
    switch (node->kind) {
    case MR_PATH_FILTER: return run_filter(run, node, value, found);
    case MR_PATH_DOUBLE: return mr_path_double(run, node, value, found);
    case MR_PATH_KEYVALUE: return mr_path_keyvalue(run, node, value, found);
    case MR_PATH_DATETIME: return mr_path_datetime(run, node, value, found);
    default: return mr_path_rounding(run, node, value, found);
    }
}

static MrPathResult run_node(MrPathRun *run, const MrPathNode *node, MrString value, bool unwrap,
                             MrPathItems *found)
{
    switch (node->kind) {
    case MR_PATH_KEY: return run_key(run, node, value, unwrap, found);
    case MR_PATH_ANY_KEY: return run_any_key(run, node, value, unwrap, found);
    case MR_PATH_ANY_ELEMENT: return run_any_element(run, node, value, found);
    case MR_PATH_SUBSCRIPTS: return run_subscripts(run, node, value, found);
    case MR_PATH_DESCENDANTS: return run_descendants(run, node, value, found);
    case MR_PATH_TYPE: return mr_path_go_on(run, node, type_name(value), found);
    case MR_PATH_SIZE: return mr_path_size(run, node, value, found);
    case MR_PATH_ADD:
    case MR_PATH_SUBTRACT:
    case MR_PATH_MULTIPLY:
    case MR_PATH_DIVIDE:
    case MR_PATH_MODULO: return mr_path_arithmetic(run, node, value, found);
    case MR_PATH_PLUS:
    case MR_PATH_MINUS: return mr_path_sign(run, node, value, found);
    case MR_PATH_FILTER:
    case MR_PATH_ABS:
    case MR_PATH_FLOOR:
    case MR_PATH_CEILING:
    case MR_PATH_DOUBLE:
    case MR_PATH_KEYVALUE:
    case MR_PATH_DATETIME:
        if (unwrap && mr_path_is_array(value)) {
            return each_element(run, node, value, false, found);
        }
        return run_method(run, node, value, found);
    default: return run_value(run, node, value, found);
    }
}

MrPathResult mr_path_items(MrPathRun *run, const MrPathNode *node, MrString value, bool unwrap,
                           MrPathItems *found)
{
    if (run->depth >= RUN_DEPTH_MAX || run->steps++ >= RUN_STEPS_MAX) {
        mr_path_fail(run, MR_ERR_TOO_COMPLEX, "a jsonpath takes too many steps");
        return mr_path_give_up(run);
    }
    run->depth++;
    const MrPathResult result = run_node(run, node, value, unwrap, found);
    run->depth--;
    return result;
}

MrPathResult mr_path_items_unwrapped(MrPathRun *run, const MrPathNode *node, MrString value,
                                     MrPathItems *found)
{
    MrPathItems whole = { 0 };
    if (run->is_strict) {
        return mr_path_items(run, node, value, false, found);
    }
    if (mr_path_items(run, node, value, true, &whole) == MR_PATH_FAILED) {
        return MR_PATH_FAILED;
    }
    for (uint32_t i = 0; i < whole.count; i++) {
        const MrPathResult result = mr_path_is_array(whole.items[i])
                                        ? each_element(run, NULL, whole.items[i], false, found)
                                        : add(run, found, whole.items[i]);
        if (result == MR_PATH_FAILED) {
            return result;
        }
    }
    return MR_PATH_FOUND;
}

/* Dates and times become the JSON that they are written as. */
static MrPathResult finish_items(MrPathRun *run, MrPathItems *found)
{
    for (uint32_t i = 0; found != NULL && i < found->count; i++) {
        if (mr_path_is_moment(found->items[i]) &&
            mr_path_moment_text(run, found->items[i], &found->items[i]) == MR_PATH_FAILED) {
            return MR_PATH_FAILED;
        }
    }
    return MR_PATH_FOUND;
}

MrPathResult mr_path_run(MrArena *arena, const MrPath *path, MrString json, MrString variables,
                         const MrTimezone *zone, MrPathTemplates *templates, MrPathItems *found,
                         bool *is_fatal, MrError *err)
{
    const MrString root = mr_json_trim(json);
    MrPathItems all = { 0 };
    MrPathRun run = { .arena = arena,
                      .err = err,
                      .is_strict = path->is_strict,
                      .forgives = !path->is_strict,
                      .zone = zone,
                      .templates = templates,
                      .root = root,
                      .variables = variables,
                      .current = root };
    /* In strict mode a failure behind the first result counts too. */
    MrPathItems *into = found == NULL && path->is_strict ? &all : found;
    MrPathResult result = mr_path_items(&run, path->root, root, !run.is_strict, into);
    if (finish_items(&run, found) == MR_PATH_FAILED) {
        result = MR_PATH_FAILED;
    }
    *is_fatal = run.is_fatal;
    if (result != MR_PATH_FAILED && into == &all) {
        result = all.count > 0 ? MR_PATH_FOUND : MR_PATH_NOT_FOUND;
    }
    return result;
}
