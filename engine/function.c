/*
 * engine/function.c - the registry: every family's table, sorted by name once.
 * Must not know SQL syntax or how overloads are chosen.
 */
#include "engine/function.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine/functions/families.h"

enum { FUNCTIONS_MAX = 2048, NAME_BYTES_MAX = 64, MORE_TABLES_MAX = 8 };

static const MrFunction *more_tables[MORE_TABLES_MAX];
static uint32_t more_counts[MORE_TABLES_MAX], more_count;

static const MrFunction *functions[FUNCTIONS_MAX];
static uint32_t function_count;
static pthread_once_t functions_once = PTHREAD_ONCE_INIT;

static int function_compare(const void *a, const void *b)
{
    return strcmp((*(const MrFunction *const *)a)->name, (*(const MrFunction *const *)b)->name);
}

/* Keeps the order of the tables among overloads: lists print the same way everywhere. */
static void functions_sort(void)
{
    for (uint32_t i = 1; i < function_count; i++) {
        const MrFunction *function = functions[i];
        uint32_t low = 0, high = i;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (function_compare(&functions[middle], &function) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        memmove(functions + low + 1, functions + low, (i - low) * sizeof functions[0]);
        functions[low] = function;
    }
}

static void family_add(const MrFunction *table, uint32_t count)
{
    assert(function_count + count <= FUNCTIONS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        functions[function_count++] = &table[i];
    }
}

void mr_function_add_table(const MrFunction *table, uint32_t count)
{
    assert(more_count < MORE_TABLES_MAX);
    more_tables[more_count] = table;
    more_counts[more_count++] = count;
}

static void functions_build(void)
{
#define MR_FAMILY(name, doc) family_add(mr_functions_##name, mr_functions_##name##_count);
#include "engine/functions/functions.def"
#undef MR_FAMILY
    for (uint32_t i = 0; i < more_count; i++) {
        family_add(more_tables[i], more_counts[i]);
    }
    functions_sort();
}

uint32_t mr_function_all(const MrFunction *const **out)
{
    pthread_once(&functions_once, functions_build);
    *out = functions;
    return function_count;
}

/* The first entry whose name is not below (or, `after`, is above) the wanted one. */
static uint32_t function_bound(const char *name, bool after)
{
    uint32_t low = 0, high = function_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(functions[middle]->name, name);
        if (order < 0 || (after && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t mr_function_lookup(MrString name, const MrFunction *const **out)
{
    char text[NAME_BYTES_MAX];
    pthread_once(&functions_once, functions_build);
    *out = NULL;
    if (name.length == 0 || name.length >= sizeof text ||
        memchr(name.data, 0, name.length) != NULL) {
        return 0;
    }
    memcpy(text, name.data, name.length);
    text[name.length] = '\0';
    uint32_t first = function_bound(text, false);
    uint32_t end = function_bound(text, true);
    *out = first < end ? functions + first : NULL;
    return end - first;
}
