/*
 * storage/codecs/loan.c - blocks that leave their decoder with their buffers, so that nobody copies
 * them: a loan holds the stage that made it, and the decoder goes on in one that came back.
 * Must not know any format.
 */
#include "storage/codecs/decoder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Stages that wait to be used again; more would be memory that lies idle. */
enum { SHELF_STAGES_MAX = 2 };

typedef struct StageLoan StageLoan;
struct StageLoan {
    MrBlockLoan base;
    MrStage stage;
    MrStageShelf *shelf; /* a share */
    StageLoan *next;     /* on the shelf */
};

struct MrStageShelf {
    pthread_mutex_t mutex;
    StageLoan *first;
    uint32_t count;
    uint32_t shares; /* the decoder's, and one of each loan that is out */
    bool is_closed;  /* the decoder has gone */
};

static MrStageShelf *shelf_create(void)
{
    MrStageShelf *shelf = calloc(1, sizeof *shelf);
    if (shelf != NULL) {
        pthread_mutex_init(&shelf->mutex, NULL);
        shelf->shares = 1;
    }
    return shelf;
}

static void loan_free(StageLoan *loan)
{
    if (loan != NULL) {
        mr_stage_fini(&loan->stage);
        free(loan);
    }
}

/* Gives up a share; the mutex is held and released. */
static void shelf_leave(MrStageShelf *shelf)
{
    bool is_last = --shelf->shares == 0;
    pthread_mutex_unlock(&shelf->mutex);
    if (is_last) {
        pthread_mutex_destroy(&shelf->mutex);
        free(shelf);
    }
}

void mr_stage_shelf_close(MrStageShelf *shelf)
{
    if (shelf == NULL) {
        return;
    }
    pthread_mutex_lock(&shelf->mutex);
    shelf->is_closed = true;
    while (shelf->first != NULL) {
        StageLoan *next = shelf->first->next;
        loan_free(shelf->first);
        shelf->first = next;
    }
    shelf_leave(shelf);
}

static void loan_give_back(MrBlockLoan *base)
{
    StageLoan *loan = (StageLoan *)base;
    MrStageShelf *shelf = loan->shelf;
    pthread_mutex_lock(&shelf->mutex);
    if (!shelf->is_closed && shelf->count < SHELF_STAGES_MAX) {
        loan->next = shelf->first;
        shelf->first = loan;
        shelf->count++;
        loan = NULL;
    }
    shelf_leave(shelf);
    loan_free(loan);
}

/* A loan with a stage to go on in: one that came back, or a new one. */
static MrStatus loan_take(MrDecoder *decoder, StageLoan **out, MrError *err)
{
    if (decoder->shelf == NULL && (decoder->shelf = shelf_create()) == NULL) {
        return mr_error_no_memory(err);
    }
    MrStageShelf *shelf = decoder->shelf;
    pthread_mutex_lock(&shelf->mutex);
    StageLoan *loan = shelf->first;
    if (loan != NULL) {
        shelf->first = loan->next;
        shelf->count--;
    }
    pthread_mutex_unlock(&shelf->mutex);
    *out = loan;
    if (loan != NULL) {
        return MR_OK;
    }
    loan = calloc(1, sizeof *loan);
    if (loan == NULL) {
        return mr_error_no_memory(err);
    }
    loan->base.give_back = loan_give_back;
    loan->shelf = shelf;
    MrStatus status = mr_stage_init(&loan->stage, &decoder->options, err);
    if (status != MR_OK) {
        loan_free(loan);
        return status;
    }
    *out = loan;
    return MR_OK;
}

static uint64_t stage_bytes(const MrStage *stage)
{
    uint64_t bytes = sizeof(StageLoan) + stage->arena.used_bytes;
    for (uint32_t i = 0; i < stage->column_count; i++) {
        bytes += (uint64_t)mr_type_info(stage->columns[i].type.id)->width * stage->row_capacity +
                 stage->row_capacity / 8;
    }
    return bytes;
}

MrStatus mr_decoder_lend(MrDecoder *decoder, MrBlockLoan **out, MrError *err)
{
    MrBlock *block;
    StageLoan *loan = NULL;
    *out = NULL;
    MR_TRY(mr_stage_take(&decoder->stage, &block, err));
    if (block == NULL) {
        return MR_OK;
    }
    MR_TRY(loan_take(decoder, &loan, err));
    MrStage full = decoder->stage;
    decoder->stage = loan->stage;
    decoder->stage.row_limit = full.row_limit;
    /* What a header line said of the columns is known to the stage that it was read into. */
    memcpy(decoder->stage.filled, full.filled, sizeof *full.filled * full.column_count);
    loan->stage = full;
    loan->base.block = &loan->stage.block;
    loan->base.bytes = stage_bytes(&full);
    pthread_mutex_lock(&loan->shelf->mutex);
    loan->shelf->shares++;
    pthread_mutex_unlock(&loan->shelf->mutex);
    *out = &loan->base;
    return MR_OK;
}
