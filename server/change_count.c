/*
 * server/change_count.c - how many rows a statement changes that runs at COMMIT only: those that it
 * would change now.  Drivers and object mappers take another number than the one that they expect
 * for a conflict.  Must not change anything.
 */
#include <stdlib.h>
#include <string.h>

#include "server/changes.h"

static int by_place(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A join may find a row twice: it changes once.  Places are the first column. */
static MrStatus count_places(const MrResult *rows, uint64_t *out, MrError *err)
{
    int64_t *places = malloc((rows->row_count + 1) * sizeof *places);
    uint64_t count = 0, distinct = 0;
    if (places == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t b = 0; b < rows->block_count; b++) {
        const MrVector *vector = &rows->blocks[b]->columns[0];
        for (uint32_t row = 0; row < rows->blocks[b]->row_count; row++) {
            places[count++] = *(const int64_t *)mr_vector_cell(vector, row);
        }
    }
    qsort(places, count, sizeof *places, by_place);
    for (uint64_t i = 0; i < count; i++) {
        distinct += i == 0 || places[i] != places[i - 1];
    }
    free(places);
    *out = distinct;
    return MR_OK;
}

static void finish(MrSession *session, MrStatus status, const MrError *err)
{
    MrSessionThen *then = session->changes_then;
    mr_result_destroy(session->counted);
    session->counted = NULL;
    session->is_counting = false;
    session->changes_then = NULL;
    then(session, status, err);
}

/* What cannot be computed over the rows of now says nothing of those at COMMIT, which statements
 * before it may have changed: it runs then, and tells then. */
static bool is_of_the_rows(const MrError *err)
{
    return strncmp(err->sqlstate, "22", 2) == 0 || strncmp(err->sqlstate, "21", 2) == 0;
}

static void rows_are_there(MrSession *session, MrStatus status, const MrError *err)
{
    MrError own = MR_ERROR_INIT;
    MrChange *change = session->transaction.last_deferred;
    if (status == MR_OK && change->plan->kind == MR_CHANGE_INSERT) {
        change->count = session->counted->row_count;
    } else if (status == MR_OK) {
        status = count_places(session->counted, &change->count, &own);
        err = status == MR_OK ? NULL : &own;
    } else if (is_of_the_rows(err)) {
        status = MR_OK;
        err = NULL;
    }
    finish(session, status, err);
}

bool mr_change_can_be_counted(const MrChange *change)
{
    return change->plan->rows != NULL && change->rows == NULL && !change->is_truncate &&
           change->plan->conflict == MR_CONFLICT_NONE;
}

void mr_change_count(MrSession *session, MrChange *change, MrSessionThen *then)
{
    session->changes_then = then;
    session->is_counting = true;
    mr_select_start_for(session, change->plan->rows, change->memory, change->catalog,
                        &session->counted, false, rows_are_there);
}
