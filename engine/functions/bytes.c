/*
 * engine/functions/bytes.c - bits and bytes of bytea: numbered from 0, bit 0 the lowest of byte 0;
 * trimming and replacing.
 */
#include "engine/functions/families.h"
#include "engine/functions/text_characters.h"

static MrStatus out_of_range(MrEval *eval, const MrVector *out, uint32_t row, int64_t index,
                             int64_t count)
{
    return mr_eval_row_error(eval, out, row, MR_ERR_ARRAY_SUBSCRIPT,
                             "index %lld out of valid range, 0..%lld", (long long)index,
                             (long long)count - 1);
}

MR_KERNEL(bytea_get_byte)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i);
        const int32_t index = MR_ARG(int32_t, 1, i);
        results[i] = 0;
        if (index < 0 || (size_t)index >= bytes.length) {
            MR_TRY(out_of_range(eval, out, i, index, (int64_t)bytes.length));
        } else {
            results[i] = (uint8_t)bytes.data[index];
        }
    }
    return MR_OK;
}

MR_KERNEL(bytea_get_bit)
{
    int32_t *results = out->data;
    (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i);
        const int64_t index = MR_ARG(int64_t, 1, i), count = (int64_t)bytes.length * 8;
        results[i] = 0;
        if (index < 0 || index >= count) {
            MR_TRY(out_of_range(eval, out, i, index, count));
        } else {
            results[i] = (uint8_t)bytes.data[index / 8] >> (index % 8) & 1;
        }
    }
    return MR_OK;
}

/* A copy of the bytes that may be changed; NULL after an error. */
static char *bytes_copy(MrEval *eval, MrString bytes)
{
    char *copy = mr_kernel_text_room(eval, bytes.length);
    if (copy != NULL && bytes.length > 0) {
        memcpy(copy, bytes.data, bytes.length);
    }
    return copy;
}

MR_KERNEL(bytea_set_byte)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i);
        const int32_t index = MR_ARG(int32_t, 1, i);
        if (index < 0 || (size_t)index >= bytes.length) {
            MR_TRY(out_of_range(eval, out, i, index, (int64_t)bytes.length));
            continue;
        }
        char *copy = bytes_copy(eval, bytes);
        if (copy == NULL) {
            return MR_ERR_OUT_OF_MEMORY;
        }
        copy[index] = (char)MR_ARG(int32_t, 2, i);
        ((MrText *)out->data)[i] = mr_text_make(copy, (uint32_t)bytes.length);
    }
    return MR_OK;
}

MR_KERNEL(bytea_set_bit)
{
    (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i);
        const int64_t index = MR_ARG(int64_t, 1, i), count = (int64_t)bytes.length * 8;
        const int32_t bit = MR_ARG(int32_t, 2, i);
        if (index < 0 || index >= count) {
            MR_TRY(out_of_range(eval, out, i, index, count));
            continue;
        }
        if (bit != 0 && bit != 1) {
            MR_TRY(mr_eval_row_error(eval, out, i, MR_ERR_INVALID_PARAMETER,
                                     "new bit must be 0 or 1"));
            continue;
        }
        char *copy = bytes_copy(eval, bytes);
        if (copy == NULL) {
            return MR_ERR_OUT_OF_MEMORY;
        }
        const int mask = 1 << (index % 8);
        copy[index / 8] = (char)(bit != 0 ? copy[index / 8] | mask : copy[index / 8] & ~mask);
        ((MrText *)out->data)[i] = mr_text_make(copy, (uint32_t)bytes.length);
    }
    return MR_OK;
}

MR_KERNEL(bytea_bit_count)
{
    int64_t *results = out->data;
    (void)eval, (void)arg_count;
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i);
        int64_t count = 0;
        for (size_t k = 0; k < bytes.length; k++) {
            count += __builtin_popcount((uint8_t)bytes.data[k]);
        }
        results[i] = count;
    }
    return MR_OK;
}

/* ---- trimming ---- */

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static bool set_has(MrString set, char byte)
{
    return set.length > 0 && memchr(set.data, byte, set.length) != NULL;
}

static MrStatus trim(const MrVector *const *args, uint32_t rows, MrVector *out, int sides)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i), set = mr_arg_text(args[1], i);
        size_t from = 0, to = bytes.length;
        while ((sides & TRIM_LEFT) != 0 && from < to && set_has(set, bytes.data[from])) {
            from++;
        }
        while ((sides & TRIM_RIGHT) != 0 && to > from && set_has(set, bytes.data[to - 1])) {
            to--;
        }
        mr_set_part(out, i, bytes, from, to);
    }
    return MR_OK;
}
#define TRIM_KERNEL(NAME, SIDES)             \
    MR_KERNEL(NAME)                          \
    {                                        \
        (void)eval, (void)arg_count;         \
        return trim(args, rows, out, SIDES); \
    }
TRIM_KERNEL(bytea_ltrim, TRIM_LEFT)
TRIM_KERNEL(bytea_rtrim, TRIM_RIGHT)
TRIM_KERNEL(bytea_btrim, TRIM_LEFT | TRIM_RIGHT)

/* ---- overlay ---- */

/* Counts beyond either end are cut. */
static size_t byte_offset(MrString bytes, int64_t at)
{
    return at <= 0 ? 0 : (size_t)at < bytes.length ? (size_t)at : bytes.length;
}

MR_KERNEL(bytea_overlay)
{
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrString bytes = mr_arg_text(args[0], i), other = mr_arg_text(args[1], i);
        const int64_t start = MR_ARG(int32_t, 2, i);
        const int64_t count = arg_count == 4 ? MR_ARG(int32_t, 3, i) : (int64_t)other.length;
        bool ok;
        MR_TRY(mr_overlay_check(eval, out, i, start, count, &ok));
        if (!ok) {
            continue;
        }
        MR_TRY(mr_overlay_set(eval, out, i, bytes, other, byte_offset(bytes, start - 1),
                              byte_offset(bytes, start - 1 + count)));
    }
    return MR_OK;
}

const MrFunction mr_functions_bytes[] = {
    F2("get_byte", BYTEA, INT32, INT32, bytea_get_byte, FALLIBLE, "Byte n, from 0.",
       "get_byte('\\x1234567890'::bytea, 4)", "144"),
    F2("get_bit", BYTEA, INT64, INT32, bytea_get_bit, FALLIBLE, "Bit n, from 0.",
       "get_bit('\\x1234567890'::bytea, 30)", "1"),
    F3("set_byte", BYTEA, INT32, INT32, BYTEA, bytea_set_byte, FALLIBLE, "With byte n changed.",
       "set_byte('\\x1234567890'::bytea, 4, 64)", "\\x1234567840"),
    F3("set_bit", BYTEA, INT64, INT32, BYTEA, bytea_set_bit, FALLIBLE, "With bit n changed.",
       "set_bit('\\x1234567890'::bytea, 30, 0)", "\\x1234563890"),
    F1("bit_count", BYTEA, INT64, bytea_bit_count, 0, "Number of bits that are 1.",
       "bit_count('\\x1234567890'::bytea)", "15"),
    F2("ltrim", BYTEA, BYTEA, BYTEA, bytea_ltrim, 0, "Without those bytes at the start.",
       "ltrim('\\x1234567890'::bytea, '\\x9012'::bytea)", "\\x34567890"),
    F2("rtrim", BYTEA, BYTEA, BYTEA, bytea_rtrim, 0, "Without those bytes at the end.",
       "rtrim('\\x1234567890'::bytea, '\\x9012'::bytea)", "\\x12345678"),
    F2("btrim", BYTEA, BYTEA, BYTEA, bytea_btrim, 0, "Without those bytes at both ends.",
       "btrim('\\x1234567890'::bytea, '\\x9012'::bytea)", "\\x345678"),
    F3("overlay", BYTEA, BYTEA, INT32, BYTEA, bytea_overlay, FALLIBLE,
       "With bytes from a place on replaced, as many as there are.",
       "overlay('\\x1234567890'::bytea PLACING '\\x00ff'::bytea FROM 2)", "\\x1200ff7890"),
    F4("overlay", BYTEA, BYTEA, INT32, INT32, BYTEA, bytea_overlay, FALLIBLE,
       "With n bytes from a place on replaced.",
       "overlay('\\x1234567890'::bytea PLACING '\\x00ff'::bytea FROM 2 FOR 1)", "\\x1200ff567890"),
};
MR_FAMILY_COUNT(bytes);
