/*
 * engine/operators/row_order.c - the order of kept rows: by the prefix of their first sort key,
 * then by the keys, then by arrival or value (row_store.h).
 */
#include <math.h>

#include "engine/operators/row_store.h"

static uint64_t signed_prefix(int64_t value)
{
    return (uint64_t)value ^ (UINT64_C(1) << 63);
}

/* Bits in the order of the values; NaN is the greatest, -0 is 0. */
static uint64_t float_prefix(double value)
{
    uint64_t bits;
    if (isnan(value)) {
        return UINT64_MAX;
    }
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t text_prefix(const MrText *text)
{
    unsigned char bytes[8] = { 0 };
    uint64_t prefix = 0;
    memcpy(bytes, mr_text_data(text), text->length < 8 ? text->length : 8);
    for (int i = 0; i < 8; i++) {
        prefix = prefix << 8 | bytes[i];
    }
    return prefix;
}

/* Equal values have equal prefixes; a type without one gives 0, and all is left to the compare. */
static uint64_t cell_prefix(MrTypeId type, const void *cell)
{
    switch (type) {
    case MR_TYPE_BOOL: return *(const uint8_t *)cell;
    case MR_TYPE_INT16: return signed_prefix(*(const int16_t *)cell);
    case MR_TYPE_INT32:
    case MR_TYPE_DATE: return signed_prefix(*(const int32_t *)cell);
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ: return signed_prefix(*(const int64_t *)cell);
    case MR_TYPE_FLOAT32: return float_prefix((double)*(const float *)cell);
    case MR_TYPE_FLOAT64: return float_prefix(*(const double *)cell);
    case MR_TYPE_TEXT:
    case MR_TYPE_NAME:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BYTEA: return text_prefix(cell);
    default: return 0;
    }
}

static bool has_prefix(MrTypeId type)
{
    switch (type) {
    case MR_TYPE_BOOL:
    case MR_TYPE_INT16:
    case MR_TYPE_INT32:
    case MR_TYPE_DATE:
    case MR_TYPE_INT64:
    case MR_TYPE_OID:
    case MR_TYPE_XID:
    case MR_TYPE_NAME:
    case MR_TYPE_TIME:
    case MR_TYPE_TIMESTAMP:
    case MR_TYPE_TIMESTAMPTZ:
    case MR_TYPE_FLOAT32:
    case MR_TYPE_FLOAT64:
    case MR_TYPE_TEXT:
    case MR_TYPE_VARCHAR:
    case MR_TYPE_BYTEA: return true;
    default: return false;
    }
}

/* The column that the rows' prefix is of; NULL: they have none. */
static const MrSortKey *prefix_key(const MrRowStore *store)
{
    const MrSortKey *key = &store->order.keys[0];
    return store->order.key_count > 0 && has_prefix(store->in.columns[key->column].type.id) ? key
                                                                                            : NULL;
}

void mr_row_set_prefix(const MrRowStore *store, MrRow *row)
{
    const MrSortKey *key = prefix_key(store);
    if (key == NULL) {
        return;
    }
    if (mr_row_is_null(store, row, key->column)) {
        row->prefix = key->nulls_first ? 0 : UINT64_MAX;
    } else {
        uint64_t prefix = cell_prefix(store->in.columns[key->column].type.id,
                                      mr_row_cell(store, row, key->column));
        row->prefix = key->descending ? ~prefix : prefix;
    }
}

void mr_row_prefixes(const MrRowStore *store, const MrBlock *block, uint64_t *out)
{
    const MrSortKey *key = prefix_key(store);
    uint32_t count = block->row_count;
    if (key == NULL) {
        memset(out, 0, count * sizeof *out);
        return;
    }
    const MrVector *column = &block->columns[key->column];
    MrTypeId type = column->type.id;
    uint64_t turn = key->descending ? UINT64_MAX : 0;
    bool is_time = type == MR_TYPE_TIMESTAMP || type == MR_TYPE_TIMESTAMPTZ;
    if ((type == MR_TYPE_INT64 || is_time) && !column->is_constant) {
        const int64_t *cells = column->data;
        for (uint32_t i = 0; i < count; i++) {
            out[i] = signed_prefix(cells[i]) ^ turn;
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            bool is_null = mr_vector_is_null(column, i);
            out[i] = is_null ? 0 : cell_prefix(type, mr_vector_cell(column, i)) ^ turn;
        }
    }
    for (uint32_t i = 0; column->validity != NULL && i < count; i++) {
        if (mr_vector_is_null(column, i)) {
            out[i] = key->nulls_first ? 0 : UINT64_MAX;
        }
    }
}

static int compare_column(const MrRowStore *store, const MrRow *a, const MrRow *b, uint32_t column,
                          bool descending, bool nulls_first)
{
    bool null_a = mr_row_is_null(store, a, column), null_b = mr_row_is_null(store, b, column);
    if (null_a || null_b) {
        return null_a == null_b ? 0 : null_a == nulls_first ? -1 : 1;
    }
    int order = mr_cell_compare(store->in.columns[column].type.id, mr_row_cell(store, a, column),
                                mr_row_cell(store, b, column));
    return descending ? -order : order;
}

int mr_row_compare_keys(const MrRowStore *store, const MrRow *a, const MrRow *b)
{
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    for (uint32_t k = 0; k < store->order.key_count; k++) {
        const MrSortKey *key = &store->order.keys[k];
        int order = compare_column(store, a, b, key->column, key->descending, key->nulls_first);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int mr_cell_compare_looks(MrTypeId type, const void *a, const void *b)
{
    if (type == MR_TYPE_NUMERIC) {
        const MrDecimal *x = a, *y = b;
        return COMPARE(x->scale, y->scale);
    }
    if (type == MR_TYPE_INTERVAL) {
        const MrInterval *x = a, *y = b;
        return x->months != y->months ? COMPARE(x->months, y->months) : COMPARE(x->days, y->days);
    }
    if (type == MR_TYPE_FLOAT64 || type == MR_TYPE_FLOAT32) {
        size_t sign = mr_type_info(type)->width - 1u; /* the last byte of a little-endian float */
        return COMPARE(((const uint8_t *)a)[sign] & 0x80, ((const uint8_t *)b)[sign] & 0x80);
    }
    return 0;
}

static int compare_values(const MrRowStore *store, const MrRow *a, const MrRow *b)
{
    for (uint32_t t = 0; t < store->order.tie_count; t++) {
        int order = compare_column(store, a, b, store->order.ties[t], false, false);
        if (order != 0) {
            return order;
        }
    }
    for (uint32_t c = 0; c < store->in.column_count; c++) {
        int order = compare_column(store, a, b, c, false, false);
        if (order != 0) {
            return order;
        }
    }
    for (uint32_t c = 0; c < store->in.column_count; c++) {
        int order = mr_row_is_null(store, a, c)
                        ? 0
                        : mr_cell_compare_looks(store->in.columns[c].type.id,
                                                mr_row_cell(store, a, c), mr_row_cell(store, b, c));
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

int mr_row_compare(const MrRowStore *store, const MrRow *a, const MrRow *b)
{
    int order = mr_row_compare_keys(store, a, b);
    if (order != 0) {
        return order;
    }
    return store->order.by_value ? compare_values(store, a, b) : COMPARE(a->arrival, b->arrival);
}
