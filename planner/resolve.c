/*
 * planner/resolve.c - which overload of a function or operator is meant, by PostgreSQL's rules
 * ("Type Conversion"): what the candidates are; resolve_candidate.c chooses among them.
 * Must not know where the expression stands.
 */
#include "planner/binder.h"

#include "planner/nearest.h"

#include <string.h>

/* ---- Functions --------------------------------------------------------------------------- */

/* anyelement and anyarray as they are where anyelement is `element`. */
static MrTypeId same_type(MrTypeId slot, MrTypeId element)
{
    return slot == MR_TYPE_UNKNOWN    ? element
           : slot == MR_TYPE_ANYARRAY ? mr_type_array(element)
                                      : slot;
}

/* The types an entry wants for this number of arguments; false: another number. An entry that takes
 * anything wants what it gets, literals as text. */
static MrTypeId slot_type(const MrFunction *function, uint32_t index)
{
    return function->args[index < function->arg_count ? index : function->arg_count - 1u];
}

/* What anyelement is for these arguments; false: they do not go together. */
static bool element_find(const MrFunction *function, const MrTypeId *types, uint32_t arg_count,
                         MrTypeId *out)
{
    MrTypeId elements[MR_CALL_ARGS_MAX];
    uint32_t count = 0, culprit;
    bool known = false;
    for (uint32_t i = 0; i < arg_count; i++) {
        MrTypeId slot = slot_type(function, i), type = types[i];
        if (slot != MR_TYPE_UNKNOWN && slot != MR_TYPE_ANYARRAY) {
            continue;
        }
        if (type != MR_TYPE_UNKNOWN && mr_type_is_array(type) != (slot == MR_TYPE_ANYARRAY)) {
            return false;
        }
        elements[count] =
            slot == MR_TYPE_ANYARRAY && type != MR_TYPE_UNKNOWN ? mr_type_element(type) : type;
        if ((function->flags & MR_FN_COMPATIBLE) == 0 && elements[count] != MR_TYPE_UNKNOWN) {
            if (known && *out != elements[count]) {
                return false;
            }
            *out = elements[count];
        }
        known |= elements[count++] != MR_TYPE_UNKNOWN;
    }
    if ((function->flags & MR_FN_COMPATIBLE) == 0) {
        return known;
    }
    return mr_common_type_of(elements, count, out, &culprit);
}

/* Of known types, all of them. */
static bool are_strings(const MrTypeId *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] == MR_TYPE_UNKNOWN || mr_type_info(types[i])->category != 'S') {
            return false;
        }
    }
    return true;
}

static bool candidate_fill(MrCandidate *candidate, const MrFunction *function,
                           const MrTypeId *types, uint32_t arg_count)
{
    bool variadic = function->flags & MR_FN_VARIADIC;
    if (arg_count != function->arg_count && !(variadic && arg_count > function->arg_count)) {
        return false;
    }
    candidate->entry = function;
    candidate->element = MR_TYPE_UNKNOWN;
    if ((function->flags & MR_FN_SAME) &&
        !element_find(function, types, arg_count, &candidate->element)) {
        return false;
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        MrTypeId wanted = slot_type(function, i);
        if (function->flags & MR_FN_SAME) {
            wanted = same_type(wanted, candidate->element);
        }
        if (wanted == MR_TYPE_UNKNOWN && (function->flags & MR_FN_ANY_ARGS)) {
            if ((function->flags & MR_FN_NO_ARRAYS) && mr_type_is_array(types[i])) {
                return false;
            }
            /* Strings as anynonarray are the text that they become: name || varchar. */
            const bool is_string =
                (function->flags & MR_FN_NO_ARRAYS) && are_strings(types, arg_count);
            wanted = types[i] == MR_TYPE_UNKNOWN || is_string ? MR_TYPE_TEXT : types[i];
        }
        candidate->args[i] = wanted;
    }
    return true;
}

static MrType result_type(const MrCandidate *chosen, const MrFunction *function)
{
    bool same = (function->flags & MR_FN_SAME) != 0;
    return mr_type(same ? same_type(function->result, chosen->element) : function->result);
}

static MrStatus call_new(MrBinder *b, const MrCandidate *chosen, MrExpr **args, uint32_t arg_count,
                         int32_t position, MrExpr **out)
{
    const MrFunction *function = chosen->entry;
    MrExpr *call;
    if ((function->flags & MR_FN_VOLATILE) && b->mode == MR_BIND_STANDING) {
        mr_bind_error(b, MR_ERR_UNSUPPORTED, position,
                      "function %s() is volatile: a standing query cannot use it", function->name);
        return mr_error_hint(b->err,
                             "Its value would differ when the query is replayed. Compute it into a "
                             "column with DEFAULT, before the row is logged.");
    }
    if ((function->flags & MR_FN_VOLATILE) && b->clause == MR_CLAUSE_GENERATED) {
        return mr_bind_error(b, MR_ERR_INVALID_OBJECT_DEFINITION, position,
                             "generation expression is not immutable");
    }
    MR_TRY(mr_expr_new(b->arena, MR_EXPR_CALL, result_type(chosen, function), position, arg_count,
                       &call, b->err));
    call->function = function;
    if (function->flags & MR_FN_CATALOG) {
        MR_TRY(mr_bind_names(b, call, function->name));
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        const bool is_trimmed =
            chosen->args[i] == MR_TYPE_BPCHAR && (function->flags & MR_FN_NO_PADDING) != 0;
        MR_TRY(mr_coerce(b, args[i], mr_type(is_trimmed ? MR_TYPE_TEXT : chosen->args[i]),
                         MR_CAST_IMPLICIT, position, &call->args[i]));
    }
    *out = call;
    return MR_OK;
}

/* An entry for any type says nothing new where one for these very types is there. */
static bool is_repeated(MrCandidate *candidates, uint32_t count, uint32_t arg_count)
{
    MrCandidate *fresh = &candidates[count];
    for (uint32_t i = 0; i < count; i++) {
        if (arg_count > 0 &&
            memcmp(candidates[i].args, fresh->args, arg_count * sizeof *fresh->args) == 0) {
            if (((const MrFunction *)candidates[i].entry)->flags & MR_FN_ANY_ARGS) {
                candidates[i].entry = fresh->entry;
                candidates[i].element = fresh->element;
            }
            return true;
        }
    }
    return false;
}

/* The entries of the name that take this number of arguments. */
static MrStatus collect(MrBinder *b, const char *name, const MrTypeId *types, uint32_t arg_count,
                        MrCandidate **out, uint32_t *out_count)
{
    const MrFunction *const *found;
    uint32_t found_count = mr_function_lookup(mr_string(name), &found);
    MrCandidate *candidates;
    MrTypeId *slots;
    MR_NEW_ARRAY(b->arena, candidates, found_count, b->err);
    MR_NEW_ARRAY(b->arena, slots, (size_t)found_count * arg_count, b->err);
    uint32_t count = 0;
    for (uint32_t i = 0; i < found_count; i++) {
        candidates[count].args = slots + (size_t)count * arg_count;
        if (candidate_fill(&candidates[count], found[i], types, arg_count) &&
            !is_repeated(candidates, count, arg_count)) {
            count++;
        }
    }
    *out = candidates;
    *out_count = count;
    return MR_OK;
}

static bool exact_match(const MrCandidate *candidate, const MrTypeId *types, uint32_t arg_count)
{
    return arg_count == 0 || memcmp(candidate->args, types, arg_count * sizeof *types) == 0;
}

/* *index: as mr_select_candidate. An exact match needs no rules. */
static int32_t choose(MrCandidate *candidates, uint32_t count, const MrTypeId *types,
                      uint32_t arg_count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (exact_match(&candidates[i], types, arg_count)) {
            candidates[0] = candidates[i];
            return 0;
        }
    }
    return mr_select_candidate(candidates, count, types, arg_count);
}

static MrStatus arg_types(MrBinder *b, MrExpr *const *args, uint32_t arg_count, int32_t position,
                          MrTypeId *types)
{
    if (arg_count > MR_CALL_ARGS_MAX) {
        return mr_bind_error(b, MR_ERR_TOO_MANY_ARGUMENTS, position,
                             "cannot pass more than %d arguments to a function", MR_CALL_ARGS_MAX);
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        types[i] = args[i]->type.id;
    }
    return MR_OK;
}

/* Functions take int2vector and oidvector as arrays. */
static MrStatus args_as_arrays(MrBinder *b, MrExpr **args, uint32_t arg_count)
{
    for (uint32_t i = 0; i < arg_count; i++) {
        MR_TRY(mr_bind_vector(b, args[i], &args[i]));
    }
    return MR_OK;
}

static void append_types(MrBuilder *text, MrExpr *const *args, uint32_t arg_count)
{
    for (uint32_t i = 0; i < arg_count; i++) {
        mr_builder_append_string(text, i > 0 ? ", " : "");
        mr_type_format(mr_type(args[i]->type.id), text);
    }
}

/* array_fill('a', …): nothing says what type the literal is. */
static MrStatus check_polymorphic(MrBinder *b, const MrFunction *const *found, uint32_t count,
                                  const MrTypeId *types, uint32_t arg_count, int32_t position)
{
    for (uint32_t i = 0; i < count; i++) {
        bool all_unknown = arg_count > 0, any = false;
        if ((found[i]->flags & (MR_FN_SAME | MR_FN_COMPATIBLE)) != MR_FN_SAME ||
            found[i]->arg_count != arg_count) {
            continue;
        }
        for (uint32_t k = 0; k < arg_count; k++) {
            MrTypeId slot = found[i]->args[k];
            if (slot == MR_TYPE_UNKNOWN || slot == MR_TYPE_ANYARRAY) {
                any = true;
                all_unknown &= types[k] == MR_TYPE_UNKNOWN;
            } else if (!mr_can_coerce(types[k], slot, MR_CAST_IMPLICIT)) {
                all_unknown = false;
            }
        }
        if (any && all_unknown) {
            mr_bind_error(b, MR_ERR_DATATYPE_MISMATCH, position,
                          "could not determine polymorphic type because input has type unknown");
            return mr_error_hint(b->err, "Cast the argument to the type that is meant.");
        }
    }
    return MR_OK;
}

static MrStatus ambiguous_function(MrBinder *b, const char *name, MrExpr *const *args,
                                   uint32_t arg_count, int32_t position)
{
    MrBuilder text;
    mr_builder_init(&text, 400);
    append_types(&text, args, arg_count);
    mr_bind_error(b, MR_ERR_AMBIGUOUS_FUNCTION, position, "function %s(%s) is not unique", name,
                  text.failed ? "…" : mr_builder_text(&text));
    mr_builder_fini(&text);
    return mr_error_hint(
        b->err, "Could not choose a best candidate function. You might need to add explicit "
                "type casts.");
}

MrStatus mr_bind_function(MrBinder *b, const char *name, MrExpr **args, uint32_t arg_count,
                          int32_t position, MrExpr **out)
{
    MrTypeId types[MR_CALL_ARGS_MAX];
    MrCandidate *candidates;
    *out = NULL;
    MR_TRY(args_as_arrays(b, args, arg_count));
    MR_TRY(arg_types(b, args, arg_count, position, types));
    const MrFunction *const *found;
    uint32_t found_count = mr_function_lookup(mr_string(name), &found);
    if (found_count == 0) {
        return MR_OK;
    }
    uint32_t count;
    MR_TRY(collect(b, name, types, arg_count, &candidates, &count));
    int32_t chosen = choose(candidates, count, types, arg_count);
    if (chosen == -2) {
        return ambiguous_function(b, name, args, arg_count, position);
    }
    if (chosen < 0) {
        return check_polymorphic(b, found, found_count, types, arg_count, position);
    }
    return call_new(b, &candidates[chosen], args, arg_count, position, out);
}

/* What the dialect names and this server does not have. */
static bool is_planned(const char *name)
{
    static const char *const names[] = { "kmeans", "kmeans_assign", "linreg" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

MrStatus mr_function_missing(MrBinder *b, const char *name, MrExpr *const *args, uint32_t arg_count,
                             int32_t position)
{
    MrBuilder text;
    if (is_planned(name)) {
        return mr_bind_unsupported(b, position,
                                   strcmp(name, "linreg") == 0
                                       ? "regr_slope() and regr_intercept() fit a line."
                                       : "zscore() and approx_percentile() find what is far away.",
                                   "%s() is not supported yet", name);
    }
    mr_builder_init(&text, 400);
    append_types(&text, args, arg_count);
    mr_bind_error(b, MR_ERR_UNDEFINED_FUNCTION, position, "function %s(%s) does not exist", name,
                  text.failed ? "…" : mr_builder_text(&text));
    mr_builder_fini(&text);
    const MrFunction *const *all;
    if (mr_function_lookup(mr_string(name), &all) > 0) {
        return mr_error_hint(
            b->err, "No function matches the given name and argument types. You might need to "
                    "add explicit type casts.");
    }
    MrNearest nearest;
    mr_nearest_init(&nearest, name);
    uint32_t count = mr_function_all(&all);
    for (uint32_t i = 0; i < count; i++) {
        char first = all[i]->name[0];
        if ((first >= 'a' && first <= 'z') || first == '_') {
            mr_nearest_offer(&nearest, mr_string(all[i]->name));
        }
    }
    const MrAggregate *const *aggregates;
    count = mr_aggregate_all(&aggregates);
    for (uint32_t i = 0; i < count; i++) {
        mr_nearest_offer(&nearest, mr_string(aggregates[i]->name));
    }
    if (nearest.best.data != NULL) {
        return mr_nearest_hint(&nearest, b->err);
    }
    return mr_error_hint(
        b->err, "No function matches the given name and argument types. You might need to add "
                "explicit type casts.");
}

/* ---- Operators --------------------------------------------------------------------------- */

static MrStatus operator_missing(MrBinder *b, const char *name, const MrExpr *left,
                                 const MrExpr *right, int32_t position, bool several)
{
    char left_text[64], right_text[64];
    mr_bind_error(b, several ? MR_ERR_AMBIGUOUS_FUNCTION : MR_ERR_UNDEFINED_FUNCTION, position,
                  "operator %s: %s%s%s %s", several ? "is not unique" : "does not exist",
                  left != NULL ? mr_type_text(mr_type(left->type.id), left_text) : "",
                  left != NULL ? " " : "", name, mr_type_text(mr_type(right->type.id), right_text));
    if (several) {
        return mr_error_hint(
            b->err, "Could not choose a best candidate operator. You might need to add explicit "
                    "type casts.");
    }
    return mr_error_hint(
        b->err,
        "No operator matches the given name and argument type%s. You might need to add "
        "%sexplicit type cast%s.",
        left != NULL ? "s" : "", left != NULL ? "" : "an ", left != NULL ? "s" : "");
}

/* PostgreSQL's first guess about a literal beside a typed operand: it has the same type. */
static bool choose_same_type(MrCandidate *candidates, uint32_t count, const MrTypeId types[2])
{
    MrTypeId known = types[0] == MR_TYPE_UNKNOWN ? types[1] : types[0];
    if (known == MR_TYPE_UNKNOWN || (types[0] != MR_TYPE_UNKNOWN && types[1] != MR_TYPE_UNKNOWN)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (candidates[i].args[0] == known && candidates[i].args[1] == known) {
            candidates[0] = candidates[i];
            return true;
        }
    }
    return false;
}

static bool is_string(const MrExpr *expr)
{
    return expr->type.id == MR_TYPE_UNKNOWN || mr_type_info(expr->type.id)->category == 'S';
}

/* text || anything, anything || text: the other side by its text, as PostgreSQL's textanycat. */
static MrStatus concat_any(MrBinder *b, MrExpr **left, MrExpr **right, bool *done)
{
    *done = is_string(*left) != is_string(*right) && !mr_type_is_array((*left)->type.id) &&
            !mr_type_is_array((*right)->type.id);
    if (!*done) {
        return MR_OK;
    }
    MrExpr **other = is_string(*left) ? right : left;
    return mr_coerce(b, *other, mr_type(MR_TYPE_TEXT), MR_CAST_EXPLICIT, (*other)->position, other);
}

MrStatus mr_bind_operator(MrBinder *b, const char *name, MrExpr *left, MrExpr *right,
                          int32_t position, MrExpr **out)
{
    MrExpr *args[2] = { left, right };
    MrExpr **first = left != NULL ? args : args + 1;
    uint32_t arg_count = left != NULL ? 2 : 1;
    MrTypeId types[2];
    MrCandidate *candidates;
    MR_TRY(args_as_arrays(b, first, arg_count));
    MR_TRY(arg_types(b, first, arg_count, position, types));
    uint32_t count;
    MR_TRY(collect(b, name, types, arg_count, &candidates, &count));
    int32_t chosen = 0;
    if (arg_count != 2 || !choose_same_type(candidates, count, types)) {
        chosen = choose(candidates, count, types, arg_count);
    }
    if (chosen == -1 && arg_count == 2 && strcmp(name, "||") == 0) {
        bool done;
        MR_TRY(concat_any(b, &args[0], &args[1], &done));
        if (done) {
            return mr_bind_operator(b, name, args[0], args[1], position, out);
        }
    }
    if (chosen < 0) {
        return operator_missing(b, name, left, right, position, chosen == -2);
    }
    return call_new(b, &candidates[chosen], first, arg_count, position, out);
}
