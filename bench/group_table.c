/*
 * bench/group_table.c - what a group table costs as it grows: so many different keys, in an order
 * without sense, 2 048 at a time; how long the mean and the longest of those calls take.  Then the
 * same keys again, which are all there.
 *
 * group_table [groups [dense]]      dense: the keys are 0 … groups - 1, which an array finds
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/hash.h"
#include "engine/group_table.h"

enum { STATE_BYTES = 24 };

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* An odd factor reaches every number below a power of two once. */
static uint64_t key_of(uint64_t i, uint64_t power, bool is_dense)
{
    uint64_t place = i * UINT64_C(0x9e3779b97f4a7c15) & (power - 1);
    return is_dense ? place : mr_hash_u64(place);
}

static void pass(MrGroupTable *table, const MrKeyLayout *layout, uint64_t groups, bool is_dense,
                 const char *what)
{
    uint64_t keys[MR_VECTOR_ROWS], hashes[MR_VECTOR_ROWS], power = 1;
    uint32_t numbers[MR_VECTOR_ROWS];
    double all = 0, longest = 0;
    MrError err = MR_ERROR_INIT;
    while (power < groups) {
        power *= 2;
    }
    for (uint64_t first = 0; first + MR_VECTOR_ROWS <= groups; first += MR_VECTOR_ROWS) {
        for (uint32_t i = 0; i < MR_VECTOR_ROWS; i++) {
            keys[i] = key_of(first + i, power, is_dense);
        }
        const MrKeyBatch batch = { .rows = MR_VECTOR_ROWS, .keys = (char *)keys, .hashes = hashes };
        double start = now_ns();
        mr_key_batch_hash(layout, batch.keys, NULL, MR_VECTOR_ROWS, hashes);
        if (mr_group_table_insert(table, &batch, NULL, MR_VECTOR_ROWS, numbers, &err) != MR_OK) {
            fprintf(stderr, "group_table: %s\n", err.message);
            exit(1);
        }
        double took = now_ns() - start;
        all += took;
        longest = took > longest ? took : longest;
    }
    printf("%-6s %9u groups  %6.1f ns a key  longest call %8.2f ms  %.1f bytes a group\n", what,
           table->count, all / (double)table->count, longest / 1e6,
           (double)mr_group_table_bytes(table) / (double)table->count);
}

int main(int argc, char **argv)
{
    uint64_t groups = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    bool is_dense = argc > 2;
    const MrTypeId types[] = { MR_TYPE_INT64 };
    MrKeyLayout layout;
    MrGroupTable table;
    MrMemory memory = { 0 };
    MrError err = MR_ERROR_INIT;
    if (groups < MR_VECTOR_ROWS || mr_key_layout_init(&layout, types, 1, &err) != MR_OK) {
        fprintf(stderr, "group_table: at least %d groups\n", MR_VECTOR_ROWS);
        return 1;
    }
    mr_group_table_init(&table, &layout, STATE_BYTES, &memory);
    pass(&table, &layout, groups, is_dense, "new");
    pass(&table, &layout, groups, is_dense, "again");
    mr_group_table_fini(&table);
    return 0;
}
