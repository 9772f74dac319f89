/*
 * storage/log_net.c - old files of the log as one, with tables as their contents: see log_net.h.
 */
#include "storage/log_net.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/logging.h"
#include "storage/log_net_internal.h"

/* ---- which files ----------------------------------------------------------------------------- */

static bool segment_can_go(MrLog *log, const LogSegment *segment, uint64_t sequence)
{
    return segment != log_current(log) && !segment->is_damaged &&
           segment->file->number < log->sealed_below && segment->next_sequence <= sequence &&
           !log_segment_is_open(log, segment);
}

/* The oldest file that later records than those of the first `count` files have parts in. */
static uint64_t named_from_behind(const MrLog *log, uint32_t count)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = count; i < log->segment_count; i++) {
        const LogSegment *segment = log->segments[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            least = segment->entries[j].segment < least ? segment->entries[j].segment : least;
        }
    }
    return least;
}

/* With the lock: as many of the first files as can be one. */
static MrStatus choose_range(MrLogNetting *net, MrError *err)
{
    MrLog *log = net->log;
    uint32_t count = 0;
    while (count < log->segment_count && segment_can_go(log, log->segments[count], net->sequence)) {
        count++;
    }
    for (uint64_t named = 0; count > 0; count--) {
        named = named_from_behind(log, count);
        if (named > log->segments[count - 1]->file->number) {
            break;
        }
    }
    net->range_count = count;
    net->range = malloc((count + 1) * sizeof(LogSegment *));
    if (net->range == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        net->range[i] = log->segments[i];
        net->end = log->segments[i]->next_sequence;
    }
    return MR_OK;
}

uint32_t log_net_find(const MrLogNetting *net, uint32_t stream_id)
{
    uint32_t low = 0, high = net->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (net->tables[middle].stream_id < stream_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < net->table_count && net->tables[low].stream_id == stream_id ? low : UINT32_MAX;
}

uint32_t log_net_table(const MrLogNetting *net, const LogIndexEntry *at)
{
    uint32_t t = at->kind == MR_RECORD_ROWS ? log_net_find(net, at->stream_id) : UINT32_MAX;
    return t != UINT32_MAX && at->sequence + at->row_count <= net->tables[t].below ? t : UINT32_MAX;
}

bool log_net_keeps(const MrLogNetting *net, const LogSegment *segment, const LogIndexEntry *at)
{
    return log_entry_is_needed(net->log, at, net->sequence) &&
           !log_entry_is_gone(net->log, segment, at);
}

typedef struct Weight {
    uint64_t rows, bytes;
} Weight;

/* What would stay, about: of a table as large a part as it has rows of all that were logged. */
static uint64_t weigh(MrLogNetting *net, Weight *weights)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < net->range_count; i++) {
        const LogSegment *segment = net->range[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            const LogIndexEntry *at = &segment->entries[j];
            uint32_t t = log_net_table(net, at);
            if (at->is_damaged || at->kind == MR_RECORD_GAP) {
                return UINT64_MAX; /* what is left of damage stays as it is */
            }
            if (!log_net_keeps(net, segment, at)) {
                continue;
            }
            if (t == UINT32_MAX) {
                bytes += at->bytes;
            } else {
                weights[t].rows += at->row_count;
                weights[t].bytes += at->bytes;
            }
        }
        pthread_mutex_unlock(&net->log->lock); /* others' turn */
        pthread_mutex_lock(&net->log->lock);
    }
    for (uint32_t t = 0; t < net->table_count; t++) {
        const Weight *all = &weights[t];
        uint64_t rows = net->tables[t].row_count < all->rows ? net->tables[t].row_count : all->rows;
        bytes +=
            all->rows == 0 ? 0 : (uint64_t)((double)all->bytes * (double)rows / (double)all->rows);
    }
    return bytes;
}

/* With the lock.  Less than one full file is not much; what was not worth it is looked at again
 * when there is more of it. */
static MrStatus is_worth_it(MrLogNetting *net, bool *out, MrError *err)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < net->range_count; i++) {
        bytes += net->range[i]->file->end;
    }
    *out = false;
    if (net->range_count < 2 || bytes < net->log->options.segment_bytes ||
        bytes / 9 * 8 <= net->log->weighed_bytes) {
        return MR_OK;
    }
    Weight *weights = calloc(net->table_count + 1, sizeof *weights);
    if (weights == NULL) {
        return mr_error_no_memory(err);
    }
    *out = weigh(net, weights) <= bytes / 2;
    net->log->weighed_bytes = *out ? 0 : bytes;
    free(weights);
    return MR_OK;
}

/* ---- which rows ------------------------------------------------------------------------------ */

MrStatus log_net_check_cancel(const MrLogNetting *net, MrError *err)
{
    return atomic_load_explicit(net->is_cancelled, memory_order_relaxed)
               ? mr_error_set(err, MR_ERR_CANCELED, "the server is stopping")
               : MR_OK;
}

MrStatus log_net_filter(uint32_t stream_id, MrArena *arena, MrLogFilter *out, MrError *err)
{
    uint64_t *wanted;
    const uint32_t words = stream_id / 64 + 1;
    MR_NEW_ARRAY(arena, wanted, words, err);
    memset(wanted, 0, words * sizeof *wanted);
    mr_bitmap_set(wanted, stream_id);
    *out = (MrLogFilter){ .streams = wanted, .stream_words = words };
    return MR_OK;
}

/* The table again, each row as of its own sequence.  A record that is only partly below the table's
 * limit is behind it. */
static MrStatus replay_table(MrLogNetting *net, MrLogNetTable *one, MrTable *table, MrError *err)
{
    MrArena arena;
    MrLogFilter filter;
    MrStatus status = MR_OK;
    uint64_t next = 1;
    mr_arena_init(&arena, 0);
    while (status == MR_OK && next < one->below) {
        MrLogRecord record;
        bool found = false;
        mr_arena_reset(&arena);
        status = log_net_filter(one->stream_id, &arena, &filter, err);
        if (status == MR_OK) {
            status =
                mr_log_read(net->log, next, one->below - 1, &filter, &arena, &record, &found, err);
        }
        if (status != MR_OK || !found) {
            break;
        }
        if (record.whole_end >= one->below) {
            one->below = record.first_sequence;
        } else if (record.kind == MR_RECORD_ROWS) {
            status = mr_table_replay_each(table, record.block, record.first_sequence, err);
        }
        next = record.whole_end + 1;
        mr_log_release(&record);
        mr_table_vacuum(table);
        if (status == MR_OK) {
            status = log_net_check_cancel(net, err);
        }
    }
    mr_arena_fini(&arena);
    return status;
}

static int sequence_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static MrStatus find_living(MrLogNetting *net, uint32_t t, MrError *err)
{
    MrTableMemory memory = { 0 };
    MrTableOptions options = net->tables[t].table;
    MrTable *table;
    Living *living = &net->living[t];
    options.memory = &memory;
    net->tables[t].below = net->tables[t].below < net->end ? net->tables[t].below : net->end;
    MR_TRY(mr_table_create(&options, &table, err));
    MrStatus status = replay_table(net, &net->tables[t], table, err);
    if (status == MR_OK) {
        living->count = mr_table_row_count(table);
        living->sequences = malloc((living->count + 1) * sizeof *living->sequences);
        status = living->sequences == NULL ? mr_error_no_memory(err) : MR_OK;
    }
    if (status == MR_OK) {
        mr_table_row_sequences(table, living->sequences);
        qsort(living->sequences, living->count, sizeof *living->sequences, sequence_compare);
    }
    mr_table_destroy(table);
    return status;
}

static MrStatus write_file(MrLogNetting *net, MrError *err)
{
    MrLog *log = net->log;
    net->living = calloc(net->table_count + 1, sizeof *net->living);
    if (net->living == NULL) {
        return mr_error_no_memory(err);
    }
    for (uint32_t t = 0; t < net->table_count; t++) {
        MR_TRY(find_living(net, t, err));
    }
    MR_TRY(mr_segment_create_copy(log->directory, net->range[net->range_count - 1]->file->number,
                                  MR_SEGMENT_START, mr_clock_wall_us(log->options.clock),
                                  &net->fresh.file, err));
    for (uint32_t i = 0; i < net->range_count; i++) {
        MR_TRY(log_net_copy(net, net->range[i], err));
    }
    return log_net_seal(net, err);
}

MrStatus mr_log_net_make(MrLog *log, uint64_t sequence, MrLogNetTable *tables, uint32_t count,
                         const atomic_bool *is_cancelled, MrLogNetting **out, MrError *err)
{
    bool is_worth = false;
    *out = NULL;
    MrLogNetting *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return mr_error_no_memory(err);
    }
    *net = (MrLogNetting){ .log = log,
                           .sequence = sequence,
                           .tables = tables,
                           .table_count = count,
                           .is_cancelled = is_cancelled };
    pthread_mutex_lock(&log->lock);
    MrStatus status = choose_range(net, err);
    if (status == MR_OK) {
        status = is_worth_it(net, &is_worth, err);
    }
    pthread_mutex_unlock(&log->lock);
    if (status == MR_OK && is_worth) {
        status = write_file(net, err);
    }
    if (status != MR_OK || !is_worth) {
        mr_log_net_close(net);
        return status;
    }
    *out = net;
    return MR_OK;
}

uint64_t mr_log_net_end(const MrLogNetting *netting)
{
    return netting->end;
}

/* ---- in the others' place -------------------------------------------------------------------- */

/* With the lock: the last of the files is the new one, and the others leave the log. */
static void take_place(MrLogNetting *net)
{
    MrLog *log = net->log;
    LogSegment *last = net->range[net->range_count - 1];
    const uint32_t gone = net->range_count - 1;
    for (uint32_t i = 0; i < net->range_count; i++) {
        log_segment_forget(net->range[i]);
    }
    LogSegment old = *last;
    *last = net->fresh;
    net->fresh = old;
    log->segment_count -= gone;
    memmove(log->segments, log->segments + gone, log->segment_count * sizeof *log->segments);
    for (uint32_t t = 0; t < net->table_count; t++) {
        LogStream *stream = log_stream_find(log, net->tables[t].stream_id);
        if (stream != NULL) {
            stream->state.is_netted = 1;
        }
    }
    net->is_published = true;
}

static MrStatus remove_others(MrLogNetting *net, MrError *err)
{
    MrStatus status = MR_OK;
    for (uint32_t i = 0; i + 1 < net->range_count; i++) {
        MrStatus removed = mr_file_remove(net->range[i]->file->path, err);
        status = removed == MR_OK ? status : removed;
        log_segment_free(net->range[i]);
    }
    return status;
}

MrStatus mr_log_net_publish(MrLogNetting *net, MrError *err)
{
    MrLog *log = net->log;
    uint64_t before = 0;
    for (uint32_t i = 0; i < net->range_count; i++) {
        before += net->range[i]->file->end;
    }
    mr_fault_point("log.before_net");
    MR_TRY(mr_segment_publish_copy(log->directory, net->fresh.file, err));
    mr_fault_point("log.after_net");
    pthread_mutex_lock(&log->lock);
    take_place(net);
    const LogSegment *now = log->segments[0];
    mr_log_line(MR_LOG_INFO, "log.netted",
                "\"%s\" has %" PRIu64 " bytes, %u files up to sequence %" PRIu64 " had %" PRIu64,
                now->file->path, now->file->end, net->range_count, net->end - 1, before);
    pthread_mutex_unlock(&log->lock);
    MrStatus status = remove_others(net, err);
    pthread_mutex_lock(&log->lock);
    (void)log_reserve_retake(log);
    pthread_mutex_unlock(&log->lock);
    return status;
}

void mr_log_net_close(MrLogNetting *net)
{
    if (net == NULL) {
        return;
    }
    if (!net->is_published && net->fresh.file != NULL) {
        (void)mr_file_remove(net->fresh.file->path, NULL); /* a start would remove it, too */
    }
    for (uint32_t t = 0; net->living != NULL && t < net->table_count; t++) {
        free(net->living[t].sequences);
    }
    mr_segment_release(net->fresh.file);
    log_segment_drop_entries(&net->fresh);
    free(net->fresh.moved);
    free(net->living);
    free(net->range);
    free(net);
}
