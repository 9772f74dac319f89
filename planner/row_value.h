/*
 * planner/row_value.h - rows as values: ROW(…), the name of an item of FROM, their fields.
 *
 * A value of type record says itself what it holds; what a query may ask of it must be known
 * before.  That is its shape, the names and types of its fields: the typmod of a record is the
 * shape's number within the statement, and goes with it through subqueries and set operations.
 * Must not know how rows become bytes.
 */
#ifndef MR_PLANNER_ROW_VALUE_H
#define MR_PLANNER_ROW_VALUE_H

#include "planner/select_list.h"

typedef struct MrRowShape {
    const char *const *names;
    const MrType *types;
    uint32_t count;
} MrRowShape;

/* Of a record, or of the rows of an array of them; NULL: not known. */
const MrRowShape *mr_row_shape(const MrBinder *b, MrType type);
/* The type of rows with these fields; keeps the names. */
MrStatus mr_row_type(MrBinder *b, const char *const *names, const MrType *types, uint32_t count,
                     MrType *out);

/* A row of the list's values; literals become text. */
MrStatus mr_row_make(MrBinder *b, MrSelectList *list, int32_t position, MrExpr **out);
/* ROW(a, t.*, …): fields f1, f2 and so on. */
MrStatus mr_bind_row(MrBinder *b, const MrAstRow *node, MrExpr **out);
/* t and t.*, where t is an item of FROM: its row, NULL where an outer join found none; *out NULL:
 * it is none. */
MrStatus mr_bind_whole_row(MrBinder *b, const MrAstColumn *column, MrExpr **out);
/* Field number `field` of a row whose shape is known. */
MrStatus mr_row_field(MrBinder *b, MrExpr *row, uint32_t field, int32_t position, MrExpr **out);
/* (row).name */
MrStatus mr_bind_field(MrBinder *b, const MrAstField *node, MrExpr **out);
/* (row).* in a select list. */
MrStatus mr_bind_all_fields(MrBinder *b, const MrAstField *node, MrSelectList *list);
/* CAST(value AS t), where t is a relation: a row of its columns.  *out NULL: it is none. */
MrStatus mr_bind_row_cast(MrBinder *b, const MrAstCast *node, MrExpr **out);
/* value IS [NOT] NULL of a value that is a row. */
MrStatus mr_row_is_null(MrBinder *b, MrExpr *value, bool negated, int32_t position, MrExpr **out);
/* 42804 where rows of these two shapes cannot be compared. */
MrStatus mr_row_check_comparable(MrBinder *b, const MrExpr *left, const MrExpr *right,
                                 int32_t position);

#endif
