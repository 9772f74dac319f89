/*
 * engine/set_function.c - finds functions that give rows by name: see set_function.h.
 */
#include "engine/set_function.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/set_functions/set_families.h"

enum { ENTRIES_MAX = 128 };

static const MrSetFunction *entries[ENTRIES_MAX];
static uint32_t entry_count;
static pthread_once_t collected = PTHREAD_ONCE_INIT;

static int compare_entries(const void *a, const void *b)
{
    const MrSetFunction *x = *(const MrSetFunction *const *)a,
                        *y = *(const MrSetFunction *const *)b;
    int order = strcmp(x->name, y->name);
    /* Overloads stay in the order of their table, which is one array for each name. */
    return order != 0 ? order : (x > y) - (x < y);
}

static void collect_family(const MrSetFunction *table)
{
    for (; table->name != NULL && entry_count < ENTRIES_MAX; table++) {
        entries[entry_count++] = table;
    }
}

static void collect(void)
{
#define MR_SET_FAMILY(name, doc) collect_family(mr_set_functions_##name);
#include "engine/set_functions/set_functions.def"
#undef MR_SET_FAMILY
    qsort(entries, entry_count, sizeof *entries, compare_entries);
}

uint32_t mr_set_function_all(const MrSetFunction *const **out)
{
    pthread_once(&collected, collect);
    *out = entries;
    return entry_count;
}

uint32_t mr_set_function_lookup(MrString name, const MrSetFunction *const **out)
{
    uint32_t count = 0;
    pthread_once(&collected, collect);
    for (uint32_t i = 0; i < entry_count; i++) {
        if (mr_string_equal(mr_string(entries[i]->name), name)) {
            if (count == 0) {
                *out = &entries[i];
            }
            count++;
        }
    }
    return count;
}

MrStatus mr_set_null(const MrSetPage *page, uint32_t column, MrEval *eval)
{
    MrVector *vector = &page->columns[column];
    MR_TRY(mr_vector_make_nullable(vector, eval->arena, eval->err));
    mr_bitmap_clear(vector->validity, page->first + page->count);
    memset(mr_set_cell(page, column), 0, mr_type_info(vector->type.id)->width);
    return MR_OK;
}

MrStatus mr_set_text_copy(const MrSetPage *page, uint32_t column, MrString text, MrEval *eval)
{
    const char *copy = text.data;
    if (text.length > MR_TEXT_INLINE_MAX) {
        copy = mr_arena_strndup(eval->arena, text.data, text.length);
        if (copy == NULL) {
            return mr_error_no_memory(eval->err);
        }
    }
    *(MrText *)mr_set_cell(page, column) = mr_text_make(copy, (uint32_t)text.length);
    return MR_OK;
}
