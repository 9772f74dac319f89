/*
 * storage/reg.h - a value of the reg types (regclass …): the number of an object together
 * with the name that it prints, so that whoever prints, sorts or sends it needs no catalogue.
 *
 *     bytes 0..3   the number, big-endian: values order by it
 *     the rest     the name as text
 *
 * A number without an object has its digits for a name, and 0 is "-", as in PostgreSQL; of an
 * operator "0", and of others until somebody knows the type.  Text that
 * was read where no catalogue is at hand (a parameter at Bind) is a name under the number 0.
 */
#ifndef MR_STORAGE_REG_H
#define MR_STORAGE_REG_H

#include "storage/types.h"

enum { MR_REG_HEAD_BYTES = 4 };

static inline uint32_t mr_reg_number(const MrText *value)
{
    uint32_t number = 0;
    if (value->length >= MR_REG_HEAD_BYTES) {
        memcpy(&number, mr_text_data(value), sizeof number);
    }
    return __builtin_bswap32(number);
}
static inline MrString mr_reg_name(const MrText *value)
{
    MrString all = mr_text_string(value);
    return all.length < MR_REG_HEAD_BYTES
               ? mr_string("")
               : (MrString){ all.data + MR_REG_HEAD_BYTES, all.length - MR_REG_HEAD_BYTES };
}
/* In the arena. */
MrStatus mr_reg_make(MrArena *arena, uint32_t number, MrString name, MrText *out, MrError *err);
/* Of a number that stands for nothing known. */
MrStatus mr_reg_of_number(MrArena *arena, uint32_t number, MrText *out, MrError *err);
/* Input text without a catalogue: digits are a number, "-" and "0" are 0, all else is not resolved
 * yet. */
MrStatus mr_reg_parse(MrArena *arena, MrString text, MrText *out, MrError *err);
/* True of text that was not resolved. */
bool mr_reg_is_open(const MrText *value);

#endif
