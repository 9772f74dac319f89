/*
 * engine/functions/bpchar.c - char(n): comparison and length without the blanks at the end.  What
 * else it is used for takes it as text, which has them no more.
 */
#include "engine/functions/comparison_template.h"
#include "storage/bpchar.h"

#define BPCHAR_EQ(x, y) (mr_bpchar_compare(&(x), &(y)) == 0)
#define BPCHAR_NE(x, y) (mr_bpchar_compare(&(x), &(y)) != 0)
#define BPCHAR_LT(x, y) (mr_bpchar_compare(&(x), &(y)) < 0)
#define BPCHAR_LE(x, y) (mr_bpchar_compare(&(x), &(y)) <= 0)
COMPARE_GUARDED(bpchar_bpchar, MrText, MrText, BPCHAR)

MR_KERNEL(bpchar_length)
{
    int32_t *results = out->data;
    (void)eval, (void)arg_count;
    mr_kernel_clear(out, rows);
    MR_EACH_ROW(i)
    {
        const MrText text = mr_bpchar_trim(&MR_ARG(MrText, 0, i));
        results[i] = (int32_t)mr_utf8_length(mr_text_data(&text), text.length);
    }
    return MR_OK;
}

const MrFunction mr_functions_bpchar[] = {
    COMPARE_ENTRIES(BPCHAR, BPCHAR, bpchar_bpchar, 0, "'abc'::char(3)", "'abd'::char(4)")
        F1("length", BPCHAR, INT32, bpchar_length, 0, "Number of characters before the padding.",
           "length('ab'::char(5))", "2"),
    F1("char_length", BPCHAR, INT32, bpchar_length, 0, "Number of characters before the padding.",
       "char_length('ab'::char(5))", "2"),
    F1("character_length", BPCHAR, INT32, bpchar_length, 0,
       "Number of characters before the padding.", "character_length('ab'::char(5))", "2"),
};
MR_FAMILY_COUNT(bpchar);
