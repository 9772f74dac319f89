/*
 * storage/reg.c - see reg.h.
 */
#include "storage/reg.h"

#include "common/floattext.h"

MrStatus mr_reg_make(MrArena *arena, uint32_t number, MrString name, MrText *out, MrError *err)
{
    char *bytes = mr_arena_alloc(arena, MR_REG_HEAD_BYTES + name.length);
    if (bytes == NULL) {
        return mr_error_no_memory(err);
    }
    uint32_t big = __builtin_bswap32(number);
    memcpy(bytes, &big, sizeof big);
    memcpy(bytes + MR_REG_HEAD_BYTES, name.data, name.length);
    *out = mr_text_make(bytes, (uint32_t)(MR_REG_HEAD_BYTES + name.length));
    return MR_OK;
}

MrStatus mr_reg_of_number(MrArena *arena, uint32_t number, MrText *out, MrError *err)
{
    char digits[24];
    size_t length = mr_int64_format(number, digits);
    return mr_reg_make(arena, number, number == 0 ? mr_string("-") : (MrString){ digits, length },
                       out, err);
}

MrStatus mr_reg_parse(MrArena *arena, MrString text, MrText *out, MrError *err)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9' && number <= UINT32_MAX;
         i++) {
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (i == text.length && i > 0 && number <= UINT32_MAX) {
        if (number == 0) {
            return mr_reg_make(arena, 0, mr_string("0"), out, err);
        }
        return mr_reg_of_number(arena, (uint32_t)number, out, err);
    }
    return mr_reg_make(arena, 0, text, out, err);
}

bool mr_reg_is_open(const MrText *value)
{
    MrString name = mr_reg_name(value);
    return mr_reg_number(value) == 0 && !mr_string_equal(name, mr_string("-")) &&
           !mr_string_equal(name, mr_string("0"));
}
