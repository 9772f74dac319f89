/*
 * engine/owned_cell.c - see owned_cell.h.
 */
#include "engine/owned_cell.h"

#include <stdlib.h>
#include <string.h>

MrStatus mr_owned_cell_set(MrTypeId type, const void *cell, char *out, MrMemory *memory,
                           MrError *err)
{
    MrText text;
    memcpy(out, cell, mr_type_info(type)->width);
    if (!mr_type_is_text(type)) {
        return MR_OK;
    }
    memcpy(&text, cell, sizeof text);
    if (text.length <= MR_TEXT_INLINE_MAX) {
        return MR_OK;
    }
    MR_TRY(mr_memory_charge(memory, text.length, err));
    char *own = malloc(text.length);
    if (own == NULL) {
        (void)mr_memory_charge(memory, -(int64_t)text.length, NULL);
        return mr_error_no_memory(err);
    }
    memcpy(own, text.pointer, text.length);
    text.pointer = own;
    memcpy(out, &text, sizeof text);
    return MR_OK;
}

void mr_owned_cell_free(MrTypeId type, char *cell, MrMemory *memory)
{
    MrText text;
    if (!mr_type_is_text(type)) {
        return;
    }
    memcpy(&text, cell, sizeof text);
    if (text.length > MR_TEXT_INLINE_MAX) {
        (void)mr_memory_charge(memory, -(int64_t)text.length, NULL);
        free((char *)text.pointer);
    }
}
