/*
 * engine/functions/jsonpath_predicate.c - what a SQL/JSON path asks: comparisons, && || !, exists,
 * starts with, like_regex.  A failure inside makes the answer unknown.
 */
#include "engine/functions/jsonpath_run.h"
#include "engine/functions/regex_program.h"
#include "storage/jsontext.h"
#include "storage/jsonwalk.h"

/* What one value, or one of each side, says. */
typedef MrPathTruth Judge(MrPathRun *run, const MrPathNode *node, MrString left, MrString right);

static MrPathTruth truth_of(bool is_true)
{
    return is_true ? MR_PATH_IS_TRUE : MR_PATH_IS_FALSE;
}

/* n t " [ { 0, a moment: values of one kind can be compared. */
static char kind_of(MrString value)
{
    const char first = value.length > 0 ? value.data[0] : 'n';
    if (first == MR_PATH_MOMENT) {
        return first;
    }
    return first == 'f' ? 't' : strchr("nt\"[{", first) != NULL ? first : '0';
}

static MrPathTruth judge_order(MrPathRun *run, const MrPathNode *node, MrString left,
                               MrString right)
{
    const char kind = kind_of(left);
    int order = 0;
    if (kind != kind_of(right)) {
        /* null differs from all else; other kinds have nothing to do with each other. */
        return kind == 'n' || kind_of(right) == 'n' ? truth_of(node->kind == MR_PATH_NOT_EQUAL)
                                                    : MR_PATH_UNKNOWN;
    }
    if (kind == '{' || kind == '[') {
        return MR_PATH_UNKNOWN;
    }
    if (kind == MR_PATH_MOMENT) {
        if (mr_path_moment_compare(run, left, right, &order) != MR_PATH_IS_TRUE) {
            return MR_PATH_UNKNOWN;
        }
    } else if (kind != 'n') {
        order = mr_jsonb_compare(left, right);
    }
    switch (node->kind) {
    case MR_PATH_EQUAL: return truth_of(order == 0);
    case MR_PATH_NOT_EQUAL: return truth_of(order != 0);
    case MR_PATH_LESS: return truth_of(order < 0);
    case MR_PATH_GREATER: return truth_of(order > 0);
    case MR_PATH_LESS_EQUAL: return truth_of(order <= 0);
    default: return truth_of(order >= 0);
    }
}

/* What two string literals say; false: out of memory. */
static bool literal_text(MrPathRun *run, MrString literal, MrBuilder *out)
{
    if (mr_json_string_text(literal, out, run->err) != MR_OK || out->failed) {
        mr_path_give_up(run);
        return false;
    }
    return true;
}

static MrPathTruth judge_start(MrPathRun *run, const MrPathNode *node, MrString left,
                               MrString right)
{
    MrBuilder whole, start;
    MrPathTruth truth = MR_PATH_UNKNOWN;
    (void)node;
    if (kind_of(left) != '"' || kind_of(right) != '"') {
        return MR_PATH_UNKNOWN;
    }
    mr_builder_init(&whole, 0);
    mr_builder_init(&start, 0);
    if (literal_text(run, left, &whole) && literal_text(run, right, &start)) {
        truth = truth_of(start.length == 0 || (start.length <= whole.length &&
                                               memcmp(whole.data, start.data, start.length) == 0));
    }
    mr_builder_fini(&whole);
    mr_builder_fini(&start);
    return truth;
}

/* XQuery's flags: without s a dot stops at line feeds. */
static MrPathTruth judge_regex(MrPathRun *run, const MrPathNode *node, MrString left,
                               MrString right)
{
    const MrRegexFlags flags = { .ignore_case = (node->regex_flags & MR_PATH_REGEX_ICASE) != 0,
                                 .stops = (node->regex_flags & MR_PATH_REGEX_DOTALL) == 0,
                                 .anchors = (node->regex_flags & MR_PATH_REGEX_LINES) != 0,
                                 .literal = (node->regex_flags & MR_PATH_REGEX_QUOTE) != 0 };
    MrBuilder text;
    MrRegex *regex;
    bool found = false, ok;
    (void)right;
    if (kind_of(left) != '"') {
        return MR_PATH_UNKNOWN;
    }
    mr_builder_init(&text, 0);
    ok = literal_text(run, left, &text);
    const MrString inside = { text.data != NULL ? text.data : "", text.length };
    if (ok && (mr_regex_compile(node->text, &flags, &regex, run->err) != MR_OK ||
               mr_regex_match(regex, inside, 0, &found, run->err) != MR_OK)) {
        mr_path_give_up(run);
        ok = false;
    }
    mr_builder_fini(&text);
    return ok ? truth_of(found) : MR_PATH_UNKNOWN;
}

/* One pair that agrees is enough in lax mode; in strict mode one that nobody can judge spoils
 * all. */
static MrPathTruth judge_pairs(MrPathRun *run, const MrPathNode *node, const MrPathItems *left,
                               const MrPathItems *right, Judge *judge)
{
    bool found = false, unknown = false;
    for (uint32_t i = 0; i < left->count; i++) {
        for (uint32_t k = 0; k < right->count; k++) {
            const MrPathTruth truth = judge(run, node, left->items[i], right->items[k]);
            if (truth == MR_PATH_UNKNOWN && (run->is_strict || run->is_fatal)) {
                return MR_PATH_UNKNOWN;
            }
            if (truth == MR_PATH_IS_TRUE && !run->is_strict) {
                return MR_PATH_IS_TRUE;
            }
            unknown |= truth == MR_PATH_UNKNOWN;
            found |= truth == MR_PATH_IS_TRUE;
        }
    }
    return found ? MR_PATH_IS_TRUE : unknown ? MR_PATH_UNKNOWN : MR_PATH_IS_FALSE;
}

static MrPathTruth test_pairs(MrPathRun *run, const MrPathNode *node, MrString value,
                              bool unwrap_right, Judge *judge)
{
    MrString nothing = { "", 0 };
    MrPathItems left = { 0 }, right = { &nothing, 1, 1 };
    if (mr_path_items_unwrapped(run, node->a, value, &left) == MR_PATH_FAILED) {
        return MR_PATH_UNKNOWN;
    }
    if (node->b != NULL) {
        right = (MrPathItems){ 0 };
        const MrPathResult result =
            unwrap_right ? mr_path_items_unwrapped(run, node->b, value, &right)
                         : mr_path_items(run, node->b, value, !run->is_strict, &right);
        if (result == MR_PATH_FAILED) {
            return MR_PATH_UNKNOWN;
        }
    }
    return judge_pairs(run, node, &left, &right, judge);
}

static MrPathTruth test_exists(MrPathRun *run, const MrPathNode *node, MrString value)
{
    MrPathItems all = { 0 };
    const MrPathResult result =
        mr_path_items(run, node->a, value, !run->is_strict, run->is_strict ? &all : NULL);
    if (result == MR_PATH_FAILED) {
        return MR_PATH_UNKNOWN;
    }
    return truth_of(run->is_strict ? all.count > 0 : result == MR_PATH_FOUND);
}

MrPathTruth mr_path_test(MrPathRun *run, const MrPathNode *node, MrString value)
{
    MrPathTruth a, b;
    switch (node->kind) {
    case MR_PATH_AND:
        a = mr_path_test(run, node->a, value);
        if (a == MR_PATH_IS_FALSE) {
            return a;
        }
        b = mr_path_test(run, node->b, value);
        return b == MR_PATH_IS_TRUE ? a : b;
    case MR_PATH_OR:
        a = mr_path_test(run, node->a, value);
        if (a == MR_PATH_IS_TRUE) {
            return a;
        }
        b = mr_path_test(run, node->b, value);
        return b == MR_PATH_IS_FALSE ? a : b;
    case MR_PATH_NOT:
        a = mr_path_test(run, node->a, value);
        return a == MR_PATH_UNKNOWN ? a : truth_of(a == MR_PATH_IS_FALSE);
    case MR_PATH_IS_UNKNOWN: return truth_of(mr_path_test(run, node->a, value) == MR_PATH_UNKNOWN);
    case MR_PATH_EXISTS: return test_exists(run, node, value);
    case MR_PATH_STARTS_WITH: return test_pairs(run, node, value, false, judge_start);
    case MR_PATH_LIKE_REGEX: return test_pairs(run, node, value, false, judge_regex);
    default: return test_pairs(run, node, value, true, judge_order);
    }
}
