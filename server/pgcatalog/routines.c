/*
 * server/pgcatalog/routines.c - functions, aggregates and operators of the registries, and calls
 * that the planner answers, as pg_proc, pg_operator, pg_aggregate and pg_cast have them.
 */
#include <pthread.h>
#include <stdlib.h>

#include "engine/aggregate.h"
#include "engine/set_function.h"
#include "planner/call_list.h"
#include "server/pgcatalog/version.h"

enum { ROUTINES_MAX = 3000 };

static MrPgRoutine routines[2][ROUTINES_MAX]; /* [1]: operators */
static uint32_t routine_counts[2];
static pthread_once_t routines_once = PTHREAD_ONCE_INIT;

static void add_routine(bool is_operator, MrPgRoutine routine)
{
    uint32_t count = routine_counts[is_operator];
    if (count < ROUTINES_MAX) {
        routine.number =
            (is_operator ? (uint32_t)MR_PG_OPERATOR_FIRST : (uint32_t)MR_PG_FUNCTION_FIRST) + count;
        routines[is_operator][count] = routine;
        routine_counts[is_operator]++;
    }
}

static bool is_word(const char *name)
{
    return (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';
}

/* Syntax has entries in the registry too: a[1], ARRAY[…]. */
static bool is_syntax(const char *name)
{
    return strcmp(name, "ARRAY") == 0 || name[0] == '[';
}

static void add_functions(void)
{
    const MrFunction *const *all;
    uint32_t count = mr_function_all(&all);
    for (uint32_t i = 0; i < count; i++) {
        if (is_syntax(all[i]->name) || strncmp(all[i]->name, "mr_", 3) == 0 ||
            (all[i]->flags & MR_FN_ARRAY_CALL) != 0) {
            continue;
        }
        bool is_operator = !is_word(all[i]->name);
        add_routine(is_operator, (MrPgRoutine){ .name = all[i]->name,
                                                .kind = is_operator ? MR_PG_ROUTINE_OPERATOR
                                                                    : MR_PG_ROUTINE_FUNCTION,
                                                .args = all[i]->args,
                                                .arg_count = all[i]->arg_count,
                                                .result = all[i]->result,
                                                .flags = all[i]->flags,
                                                .doc = all[i]->doc });
    }
}

static void add_listed_calls(void)
{
    uint32_t count;
    const MrListedCall *calls = mr_listed_calls(&count);
    for (uint32_t i = 0; i < count; i++) {
        add_routine(false, (MrPgRoutine){ .name = calls[i].name,
                                          .kind = calls[i].is_window ? MR_PG_ROUTINE_WINDOW
                                                                     : MR_PG_ROUTINE_FUNCTION,
                                          .args = calls[i].args,
                                          .arg_count = calls[i].arg_count,
                                          .result = calls[i].result,
                                          .flags = calls[i].flags,
                                          .doc = calls[i].doc });
    }
}

static void routines_build(void)
{
    const MrAggregate *const *aggregates;
    const MrSetFunction *const *sets;
    add_functions();
    uint32_t count = mr_aggregate_all(&aggregates);
    for (uint32_t i = 0; i < count; i++) {
        add_routine(false, (MrPgRoutine){ .name = aggregates[i]->name,
                                          .kind = MR_PG_ROUTINE_AGGREGATE,
                                          .args = aggregates[i]->args,
                                          .arg_count = aggregates[i]->arg_count,
                                          .result = aggregates[i]->result,
                                          .doc = aggregates[i]->doc });
    }
    count = mr_set_function_all(&sets);
    for (uint32_t i = 0; i < count; i++) {
        add_routine(false, (MrPgRoutine){ .name = sets[i]->name,
                                          .kind = MR_PG_ROUTINE_SET,
                                          .args = sets[i]->args,
                                          .arg_count = sets[i]->arg_count,
                                          .result = sets[i]->columns[0].type,
                                          .flags = sets[i]->takes_null ? 0 : MR_FN_STRICT,
                                          .doc = sets[i]->doc });
    }
    add_listed_calls();
}

uint32_t mr_pg_routines(bool operators, const MrPgRoutine **out)
{
    pthread_once(&routines_once, routines_build);
    *out = routines[operators];
    return routine_counts[operators];
}

const MrPgRoutine *mr_pg_routine(bool operators, uint32_t number)
{
    const MrPgRoutine *all;
    uint32_t count = mr_pg_routines(operators, &all);
    uint32_t first = operators ? MR_PG_OPERATOR_FIRST : MR_PG_FUNCTION_FIRST;
    return number >= first && number - first < count ? &all[number - first] : NULL;
}

const MrPgRoutine *mr_pg_routine_find(bool operators, MrString name, uint32_t *count)
{
    const MrPgRoutine *all, *first = NULL;
    uint32_t total = mr_pg_routines(operators, &all);
    *count = 0;
    for (uint32_t i = 0; i < total; i++) {
        if (mr_string_equal(mr_string(all[i].name), name)) {
            first = first == NULL ? &all[i] : first;
            (*count)++;
        }
    }
    return first;
}

/* ---- Types of arguments ---------------------------------------------------------------------- */

/* Entries that take anything have it as MR_TYPE_UNKNOWN. */
uint32_t mr_pg_routine_type(const MrPgRoutine *routine, MrTypeId type)
{
    enum {
        ANY = 2276,
        ANYELEMENT = 2283,
        ANYARRAY = 2277,
        ANYCOMPATIBLE = 5077,
        ANYCOMPATIBLEARRAY = 5078
    };
    bool compatible = (routine->flags & MR_FN_COMPATIBLE) != 0;
    if (type == MR_TYPE_ANYARRAY) {
        return compatible ? ANYCOMPATIBLEARRAY : ANYARRAY;
    }
    if (type != MR_TYPE_UNKNOWN) {
        return mr_pg_type_number(type);
    }
    bool same = (routine->flags & MR_FN_SAME) != 0 || routine->kind != MR_PG_ROUTINE_FUNCTION;
    return compatible ? ANYCOMPATIBLE : same ? ANYELEMENT : ANY;
}

void mr_pg_routine_arguments(const MrPgRoutine *routine, MrBuilder *out)
{
    for (uint32_t i = 0; i < routine->arg_count; i++) {
        bool is_variadic = (routine->flags & MR_FN_VARIADIC) != 0 && i + 1 == routine->arg_count;
        mr_builder_append_string(out, i > 0 ? ", " : "");
        mr_builder_append_string(out, is_variadic ? "VARIADIC " : "");
        mr_pg_type_format(mr_pg_routine_type(routine, routine->args[i]), -1, out);
    }
}

void mr_pg_routine_result(const MrPgRoutine *routine, MrBuilder *out)
{
    mr_builder_append_string(out, routine->kind == MR_PG_ROUTINE_SET ? "SETOF " : "");
    mr_pg_type_format(mr_pg_routine_type(routine, routine->result), -1, out);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

char mr_pg_routine_volatility(const MrPgRoutine *routine)
{
    return (routine->flags & MR_FN_VOLATILE) != 0                   ? 'v'
           : (routine->flags & (MR_FN_STABLE | MR_FN_CATALOG)) != 0 ? 's'
                                                                    : 'i';
}

static void add_proc_head(MrRows *rows, uint32_t number, const char *name)
{
    mr_rows_begin(rows);
    mr_rows_int(rows, number);
    mr_rows_text(rows, name);
    mr_rows_int(rows, MR_PG_SCHEMA_CATALOG);
    mr_rows_int(rows, MR_PG_ROLE_OWNER);
    mr_rows_int(rows, 12); /* internal */
    mr_rows_real(rows, 1);
}

/* prokind */
static char letter_of(MrPgRoutineKind kind)
{
    switch (kind) {
    case MR_PG_ROUTINE_AGGREGATE: return 'a';
    case MR_PG_ROUTINE_WINDOW: return 'w';
    case MR_PG_ROUTINE_FUNCTION:
    case MR_PG_ROUTINE_SET:
    case MR_PG_ROUTINE_OPERATOR: break;
    }
    return 'f';
}

static void add_proc(MrRows *rows, const MrPgRoutine *routine)
{
    int64_t args[MR_FUNCTION_ARGS_MAX] = { 0 };
    char kind = letter_of(routine->kind);
    char how = mr_pg_routine_volatility(routine);
    bool is_set = routine->kind == MR_PG_ROUTINE_SET;
    for (uint32_t i = 0; i < routine->arg_count; i++) {
        args[i] = mr_pg_routine_type(routine, routine->args[i]);
    }
    add_proc_head(rows, routine->number, routine->name);
    mr_rows_real(rows, is_set ? 1000 : 0);
    mr_rows_skip(rows, 2); /* provariadic, prosupport */
    mr_rows_string(rows, (MrString){ &kind, 1 });
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, false);
    mr_rows_bool(rows, (routine->flags & MR_FN_STRICT) != 0);
    mr_rows_bool(rows, is_set);
    mr_rows_string(rows, (MrString){ &how, 1 });
    mr_rows_text(rows, "s");
    mr_rows_int(rows, routine->arg_count);
    mr_rows_int(rows, 0);
    mr_rows_int(rows, mr_pg_routine_type(routine, routine->result));
    mr_pg_rows_list(rows, MR_TYPE_OIDVECTOR, args, routine->arg_count);
    mr_rows_skip(rows, 5); /* proallargtypes … protrftypes */
    mr_rows_text(rows, routine->name);
}

static const struct {
    uint32_t number;
    const char *name;
} type_functions[] = {
#define MR_PG_TYPE_FUNCTION(number, name) { number, name },
#include "server/pgcatalog/type_functions.def"
#undef MR_PG_TYPE_FUNCTION
};

const char *mr_pg_type_function(uint32_t number)
{
    for (size_t i = 0; i < sizeof type_functions / sizeof type_functions[0]; i++) {
        if (type_functions[i].number == number) {
            return type_functions[i].name;
        }
    }
    return NULL;
}

uint32_t mr_pg_type_function_number(MrString name)
{
    for (size_t i = 0; i < sizeof type_functions / sizeof type_functions[0]; i++) {
        if (mr_string_equal(mr_string(type_functions[i].name), name)) {
            return type_functions[i].number;
        }
    }
    return 0;
}

void mr_pg_fill_procs(const MrPgNames *names, MrRows *rows)
{
    const MrPgRoutine *all;
    uint32_t count = mr_pg_routines(false, &all);
    for (uint32_t i = 0; i < count; i++) {
        add_proc(rows, &all[i]);
    }
    mr_pg_add_sql_procs(names->pg, rows);
}

void mr_pg_fill_operators(const MrPgNames *names, MrRows *rows)
{
    const MrPgRoutine *all;
    uint32_t count = mr_pg_routines(true, &all);
    (void)names;
    for (uint32_t i = 0; i < count; i++) {
        const MrPgRoutine *routine = &all[i];
        bool is_binary = routine->arg_count == 2;
        mr_rows_begin(rows);
        mr_rows_int(rows, routine->number);
        mr_rows_text(rows, routine->name);
        mr_rows_int(rows, MR_PG_SCHEMA_CATALOG);
        mr_rows_int(rows, MR_PG_ROLE_OWNER);
        mr_rows_text(rows, is_binary ? "b" : "l");
        mr_rows_bool(rows, false);
        mr_rows_bool(rows, strcmp(routine->name, "=") == 0);
        mr_rows_int(rows, is_binary ? mr_pg_routine_type(routine, routine->args[0]) : 0);
        mr_rows_int(rows, mr_pg_routine_type(routine, routine->args[is_binary]));
        mr_rows_int(rows, mr_pg_routine_type(routine, routine->result));
        mr_rows_skip(rows, 5);
    }
}

void mr_pg_fill_aggregates(const MrPgNames *names, MrRows *rows)
{
    const MrPgRoutine *all;
    uint32_t count = mr_pg_routines(false, &all);
    (void)names;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].kind == MR_PG_ROUTINE_AGGREGATE) {
            mr_rows_begin(rows);
            mr_rows_reg(rows, all[i].number, all[i].name);
            mr_rows_text(rows, "n");
            mr_rows_skip(rows, 18);
        }
    }
}

static void add_cast(MrRows *rows, uint32_t number, const MrCast *cast)
{
    static const char *const contexts[] = { "i", "a", "e" };
    mr_rows_begin(rows);
    mr_rows_int(rows, number);
    mr_rows_int(rows, mr_pg_type_number(cast->from));
    mr_rows_int(rows, mr_pg_type_number(cast->to));
    mr_rows_int(rows, 0);
    mr_rows_text(rows, contexts[cast->context]);
    mr_rows_text(rows, cast->eval == NULL ? "b" : "i");
}

/* Input and output of the types are casts here, and none in PostgreSQL. */
void mr_pg_fill_casts(const MrPgNames *names, MrRows *rows)
{
    (void)names;
    for (uint32_t from = MR_TYPE_BOOL; from < MR_TYPE_SCALARS; from++) {
        for (uint32_t to = MR_TYPE_BOOL; to < MR_TYPE_SCALARS; to++) {
            const MrCast *cast = mr_cast_find((MrTypeId)from, (MrTypeId)to);
            bool is_text = mr_type_info((MrTypeId)from)->category == 'S' ||
                           mr_type_info((MrTypeId)to)->category == 'S';
            if (cast != NULL && from != to && (!is_text || cast->context == MR_CAST_IMPLICIT)) {
                add_cast(rows, 11000 + from * MR_TYPE_ARRAYS + to, cast);
            }
        }
    }
}
