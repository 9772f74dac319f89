/*
 * engine/functions/jsonb_contains.c - what a jsonb value holds: @>, <@, ?, ?|, ?&.
 */
#include "engine/functions/families.h"
#include "engine/functions/json_rows.h"
#include "storage/jsontext.h"

static bool is_container(MrString json)
{
    const char first = mr_json_first(json);
    return first == '{' || first == '[';
}

static bool deep_contains(MrString whole, MrString part);

static bool value_contains(MrString value, MrString part)
{
    if (is_container(value) != is_container(part)) {
        return false;
    }
    return is_container(part) ? deep_contains(value, part) : mr_jsonb_compare(value, part) == 0;
}

static bool has_member(MrString object, MrString name, MrString part)
{
    MrJsonItems items = mr_json_items(object);
    MrString other, value;
    while (mr_json_next(&items, &other, &value)) {
        if (mr_string_equal(other, name)) { /* both are in the normal form */
            return value_contains(value, part);
        }
    }
    return false;
}

static bool has_element(MrString array, MrString part)
{
    MrJsonItems items = mr_json_items(array);
    MrString name, value;
    while (mr_json_next(&items, &name, &value)) {
        if (value_contains(value, part)) {
            return true;
        }
    }
    return false;
}

/* Two containers. */
static bool deep_contains(MrString whole, MrString part)
{
    const char first = mr_json_first(whole);
    MrJsonItems items = mr_json_items(part);
    MrString name, value;
    if (first != mr_json_first(part)) {
        return false;
    }
    while (mr_json_next(&items, &name, &value)) {
        if (first == '{' ? !has_member(whole, name, value) : !has_element(whole, value)) {
            return false;
        }
    }
    return true;
}

/* As whole values: an array contains a scalar that is one of its elements. */
static bool jsonb_contains_value(MrString whole, MrString part)
{
    if (!is_container(part)) {
        return mr_json_first(whole) == '['
                   ? has_element(whole, part)
                   : !is_container(whole) && mr_jsonb_compare(whole, part) == 0;
    }
    return is_container(whole) && deep_contains(whole, part);
}

#define CONTAINS_KERNEL(NAME, WHOLE, PART)                                                     \
    MR_KERNEL(NAME)                                                                            \
    {                                                                                          \
        (void)eval, (void)arg_count;                                                           \
        MR_EACH_ROW(i)                                                                         \
        {                                                                                      \
            ((uint8_t *)out->data)[i] =                                                        \
                jsonb_contains_value(mr_arg_text(args[WHOLE], i), mr_arg_text(args[PART], i)); \
        }                                                                                      \
        return MR_OK;                                                                          \
    }
CONTAINS_KERNEL(jsonb_contains, 0, 1)
CONTAINS_KERNEL(jsonb_contained, 1, 0)

/* A member of that name, an element that is that string, or the string itself. */
static bool has_key(MrString json, MrString key)
{
    const char first = mr_json_first(json);
    MrJsonItems items = mr_json_items(json);
    MrString name, value;
    if (first == '"') {
        return mr_json_name_is(mr_json_trim(json), key);
    }
    while (mr_json_next(&items, &name, &value)) {
        const MrString word = first == '{' ? name : value;
        if (mr_json_first(word) == '"' && mr_json_name_is(word, key)) {
            return true;
        }
    }
    return false;
}
MR_KERNEL(jsonb_has_key)
{
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        ((uint8_t *)out->data)[i] = has_key(mr_arg_text(args[0], i), mr_arg_text(args[1], i));
    }
    return MR_OK;
}

static MrStatus has_keys(const MrVector *const *args, uint32_t rows, MrVector *out, bool all)
{
    MR_EACH_ROW(i)
    {
        _Alignas(16) char cell[MR_CELL_BYTES_MAX];
        MrArray keys;
        bool result = all;
        mr_arg_array_open(args[1], i, &keys);
        for (uint32_t k = 0; k < keys.count && result == all; k++) {
            if (!mr_array_is_null(&keys, k)) {
                result = has_key(mr_arg_text(args[0], i), mr_text_element(&keys, k, cell));
            }
        }
        ((uint8_t *)out->data)[i] = result;
    }
    return MR_OK;
}
MR_KERNEL(jsonb_has_any)
{
    (void)eval, (void)arg_count;
    return has_keys(args, rows, out, false);
}
MR_KERNEL(jsonb_has_all)
{
    (void)eval, (void)arg_count;
    return has_keys(args, rows, out, true);
}

const MrFunction mr_functions_jsonb_contains[] = {
    F2("@>", JSONB, JSONB, BOOL, jsonb_contains, 0,
       "Has all that the other has, at the same places.",
       "'{\"a\": 1, \"b\": [1, 2]}'::jsonb @> '{\"b\": [2]}'::jsonb", "t"),
    F2("<@", JSONB, JSONB, BOOL, jsonb_contained, 0, "All it has is in the other.",
       "'{\"b\": 2}'::jsonb <@ '{\"a\": 1, \"b\": 2}'::jsonb", "t"),
    F2("?", JSONB, TEXT, BOOL, jsonb_has_key, 0, "Has that member, or that string as an element.",
       "'[\"a\", \"b\"]'::jsonb ? 'b'", "t"),
    F2("?|", JSONB, TEXT_ARRAY, BOOL, jsonb_has_any, 0, "Has one of them.",
       "'{\"a\": 1}'::jsonb ?| ARRAY['b', 'a']", "t"),
    F2("?&", JSONB, TEXT_ARRAY, BOOL, jsonb_has_all, 0, "Has all of them.",
       "'{\"a\": 1}'::jsonb ?& ARRAY['b', 'a']", "f"),
};
MR_FAMILY_COUNT(jsonb_contains);
