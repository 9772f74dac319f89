/*
 * storage/jsonb_order.c - the order of jsonb values, as PostgreSQL has it: null, strings, numbers,
 * bools, arrays, objects; containers by their number of parts, then part by part.
 * Equal numbers are equal, 1.0 and 1.00 too.  Must not know columns or SQL.
 */
#include "common/decimal.h"
#include "common/hash.h"
#include "storage/jsontext.h"
#include "storage/jsonwalk.h"

#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int kind_rank(MrString json)
{
    switch (json.length > 0 ? json.data[0] : 'n') {
    case 'n': return 0;
    case '"': return 1;
    case 't':
    case 'f': return 3;
    case '[': return 4;
    case '{': return 5;
    default: return 2;
    }
}

static uint32_t parts_count(MrString json)
{
    MrJsonItems items = mr_json_items(json);
    MrString name, value;
    uint32_t count = 0;
    while (mr_json_next(&items, &name, &value)) {
        count++;
    }
    return count;
}

static int bytes_compare(MrString a, MrString b)
{
    const size_t least = a.length < b.length ? a.length : b.length;
    const int order = least > 0 ? memcmp(a.data, b.data, least) : 0;
    return order != 0 ? order : COMPARE(a.length, b.length);
}

/* Literals with their quotes.  Where there are escapes, what they stand for is compared. */
static int strings_compare(MrString a, MrString b)
{
    MrString x = { a.data + 1, a.length - 2 }, y = { b.data + 1, b.length - 2 };
    if (memchr(x.data, '\\', x.length) == NULL && memchr(y.data, '\\', y.length) == NULL) {
        return bytes_compare(x, y);
    }
    MrBuilder left, right;
    mr_builder_init(&left, 0);
    mr_builder_init(&right, 0);
    if (mr_json_string_text(a, &left, NULL) == MR_OK &&
        mr_json_string_text(b, &right, NULL) == MR_OK) {
        x = (MrString){ left.data, left.length };
        y = (MrString){ right.data, right.length };
    }
    const int order = bytes_compare(x, y);
    mr_builder_fini(&left);
    mr_builder_fini(&right);
    return order;
}

static int numbers_compare(MrString a, MrString b)
{
    MrDecimal x, y;
    if (mr_decimal_parse(a, &x, NULL) != MR_OK || mr_decimal_parse(b, &y, NULL) != MR_OK) {
        return bytes_compare(a, b); /* more digits than numeric has */
    }
    return mr_decimal_compare(&x, &y);
}

static int containers_compare(MrString a, MrString b)
{
    const int count_order = COMPARE(parts_count(a), parts_count(b));
    if (count_order != 0) {
        return count_order;
    }
    MrJsonItems left = mr_json_items(a), right = mr_json_items(b);
    MrString left_name, right_name, left_value, right_value;
    while (mr_json_next(&left, &left_name, &left_value) &&
           mr_json_next(&right, &right_name, &right_value)) {
        int order = left_name.length > 0 ? strings_compare(left_name, right_name) : 0;
        if (order == 0) {
            order = mr_jsonb_compare(left_value, right_value);
        }
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

int mr_jsonb_compare(MrString a, MrString b)
{
    a = mr_json_trim(a);
    b = mr_json_trim(b);
    const int rank_a = kind_rank(a), rank_b = kind_rank(b);
    if (rank_a != rank_b) {
        return COMPARE(rank_a, rank_b);
    }
    switch (rank_a) {
    case 1: return strings_compare(a, b);
    case 2: return numbers_compare(a, b);
    case 3: return COMPARE(a.data[0], b.data[0]); /* false before true */
    case 4:
    case 5: return containers_compare(a, b);
    default: return 0;
    }
}

int mr_jsonb_compare_values(MrString a, MrString b)
{
    /* As a whole value a scalar counts as an array of one: above the empty array. */
    const int rank_a = kind_rank(mr_json_trim(a)), rank_b = kind_rank(mr_json_trim(b));
    if (rank_a == 4 && rank_b < 4 && parts_count(a) == 0) {
        return -1;
    }
    if (rank_b == 4 && rank_a < 4 && parts_count(b) == 0) {
        return 1;
    }
    return mr_jsonb_compare(a, b);
}

uint64_t mr_jsonb_hash(MrString json)
{
    json = mr_json_trim(json);
    const int rank = kind_rank(json);
    uint64_t hash = mr_hash_u64((uint64_t)rank);
    if (rank == 2) {
        MrDecimal value;
        return mr_decimal_parse(json, &value, NULL) == MR_OK
                   ? mr_hash_combine(hash, mr_decimal_hash(&value))
                   : mr_hash_combine(hash, mr_hash_bytes(json.data, json.length));
    }
    if (rank < 4) {
        return mr_hash_combine(hash, mr_hash_bytes(json.data, json.length));
    }
    MrJsonItems items = mr_json_items(json);
    MrString name, value;
    while (mr_json_next(&items, &name, &value)) {
        if (name.length > 0) {
            hash = mr_hash_combine(hash, mr_hash_bytes(name.data, name.length));
        }
        hash = mr_hash_combine(hash, mr_jsonb_hash(value));
    }
    return hash;
}
