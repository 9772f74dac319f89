/*
 * planner/flink_internal.h - what the parts of the translator to Flink SQL share: a SELECT under
 * construction, and values as texts over its FROM.
 */
#ifndef MR_PLANNER_FLINK_INTERNAL_H
#define MR_PLANNER_FLINK_INTERNAL_H

#include "planner/flink.h"

enum {
    MR_FLINK_SOURCES_MAX = 64,
    MR_FLINK_DIGITS_MAX = 38,
    MR_FLINK_TEXT_MAX = 4000, /* of a select list that is written out where it is read */
    MR_FLINK_STATEMENT_BYTES_MAX = 1 << 20
};

/* A value as text, with the type that it has here.  A numeric is a DECIMAL(precision, scale). */
typedef struct MrFlinkValue {
    const char *text;
    MrType type;
    uint8_t precision, scale;
    bool is_plain;       /* a name, which may be written again for nothing */
    const char *rowtime; /* event time: the same as a time attribute of Flink's; NULL: it is none */
} MrFlinkValue;

/* SELECT `columns` FROM … WHERE … GROUP BY … HAVING …; each part is text, NULL: it is not there. */
typedef struct MrFlinkSelect {
    const MrRelation *stream; /* FROM is this one alone, and nothing else is there; else NULL */
    MrFlinkValue *columns;
    const char **names; /* of the columns, each once */
    uint32_t column_count;
    const char *from, *where, *group_by, *having;
    const char *table;    /* of an item of FROM: what it is without its alias */
    const char *sequence; /* the place of the row in the log; NULL: rows have none */
    const char *arrival;
    bool is_grouped; /* WHERE is behind us */
    bool is_distinct;
    const char *union_all; /* another SELECT, below this one */
    bool names_windows;    /* an item for TABLE(TUMBLE(…)), which has window_… of its own */
    bool has_ms_time;      /* the time of its windows is whole milliseconds */
} MrFlinkSelect;

typedef struct MrFlink {
    MrBinder *b;
    MrArena *arena;
    const MrPlan *plan;
    MrFlinkSource sources[MR_FLINK_SOURCES_MAX];
    uint32_t source_count;
    MrFlinkColumn *columns; /* of the source that is being made */
    uint32_t column_count;
    uint32_t alias_count;
    int32_t position; /* of what is being translated, where a node has none of its own */
} MrFlink;

/* ---- Refusals (flink.c) ---------------------------------------------------------------- */

/* 0A000 `engine = 'flink' …` at the position. */
MrStatus mr_flink_refuse(MrFlink *f, int32_t position, const char *hint, const char *format, ...)
    MR_PRINTF(4, 5);

/* ---- Types, names, literals (flink_type.c) --------------------------------------------- */

/* NULL: values of it cannot be taken there.  In the arena where it has digits. */
const char *mr_flink_type(MrFlink *f, MrType type, uint8_t precision, uint8_t scale);
/* numeric(p, s) into digits; false: it has none, or more than Flink has. */
bool mr_flink_digits(MrType type, uint8_t *precision, uint8_t *scale);
/* `name` */
MrStatus mr_flink_name(MrFlink *f, const char *name, const char **out);
MrStatus mr_flink_constant(MrFlink *f, const MrExpr *expr, MrFlinkValue *out);
/* INTERVAL '5' MINUTE; a whole number of milliseconds above zero. */
MrStatus mr_flink_interval(MrFlink *f, int64_t us, const char **out);
/* `form` with $1 … $9 replaced. */
MrStatus mr_flink_fill(MrFlink *f, const char *form, const char *const *args, uint32_t count,
                       const char **out);
/* One after the other, with `between` between them. */
MrStatus mr_flink_list(MrFlink *f, const char *const *texts, uint32_t count, const char *between,
                       const char **out);
/* printf into the arena; 54000 beyond MR_FLINK_STATEMENT_BYTES_MAX. */
MrStatus mr_flink_format(MrFlink *f, const char **out, const char *format, ...) MR_PRINTF(3, 4);
/* The value as the target's column takes it. */
MrStatus mr_flink_delivered(MrFlink *f, const MrFlinkValue *value, const char **type,
                            const char **text);

/* ---- Expressions (flink_expression.c) -------------------------------------------------- */

/* Columns of the expression are those of `in`, then of `right` (NULL: there is none). */
typedef struct MrFlinkScope {
    const MrFlinkSelect *in, *right;
} MrFlinkScope;
MrStatus mr_flink_value(MrFlink *f, const MrExpr *expr, const MrFlinkScope *scope,
                        MrFlinkValue *out);

/* ---- Functions (flink_function.c) ------------------------------------------------------ */

MrStatus mr_flink_call(MrFlink *f, const MrExpr *expr, const MrFlinkValue *args, MrFlinkValue *out);
MrStatus mr_flink_cast(MrFlink *f, const MrExpr *expr, const MrFlinkValue *arg, MrFlinkValue *out);
/* The name in each line of the tables, for tests; NULL behind the last. */
const char *mr_flink_function_name(uint32_t index);
const char *mr_flink_aggregate_name(uint32_t index);
/* `over`: OVER (…), for a window function; else NULL. */
MrStatus mr_flink_aggregate(MrFlink *f, const MrLogicalCall *call, const MrFlinkScope *scope,
                            const char *over, int32_t position, MrFlinkValue *out);

/* ---- Nodes (flink_query.c, flink_rows.c, flink_over.c) --------------------------------- */

MrStatus mr_flink_select(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);
/* SELECT … as text. */
MrStatus mr_flink_select_text(MrFlink *f, const MrFlinkSelect *select, const char **out);
/* The select as an item of FROM, with its columns by their names there; `qualified`: by its
 * alias. */
MrStatus mr_flink_item(MrFlink *f, MrFlinkSelect *select, bool qualified);
/* The text of a column of the select; refused where Flink cannot have it. */
MrStatus mr_flink_column(MrFlink *f, const MrFlinkSelect *select, uint32_t column,
                         const char **out);
int32_t mr_flink_position(const MrFlink *f, const MrLogical *node);
/* The input of the node in FROM TABLE(TUMBLE(…)), which has window_start and window_end.  The text
 * that is window_end here comes out. */
MrStatus mr_flink_windowed(MrFlink *f, const MrLogical *node, MrFlinkSelect *select,
                           const char **end);
MrStatus mr_flink_row_windows(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);
MrStatus mr_flink_join(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);
MrStatus mr_flink_over(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);
MrStatus mr_flink_top_n(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);
MrStatus mr_flink_union(MrFlink *f, const MrLogical *node, MrFlinkSelect *out);

/* ---- Sources (flink_source.c) ---------------------------------------------------------- */

/* The stream as a source of the job, which it becomes. */
MrStatus mr_flink_source(MrFlink *f, const MrRelation *stream, const MrFlinkSource **out);
/* The column that is the event time as an attribute of Flink's, which has milliseconds. */
MrStatus mr_flink_time_name(MrFlink *f, const MrRelation *stream, const char **out);

#endif
