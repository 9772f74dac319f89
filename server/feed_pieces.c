/*
 * server/feed_pieces.c - an input of bytes on several threads: the feed's reads pieces and appends
 * their blocks, both in order; in between a piece is converted by whoever is free.
 *
 *     cut -> slot -> convert -> slot -> append -> log        slots in a ring, taken in order
 *
 * What is logged depends on no thread's pace: a piece becomes the same blocks in any of them, and
 * rejected rows and errors wait in its slot for their turn.
 */
#include <stdlib.h>
#include <string.h>

#include "common/grow.h"
#include "common/settings.h"
#include "server/feed.h"
#include "server/workers.h"
#include "storage/sources/piece.h"

enum {
    LANES_MAX = 8,
    SLOTS_MORE = 2, /* than lanes: one to be read, one to be appended */
    SLOTS_MAX = LANES_MAX + SLOTS_MORE,
    REJECTS_MAX = 1000,     /* kept of a piece: as many as of the stream */
    REJECT_RAW_BYTES = 300, /* more than is shown */
    POLL_US = 100 * 1000,
    RANGE_BYTES_MIN = 64 << 10 /* of input, for which a range by itself is worth while */
};

/* A bad row that waits to be told. */
typedef struct Reject {
    uint64_t line;
    MrError reason;
    uint32_t raw_bytes;
    char raw[REJECT_RAW_BYTES];
} Reject;

typedef enum SlotState { SLOT_FREE, SLOT_CUT, SLOT_CONVERTING, SLOT_DONE } SlotState;

typedef struct Slot {
    SlotState state; /* under the mutex; the rest belongs to the thread that the state names */
    MrPiece piece;
    MrSourceOffset after;
    MrPieceBlock *blocks;
    uint32_t block_count, block_capacity;
    Reject *rejects; /* a ring of the last ones */
    uint32_t reject_capacity;
    uint64_t reject_count;
    bool is_over; /* the end marker was in it */
    MrStatus status;
    MrError err;
} Slot;

typedef struct Pieces Pieces;

/* A thread that converts; lane 0 is the feed's own. */
typedef struct Lane {
    Pieces *pieces;
    MrPieceReader *reader;
    Slot *slot; /* under way */
    pthread_t thread;
    bool is_started;
} Lane;

struct Pieces {
    MrFeed *feed;
    pthread_mutex_t mutex;
    pthread_cond_t has_work, is_done;
    bool is_ending;
    Slot slots[SLOTS_MAX];
    uint32_t slot_count;
    uint64_t cut_count, taken_count, appended_count; /* pieces so far; slot: modulo slot_count */
    Lane lanes[LANES_MAX];
    uint32_t lane_count;
    /* The feed's. */
    MrSourceState state;   /* of the input, behind the last piece */
    MrSourceOffset behind; /* its place there */
    MrStatus status;       /* of reading it */
    MrError err;
    bool is_over; /* the end marker was passed: what comes is no row */
    MrBuilder range;
    size_t range_begin_bytes; /* of `range`: what stands before each */
};

static Slot *slot_at(Pieces *pieces, uint64_t number)
{
    return &pieces->slots[number % pieces->slot_count];
}

/* ---- converting, on any lane ----------------------------------------------------------------- */

static void slot_reject(void *context, uint64_t line, MrString raw, const MrError *reason)
{
    Slot *slot = ((Lane *)context)->slot;
    if (slot->reject_count == slot->reject_capacity && slot->reject_capacity < REJECTS_MAX) {
        uint32_t capacity = slot->reject_capacity == 0 ? 8 : slot->reject_capacity * 5;
        Reject *larger = realloc(slot->rejects, capacity * sizeof *larger);
        if (larger != NULL) {
            slot->rejects = larger;
            slot->reject_capacity = capacity;
        }
    }
    uint64_t number = slot->reject_count++;
    if (slot->reject_capacity > 0) { /* else it is only counted */
        Reject *reject = &slot->rejects[number % slot->reject_capacity];
        reject->line = line;
        reject->reason = *reason;
        reject->raw_bytes =
            raw.length < sizeof reject->raw ? (uint32_t)raw.length : (uint32_t)sizeof reject->raw;
        if (reject->raw_bytes > 0) {
            memcpy(reject->raw, raw.data, reject->raw_bytes);
        }
    }
}

static MrStatus slot_add_block(Slot *slot, const MrPieceBlock *block, MrError *err)
{
    if (slot->block_count == slot->block_capacity) {
        void *larger = mr_grow(slot->blocks, sizeof *slot->blocks, &slot->block_capacity);
        if (larger == NULL) {
            mr_block_give_back(block->loan);
            return mr_error_no_memory(err);
        }
        slot->blocks = larger;
    }
    slot->blocks[slot->block_count++] = *block;
    return MR_OK;
}

static void slot_convert(Lane *lane, Slot *slot)
{
    bool found = true;
    lane->slot = slot;
    slot->err = (MrError)MR_ERROR_INIT;
    slot->status = MR_OK;
    mr_piece_reader_start(lane->reader, &slot->piece);
    while (slot->status == MR_OK && found) {
        MrPieceBlock block;
        slot->status = mr_piece_reader_next(lane->reader, &block, &found, &slot->err);
        if (slot->status == MR_OK && found) {
            slot->status = slot_add_block(slot, &block, &slot->err);
        }
    }
    slot->is_over = mr_piece_reader_is_over(lane->reader);
}

/* The oldest piece that nobody has taken; the mutex is held. */
static Slot *slot_take(Pieces *pieces)
{
    if (pieces->taken_count == pieces->cut_count) {
        return NULL;
    }
    Slot *slot = slot_at(pieces, pieces->taken_count++);
    slot->state = SLOT_CONVERTING;
    return slot;
}

static void *lane_main(void *context)
{
    Lane *lane = context;
    Pieces *pieces = lane->pieces;
    pthread_mutex_lock(&pieces->mutex);
    while (!pieces->is_ending) {
        Slot *slot = slot_take(pieces);
        if (slot == NULL) {
            pthread_cond_wait(&pieces->has_work, &pieces->mutex);
            continue;
        }
        pthread_mutex_unlock(&pieces->mutex);
        slot_convert(lane, slot);
        pthread_mutex_lock(&pieces->mutex);
        slot->state = SLOT_DONE;
        pthread_cond_signal(&pieces->is_done);
    }
    pthread_mutex_unlock(&pieces->mutex);
    return NULL;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static MrStatus lane_open(Pieces *pieces, MrError *err)
{
    Lane *lane = &pieces->lanes[pieces->lane_count];
    MrFeed *feed = pieces->feed;
    lane->pieces = pieces;
    MR_TRY(feed->source_class->reader_create(feed->source, slot_reject, lane, &lane->reader, err));
    if (pieces->lane_count++ > 0) {
        MR_TRY(mr_thread_start(&lane->thread, "convert", lane_main, lane, err));
        lane->is_started = true;
    }
    return MR_OK;
}

/* The feed's own lane serves until a second piece waits: most inputs are small. */
static MrStatus lanes_open(Pieces *pieces, MrError *err)
{
    uint32_t wanted = pieces->slot_count - SLOTS_MORE;
    if (pieces->lane_count == 0) {
        return lane_open(pieces, err);
    }
    while (pieces->cut_count > pieces->appended_count && pieces->lane_count < wanted) {
        MR_TRY(lane_open(pieces, err));
    }
    return MR_OK;
}

static void slot_clear(Slot *slot)
{
    for (uint32_t i = 0; i < slot->block_count; i++) {
        mr_block_give_back(slot->blocks[i].loan);
    }
    slot->block_count = 0;
    slot->reject_count = 0;
}

static void pieces_init(Pieces *pieces, MrFeed *feed)
{
    uint32_t lanes = (uint32_t)mr_settings_int(feed->server->settings, MR_SET_WORKERS);
    *pieces = (Pieces){ .feed = feed, .state = MR_SOURCE_MORE };
    pieces->slot_count = (lanes < LANES_MAX ? lanes : LANES_MAX) + SLOTS_MORE;
    pieces->err = (MrError)MR_ERROR_INIT;
    pthread_mutex_init(&pieces->mutex, NULL);
    pthread_cond_init(&pieces->has_work, NULL);
    pthread_cond_init(&pieces->is_done, NULL);
    mr_builder_init(&pieces->range, 0);
}

static void pieces_fini(Pieces *pieces)
{
    pthread_mutex_lock(&pieces->mutex);
    pieces->is_ending = true;
    pthread_cond_broadcast(&pieces->has_work);
    pthread_mutex_unlock(&pieces->mutex);
    for (uint32_t i = 0; i < pieces->lane_count; i++) {
        if (pieces->lanes[i].is_started) {
            pthread_join(pieces->lanes[i].thread, NULL);
        }
        mr_piece_reader_destroy(pieces->lanes[i].reader);
    }
    for (uint32_t i = 0; i < pieces->slot_count; i++) {
        Slot *slot = &pieces->slots[i];
        slot_clear(slot);
        mr_piece_fini(&slot->piece);
        free(slot->blocks);
        free(slot->rejects);
    }
    mr_builder_fini(&pieces->range);
    pthread_cond_destroy(&pieces->has_work);
    pthread_cond_destroy(&pieces->is_done);
    pthread_mutex_destroy(&pieces->mutex);
}

/* ---- appending, in order --------------------------------------------------------------------- */

/* What the log may hold in place of the block; empty: nothing. */
static MrStatus range_of(Pieces *pieces, const MrPieceBlock *block, MrString *out, MrError *err)
{
    MrFeed *feed = pieces->feed;
    MrBuilder *range = &pieces->range;
    *out = (MrString){ 0 };
    if (feed->range_use == MR_RANGES_NEVER ||
        (feed->range_use == MR_RANGES_LARGE && block->bytes < RANGE_BYTES_MIN)) {
        return MR_OK;
    }
    if (pieces->range_begin_bytes == 0) {
        MR_TRY(mr_ranges_begin(feed->relation->stream, range, err));
        pieces->range_begin_bytes = range->length;
    }
    range->length = pieces->range_begin_bytes;
    MR_TRY(feed->source_class->range_write(feed->source, block, range, err));
    if (range->length > pieces->range_begin_bytes) {
        *out = (MrString){ range->data, range->length };
    }
    return MR_OK;
}

/* Each block is a transaction, so that rows are visible as they come. */
static MrStatus block_append(Pieces *pieces, MrPieceBlock *block, MrError *err)
{
    MrFeed *feed = pieces->feed;
    MrString range;
    MrBlockLoan *loan = block->loan;
    uint64_t bytes = loan->bytes;
    MR_TRY(range_of(pieces, block, &range, err));
    block->loan = NULL;
    MR_TRY(mr_ingest_range(feed->ingest, loan, range, mr_string(block->after.text), err));
    return mr_feed_commit(feed, bytes, err);
}

static void rejects_tell(Pieces *pieces, const Slot *slot)
{
    MrFeed *feed = pieces->feed;
    uint64_t kept =
        slot->reject_count < slot->reject_capacity ? slot->reject_count : slot->reject_capacity;
    if (slot->reject_count > kept) {
        mr_ingest_rejected_pass(feed->relation->name, slot->reject_count - kept);
    }
    for (uint64_t i = slot->reject_count - kept; i < slot->reject_count; i++) {
        const Reject *reject = &slot->rejects[i % slot->reject_capacity];
        mr_ingest_reject(feed->ingest, reject->line, (MrString){ reject->raw, reject->raw_bytes },
                         &reject->reason);
    }
}

/* All that the piece became, also before it failed. */
static MrStatus slot_append(Pieces *pieces, Slot *slot, MrError *err)
{
    rejects_tell(pieces, slot);
    for (uint32_t i = 0; i < slot->block_count; i++) {
        if (i + 1 == slot->block_count && slot->status == MR_OK && !slot->is_over) {
            slot->blocks[i].after = slot->after; /* rejected rows behind it are done, too */
        }
        MR_TRY(block_append(pieces, &slot->blocks[i], err));
    }
    if (slot->status != MR_OK) {
        *err = slot->err;
        return slot->status;
    }
    pieces->is_over = pieces->is_over || slot->is_over;
    return MR_OK;
}

/* ---- the feed's turns ------------------------------------------------------------------------ */

/* Reads the next piece into a free slot.  What goes wrong is told when the pieces before it are
 * logged. */
static void cut_next(Pieces *pieces)
{
    MrFeed *feed = pieces->feed;
    Slot *slot = slot_at(pieces, pieces->cut_count);
    pieces->status = feed->source_class->cut(feed->source, &slot->piece, &pieces->behind,
                                             &pieces->state, &pieces->err);
    bool is_empty = slot->piece.length == 0;
    if (pieces->status == MR_OK &&
        (!is_empty || (pieces->state == MR_SOURCE_END && pieces->lane_count == 0))) {
        pieces->status = lanes_open(pieces, &pieces->err); /* a header may be bad without rows */
    }
    if (pieces->status != MR_OK || is_empty) {
        return;
    }
    slot->after = pieces->behind;
    pthread_mutex_lock(&pieces->mutex);
    slot->state = SLOT_CUT;
    pieces->cut_count++;
    pthread_cond_signal(&pieces->has_work);
    pthread_mutex_unlock(&pieces->mutex);
}

static bool may_cut(const Pieces *pieces)
{
    return pieces->status == MR_OK && pieces->state == MR_SOURCE_MORE &&
           pieces->cut_count - pieces->appended_count < pieces->slot_count;
}

static MrStatus append_first(Pieces *pieces, MrError *err)
{
    MrFeed *feed = pieces->feed;
    Slot *slot = slot_at(pieces, pieces->appended_count);
    MrSourceOffset after = slot->after;
    MR_TRY(pieces->is_over ? MR_OK : slot_append(pieces, slot, err));
    slot_clear(slot);
    slot->state = SLOT_FREE;
    pieces->appended_count++;
    mr_feed_note_offset(feed, &after);
    return MR_OK;
}

/* Converts a piece itself, or waits for the one that is to be appended next. */
static void help_or_wait(Pieces *pieces)
{
    Slot *first = slot_at(pieces, pieces->appended_count);
    pthread_mutex_lock(&pieces->mutex);
    Slot *slot = slot_take(pieces);
    if (slot == NULL && first->state == SLOT_CONVERTING) {
        pthread_cond_wait(&pieces->is_done, &pieces->mutex);
    }
    pthread_mutex_unlock(&pieces->mutex);
    if (slot != NULL) {
        slot_convert(&pieces->lanes[0], slot);
        pthread_mutex_lock(&pieces->mutex);
        slot->state = SLOT_DONE;
        pthread_mutex_unlock(&pieces->mutex);
    }
}

static bool first_is_done(Pieces *pieces)
{
    pthread_mutex_lock(&pieces->mutex);
    bool is_done = pieces->appended_count < pieces->cut_count &&
                   slot_at(pieces, pieces->appended_count)->state == SLOT_DONE;
    pthread_mutex_unlock(&pieces->mutex);
    return is_done;
}

/* All pieces are logged: the input has ended, or may have more later. */
static MrStatus rest(Pieces *pieces, MrError *err)
{
    MrFeed *feed = pieces->feed;
    if (pieces->status != MR_OK) {
        *err = pieces->err;
        return pieces->status;
    }
    if (pieces->state == MR_SOURCE_WAIT) {
        mr_feed_note_offset(feed, &pieces->behind); /* behind a header line no piece tells it */
        mr_feed_pause(feed, POLL_US);
        pieces->state = MR_SOURCE_MORE;
    }
    return MR_OK;
}

static MrStatus turn(Pieces *pieces, MrError *err)
{
    MR_TRY(mr_feed_take_mark(pieces->feed, err));
    if (first_is_done(pieces)) {
        return append_first(pieces, err);
    }
    if (may_cut(pieces)) {
        cut_next(pieces);
        return MR_OK;
    }
    if (pieces->appended_count < pieces->cut_count) {
        help_or_wait(pieces);
        return MR_OK;
    }
    return rest(pieces, err);
}

MrStatus mr_feed_read_pieces(MrFeed *feed, MrError *err)
{
    Pieces *pieces = malloc(sizeof *pieces);
    if (pieces == NULL) {
        return mr_error_no_memory(err);
    }
    pieces_init(pieces, feed);
    MrStatus status = MR_OK;
    while (status == MR_OK && !mr_feed_is_stopping(feed) &&
           (pieces->state != MR_SOURCE_END || pieces->status != MR_OK ||
            pieces->appended_count < pieces->cut_count)) {
        status = turn(pieces, err);
    }
    pieces_fini(pieces);
    free(pieces);
    return status;
}
